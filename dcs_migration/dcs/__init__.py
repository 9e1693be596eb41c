"""The cloud API: DCS migration tasks are created, listed, stopped and deleted. Nothing here knows Pulumi."""
