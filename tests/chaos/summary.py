"""What a campaign did and found, as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos.blows import BLOWS
from tests.chaos.kills import RECOVERIES, TARGETS, Outcome
from tests.chaos.model import Figures

# The promises, and their words in a failure.
PROMISES = {
    "duplicates": "duplicate:",
    "orphans": "orphan:",
    "unasked imports": "unasked import:",
    "unasked exchanges": "unasked exchange:",
    "tasks of another owner touched": "task of another owner",
    "run again for another owner": "run a second time for another owner:",
    "two running on one target": "two running on one target:",
    "leaks": "holds a secret",
}


@dataclass(frozen=True)
class Part:
    """One part of a campaign: its options, how many of it a campaign has, and what it is in one word."""

    count: str
    seed: str
    default: int
    what: str


PARTS = {
    "schedule": Part("schedules", "seed", 20_000, "random schedules of tasks"),
    "course": Part("online", "online-seed", 4_000, "random courses of online migrations"),
    "kill": Part("kills", "kill-seed", 126, "kills of the real CLI over tasks"),
    "online kill": Part(
        "online-kills", "online-kill-seed", 154, "kills of the real CLI over online migrations"
    ),
}
KILLS = {"kill": "tasks", "online kill": "online"}


@dataclass(frozen=True)
class Failure:
    """A broken promise: in which part, its seed, what was seen, and the options that matter in addition to the seed."""

    of: str
    seed: int
    text: str
    options: str = ""

    @property
    def again(self) -> str:
        """The command that shows it again."""
        counts = " ".join(f"--{part.count} {int(name == self.of)}" for name, part in PARTS.items())
        return f"python tools/chaos.py {counts} --{PARTS[self.of].seed} {self.seed}{self.options}"


@dataclass
class Campaign:
    """The results so far."""

    figures: Figures = field(default_factory=Figures)
    outcomes: list[Outcome] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    courses: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, part: Campaign) -> None:
        """Add what a worker has done."""
        whole, more = self.figures, part.figures
        whole.schedules += more.schedules
        whole.steps += more.steps
        whole.counts += more.counts
        whole.faults += more.faults
        for name, seconds in more.longest.items():
            whole.longest[name] = max(seconds, whole.longest.get(name, 0.0))
        self.courses += part.courses
        self.outcomes += part.outcomes
        self.failures += part.failures
        self.done += part.done

    def table(self) -> str:
        """Return everything, for people."""
        tables = [self._schedule_rows(), self._course_rows(), *map(self._kill_rows, KILLS), self._verdict()]
        return "\n\n".join(map(aligned, tables))

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
            self._time("schedule"),
        ]

    def _course_rows(self) -> list[tuple[str, ...]]:
        return [
            ("courses of online migrations", f"{self.done['course']}"),
            *((name, f"{number}") for name, number in self.courses.most_common()),
            self._time("course"),
        ]

    def _time(self, of: str) -> tuple[str, str]:
        return "time", f"{self.seconds.get(of, 0):.0f} s"

    def _kill_rows(self, of: str) -> list[tuple[str, ...]]:
        commands = TARGETS[KILLS[of]].scenarios
        outcomes = [each for each in self.outcomes if each.kill.of == KILLS[of]]
        met = Counter((each.kill.blow, each.kill.recovery, each.kill.command) for each in outcomes)
        rows: list[tuple[str, ...]] = [(PARTS[of].what, "then", *commands)]
        for blow in BLOWS:
            for recovery in RECOVERIES:
                rows.append((blow, recovery, *(f"{met[blow, recovery, command]}" for command in commands)))
        by_lock = [each for each in outcomes if each.cancels]
        alone = [each for each in outcomes if each.kill.recovery == "up alone"]
        return [
            *rows,
            ("kills", f"{self.done[of]}"),
            ("struck before the end", f"{sum(each.struck for each in outcomes)}"),
            ("tasks adopted", f"{sum(each.adoptions for each in outcomes)}"),
            ("refused, as another owner's", f"{sum(each.refused for each in outcomes)}"),
            ("`up` refused by the CLI's lock", f"{len(by_lock)} of {len(alone)}"),
            ("broken file of the CLI removed", f"{sum(each.restored for each in outcomes)}"),
            ("instances replaced, as `up` said", f"{sum(each.replaced for each in outcomes)}"),
            ("longest", f"{max((each.seconds for each in outcomes), default=0):.0f} s"),
            self._time(of),
        ]

    def _verdict(self) -> list[tuple[str, ...]]:
        rows: list[tuple[str, ...]] = [("", *(f"{of}s" for of in PARTS))]
        for name, words in (*PROMISES.items(), ("anything else", None)):
            rows.append((name, *(self._broken(of, words) for of in PARTS)))
        return rows

    def _broken(self, of: str, words: str | None) -> str:
        known = PROMISES.values() if words is None else (words,)
        found = [
            failure
            for failure in self.failures
            if failure.of == of and any(word in failure.text for word in known) is (words is not None)
        ]
        return f"{len(found)} of {self.done[of]}"


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows with their columns one below the other."""
    most = max(map(len, rows))
    widths = [max(len(row[n]) for row in rows if len(row) == most or n == 0) for n in range(most - 1)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells[: len(row) - 1], row[-1]] if len(row) < most else [*cells, row[-1]]))
    return "\n".join(line.rstrip() for line in lines)
