"""What all resources for a task of the service share: the owner mark, and how the task is created, read and deleted."""
