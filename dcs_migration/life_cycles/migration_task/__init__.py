"""The life cycle of a ``MigrationTask``: checking, comparing, creating, reading and deleting."""
