"""The native provider with the real CLI and the real plugin."""
