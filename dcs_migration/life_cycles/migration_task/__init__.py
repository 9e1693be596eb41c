"""The lifecycle of a ``MigrationTask``: checking, comparing, creating, reading and deleting."""
