"""The cloud API: creates, lists, stops and deletes DCS migration tasks. Nothing here depends on Pulumi."""
