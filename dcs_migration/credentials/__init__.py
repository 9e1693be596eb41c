"""Who calls the service: where credentials come from, how temporary keys are fetched and renewed."""
