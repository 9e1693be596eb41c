"""Quirks: options for behavior of the service that its documentation doesn't specify."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from dcs_emulator.errors import REFUSAL_CODES, SHAPE_NAMES
from dcs_emulator.task import Task

QuirkValue = float | str | None
Reader = tuple[str, str]
"""The project and the name filter of a listing."""


@dataclass(frozen=True)
class Quirk:
    """The description of a quirk and, if it has a value, the default and parser of the value."""

    description: str
    default: QuirkValue = None
    read: Callable[[str], QuirkValue] | None = None


def _seconds(text: str) -> float:
    with suppress(ValueError):
        value = float(text)
        if math.isfinite(value) and value >= 0:
            return value
    raise ValueError("the value must be a number of seconds")


def _shape(text: str) -> str:
    if text not in SHAPE_NAMES:
        raise ValueError(f"the value must be one of {', '.join(SHAPE_NAMES)}")
    return text


def _code(text: str) -> str:
    if text not in REFUSAL_CODES:
        raise ValueError(f"the value must be one of {', '.join(REFUSAL_CODES)}")
    return text


def _count(text: str) -> float:
    with suppress(ValueError):
        value = int(text)
        if value >= 1:
            return float(value)
    raise ValueError("the value must be a positive number")


QUIRKS: dict[str, Quirk] = {
    "fuzzy-name": Quirk("the list's name filter also matches parts of names"),
    "count-is-page-size": Quirk("the list's count is the number of rows on the page"),
    "list-unsorted": Quirk("the list isn't sorted by time"),
    "rows-move": Quirk(
        "between two pages of a list, a row moves from the second page to the first, so that COUNT readings miss it",
        1.0,
        _count,
    ),
    "listing-lags": Quirk("the list shows the state of SECONDS ago; Show is up to date", 5.0, _seconds),
    "description-null": Quirk("list and Show return no description"),
    "description-trimmed": Quirk(
        "list and Show return only the first COUNT characters of a description", 40.0, _count
    ),
    "description-escaped": Quirk("list and Show return descriptions with HTML escapes"),
    "password-echoed": Quirk("Show returns the password from the request"),
    "instances-not-filled-in": Quirk(
        "list and Show return of source and target only what the request contained: a DCS instance has no name and no addrs"
    ),
    "names-as-instances": Quirk(
        "task names other than 4 to 64 letters, digits, - and _ are refused: DCS.4800"
    ),
    "stop-of-import-refused": Quirk("a backup import can't be stopped: CODE", "DCS.4026", _code),
    "stop-is-slow": Quirk("a stop takes 15 seconds"),
    "delete-of-running-refused": Quirk("a running task can't be deleted: CODE", "DCS.4957", _code),
    "delete-of-running-ignored": Quirk("the delete of a running task returns 200 and does nothing"),
    "delete-answers-empty-list": Quirk("a delete returns an empty list of ids"),
    "deleted-shows-success": Quirk("as long as Show knows a deleted task, its status is SUCCESS"),
    "deleted-not-found": Quirk("Show stops returning a task as soon as it is deleted"),
    "second-task-on-target-refused": Quirk(
        "a target accepts only one running task at a time: CODE", "DCS.4026", _code
    ),
    "online-refused": Quirk("CreateMigrationTask doesn't create online migrations: DCS.4800"),
    "create-answers-error": Quirk("a create returns 200 with an error text, and the task is FAILED"),
    "records-expire": Quirk(
        "the list stops showing a task SECONDS after its end; Show still returns it", 2.0, _seconds
    ),
    "records-expire-wholly": Quirk("list and Show stop showing a task SECONDS after its end", 2.0, _seconds),
    "success-becomes-released": Quirk("SUCCESS becomes RELEASED SECONDS after the end", 2.0, _seconds),
    "stats-of-import-refused": Quirk("a backup import has no statistics: DCS.4133"),
    "update-only-when-incremental": Quirk(
        "resume_mode can only be changed in the incremental phase: DCS.4957"
    ),
    "write-limit": Quirk(
        "after COUNT writes in a minute, writes return 429 APIGW.0308; refused writes count, too",
        10.0,
        _count,
    ),
    "retry-after": Quirk("a 429 has the header Retry-After: SECONDS", 3.0, _seconds),
    "incremental-stays-migrating": Quirk("an incremental task remains MIGRATING"),
    "incremental-spelled-right": Quirk("the incremental phase is spelled INCRMIGRATING"),
    "no-job-id": Quirk("the response to CreateOnlineMigrationTask has no job_id"),
    "job-is-slow": Quirk("the creation of a migration instance takes SECONDS", 60.0, _seconds),
    "job-fails": Quirk("the creation of a migration instance fails: its job is FAIL, and the task is FAILED"),
    "set-while-running-refused": Quirk("a running task can't be configured: CODE", "DCS.4957", _code),
    "set-while-running-restarts": Quirk("if a running task is configured, it copies everything again"),
    "set-answers-error": Quirk("a configuration returns 200 with an error text and starts nothing"),
    "restart-refused": Quirk("a stopped task can't be started again: CODE", "DCS.4957", _code),
    "restart-while-running-restarts": Quirk("if a running task is started again, it copies everything again"),
    "restart-is-full": Quirk("if a stopped incremental task is started again, it copies everything again"),
    "exchange-fails": Quirk("an exchange of addresses ends as EXCHANGE_FAILED"),
    "exchange-needs-no-lag": Quirk(
        "addresses can't be exchanged while the target is behind: CODE", "DCS.4957", _code
    ),
    "exchange-answers-204": Quirk("an exchange of addresses and its rollback return 204"),
    "exchange-toggles": Quirk(
        "an exchange of addresses swaps them back if they are exchanged, and a rollback exchanges them if they aren't"
    ),
    "rollback-fails": Quirk("a rollback of addresses ends as ROLLBACK_FAILED"),
    "stats-as-numbers": Quirk("statistics are numbers, as in the published examples"),
    "error-body": Quirk(f"errors have the format SHAPE: {', '.join(SHAPE_NAMES)}", "v1", _shape),
}


class QuirkError(ValueError):
    """An unknown quirk or an invalid value; the message is one line."""


def parse_quirks(specs: Iterable[str]) -> dict[str, QuirkValue]:
    """Read ``name`` and ``name=value`` items, each with one or more, separated by commas."""
    active: dict[str, QuirkValue] = {}
    for item in (part for spec in specs for part in re.split(r"\s*,\s*", spec.strip()) if part):
        name, equals, text = item.partition("=")
        quirk = QUIRKS.get(name)
        if quirk is None:
            raise QuirkError(f"unknown quirk {name!r}; known: {', '.join(sorted(QUIRKS))}")
        if not equals:
            active[name] = quirk.default
        elif quirk.read is None:
            raise QuirkError(f"quirk {name} takes no value")
        else:
            try:
                active[name] = quirk.read(text)
            except ValueError as error:
                raise QuirkError(f"quirk {name}: {error}") from None
    return active


class QuirkSet:
    """The active quirks. The set is replaced as a whole, so readers don't need a lock."""

    def __init__(self, specs: Iterable[str] = ()) -> None:
        self._active = parse_quirks(specs)
        self._used: Counter[str] = Counter()

    def __contains__(self, name: str) -> bool:
        return name in self._active

    def replace(self, specs: Iterable[str]) -> None:
        """Activate exactly these quirks; raises `QuirkError` and changes nothing if one is invalid."""
        self._active = parse_quirks(specs)
        self._used.clear()

    def use(self, name: str) -> bool:
        """Use a quirk with a number of times once; False if it is off or used up."""
        if self._used[name] >= (self.number(name) or 0):
            return False
        self._used[name] += 1
        return True

    def number(self, name: str) -> float | None:
        """Return a quirk's value as a number, or None if it is off."""
        value = self._active.get(name)
        return value if isinstance(value, float) else None

    def text(self, name: str) -> str | None:
        """Return a quirk's value as text, or None if it is off."""
        value = self._active.get(name)
        return value if isinstance(value, str) else None

    def specs(self) -> list[str]:
        """Return the active quirks in the form of the command line."""
        return [name if value is None else f"{name}={_text(value)}" for name, value in self._active.items()]


def _text(value: float | str) -> str:
    return f"{value:g}" if isinstance(value, float) else value


@dataclass
class _Reading:
    """One reading of a list, from its first page: the next row, and whether it has moved."""

    next_id: str
    moved: bool = False


class MovingRows:
    """The effect of ``rows-move`` on lists that are read in pages. Use it inside a transaction of the store."""

    def __init__(self, quirks: QuirkSet) -> None:
        self._quirks = quirks
        self._readings: dict[Reader, _Reading] = {}

    def move(self, reader: Reader, tasks: list[Task], offset: int, limit: int) -> None:
        """Move the first row of the second page to the start of the list after the first page was read.

        Then it isn't on any later page, even if pages overlap. The next reading finds it in its place again.
        """
        if offset == 0:
            self._readings.pop(reader, None)
            if limit < len(tasks):
                self._readings[reader] = _Reading(tasks[limit].id)
            return
        reading = self._readings.get(reader)
        if reading is None or not (reading.moved or self._quirks.use("rows-move")):
            return
        reading.moved = True
        tasks.sort(key=lambda task: task.id != reading.next_id)  # stable: all others keep their order
