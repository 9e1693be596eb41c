"""Whose tasks the service has: no one else's was touched, and no two ran on one target, by what it recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Any

from dcs_emulator.task import CREATING, ENDED, FAILURES, IDLE, MIGRATING, TERMINATED
from dcs_migration.life_cycles.tasks.mark import Mark, mark_of, split
from tests.chaos.scenarios import Entries

Record = Mapping[str, Any]

PROVIDERS = ("pulumi:providers:pulumi-python", "pulumi:providers:dcs")
TOUCHED = "of the task of another owner"


def require_untouched(
    others: Mapping[str, Record],
    ever: Sequence[Record],
    requests: Sequence[Record],
    states: Sequence[Entries],
) -> None:
    """No one else's task was written to, has changed, or is held.

    Args:
        others: The records of these tasks before the blow, by id.
        ever: The records of all tasks now.
        requests: What the service was asked since.
        states: What the struck stack has held since, without what its user took over.

    Raises:
        AssertionError: one was.
    """
    for request in requests:
        touched = others.keys() & set(request["task_ids"])
        assert request["method"] == "GET" or not touched, f"{request['operation']} {TOUCHED}: {touched}"
    now = {task["id"]: task for task in ever}
    for id_, record in others.items():
        assert now.get(id_) == record, f"change {TOUCHED}: {record} has become {now.get(id_)}"
    for entries in states:
        held = others.keys() & {entry.get("id") for entry in entries}
        assert not held, f"adoption {TOUCHED}: {held}"


def require_one_on_a_target(ours: Sequence[Record], ever: Sequence[Record]) -> None:
    """At no time two tasks ran on one target, one of them ours.

    Raises:
        AssertionError: they did.
    """
    for task in ours:
        for other in ever:
            if other["id"] == task["id"] or target_of(other) != target_of(task):
                continue
            for began, ended in _runs(task):
                met = any(began < end and start < ended for start, end in _runs(other))
                assert not met, f"two running on one target: {task['id']} and {other['id']}"


def require_one_of_a_definition(ours: Sequence[Record], others: Sequence[Record]) -> None:
    """Ours are one for each owner, resource and definition, and none does what another owner's had done.

    Args:
        ours: The records of all tasks that were started for us.
        others: Those of other owners, without the tasks into which someone copied a description.

    Raises:
        AssertionError: there are more, or one does.
    """
    there = Counter(
        _mark(task) for task in ours if task["deleted_at"] is None and task["status"] not in FAILURES
    )
    assert max(there.values(), default=0) <= 1, f"duplicate: {there}"
    for task in ours:
        for other in (*ours, *others):
            mine, theirs = _mark(task), _mark(other)
            same = mine.definition == theirs.definition and mine != theirs
            assert not (same and _stands(other, task["created_at"])), (
                f"run a second time for another owner: {task['id']} after {other['id']}"
            )


def require_known(started: Sequence[Record], entries: Entries) -> None:
    """The owner that tasks were started for is in the state: the next run knows them.

    Raises:
        AssertionError: it is not.
    """
    known = owners(entries)
    unknown = [
        task["id"] for task in started if task["deleted_at"] is None and _mark(task).owner not in known
    ]
    assert not unknown, f"no owner in the state: of {unknown}"


def require_kept(recorded: Entries, entries: Entries) -> None:
    """The owner that was in the state is there after the recovery.

    Raises:
        AssertionError: it is not.
    """
    lost = owners(recorded) - owners(entries)
    assert not lost, f"another owner in the state: {lost} became {owners(entries)}"


def owners(entries: Entries) -> set[str]:
    """The owners in a state, as the owner marks name them."""
    ids = [str(entry["id"]) for entry in entries if entry["type"] in PROVIDERS]
    return {mark_of(id_, "", {}).owner for id_ in ids}


def target_of(task: Record) -> Any:
    """The instance that a task fills; of its own where it is not known yet."""
    return (task["target"] or {}).get("id", task["id"])


def _mark(task: Record) -> Mark:
    return split(task["description"])[1] or Mark("", "", str(task["id"]))


def _statuses(task: Record) -> Iterator[tuple[float, float, str]]:
    """Yield from when until when a task had which status, until it was deleted."""
    first = MIGRATING if task["network"] is None else CREATING
    changes = [(task["created_at"], first), *((each["at"], each["status"]) for each in task["history"])]
    deleted = inf if task["deleted_at"] is None else task["deleted_at"]
    for (since, status), (until, _) in pairwise([*changes, (inf, "")]):
        if since < deleted:
            yield since, min(until, deleted), status


def _runs(task: Record) -> list[tuple[float, float]]:
    """When a task ran: an instance that is made, or waits to be configured, does not."""
    waits = () if task["network"] is None else (CREATING, IDLE)
    return [
        (since, until)
        for since, until, status in _statuses(task)
        if status not in ENDED and status not in waits
    ]


def _stands(task: Record, at: float) -> bool:
    """Whether a task was there at a moment, and had not ended in a way that fills no target."""
    badly = FAILURES | {TERMINATED} if task["network"] is None else FAILURES
    return any(since < at < until and status not in badly for since, until, status in _statuses(task))
