"""What the resources share that stand for a task of the service: its owner mark, and how it is made, read and
deleted."""
