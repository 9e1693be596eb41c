"""Real data between real Redis servers: what ``--redis`` and ``--bucket`` switch on.

Redis itself moves the data: ``MIGRATE`` copies keys, ``REPLICAOF`` follows a source, and a temporary redis-server
reads a backup file.
"""
