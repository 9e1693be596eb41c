"""The cost of the plugin process: its start, one operation, its memory. It is called as by Pulumi, but without
the CLI."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from dcs_emulator import Emulator
from dcs_migration.providers.migration_task import MigrationTaskProvider
from tests.host.harness import Plugin, StandInEngine, State, by_reference
from tools.bench.nothing import NothingProvider
from tools.bench.stacks import settings

PROVIDERS = {"nothing": by_reference(NothingProvider()), "ours": by_reference(MigrationTaskProvider())}
MANY = 1_000

Row = dict[str, Any]
Figures = dict[tuple[str, str], list[float]]  # (figure, provider): one value for each round


def measure(rounds: int, say: Callable[[str], None]) -> dict[str, list[Row]]:
    """Time the operations and read the memory of both plugins, in turn."""
    times: Figures = {}
    memory: Figures = {}
    for number in range(rounds):
        say(f"plugin: round {number + 1} of {rounds}")
        for whose in sorted(PROVIDERS, reverse=bool(number % 2)):
            _live(whose, times, memory)
    return {"plugin": _rows(times, 1_000, "ms"), "memory": _rows(memory, 1 / 2**20, "mb")}


def _rows(figures: Figures, factor: float, unit: str) -> list[Row]:
    def median(what: str, whose: str) -> float:
        return round(statistics.median(figures[what, whose]) * factor, 1)

    return [
        {"what": what, f"nothing_{unit}": median(what, "nothing"), f"ours_{unit}": median(what, "ours")}
        for what in dict.fromkeys(what for what, _ in figures)
    ]


def _live(whose: str, times: Figures, memory: Figures) -> None:
    """Run many tasks with one plugin, and measure them."""

    def timed(what: str, act: Callable[..., Any], *args: Any) -> Any:
        began = time.perf_counter()
        result = act(*args)
        times.setdefault((what, whose), []).append(time.perf_counter() - began)
        return result

    def weigh(what: str) -> None:
        memory.setdefault((what, whose), []).append(psutil.Process(plugin._process.pid).memory_info().rss)

    def name(operation: str, number: int) -> str:
        return f"{operation}, {'first' if number == 0 else 'next'}"

    engine = StandInEngine()
    with Emulator(progression="immediate") as emulator, tempfile.TemporaryDirectory() as folder:
        plugin: Plugin = timed("start", Plugin, engine, settings(emulator), Path(folder))
        plugin._provider = PROVIDERS[whose]
        with plugin:
            weigh("started")
            states: list[State] = []
            for number in range(MANY):
                checked = timed(name("check", number), plugin.check, _inputs(number))
                state = timed(name("create", number), plugin.create, checked.inputs)
                states.append(state)
                if number == 0:
                    weigh("after the first create")
            weigh(f"after {MANY:,} creates")
            for number, state in enumerate(states):
                timed(name("read", number), plugin.read, state.id, state.outputs)
            weigh(f"after {MANY:,} reads")
    engine.stop()


def _inputs(number: int) -> Row:
    return {
        "migration_type": "backupfile_import",
        "migration_method": "full_amount_migration",
        "backup_files": {"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]},
        "target_instance": {"id": f"4cd5dbb8-aacd-4603-b817-{number:012d}"},
        "__urn": f"urn:pulumi:dev::bench::pulumi-python:dynamic/dcs:MigrationTask::task{number}",
        "__owner": "the bench",
    }
