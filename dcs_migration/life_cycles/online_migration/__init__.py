"""The lifecycle of an ``OnlineMigration``: a migration on a migration instance, and its wanted state."""
