"""The lifecycles of the resources. They don't know which front end calls them, or in which process."""
