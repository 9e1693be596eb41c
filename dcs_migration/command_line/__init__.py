"""The commands for the person on call: they look, and never start, stop or delete anything."""
