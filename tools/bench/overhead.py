"""How much longer Pulumi's commands take than with a provider that does nothing, and which calls they make."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from dcs_emulator import Emulator
from tools.bench.stacks import DESTROY, REFRESH, UP, Stack, Timing, stack_over

PREVIEW = ("preview",)
STEPS: dict[str, tuple[str, ...]] = {
    "preview, new": PREVIEW,
    "up": UP,
    "preview, unchanged": PREVIEW,
    "refresh": REFRESH,
    "destroy": DESTROY,
}

IMPORTS = {
    "Nothing": "from nothing import Nothing",
    "Alike": "from nothing import Alike",
    "MigrationTask": "from dcs_migration import MigrationTask",
}
PROGRAM = """{imports}

for number in range({size}):
    {resource}(
        f"task{{number}}",
        migration_type="backupfile_import",
        migration_method="full_amount_migration",
        backup_files={{"bucket_name": "backups", "files": [{{"file_name": "orders.rdb"}}]}},
        target_instance={{"id": f"4cd5dbb8-aacd-4603-b817-{{number:012d}}"}},
    )
"""
NOTHING_MODULE = Path(__file__).with_name("nothing.py").read_text("utf-8")

Row = dict[str, Any]


def measure(rounds: dict[int, int], say: Callable[[str], None]) -> list[Row]:
    """Time each step of both, side by side.

    Args:
        rounds: How often to do it, by the number of resources.
        say: Told what goes on.
    """
    return [row for size, times in rounds.items() for row in _size(size, times, say)]


def _size(size: int, rounds: int, say: Callable[[str], None]) -> list[Row]:
    timings: dict[tuple[str, str], list[Timing]] = {}
    calls: dict[str, Counter[str]] = {}
    with ExitStack() as leaving:
        emulator = leaving.enter_context(Emulator(progression="immediate"))
        stacks = {name: leaving.enter_context(stack_over(emulator)) for name in IMPORTS}
        for name, stack in stacks.items():
            _prepare(stack, name, size)
        for number in range(rounds):
            say(f"overhead: {size:,} resource(s), round {number + 1} of {rounds}")
            for step, command in STEPS.items():
                emulator.clear_requests()
                # Who comes first changes, so that nobody always finds the machine warm.
                for name in sorted(stacks, reverse=bool(number % 2)):
                    timings.setdefault((step, name), []).append(stacks[name].run(*command))
                calls[step] = Counter(entry["operation"] for entry in emulator.requests())
    return [_row(size, step, {name: timings[step, name] for name in IMPORTS}, calls[step]) for step in STEPS]


def _prepare(stack: Stack, resource: str, size: int) -> None:
    """Write the program, and run what is slow the first time: Python compiles modules, the CLI makes its home."""
    stack.write(_program(resource, 1), nothing=NOTHING_MODULE)
    for step in ("up", "destroy"):
        stack.run(*STEPS[step])
    stack.write(_program(resource, size))


def _program(resource: str, size: int) -> str:
    return PROGRAM.format(imports=IMPORTS[resource], size=size, resource=resource)


def _row(size: int, step: str, timings: dict[str, list[Timing]], calls: Counter[str]) -> Row:
    ours, nothing, alike = (timings[name] for name in ("MigrationTask", "Nothing", "Alike"))
    ratios = [mine.wall / theirs.wall for mine, theirs in zip(ours, nothing, strict=True)]
    return {
        "resources": size,
        "step": step,
        "rounds": len(ratios),
        **{
            key: round(statistics.median(timing.wall for timing in found), 3)
            for key, found in (("nothing_s", nothing), ("alike_s", alike), ("ours_s", ours))
        },
        "ratio": round(statistics.median(ratios), 3),
        "lowest_ratio": round(min(ratios), 3),
        "highest_ratio": round(max(ratios), 3),
        "ratio_to_alike": _median(mine.wall / theirs.wall for mine, theirs in zip(ours, alike, strict=True)),
        "cpu_ratio": _median(mine.cpu / theirs.cpu for mine, theirs in zip(ours, nothing, strict=True)),
        "calls": dict(sorted(calls.items())),
    }


def _median(ratios: Iterable[float]) -> float:
    return round(statistics.median(ratios), 3)
