"""The plugin side: what runs in Pulumi's plugin process (``python -m pulumi.dynamic``)."""
