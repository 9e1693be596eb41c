"""The cost of waiting for 1 and 1,000 tasks: calls to the service, and the delay until the end is noticed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dcs_emulator import Emulator
from dcs_migration.dcs.auth import KeyPairAuth
from dcs_migration.dcs.client import DcsClient
from dcs_migration.dcs.transport import Transport
from tools.bench.stacks import LIMIT, PROJECT, UP, stack_over

INTERVAL = 2  # seconds between two polls
WRITERS = 4  # how many tasks are created at the same time
PROGRAM = """from dcs_migration import MigrationCompletion

MigrationCompletion("done", task_ids={ids!r}, interval="{interval}s")
"""

Row = dict[str, Any]


def measure(sizes: Sequence[int], seconds: float, say: Callable[[str], None]) -> list[Row]:
    """Wait for tasks of another stack, which all end together after this many seconds."""
    rows = []
    for size in sizes:
        say(f"completion of {size:,} task(s)")
        rows.append(_wait(size, seconds))
    return rows


def _wait(size: int, seconds: float) -> Row:
    with Emulator(progression="manual") as emulator, stack_over(emulator) as stack:
        ids = _create(emulator, size)
        emulator.clear_requests()
        stack.write(PROGRAM.format(ids=ids, interval=INTERVAL))
        with ThreadPoolExecutor(1) as pool:
            ended = pool.submit(_end, emulator, ids, seconds)
            waited = stack.run(*UP)
            until = time.time()
        calls = Counter(entry["operation"] for entry in emulator.requests())
        return {
            "tasks": size,
            "interval_s": INTERVAL,
            "up_s": round(waited.wall, 1),
            "late_s": round(until - ended.result(), 1),
            "calls": dict(sorted(calls.items())),
        }


def _create(emulator: Emulator, size: int) -> list[str]:
    auth = KeyPairAuth(emulator.access_key, emulator.secret_key, None, PROJECT)
    client = DcsClient(Transport(emulator.url, auth), PROJECT)

    def create(number: int) -> str:
        body = {
            "task_name": f"task-{number}",
            "migration_type": "backupfile_import",
            "migration_method": "full_amount_migration",
            "backup_files": {"bucket_name": "b", "files": [{"file_name": "a.rdb"}]},
            "target_instance": {"id": f"4cd5dbb8-aacd-4603-b817-{number:012d}"},
        }
        return str(client.create_migration_task(body).id)

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(create, range(size)))


def _end(emulator: Emulator, ids: Sequence[str], seconds: float) -> float:
    """Let the tasks succeed some time after the first poll; return the Unix time."""
    until = time.monotonic() + LIMIT
    while not emulator.requests() and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(seconds)
    for id_ in ids:
        emulator.set_status(id_, "SUCCESS")
    return time.time()
