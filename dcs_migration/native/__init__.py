"""The native provider: the plugin `pulumi-resource-dcs`, over the same life cycles as the dynamic one."""
