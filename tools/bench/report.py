"""Writes docs/bench.md's tables and its picture from docs/bench/figures.json.

``python -m tools.bench.report`` writes them; with ``--check`` it only checks them, and sets its exit code.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.bench.picture import overhead_picture
from tools.figures import ROOT, filled, write_or_check

PAGE = ROOT / "docs" / "bench.md"
FIGURES = ROOT / "docs" / "bench" / "figures.json"
PICTURE = ROOT / "docs" / "bench" / "overhead.svg"

Figures = Mapping[str, Any]
Row = Mapping[str, Any]
Column = tuple[str, Callable[[Row], str]]


def _words(key: str) -> Callable[[Row], str]:
    return lambda row: str(row[key])


def _number(key: str, form: str = ",") -> Callable[[Row], str]:
    return lambda row: format(row[key], form)


def _calls(key: str) -> Callable[[Row], str]:
    return lambda row: ", ".join(f"{count:,} {name}" for name, count in row[key].items()) or "none"


def _both(unit: str, form: str) -> tuple[Column, Column]:
    return ("do-nothing", _number(f"nothing_{unit}", form)), ("ours", _number(f"ours_{unit}", form))


# The tables: headings and columns for each part of the figures.
TABLES: dict[str, tuple[Column, ...]] = {
    "overhead": (
        ("resources", _number("resources")),
        ("command", _words("step")),
        ("do-nothing, s", _number("nothing_s", ".2f")),
        ("alike, s", _number("alike_s", ".2f")),
        ("ours, s", _number("ours_s", ".2f")),
        ("ratio", _number("ratio", ".2f")),
        ("lowest to highest", lambda row: f"{row['lowest_ratio']:.2f} to {row['highest_ratio']:.2f}"),
        ("ratio to alike", _number("ratio_to_alike", ".2f")),
        ("ratio of processor time", _number("cpu_ratio", ".2f")),
        ("rounds", _number("rounds")),
    ),
    "native": (
        ("resources", _number("resources")),
        ("command", _words("step")),
        ("do-nothing native, s", _number("native_nothing_s", ".2f")),
        ("native, s", _number("native_s", ".2f")),
        ("ratio", _number("native_ratio", ".2f")),
        (
            "lowest to highest",
            lambda row: f"{row['lowest_native_ratio']:.2f} to {row['highest_native_ratio']:.2f}",
        ),
        ("ratio of processor time", _number("native_cpu_ratio", ".2f")),
        ("do-nothing dynamic, s", _number("nothing_s", ".2f")),
        ("dynamic, s", _number("ours_s", ".2f")),
        ("calls", _calls("native_calls")),
    ),
    "calls": (("tasks", _number("resources")), ("command", _words("step")), ("calls", _calls("calls"))),
    "plugin": (("operation", _words("what")), *_both("ms", ".1f")),
    "memory": (("plugin process", _words("what")), *_both("mb", ".0f")),
    "completion": (
        ("tasks", _number("tasks")),
        ("poll every, s", _number("interval_s")),
        ("`up`, s", _number("up_s", ".1f")),
        ("from the last task's end to that of `up`, s", _number("late_s", ".1f")),
        ("calls", _calls("calls")),
    ),
    "emulator_start": (
        ("options", _words("what")),
        ("median, s", _number("median_s", ".2f")),
        ("worst, s", _number("worst_s", ".2f")),
    ),
    "emulator_calls": (
        ("operation", _words("what")),
        ("tasks", _number("tasks")),
        ("calls per second", _number("calls_per_s")),
    ),
    "emulator_memory": (("moment", _words("what")), ("MB", _number("mb"))),
    "moves": (("100,000 keys of 100 bytes", _words("what")), ("best, s", _number("best_s", ".2f"))),
}
_SAME_ROWS = {"calls": "overhead", "native": "overhead"}  # tables with other columns of another part


def main(arguments: Sequence[str] = ()) -> int:
    """Write the page and the picture, or check them; return the exit code."""
    figures = json.loads(FIGURES.read_text("utf-8"))
    written = {
        PAGE: filled(PAGE.read_text("utf-8"), lambda name: block(name, figures)),
        PICTURE: overhead_picture(figures["overhead"]),
    }
    return write_or_check(written, "--check" in arguments, "python -m tools.bench.report")


def block(name: str, figures: Figures) -> str:
    """Return one table, or the sentence about the machine."""
    return machine(figures["machine"]) if name == "machine" else table(name, figures)


def table(name: str, figures: Figures) -> str:
    """Return a table in Markdown."""
    columns = TABLES[name]
    lines = [[heading for heading, _ in columns], ["---"] * len(columns)]
    try:
        lines += [[cell(row) for _, cell in columns] for row in figures[_SAME_ROWS.get(name, name)]]
    except KeyError:  # the file is older than this table
        return "Not measured yet."
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine(found: Row) -> str:
    """Describe where and when the figures were measured."""
    return (
        f"Taken on {found['date']}: {found['cores']} cores, {found['system']}, Python {found['python']}, "
        f"Pulumi CLI {found['cli']}, SDK {found['sdk']}. "
        f"Load average {found['load_before']:.1f} before and {found['load_after']:.1f} after."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
