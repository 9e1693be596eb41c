"""The program side: what runs in the user's process. It imports no HTTP, schema or server library."""
