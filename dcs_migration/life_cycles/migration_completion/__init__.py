"""The lifecycle of a ``MigrationCompletion``: waiting for tasks, and touching none of them."""
