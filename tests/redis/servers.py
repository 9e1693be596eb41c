"""What the tests with real Redis servers share."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from redis import Redis

from dcs_emulator import Emulator
from dcs_emulator.real_data.endpoints import Endpoint
from dcs_emulator.real_data.servers import RedisServer
from tests.signing import SignedClient

TARGET_ID = "target-1"
LONG = 60.0


@dataclass
class Server:
    """A Redis server, its place, and a client of its database 0 (`database` gives others)."""

    place: Endpoint
    process: RedisServer
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.database(0)

    def database(self, number: int) -> Any:
        """Return a client of a database."""
        return Redis(self.place.host, self.place.port, number, self.place.password, protocol=2)

    def fill(self, keys: int, prefix: str = "key", size: int = 10) -> None:
        """Write so many keys, with values of so many bytes."""
        pipeline = self.client.pipeline(transaction=False)
        for number in range(keys):
            pipeline.set(f"{prefix}:{number}", f"{number}".ljust(size, "."))
        pipeline.execute()

    def save(self, file: Path) -> None:
        """Make a backup file of all databases."""
        until(
            lambda: not self.client.info("persistence")["rdb_bgsave_in_progress"]
        )  # for a replica that has disconnected
        self.client.save()
        shutil.copy(self.process.dump, file)


@dataclass
class World:
    """A source, a target, and a folder that is the bucket ``backups``."""

    source: Server
    target: Server
    bucket: Path = Path()

    @contextmanager
    def emulator(self, redis: dict[str, str] | None = None, **options: Any) -> Iterator[Runner]:
        """Run an emulator that knows the target as `TARGET_ID`, and the bucket."""
        places = {TARGET_ID: str(self.target.place)} if redis is None else redis
        with Emulator(redis=places, buckets={"backups": self.bucket}, **options) as cloud:
            yield Runner(self, cloud)


class Runner:
    """Creates tasks in an emulator, and waits for them."""

    def __init__(self, world: World, cloud: Emulator) -> None:
        self._world = world
        self.cloud = cloud
        self.client = SignedClient(cloud.url)

    def start_import(self, *files: str, **target: str) -> str:
        """Start a backup import of files of the bucket; ``target`` changes the target instance."""
        names = [{"file_name": name} for name in files]
        return self.client.create(
            backup_files={"bucket_name": "backups", "files": names}, target_instance=self._target(target)
        )

    def start_online(self, *, incremental: bool = False, target: Any = None, **source: str) -> str:
        """Start an online migration; ``source`` and ``target`` change the instances."""
        place = self._world.source.place
        return self.client.create(
            migration_type="online_migration",
            migration_method="incremental_migration" if incremental else "full_amount_migration",
            backup_files=None,
            source_instance={"addrs": str(place), "password": place.password, **source},
            target_instance=self._target(target or {}),
        )

    def _target(self, changes: dict[str, str]) -> dict[str, str]:
        return {"id": TARGET_ID, "password": str(self._world.target.place.password), **changes}

    def wait(self, task_id: str, *statuses: str) -> None:
        """Wait until the task has one of these statuses, and fail when it has another that is final."""
        final = {"SUCCESS", "FAILED", "TERMINATED", "INCRMIGEATING"}
        until(lambda: self.client.status(task_id) in {*statuses, *final})
        assert self.client.status(task_id) in statuses, self.log(task_id)

    def failed(self, task_id: str) -> str:
        """Wait for the task's failure and return the reason, which list and log agree on."""
        self.wait(task_id, "FAILED")
        reason = str(self.client.rows(name="orders")[0]["error_message"])
        assert self.log(task_id, "ERROR") == [reason]
        assert "\n" not in reason
        for word in ("source-secret", "target-secret", "wrong-secret"):
            assert word not in str(self.log(task_id)) + str(self.cloud.requests())
        return reason

    def log(self, task_id: str, level: str = "") -> list[str]:
        """Return the messages of the task's log."""
        query = {"log_level": level} if level else {}
        answer = self.client.call("GET", f"migration-task/{task_id}/logs", limit=100, **query)
        return [row["message"] for row in answer.json()["migration_logs"]]

    def statistics(self, task_id: str) -> dict[str, Any]:
        """Return the answer of ShowMigrationTaskStats."""
        return self.client.statistics(task_id)


def world_of(source: tuple[Endpoint, RedisServer], target: tuple[Endpoint, RedisServer]) -> World:
    """Return the world of two servers."""
    return World(Server(*source), Server(*target))


def empty(server: Server) -> None:
    """Make a server forget its data and whom it follows."""
    server.client.replicaof("NO", "ONE")
    server.client.flushall()


def until(condition: Callable[[], bool], seconds: float = LONG) -> None:
    """Wait until something is so, which other processes bring about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def process_ids(parent: int | None = None) -> set[int]:
    """Return the ids of the servers' processes that a process (this one) has started."""
    children = psutil.Process(parent or os.getpid()).children(recursive=True)
    return {child.pid for child in children if _is_server(child)}


def _is_server(process: psutil.Process) -> bool:
    """Whether a process is a server: neither one that only tells its version, nor one that has ended."""
    try:
        command = process.cmdline()  # empty once it has ended
        named = process.name().startswith(("redis-server", "valkey-server"))
        return named and bool(command) and "--version" not in command
    except psutil.NoSuchProcess:
        return False


def write_everything(server: Server) -> None:
    """Write every type of value, binary keys, limited lives, and several databases."""
    client = server.client
    client.set("text", "blå")
    client.set(b"\x00\xff\r\n *", b"\x00\x01\xff")
    client.set("", "the empty name")
    client.set("{a b}'\"", "quotes")
    client.set("short lived", "x", px=3_600_000)
    client.rpush("list", *range(500))
    client.sadd("set", "a", b"\xfe", "c")
    client.sadd("numbers", *range(1_000))
    client.zadd("ranks", {"first": 1.5, "last": float("inf")})
    client.hset("hash", mapping={f"field {number}": "x" * number for number in range(200)})
    client.expire("hash", 7_200)
    client.setbit("bits", 100_000, 1)
    client.pfadd("guess", *range(1_000))
    client.geoadd("places", (13.4, 52.5, "Berlin"))
    client.set("large", "y" * 3_000_000)
    first = client.xadd("stream", {"kind": "made", b"\xff": b"\x00"})
    client.xadd("stream", {"kind": "paid"})
    client.xgroup_create("stream", "workers", "0")
    client.xreadgroup("workers", "one", {"stream": ">"}, count=1)
    client.xdel("stream", first)
    server.database(1).set("text", "of database 1")
    server.database(300).hset("far", "away", 1)


def everything(server: Server) -> dict[tuple[int, bytes], Any]:
    """Return all keys of all databases with type and value, and whether they have a limited life."""
    found: dict[tuple[int, bytes], Any] = {}
    for name in server.client.info("keyspace"):
        client = server.database(int(name.removeprefix("db")))
        for key in client.keys("*"):
            kind = client.type(key).decode()
            life = client.pttl(key)
            found[int(name.removeprefix("db")), key] = (kind, life > 0, _READ[kind](client, key))
    return found


_GROUP = ("name", "consumers", "pending", "last-delivered-id")


def _stream(client: Any, key: bytes) -> Any:
    groups = client.xinfo_groups(key)
    told = [{name: group[name] for name in _GROUP} for group in groups]  # newer servers tell more
    return client.xrange(key), told, [client.xpending(key, group["name"]) for group in groups]


_READ: dict[str, Callable[[Any, bytes], Any]] = {
    "string": lambda client, key: client.get(key),
    "list": lambda client, key: client.lrange(key, 0, -1),
    "set": lambda client, key: client.smembers(key),
    "zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
    "hash": lambda client, key: client.hgetall(key),
    "stream": _stream,
}
