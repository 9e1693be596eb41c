"""A marker for the Pulumi CLI: its package `pulumi-dcs-migration` needs no plugin. Import `dcs_migration`.

The CLI takes every distribution whose name begins with `pulumi-` for one that comes with a plugin to download,
unless the import package of the same name holds a `pulumi-plugin.json` that says otherwise.
"""
