"""The lifecycle of a ``MigrationCompletion``: it waits for tasks and never changes them."""
