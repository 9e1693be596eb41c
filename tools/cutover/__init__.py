"""Runs and measures the cutover of examples/online-cutover: see ``__main__``."""
