"""The plugin side of ``OnlineMigration``: what runs on a migration instance, and the state it must be in."""
