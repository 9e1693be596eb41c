"""The cost of the emulator: its start, its calls, its memory."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import psutil

from tools.bench.caller import Caller, emulator

STARTS = 5
WARM_UP = 1_000
TASKS = 10_000

Row = dict[str, Any]


def measure(calls: int, say: Callable[[str], None]) -> dict[str, list[Row]]:
    """Measure everything; each rate with this many calls."""
    say("emulator: start")
    starts = _starts()
    say("emulator: calls")
    return {"emulator_start": starts, **_calls(calls)}


def _starts() -> list[Row]:
    """Measure the time from the start of the command to its output line."""
    with tempfile.TemporaryDirectory() as folder:
        kinds: dict[str, tuple[str, ...]] = {
            "plain": (),
            "with `--redis` and `--bucket`": ("--redis", "a=127.0.0.1:6379", "--bucket", f"b={folder}"),
        }
        return [_start(kind, options) for kind, options in kinds.items()]


def _start(kind: str, options: tuple[str, ...]) -> Row:
    seconds = []
    for _ in range(STARTS):
        began = time.monotonic()
        with emulator(*options):
            seconds.append(time.monotonic() - began)
    return {"what": kind, "median_s": round(statistics.median(seconds), 2), "worst_s": round(max(seconds), 2)}


def _calls(calls: int) -> dict[str, list[Row]]:
    """Measure the rate of signed calls with the emulator on its own core, and the memory that they take."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    rates: list[Row] = []
    memory: list[Row] = []
    try:
        _keep_to(cores[:1])  # processes that start from now on inherit this
        with emulator("--duration", "0") as (url, process):
            _keep_to(cores[1:])
            caller = Caller(url)
            show = caller.request("GET", f"migration-task/{caller.create()}")
            listing = caller.request("GET", "migration-tasks")
            create = caller.creation()

            def rate(what: str, tasks: int, request: bytes, times: int) -> None:
                per_second = round(caller.rate(request, times))
                rates.append({"what": what, "tasks": tasks, "calls_per_s": per_second})

            def weigh(what: str) -> None:
                rss = psutil.Process(process.pid).memory_info().rss
                memory.append({"what": what, "mb": round(rss / 2**20)})

            caller.rate(show, WARM_UP)
            weigh(f"after {WARM_UP:,} calls")
            rate("ShowMigrationTask", 1, show, calls)
            rate("ListMigrationTask", 1, listing, calls)
            rate("CreateMigrationTask", TASKS, create, TASKS)
            weigh(f"with {TASKS:,} tasks")
            rate("ShowMigrationTask", TASKS, show, calls)
            rate("ListMigrationTask", TASKS, listing, calls)
            weigh(f"after {4 * calls:,} more calls")
    finally:
        _keep_to(cores)
    return {"emulator_calls": rates, "emulator_memory": memory}


def _keep_to(cores: list[int]) -> None:
    """Run only on these cores, if there are any and the system allows it."""
    if cores:
        os.sched_setaffinity(0, cores)
