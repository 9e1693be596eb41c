"""A copy of keys and functions: the sources send them directly to the target, in batches."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from dcs_emulator.real_data.endpoints import Endpoint
from dcs_emulator.real_data.peer import Peer, connect
from dcs_emulator.real_data.progress import MigrationError, Progress
from dcs_emulator.real_data.versions import needed, version_of

LEAST_SECONDS, MOST_SECONDS = 5.0, 600.0
SLOWEST_BYTES = 10_000_000
"""How long MIGRATE waits for a silent target: a target is silent while it works on a key of any size.

It is the size of all data divided by this minimum speed in bytes per second, between the two limits.
"""

FIRST_BATCH = 100
LARGEST_BATCH = 1_000
# The source is blocked while it sends a batch, so the batch depends on the size of its values.
SHORT_SECONDS = 0.02
LONG_SECONDS = 0.1

POLL_SECONDS = 0.25
"""How often the numbers are updated."""


class Meter:
    """The numbers of a copy, part ``part`` of ``parts`` (several files, several sources)."""

    def __init__(self, source: Peer, target: Peer, progress: Progress, part: int = 0, parts: int = 1) -> None:
        self._target = target
        self._progress = progress
        self._part = part
        self._parts = parts
        self._looked = -POLL_SECONDS
        self.total = sum(keys for _, keys in databases(source.info()))
        self.copied = 0

    def add(self, keys: int) -> None:
        """Count copied keys, and report the numbers at intervals."""
        self.copied += keys
        if time.monotonic() - self._looked >= POLL_SECONDS:
            self.report()

    def report(self) -> None:
        """Look at the target and report the numbers."""
        done = min(self.copied / self.total, 1.0) if self.total else 1.0
        self._progress.measure(
            full_migration_progress=int(100 * (self._part + done) / self._parts),
            offset=0,
            source_dbsize=self.total,
            **target_numbers(self._target.info()),
        )
        self._looked = time.monotonic()


def copy_sources(sources: Sequence[Endpoint], target: Endpoint, progress: Progress) -> None:
    """Copy the keys of each source, in this order. Raises `MigrationError` or `Cancelled`."""
    with connect("target", target) as peer:
        refuse_cluster(peer)
        for number, endpoint in enumerate(sources):
            with connect("source", endpoint) as source:
                refuse_cluster(source)
                refuse_itself(source, peer)
                refuse_unreadable(source, peer)
                meter = Meter(source, peer, progress, number, len(sources))
                progress.log("INFO", f"Copying {meter.total} keys from {endpoint}.", "copying")
                copy_functions(source, peer, progress)
                copy_keys(source, peer, meter, progress)
                progress.log("INFO", f"Copied {meter.copied} keys from {endpoint}.", "copied")


def refuse_cluster(peer: Peer) -> None:
    """Raise `MigrationError` for a cluster node, which has and accepts only a part of the data."""
    if peer.info().get("cluster_enabled"):
        raise MigrationError(f"{peer} is a Redis Cluster node, which isn't supported; use a single server")


def refuse_itself(source: Peer, target: Peer) -> None:
    """Raise `MigrationError` if both are the same server, which would wait for itself."""
    if source.info()["run_id"] == target.info()["run_id"]:
        raise MigrationError(f"{source} and the target are the same Redis server")


def refuse_unreadable(source: Peer, target: Peer, *, replicates: bool = False) -> None:
    """Raise `MigrationError` if the target can't read the source's data or replication format."""
    ours, theirs = version_of(source.info()), version_of(target.info())
    rdb = ours.replicates_to(theirs) if replicates else ours.rdb
    if not theirs.takes(rdb):
        raise MigrationError(
            f"{target} ({theirs}) can't read the data of {source} ({ours}, RDB version {rdb}); "
            f"migrate into {needed(rdb)}"
        )


def copy_keys(source: Peer, target: Peer, meter: Meter, progress: Progress) -> None:
    """Copy every key of every database. Existing keys with the same names are overwritten, others are kept.

    Raises `MigrationError`, or `Cancelled` between two batches.
    """
    meter.report()
    info = source.info()
    seconds = migrate_timeout(info)
    # The source is also silent while it packs a large key, sends it, and waits.
    with source.with_timeout(2 * seconds + LEAST_SECONDS) as mover:
        for database, _ in databases(info):
            mover.call("SELECT", database)
            for keys in _batches(mover, progress):
                _migrate(mover, target, database, keys, seconds)
                meter.add(len(keys))
    meter.report()


def migrate_timeout(info: dict[str, Any]) -> float:
    """Return how many seconds one MIGRATE may wait, from the source's INFO."""
    data: int = info.get("used_memory_dataset") or info.get("used_memory", 0)
    return min(max(data / SLOWEST_BYTES, LEAST_SECONDS), MOST_SECONDS)


def databases(info: dict[str, Any]) -> list[tuple[int, int]]:
    """Return the databases with keys and their number of keys, from INFO."""
    found = [(name[2:], row) for name, row in info.items() if name.startswith("db") and name[2:].isdigit()]
    return sorted((int(number), int(row["keys"])) for number, row in found)


def target_numbers(info: dict[str, Any]) -> dict[str, Any]:
    """Return the statistics from a target's INFO."""
    return {
        "target_dbsize": sum(keys for _, keys in databases(info)),
        "target_input_kbps": info.get("instantaneous_input_kbps", 0),
        "target_ops": info.get("instantaneous_ops_per_sec", 0),
    }


def _batches(source: Peer, progress: Progress) -> Iterator[list[bytes]]:
    """Yield batches of key names that can be sent in a short time."""
    cursor, count = 0, FIRST_BATCH
    while True:
        progress.check()
        cursor, keys = source.call("SCAN", cursor, "COUNT", count)
        if keys:
            began = time.monotonic()
            yield keys
            took = time.monotonic() - began
            if took < SHORT_SECONDS:
                count = min(2 * count, LARGEST_BATCH)
            elif took > LONG_SECONDS:
                count = max(count // 2, 1)
        if not int(cursor):
            return


def _migrate(source: Peer, target: Peer, database: int, keys: list[bytes], seconds: float) -> None:
    password = [] if target.password is None else ["AUTH", target.password]
    try:
        source.call(
            *("MIGRATE", target.ip, target.port, "", database, int(1_000 * seconds), "COPY", "REPLACE"),
            *password,
            "KEYS",
            *keys,
        )
    except MigrationError as error:
        raise MigrationError(_explained(str(error), target)) from None


def _explained(said: str, target: Peer) -> str:
    """Return the message of a failed MIGRATE; the source also reports the target's errors."""
    _, of_target, reply = said.partition("Target instance replied with error: ")
    if "IOERR" in said:
        return f"{target} stopped responding: {said[said.index('IOERR') :]}"
    if not of_target:
        return said
    if reply.startswith("OOM"):
        return f"{target} is out of memory: {reply}"
    return f"{target} refused the data: {reply}"


def copy_functions(source: Peer, target: Peer, progress: Progress) -> None:
    """Copy the function libraries. As with keys, libraries with the same names are replaced, and others are kept.

    If the target doesn't accept one, there is a WARN row in the log, because the keys don't need them.
    """
    try:
        libraries = len(source.call("FUNCTION LIST"))
    except MigrationError:
        return  # older than Redis 7, so there are no functions
    if not libraries:
        return
    amount = f"{libraries} function {'library' if libraries == 1 else 'libraries'}"
    try:
        target.call("FUNCTION RESTORE", source.call("FUNCTION DUMP"), "REPLACE")
    except MigrationError as error:
        progress.log("WARN", f"{amount} not copied: {error}", "functions")
    else:
        progress.log("INFO", f"Copied {amount}.", "functions")
