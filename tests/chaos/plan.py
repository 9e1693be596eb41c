"""Random schedules as plain data: drawn from a seed at once, so that they can be repeated, shown and shrunk."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

# The resources of a schedule, by name, stack and owner: the first two have one URN, in two backends.
RESOURCES = (
    ("orders", "dev", "the first backend"),
    ("orders", "dev", "another backend"),
    ("users", "dev", "the first backend"),
    ("orders", "prod", "another stack"),
)


@dataclass(frozen=True)
class Fault:
    """One failure that a request meets: ``operation`` and ``kind`` as `Emulator.fault` takes them.

    Five kinds are ours: ``refused`` (no connection, nothing arrives), ``late`` (the caller loses the connection,
    the request is carried out ``seconds`` later), ``crossing`` (as ``late``, but it is carried out only in the next
    command), ``short`` (a well-formed listing without any task) and ``passed-over`` (one that leaves out the newest
    task and counts it). The first ``skip`` requests pass, the next
    ``times`` do not.
    """

    operation: str
    kind: str
    status: int = 500
    error_code: str = "DCS.5000"
    seconds: float | None = None
    times: int = 1
    skip: int = 0

    def __str__(self) -> str:
        told = f"={self.status} {self.error_code}" if self.kind == "error" else ""
        told += "" if self.seconds is None else f" {self.seconds:g} s"
        return f"{self.operation}:{self.kind}{told} x{self.times}" + (
            f" after {self.skip}" if self.skip else ""
        )


@dataclass(frozen=True)
class Kill:
    """The end of a run: ``who`` dies at the moment number ``count`` of a kind.

    ``who``: ``all`` (the CLI and its plugin), ``plugin`` (the plugin alone), ``orphan`` (the CLI alone: its plugin
    continues), ``overtaken`` (as ``orphan``, and the next ``up`` runs to its end at that moment).
    ``moment``: ``require`` (before a write), ``answer`` (a request was carried out), ``sleep``, ``window`` (while a
    stop or a delete waits for others to share its call).
    """

    who: str
    moment: str
    count: int


@dataclass(frozen=True)
class Step:
    """One command, or one thing that happens in the cloud, after ``pause`` seconds."""

    kind: str
    resource: int
    pause: float = 1.0
    value: int = 0
    faults: tuple[Fault, ...] = ()
    kill: Kill | None = None

    def __str__(self) -> str:
        told = f"{self.kind} #{self.resource} value={self.value} after {self.pause:g} s"
        if self.faults:
            told += f" faults=[{', '.join(map(str, self.faults))}]"
        if self.kill:
            told += f" kill={self.kill.who}@{self.kill.moment}{self.kill.count}"
        return told


@dataclass(frozen=True)
class Schedule:
    """A seed, and what was drawn from it. ``logged``: the debug log is on and searched."""

    seed: int
    quirks: tuple[str, ...]
    steps: tuple[Step, ...]
    project_known: bool = True
    logged: bool = False

    def __str__(self) -> str:
        head = f"seed {self.seed} quirks={list(self.quirks)} project_known={self.project_known}"
        return "\n".join([head, *(f"  {number}. {step}" for number, step in enumerate(self.steps, 1))])

    def without(self, number: int) -> Schedule:
        """Return it with one step less."""
        return replace(self, steps=self.steps[:number] + self.steps[number + 1 :])


# kind: weight
COMMANDS: dict[str, int] = {
    "up": 30,
    "up-all": 5,
    "replace": 10,
    "change": 8,
    "rotate": 3,
    "refresh": 12,
    "destroy": 8,
    "rename": 3,
    "forget": 3,
    "retain": 3,
    "adopt": 5,
    "get": 3,
}
HAPPENINGS: dict[str, int] = {"console-delete": 6, "drift": 8, "by-hand": 3, "copy": 3, "wait": 4}

OPERATIONS: dict[str, int] = {
    "CreateMigrationTask": 10,
    "ListMigrationTask": 6,
    "ShowMigrationTask": 2,
    "BatchStopMigrationTasks": 2,
    "DeleteMigrationTask": 3,
    "KeystoneListProjects": 1,
    "*": 2,
}
KINDS: dict[str, int] = {
    "error": 8,
    "drop_before": 4,
    "drop_after": 6,
    "garbage": 3,
    "truncate": 3,
    "empty": 2,
    "throttle": 2,
    "refused": 3,
    "late": 3,
}
ERRORS: tuple[tuple[int, str], ...] = (
    (500, "DCS.5000"),
    (500, "DCS.4133"),
    (502, "Bad"),
    (503, "DCS.5024"),
    (504, "APIGW.0610"),
    (401, "APIGW.0301"),
    (403, "APIGW.0302"),
    (403, "DCS.2003"),
    (403, "DCS.2003"),
    (404, "APIGW.0101"),
    (404, "Unknown"),
    (400, "DCS.4026"),
    (400, "DCS.4017"),
    (400, "DCS.4957"),
    (400, "DCS.4800"),
    (200, "DCS.5000"),
    (200, "DCS.4017"),
)
QUIRKS: tuple[str, ...] = (
    "fuzzy-name",
    "count-is-page-size",
    "list-unsorted",
    "listing-lags",
    "rows-move",
    "description-null",
    "description-trimmed",
    "description-escaped",
    "password-echoed",
    "instances-not-filled-in",
    "names-as-instances",
    "stop-of-import-refused",
    "stop-is-slow",
    "delete-of-running-refused",
    "delete-of-running-ignored",
    "delete-answers-empty-list",
    "deleted-shows-success",
    "deleted-not-found",
    "second-task-on-target-refused",
    "online-refused",
    "create-answers-error",
    "records-expire",
    "records-expire-wholly",
    "records-expire=600",
    "success-becomes-released",
    "write-limit",
    "retry-after",
    "incremental-stays-migrating",
    "error-body=v1",
    "error-body=camel",
    "error-body=html",
)
# After these a write is tried again, or its outcome looked for, later.
PAUSING = (
    Fault("CreateMigrationTask", "throttle", times=2),
    Fault("CreateMigrationTask", "refused", times=2),
    Fault("CreateMigrationTask", "error", 400, "DCS.4026", times=3),
    Fault("CreateMigrationTask", "drop_before"),
    Fault("CreateMigrationTask", "drop_after"),
    Fault("DeleteMigrationTask", "drop_before"),
    Fault("BatchStopMigrationTasks", "error", 400, "DCS.4026"),
)
MOMENTS = ("require", "answer", "sleep", "window")


def _pick(chance: random.Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def draw(seed: int) -> Schedule:
    """Return the schedule of a seed; the same one each time."""
    chance = random.Random(seed)
    resources = chance.randint(1, len(RESOURCES))
    quirks = chance.sample(QUIRKS, chance.choice((0, 0, 1, 1, 2, 3)))
    steps = [_step(chance, "up", 0)]
    for _ in range(chance.randint(4, 10)):
        kind = _pick(chance, {**COMMANDS, **HAPPENINGS})
        steps.append(_step(chance, kind, chance.randrange(resources)))
    return Schedule(
        seed,
        tuple(quirks),
        tuple(
            _with_crossings(
                _with_windows(_with_short_lists(_with_rows_passed_over(steps, seed), seed), seed), seed
            )
        ),
        project_known=chance.random() < 0.7,
        logged=chance.random() < 0.15,
    )


def _with_windows(steps: Iterable[Step], seed: int) -> Iterator[Step]:
    """Let runs die while a stop or a delete waits for others to share its call."""
    chance = random.Random(f"windows of {seed}")
    for step in steps:
        if step.kind in ("replace", "change", "destroy") and step.kill is None and chance.random() < 0.12:
            who = chance.choice(("all", "plugin", "orphan"))
            yield replace(step, kill=Kill(who, "window", chance.choice((1, 2))))
        else:
            yield step


def _with_crossings(steps: Iterable[Step], seed: int) -> Iterator[Step]:
    """Let the service carry out requests whose callers have long given up."""
    chance = random.Random(f"crossings of {seed}")
    for step in steps:
        if step.kind in ("up", "replace", "change") and step.kill is None and chance.random() < 0.05:
            yield replace(step, faults=(*step.faults, Fault("CreateMigrationTask", "crossing")))
        else:
            yield step


def _with_rows_passed_over(steps: Iterable[Step], seed: int) -> Iterator[Step]:
    """Let rows move while the listing is read before a POST: the newest task is passed over."""
    chance = random.Random(f"rows passed over of {seed}")
    for step in steps:
        if step.kind in ("up", "replace", "change") and chance.random() < 0.12:
            over = Fault("ListMigrationTask", "passed-over", times=chance.choice((1, 1, 2)))
            yield replace(step, faults=(*step.faults, over))
        else:
            yield step


def _with_short_lists(steps: Iterable[Step], seed: int) -> Iterator[Step]:
    """Let listings that leave everything out meet refreshes: absence there is no proof."""
    chance = random.Random(f"short lists of {seed}")
    for step in steps:
        if step.kind == "refresh" and chance.random() < 0.25:
            short = Fault("ListMigrationTask", "short", times=chance.choice((1, 2, 4)))
            yield replace(step, faults=(*step.faults, short))
        else:
            yield step


def _step(chance: random.Random, kind: str, resource: int) -> Step:
    pause = chance.choice((0.0, 0.5, 2.0, 15.0, 70.0, 130.0, 700.0))
    value = chance.randrange(1000)
    if kind in HAPPENINGS:
        return Step(kind, resource, pause, value)
    faults: list[Fault] = []
    if chance.random() < 0.55:
        faults = [
            replace(_fault(chance), skip=chance.choice((0, 0, 0, 1, 2)))
            for _ in range(chance.choice((1, 1, 1, 2, 3)))
        ]
    if kind in ("replace", "destroy") and chance.random() < 0.15:
        # The right to list is lost between a delete and the look that would confirm it.
        faults.append(Fault("ListMigrationTask", "error", 403, "DCS.2003", skip=1))
    if kind in ("up-all", "refresh") and chance.random() < 0.1:
        faults.append(Fault("*", "error", 401, "APIGW.0301", skip=chance.randrange(4)))
    kill = None
    if chance.random() < 0.2:
        who = chance.choice(("all", "plugin", "orphan", "overtaken"))
        moments = ("require", "sleep") if who == "overtaken" else ("require", "answer", "sleep")
        kill = Kill(who, chance.choice(moments), chance.choice((1, 1, 2, 3, 4)))
        if kill.moment == "sleep":
            faults.append(chance.choice(PAUSING))  # something to wait for
    return Step(kind, resource, pause, value, tuple(faults), kill)


def _fault(chance: random.Random) -> Fault:
    kind = _pick(chance, KINDS)
    operation = "CreateMigrationTask" if kind == "late" else _pick(chance, OPERATIONS)
    times = chance.choice((1, 1, 1, 2, 3, 8))
    if kind == "error":
        status, code = chance.choice(ERRORS)
        return Fault(operation, kind, status, code, times=times)
    if kind == "throttle":
        return Fault(operation, kind, seconds=chance.choice((None, 1.0, 30.0)), times=times)
    if kind == "late":
        return Fault(operation, kind, seconds=chance.choice((1.0, 7.0, 30.0, 58.0, 90.0)))
    return Fault(operation, kind, times=times)
