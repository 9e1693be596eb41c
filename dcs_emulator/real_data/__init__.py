"""Real data between real Redis servers: what ``--redis`` and ``--bucket`` switch on.

There is no copy engine here. Redis moves the data itself: ``MIGRATE`` copies keys, ``REPLICAOF`` follows
a source, and a redis-server started for the purpose reads a backup file.
"""
