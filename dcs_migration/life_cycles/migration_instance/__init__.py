"""The lifecycle of a ``MigrationInstance``: the machine on which an online migration runs."""
