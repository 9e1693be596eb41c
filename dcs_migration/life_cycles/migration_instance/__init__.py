"""The plugin side of ``MigrationInstance``: the machine on which an online migration runs."""
