"""What a campaign did and found, as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos.kills import BLOWS, COMMANDS, RECOVERIES, Outcome
from tests.chaos.model import Figures

# What is promised, and the words that tell of it in a failure.
PROMISES = {
    "duplicates": "duplicate:",
    "orphans": "orphan:",
    "unasked imports": "unasked import:",
    "leaks": "holds a secret",
}


@dataclass(frozen=True)
class Failure:
    """A broken promise: in a schedule or in a kill, its seed, and what was seen."""

    of: str
    seed: int
    text: str

    @property
    def again(self) -> str:
        """The command that shows it again."""
        if self.of == "schedule":
            return f"python tools/chaos.py --seed {self.seed} --schedules 1 --kills 0"
        return f"python tools/chaos.py --kill-seed {self.seed} --kills 1 --schedules 0"


@dataclass
class Campaign:
    """The results so far."""

    figures: Figures = field(default_factory=Figures)
    outcomes: list[Outcome] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    kills: int = 0
    seconds_of_schedules: float = 0.0
    seconds_of_kills: float = 0.0

    def add(self, part: Figures) -> None:
        """Add the figures of some schedules."""
        whole = self.figures
        whole.schedules += part.schedules
        whole.steps += part.steps
        whole.counts += part.counts
        whole.faults += part.faults
        for name, seconds in part.longest.items():
            whole.longest[name] = max(seconds, whole.longest.get(name, 0.0))

    def table(self) -> str:
        """Return everything, for people."""
        return "\n\n".join([aligned(self._schedule_rows()), aligned(self._kill_rows()), self._verdict()])

    def _schedule_rows(self) -> list[tuple[str, ...]]:
        figures = self.figures
        counts = Counter(figures.counts)
        return [
            ("schedules", f"{figures.schedules}"),
            ("steps", f"{figures.steps}"),
            ("faults met", f"{sum(figures.faults.values())}"),
            *((f"  {kind}", f"{number}") for kind, number in figures.faults.most_common()),
            *((name, f"{counts[name]}") for name in sorted(counts)),
            *(
                (f"longest {name}", f"{value:.0f} s injected")
                for name, value in sorted(figures.longest.items())
            ),
            ("time", f"{self.seconds_of_schedules:.0f} s"),
        ]

    def _kill_rows(self) -> list[tuple[str, ...]]:
        outcomes = self.outcomes
        met = Counter((each.kill.blow, each.kill.recovery, each.kill.command) for each in outcomes)
        rows: list[tuple[str, ...]] = [("kills of the real CLI", "then", *COMMANDS)]
        for blow in BLOWS:
            for recovery in RECOVERIES:
                rows.append((blow, recovery, *(f"{met[blow, recovery, command]}" for command in COMMANDS)))
        by_lock = [each for each in outcomes if each.cancels]
        alone = [each for each in outcomes if each.kill.recovery == "up alone"]
        return [
            *rows,
            ("kills", f"{self.kills}"),
            ("struck before the end", f"{sum(each.struck for each in outcomes)}"),
            ("tasks adopted", f"{sum(each.adoptions for each in outcomes)}"),
            ("`up` refused by the CLI's lock", f"{len(by_lock)} of {len(alone)}"),
            ("state file restored", f"{sum(each.restored for each in outcomes)}"),
            ("longest", f"{max((each.seconds for each in outcomes), default=0):.0f} s"),
            ("time", f"{self.seconds_of_kills:.0f} s"),
        ]

    def _verdict(self) -> str:
        rows: list[tuple[str, ...]] = [("", "schedules", "kills")]
        sizes = {"schedule": self.figures.schedules, "kill": self.kills}
        for name, words in PROMISES.items():
            rows.append((name, *(self._broken(of, size, words) for of, size in sizes.items())))
        rows.append(("anything else", *(self._broken(of, size, None) for of, size in sizes.items())))
        return aligned(rows)

    def _broken(self, of: str, size: int, words: str | None) -> str:
        known = PROMISES.values() if words is None else (words,)
        found = [
            failure
            for failure in self.failures
            if failure.of == of and any(word in failure.text for word in known) is (words is not None)
        ]
        return f"{len(found)} of {size}"


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows with their columns one below the other."""
    most = max(map(len, rows))
    widths = [max(len(row[n]) for row in rows if len(row) == most or n == 0) for n in range(most - 1)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells[: len(row) - 1], row[-1]] if len(row) < most else [*cells, row[-1]]))
    return "\n".join(line.rstrip() for line in lines)
