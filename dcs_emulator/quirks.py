"""Quirks: behaviours of the service that its documents leave open, as switches."""

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
"""The project and the name that a list was asked for."""


@dataclass(frozen=True)
class Quirk:
    """What a switch does, and, when it takes a value, the value's default and reader."""

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
    "fuzzy-name": Quirk("the list's name filter also matches names that contain it"),
    "count-is-page-size": Quirk("the list's count is the number of rows on the page"),
    "list-unsorted": Quirk("the list isn't sorted by time"),
    "rows-move": Quirk(
        "between two pages of a list, a row moves from the second to the first; COUNT readings miss it",
        1.0,
        _count,
    ),
    "listing-lags": Quirk("the list (not Show) is SECONDS behind", 5.0, _seconds),
    "description-null": Quirk("the list and Show return no description"),
    "description-trimmed": Quirk(
        "the list and Show return the first COUNT characters of a description", 40.0, _count
    ),
    "description-escaped": Quirk("the list and Show return an HTML-escaped description"),
    "password-echoed": Quirk("Show returns the password that was sent"),
    "addrs-filled-in": Quirk("the service fills in addrs, ip, port and task_status of both instances"),
    "names-as-instances": Quirk("a task's name must have 4 to 64 letters, digits, - and _, else DCS.4800"),
    "stop-of-import-refused": Quirk("a backup import cannot be stopped: CODE", "DCS.4026", _code),
    "stop-is-slow": Quirk("a stop takes 15 seconds"),
    "delete-of-running-refused": Quirk("a running task cannot be deleted: CODE", "DCS.4957", _code),
    "delete-of-running-ignored": Quirk("deleting a running task returns 200 and does nothing"),
    "delete-answers-empty-list": Quirk("a delete returns an empty list of ids"),
    "deleted-shows-success": Quirk("Show returns SUCCESS for a deleted task while it lingers"),
    "deleted-not-found": Quirk("Show no longer returns a deleted task"),
    "second-task-on-target-refused": Quirk(
        "a target takes one running task at a time: CODE", "DCS.4026", _code
    ),
    "online-refused": Quirk("online migrations cannot be created by this call: DCS.4800"),
    "create-answers-error": Quirk("a create returns 200 with an error text, and the record is FAILED"),
    "records-expire": Quirk(
        "the list drops a task SECONDS after its end; Show still returns it", 2.0, _seconds
    ),
    "records-expire-wholly": Quirk("the list and Show drop a task SECONDS after its end", 2.0, _seconds),
    "success-becomes-released": Quirk("SUCCESS becomes RELEASED SECONDS after the end", 2.0, _seconds),
    "stats-of-import-refused": Quirk("a backup import has no statistics: DCS.4133"),
    "update-only-when-incremental": Quirk(
        "resume_mode can only be changed in the incremental phase, else DCS.4957"
    ),
    "write-limit": Quirk(
        "more than COUNT writes a minute get 429 APIGW.0308; refused ones count too",
        10.0,
        _count,
    ),
    "retry-after": Quirk("a 429 has Retry-After: SECONDS", 3.0, _seconds),
    "incremental-stays-migrating": Quirk("an incremental task stays MIGRATING forever"),
    "incremental-spelled-right": Quirk("the incremental phase is spelled INCRMIGRATING"),
    "no-job-id": Quirk("the response for a new migration instance has no job_id"),
    "job-is-slow": Quirk("creating a migration instance takes SECONDS", 60.0, _seconds),
    "job-fails": Quirk("creating a migration instance fails: its job is FAIL, the task FAILED"),
    "set-while-running-refused": Quirk("a running task cannot be configured: CODE", "DCS.4957", _code),
    "set-while-running-restarts": Quirk("configuring a running task copies everything again"),
    "set-answers-error": Quirk("a configuration returns 200 with an error text and starts nothing"),
    "restart-refused": Quirk("a stopped task cannot be started again: CODE", "DCS.4957", _code),
    "restart-while-running-restarts": Quirk("restarting a running task copies everything again"),
    "restart-is-full": Quirk("restarting a stopped incremental task copies everything again"),
    "exchange-fails": Quirk("an address exchange ends as EXCHANGE_FAILED"),
    "exchange-needs-no-lag": Quirk(
        "addresses cannot be exchanged while the target is behind: CODE", "DCS.4957", _code
    ),
    "exchange-answers-204": Quirk("an address exchange and its rollback return 204"),
    "exchange-toggles": Quirk(
        "exchanging twice swaps the addresses back; a rollback without an exchange swaps them"
    ),
    "rollback-fails": Quirk("an address rollback ends as ROLLBACK_FAILED"),
    "stats-as-numbers": Quirk("statistics are numbers, as in the API's examples"),
    "error-body": Quirk(f"errors are written as SHAPE: {', '.join(SHAPE_NAMES)}", "v1", _shape),
}


class QuirkError(ValueError):
    """A quirk that does not exist, or a value that it does not take; the message is one line."""


def parse_quirks(specs: Iterable[str]) -> dict[str, QuirkValue]:
    """Read ``name`` and ``name=value`` items, each possibly several separated by commas."""
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
    """The quirks that are on. The set is replaced as a whole, so readers need no lock."""

    def __init__(self, specs: Iterable[str] = ()) -> None:
        self._active = parse_quirks(specs)
        self._used: Counter[str] = Counter()

    def __contains__(self, name: str) -> bool:
        return name in self._active

    def replace(self, specs: Iterable[str]) -> None:
        """Switch exactly these quirks on; raises `QuirkError` and changes nothing when one is wrong."""
        self._active = parse_quirks(specs)
        self._used.clear()

    def use(self, name: str) -> bool:
        """Use up one of the times that a quirk has as its value; False when it is off or none is left."""
        if self._used[name] >= (self.number(name) or 0):
            return False
        self._used[name] += 1
        return True

    def number(self, name: str) -> float | None:
        """Return the number that a quirk has as its value, or None while it is off."""
        value = self._active.get(name)
        return value if isinstance(value, float) else None

    def text(self, name: str) -> str | None:
        """Return the text that a quirk has as its value, or None while it is off."""
        value = self._active.get(name)
        return value if isinstance(value, str) else None

    def specs(self) -> list[str]:
        """Return the active quirks as they would be written on a command line."""
        return [name if value is None else f"{name}={_text(value)}" for name, value in self._active.items()]


def _text(value: float | str) -> str:
    return f"{value:g}" if isinstance(value, float) else value


@dataclass
class _Reading:
    """One reading, from its first page on: the row that is next, and whether it has moved."""

    next_id: str
    moved: bool = False


class MovingRows:
    """What ``rows-move`` does to lists that are read page by page. It is used inside a transaction of the store."""

    def __init__(self, quirks: QuirkSet) -> None:
        self._quirks = quirks
        self._readings: dict[Reader, _Reading] = {}

    def move(self, reader: Reader, tasks: list[Task], offset: int, limit: int) -> None:
        """Put the row that begins the second page before all others, once the first page was read.

        There it is on no page that is still to be read, however much the pages overlap. The next reading
        finds it in its place again.
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
