"""Pulumi's commands compared with providers that do nothing: additional time, calls, and the size of the state."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
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

_DYNAMIC = """
for number in range({size}):
    {resource}(
        f"task{{number}}",
        migration_type="backupfile_import",
        migration_method="full_amount_migration",
        backup_files={{"bucket_name": "backups", "files": [{{"file_name": "orders.rdb"}}]}},
        target_instance={{"id": f"4cd5dbb8-aacd-4603-b817-{{number:012d}}"}},
    )
"""
_NATIVE = """from pulumi import CustomResource

for number in range({size}):
    CustomResource(
        "{resource}",
        f"task{{number}}",
        {{
            "migrationType": "backupfile_import",
            "migrationMethod": "full_amount_migration",
            "backupFiles": {{"bucketName": "backups", "files": [{{"fileName": "orders.rdb"}}]}},
            "targetInstance": {{"id": f"4cd5dbb8-aacd-4603-b817-{{number:012d}}"}},
        }},
    )
"""


@dataclass(frozen=True)
class Kind:
    """A measured provider: a program for it, the program's resource, and the native package."""

    program: str
    resource: str
    package: str | None = None


# The keys are those of the figures.
KINDS = {
    "nothing": Kind(f"from nothing import Nothing\n{_DYNAMIC}", "Nothing"),
    "alike": Kind(f"from nothing import Alike\n{_DYNAMIC}", "Alike"),
    "ours": Kind(f"from dcs_migration import MigrationTask\n{_DYNAMIC}", "MigrationTask"),
    "native_nothing": Kind(_NATIVE, "nothing:index:Nothing", "nothing"),
    "native": Kind(_NATIVE, "dcs:index:MigrationTask", "dcs"),
}
YARDSTICKS = {"ours": "nothing", "native": "native_nothing"}
NOTHING_MODULE = Path(__file__).with_name("nothing.py").read_text("utf-8")

Row = dict[str, Any]


def measure(rounds: dict[int, int], say: Callable[[str], None]) -> dict[str, list[Row]]:
    """Measure each step with all providers in turn.

    Args:
        rounds: Number of repetitions, by the number of resources.
        say: Prints progress.
    """
    figures: dict[str, list[Row]] = {"overhead": [], "state": []}
    for size, times in rounds.items():
        rows, state = _size(size, times, say)
        figures["overhead"] += rows
        figures["state"].append(state)
    return figures


def _size(size: int, rounds: int, say: Callable[[str], None]) -> tuple[list[Row], Row]:
    timings: dict[tuple[str, str], list[Timing]] = {}
    calls: dict[tuple[str, str], Counter[str]] = {}
    state: Row = {"resources": size}
    with ExitStack() as leaving:
        # One emulator for each provider, because their tasks belong to different owners.
        emulators = {name: leaving.enter_context(Emulator(progression="immediate")) for name in KINDS}
        stacks = {
            name: leaving.enter_context(stack_over(emulators[name], kind.package))
            for name, kind in KINDS.items()
        }
        for name, stack in stacks.items():
            _prepare(stack, KINDS[name], size)
        for number in range(rounds):
            say(f"overhead: {size:,} resource(s), round {number + 1} of {rounds}")
            for step, command in STEPS.items():
                # The order changes, so that no provider always benefits from warm caches.
                for name in sorted(stacks, reverse=bool(number % 2)):
                    emulators[name].clear_requests()
                    timings.setdefault((step, name), []).append(stacks[name].run(*command))
                    calls[step, name] = Counter(entry["operation"] for entry in emulators[name].requests())
                    if step == "up":
                        state[f"{name}_kb"] = round(stacks[name].state() / 1_000, 1)
    rows = [
        _row(
            size,
            step,
            {name: timings[step, name] for name in KINDS},
            {name: calls[step, name] for name in KINDS},
        )
        for step in STEPS
    ]
    return rows, state


def _prepare(stack: Stack, kind: Kind, size: int) -> None:
    """Write the program, and run the steps that are slow the first time: Python compiles modules, and the CLI
    creates its home folder."""
    stack.write(kind.program.format(size=1, resource=kind.resource), nothing=NOTHING_MODULE)
    for step in ("up", "destroy"):
        stack.run(*STEPS[step])
    stack.write(kind.program.format(size=size, resource=kind.resource))


def _row(size: int, step: str, timings: dict[str, list[Timing]], calls: dict[str, Counter[str]]) -> Row:
    wall = {name: [timing.wall for timing in found] for name, found in timings.items()}
    cpu = {name: [timing.cpu for timing in found] for name, found in timings.items()}
    ours, native = (_ratios(wall[name], wall[yardstick]) for name, yardstick in YARDSTICKS.items())
    return {
        "resources": size,
        "step": step,
        "rounds": len(ours),
        **{f"{name}_s": _median(seconds) for name, seconds in wall.items()},
        **{f"{name}_cpu_s": _median(seconds) for name, seconds in cpu.items()},
        **_summary("ratio", ours),
        "ratio_to_alike": _median(_ratios(wall["ours"], wall["alike"])),
        "cpu_ratio": _median(_ratios(cpu["ours"], cpu["nothing"])),
        **_summary("native_ratio", native),
        "native_cpu_ratio": _median(_ratios(cpu["native"], cpu["native_nothing"])),
        "native_ratio_to_ours": _median(_ratios(wall["native"], wall["ours"])),
        "calls": dict(sorted(calls["ours"].items())),
        "native_calls": dict(sorted(calls["native"].items())),
    }


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def _summary(key: str, ratios: Sequence[float]) -> Row:
    return {
        key: _median(ratios),
        f"lowest_{key}": round(min(ratios), 3),
        f"highest_{key}": round(max(ratios), 3),
    }


def _median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 3)
