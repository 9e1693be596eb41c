"""The time that the emulator takes to move real data between Redis servers, compared to Redis alone."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis

from dcs_emulator.real_data.endpoints import Endpoint
from dcs_emulator.real_data.servers import local_redis
from tools.bench.caller import BOUND, POLL_SECONDS, Caller, emulator
from tools.bench.stacks import BenchError

KEYS = 100_000


def measure(rounds: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Move the keys this many times in each way; the best time counts."""
    say(f"emulator: moves of {KEYS:,} keys")
    with (
        local_redis() as (source, process),
        local_redis() as (target, _),
        tempfile.TemporaryDirectory() as folder,
    ):
        _fill(source)
        with _client(source) as redis:
            redis.save()
        shutil.copy(process.dump, Path(folder) / "orders.rdb")
        with emulator("--redis", f"target={target}", "--bucket", f"backups={folder}") as (url, _):
            caller = Caller(url)
            backup = {"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]}
            online = {"migration_type": "online_migration", "source_instance": {"addrs": str(source)}}
            moves: dict[str, Callable[[], None]] = {
                "`REPLICAOF` by hand, until in step": lambda: _replicate(source, target),
                "backup import, from create to SUCCESS": lambda: caller.migrate(backup_files=backup),
                "online migration, from create to SUCCESS": lambda: caller.migrate(**online),
            }
            return [
                {"what": what, "best_s": round(min(_timed(move, target) for _ in range(rounds)), 2)}
                for what, move in moves.items()
            ]


def _timed(move: Callable[[], None], target: Endpoint) -> float:
    with _client(target) as redis:
        redis.replicaof("NO", "ONE")
        redis.flushall()
        began = time.monotonic()
        move()
        seconds = time.monotonic() - began
        if redis.dbsize() != KEYS:
            raise BenchError(f"{redis.dbsize()} keys have arrived")
    return seconds


@contextmanager
def _client(place: Endpoint) -> Iterator[Any]:
    with Redis(place.host, place.port, protocol=2) as redis:
        yield redis


def _fill(place: Endpoint) -> None:
    with _client(place) as redis:
        pipeline = redis.pipeline(transaction=False)
        for number in range(KEYS):
            pipeline.set(f"order:{number}", str(number).ljust(100, "."))
        pipeline.execute()


def _replicate(source: Endpoint, target: Endpoint) -> None:
    """Make the target a replica, and wait until it has caught up."""
    with _client(target) as redis:
        redis.replicaof(source.host, source.port)
        until = time.monotonic() + BOUND
        while redis.info("replication").get("master_link_status") != "up":
            if time.monotonic() > until:
                raise BenchError("the target does not get in step")
            time.sleep(POLL_SECONDS)
