"""Measure, then write docs/bench/figures.json, the tables of docs/bench.md and the picture. Run by ``make bench``.

``--quick`` measures less, prints the tables and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any

from tools.bench import completion, emulator, moves, overhead, plugin, report
from tools.bench.stacks import BenchError
from tools.figures import ROOT, machine

# The amount of measurement: 25 minutes, or 3.
WHOLE: dict[str, Any] = {
    "overhead": {1: 7, 100: 5, 1_000: 1},
    "completion": (1, 10, 100, 1_000),
    "seconds": 8.0,
    "plugins": 5,
    "calls": 10_000,
    "moves": 3,
}
QUICK: dict[str, Any] = {
    "overhead": {1: 2, 100: 1},
    "completion": (1, 100),
    "seconds": 4.0,
    "plugins": 1,
    "calls": 2_000,
    "moves": 1,
}


def main() -> int:
    """Measure, print and write; return the exit code."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure less, and write nothing")
    quick = parser.parse_args().quick
    began = time.monotonic()
    try:
        figures = measure(QUICK if quick else WHOLE)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted; nothing is written", file=sys.stderr)
        return 130
    print(report.machine(figures["machine"]))
    for name in report.TABLES:
        print(f"\n{name.replace('_', ' ')}\n\n{report.table(name, figures)}")
    if not quick:
        report.FIGURES.parent.mkdir(exist_ok=True)
        report.FIGURES.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
        report.main()
        print(f"\nWritten to {report.PAGE.relative_to(ROOT)}")
    print(f"\nMeasured in {time.monotonic() - began:.0f} s")
    return 0


def measure(much: dict[str, Any]) -> dict[str, Any]:
    """Return all figures."""
    load_before = os.getloadavg()[0]
    figures = {
        **overhead.measure(much["overhead"], say),
        **plugin.measure(much["plugins"], say),
        "completion": completion.measure(much["completion"], much["seconds"], say),
        **emulator.measure(much["calls"], say),
        "moves": moves.measure(much["moves"], say),
    }
    return {"machine": machine(load_before), **figures}


def say(what: str) -> None:
    """Report progress, separate from the figures."""
    print(f"- {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
