"""The plugin side of ``OnlineMigration``: a migration on a migration instance, and its wanted state."""
