"""What the emulator costs: its start, moves of real data, calls, memory. Run by ``make bench``."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis import Redis

from dcs_migration.dcs.auth import sign
from dcs_migration.emulator.real_data.places import Place
from dcs_migration.emulator.real_data.servers import RedisServer, local_redis

ROOT = Path(__file__).resolve().parent.parent
PROJECT = "0123456789abcdef0123456789abcdef"
KEYS = 100_000
STARTS = 5
MOVES = 3
CONNECTIONS = 4
WARM_UP = 1_000
CALLS = 10_000
MANY_TASKS, MANY_CALLS = 10_000, 100_000
POLL_SECONDS = 0.005
BOUND = 300.0


def main() -> int:
    """Measure everything and print it."""
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    )
    measure_start()
    measure_moves()
    measure_calls()
    return 0


def measure_start() -> None:
    """Print how long it takes from the start of the command to its line."""
    with tempfile.TemporaryDirectory() as folder:
        kinds: dict[str, tuple[str, ...]] = {
            "plain": (),
            "with --redis and --bucket": ("--redis", "a=127.0.0.1:6379", "--bucket", f"b={folder}"),
        }
        print(f"\nTime to the line `listening on`, median (and worst) of {STARTS}")
        for kind, options in kinds.items():
            seconds = [started for _ in range(STARTS) for started, _ in _starts(*options)]
            print(f"  {kind:<42} {statistics.median(seconds):6.2f} s ({max(seconds):.2f} s)")


def _starts(*options: str) -> Iterator[tuple[float, None]]:
    began = time.monotonic()
    with emulator(*options):
        yield time.monotonic() - began, None


def measure_moves() -> None:
    """Print how long the keys take by each way, beside Redis alone."""
    print(f"\n{KEYS:,} keys of 100 bytes, best of {MOVES}")
    with (
        local_redis() as (source, process),
        local_redis() as (target, _),
        tempfile.TemporaryDirectory() as folder,
    ):
        fill(source)
        save(source, process, Path(folder) / "orders.rdb")
        options = ("--redis", f"target={target}", "--bucket", f"backups={folder}")
        with emulator(*options) as (url, _):
            caller = Caller(url)
            backup = {"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]}
            online = {"migration_type": "online_migration", "source_instance": {"addrs": str(source)}}
            moves: dict[str, Callable[[], None]] = {
                "REPLICAOF by hand, until in step": lambda: replicate(source, target),
                "backup import, from create to SUCCESS": lambda: caller.migrate(backup_files=backup),
                "online migration, from create to SUCCESS": lambda: caller.migrate(**online),
            }
            for name, move in moves.items():
                print(f"  {name:<42} {min(_timed(move, target) for _ in range(MOVES)):6.2f} s")


def _timed(move: Callable[[], None], target: Place) -> float:
    with client(target) as redis:
        redis.replicaof("NO", "ONE")
        redis.flushall()
        began = time.monotonic()
        move()
        seconds = time.monotonic() - began
        if redis.dbsize() != KEYS:
            raise SystemExit(f"bench: {redis.dbsize()} keys have arrived")
    return seconds


def measure_calls() -> None:
    """Print how many signed calls one core answers, and what memory tasks and calls take."""
    cores = _cores()
    apart = _take_core(cores)
    with emulator("--duration", "0") as (url, process):
        _leave_core(cores)
        print(f"\nSigned calls over {CONNECTIONS} connections, {apart}")
        caller = Caller(url)
        task_id = caller.create()
        show = caller.request("GET", f"migration-task/{task_id}")
        listing = caller.request("GET", "migration-tasks")
        caller.rate(show, WARM_UP)
        before = _memory(process.pid)
        print(f"  ShowMigrationTask, 1 task {caller.rate(show, CALLS):22,.0f} calls/s")
        print(f"  ListMigrationTask, 1 task {caller.rate(listing, CALLS):22,.0f} calls/s")
        body = _creation({"backup_files": {"bucket_name": "b", "files": [{"file_name": "f.rdb"}]}})
        create = caller.request("POST", "migration-task", body)
        print(
            f"  CreateMigrationTask, up to {MANY_TASKS:,} tasks {caller.rate(create, MANY_TASKS):8,.0f} calls/s"
        )
        rest = MANY_CALLS - MANY_TASKS - 2 * CALLS - CALLS
        print(f"  ShowMigrationTask, {MANY_TASKS:,} tasks {caller.rate(show, CALLS + rest):17,.0f} calls/s")
        print(f"  ListMigrationTask, {MANY_TASKS:,} tasks {caller.rate(listing, CALLS):17,.0f} calls/s")
        after = _memory(process.pid)
        print(
            f"\nMemory: {before:.0f} MB after {WARM_UP:,} calls; {after:.0f} MB with {MANY_TASKS:,} tasks "
            f"and after {MANY_CALLS:,} more calls"
        )


class Caller:
    """Calls an emulator with requests that were signed once, over plain sockets: a client that costs little."""

    def __init__(self, url: str) -> None:
        """Take the emulator's address."""
        self._url = url
        parts = urlsplit(url)
        self._address = (str(parts.hostname), int(parts.port or 0))

    def request(self, method: str, rest: str, body: bytes = b"") -> bytes:
        """Return a whole signed request."""
        path = f"/v2/{PROJECT}/{rest}"
        headers = {"Host": urlsplit(self._url).netloc}
        if body:
            headers["Content-Type"] = "application/json"
        now = datetime.now(timezone.utc)
        headers.update(sign(method, self._url + path, headers, body, "emulator", "emulator", now))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body

    def rate(self, request: bytes, calls: int) -> float:
        """Make so many calls over all connections; returns calls per second."""
        threads = [
            threading.Thread(target=self._repeat, args=(request, calls // CONNECTIONS))
            for _ in range(CONNECTIONS)
        ]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return calls / (time.monotonic() - began)

    def create(self, **fields: Any) -> str:
        """Create a task and return its id."""
        fields = fields or {"backup_files": {"bucket_name": "b", "files": [{"file_name": "f.rdb"}]}}
        return str(self._answer(self.request("POST", "migration-task", _creation(fields)))["id"])

    def migrate(self, **fields: Any) -> None:
        """Create a task and wait until it has succeeded."""
        show = self.request("GET", f"migration-task/{self.create(**fields)}")
        until = time.monotonic() + BOUND
        while (status := self._answer(show)["status"]) != "SUCCESS":
            if status != "MIGRATING" or time.monotonic() > until:
                raise SystemExit(f"bench: the task is {status}")
            time.sleep(POLL_SECONDS)

    def _answer(self, request: bytes) -> Any:
        with socket.create_connection(self._address) as connection:
            return json.loads(_exchange(connection, request))

    def _repeat(self, request: bytes, calls: int) -> None:
        with socket.create_connection(self._address) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(calls):
                _exchange(connection, request)


def _exchange(connection: socket.socket, request: bytes) -> bytes:
    """Send a request and return the body of its answer, which must be a 200."""
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _received(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise SystemExit(f"bench: the emulator answers {answer!r}")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(body) < length:
        body += _received(connection)
    return body


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise SystemExit("bench: the emulator has cut the connection")
    return data


def _creation(fields: dict[str, Any]) -> bytes:
    request = {
        "task_name": "bench",
        "migration_type": "backupfile_import",
        "migration_method": "full_amount_migration",
        "target_instance": {"id": "target"},
        **fields,
    }
    return json.dumps(request).encode()


@contextmanager
def emulator(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the command on a free port; gives its URL and its process."""
    command = [sys.executable, "-m", "dcs_migration.emulator", "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1], process
        finally:
            process.terminate()


@contextmanager
def client(place: Place) -> Iterator[Any]:
    """Give a client of a Redis server."""
    with Redis(place.host, place.port, protocol=2) as redis:
        yield redis


def fill(place: Place) -> None:
    """Write the keys."""
    with client(place) as redis:
        pipeline = redis.pipeline(transaction=False)
        for number in range(KEYS):
            pipeline.set(f"order:{number}", str(number).ljust(100, "."))
        pipeline.execute()


def save(place: Place, process: RedisServer, file: Path) -> None:
    """Make a backup file."""
    with client(place) as redis:
        redis.save()
    shutil.copy(process.dump, file)


def replicate(source: Place, target: Place) -> None:
    """Make the target a replica, and wait until it is in step."""
    with client(target) as redis:
        redis.replicaof(source.host, source.port)
        until = time.monotonic() + BOUND
        while redis.info("replication").get("master_link_status") != "up":
            if time.monotonic() > until:
                raise SystemExit("bench: the target does not get in step")
            time.sleep(POLL_SECONDS)


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _take_core(cores: list[int]) -> str:
    """Keep to one core, where the system lets us; what is started from now on inherits that."""
    if len(cores) < 2:
        return "emulator and caller sharing what cores there are"
    os.sched_setaffinity(0, cores[:1])
    return "the emulator on one core, the caller on another"


def _leave_core(cores: list[int]) -> None:
    """Leave that core to what has been started meanwhile."""
    if len(cores) > 1:
        os.sched_setaffinity(0, cores[1:])


def _memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    command = ["ps", "-o", "rss=", "-p", str(pid)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1_024


if __name__ == "__main__":
    sys.exit(main())
