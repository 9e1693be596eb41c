"""The commands for the person on call: they only read, and never start, stop or delete anything."""
