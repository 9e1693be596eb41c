"""The long campaign: random schedules against the provider, the client and the emulator, in this process.

A schedule is drawn from its seed alone: ``--seed N`` goes on where an earlier campaign stopped.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.chaos.plan import draw
from tests.chaos.schedules import Broken, Figures, Machine

CHUNK = 100
PROMISES = {
    "duplicates": "duplicate:",
    "orphans": "orphan:",
    "unasked imports": "unasked import:",
    "leaks": "holds a secret",
}


def run_chunk(first: int, count: int) -> tuple[Figures, list[tuple[int, str]]]:
    """Run schedules; return the figures, and the seed and text of each broken promise."""
    for name in list(os.environ):
        if name.startswith(("HW_", "HUAWEICLOUD_", "DCS_MIGRATION_")):
            del os.environ[name]
    found: list[tuple[int, str]] = []
    with Machine() as machine:
        for seed in range(first, first + count):
            try:
                machine.run_seed(seed)
            except Broken as error:
                found.append((seed, f"{error}\nthe shortest that shows it:\n{machine.shrunk(draw(seed))}"))
        return machine.figures, found


def together(parts: Sequence[Figures]) -> Figures:
    """Add up figures."""
    whole = Figures()
    for part in parts:
        whole.schedules += part.schedules
        whole.steps += part.steps
        whole.counts += part.counts
        whole.faults += part.faults
        for name, seconds in part.longest.items():
            whole.longest[name] = max(seconds, whole.longest.get(name, 0.0))
    return whole


def table(figures: Figures, found: Sequence[tuple[int, str]], seconds: float, next_seed: int) -> str:
    """Return the summary."""
    counts = Counter(figures.counts)
    rows: list[tuple[str, str]] = [
        ("schedules", f"{figures.schedules}"),
        ("steps", f"{figures.steps}"),
        ("faults met", f"{sum(figures.faults.values())}"),
        *((f"  {kind}", f"{number}") for kind, number in figures.faults.most_common()),
        *((name, f"{counts[name]}") for name in sorted(counts)),
        *(
            (f"longest {name}", f"{value:.0f} s (injected)")
            for name, value in sorted(figures.longest.items())
        ),
    ]
    for name, words in PROMISES.items():
        seeds = [str(seed) for seed, text in found if words in text]
        rows.append((name, f"0 of {figures.schedules}" if not seeds else "seeds " + ", ".join(seeds[:10])))
    other = [str(seed) for seed, text in found if not any(words in text for words in PROMISES.values())]
    rows.append(("other promises broken", "0" if not other else "seeds " + ", ".join(other[:10])))
    rows.append(("time", f"{seconds:.0f} s, {figures.schedules / max(seconds, 0.001):.1f} schedules/s"))
    rows.append(("to go on", f"--seed {next_seed}"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def main() -> int:
    """Run the campaign; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--seconds", type=float, default=3600.0, help="begin nothing new after that long")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    started = time.monotonic()
    parts: list[Figures] = []
    found: list[tuple[int, str]] = []
    seed, end = options.seed, options.seed + options.schedules
    with ProcessPoolExecutor(options.workers) as pool:
        while seed < end and time.monotonic() - started < options.seconds:
            chunks = [
                (first, min(CHUNK, end - first))
                for first in range(seed, min(end, seed + options.workers * CHUNK), CHUNK)
            ]
            for part, broken in pool.map(run_chunk, *zip(*chunks, strict=True)):
                parts.append(part)
                found += broken
            seed = chunks[-1][0] + chunks[-1][1]
            took = time.monotonic() - started
            print(f"{seed - options.seed} schedules, {len(found)} broken, {took:.0f} s", file=sys.stderr)
    for number, text in found[:5]:
        print(f"seed {number}: {text}\n")
    print(table(together(parts), found, time.monotonic() - started, seed))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
