"""Credentials: where they come from, and how temporary keys are fetched and renewed."""
