"""A gate that opens when targets have caught up: ``until="in_sync"``."""

from __future__ import annotations

from typing import Any

import pytest

from dcs_emulator import Emulator
from tests.fakes import FakeClock, FakeEngine
from tests.unit.completion_world import INTERVAL, Task, Waits
from tests.unit.life_cycle_world import CheckFailed, failing

IN_SYNC: dict[str, Any] = {"until": "in_sync"}


@pytest.fixture
def waits(cloud: Emulator, clock: FakeClock, engine: FakeEngine) -> Waits:
    """A cloud, the time, an engine and a plugin process."""
    return Waits(cloud, clock, engine)


def following(waits: Waits, offset: int) -> Task:
    """Return a migration in its incremental phase, some bytes behind."""
    task = waits.online_task()
    waits.cloud.set_status(task.id, "INCRMIGEATING", offset=offset)
    return task


def polled(waits: Waits) -> int:
    """Return how many polls a wait took, an interval apart."""
    return round(waits.clock.seconds / INTERVAL) + 1


def test_twice_in_a_row(waits: Waits) -> None:
    """One look may fall into a pause of the writes: it takes two, an interval apart."""
    task = following(waits, 0)
    assert waits.completion().up([task], **IN_SYNC) == {task.id: "INCRMIGEATING"}
    assert polled(waits) == 2


def test_a_lag_in_between_begins_the_count_again(waits: Waits) -> None:
    """In sync, behind, in sync, in sync."""
    task = following(waits, 0)
    waits.clock.at(5, lambda: waits.cloud.set_status(task.id, "INCRMIGEATING", offset=9))
    waits.clock.at(15, lambda: waits.cloud.set_status(task.id, "INCRMIGEATING", offset=0))
    waits.completion().up([task], **IN_SYNC)
    assert polled(waits) == 4


def test_the_lag_that_is_allowed(waits: Waits) -> None:
    """At most so many bytes behind."""
    task = following(waits, 1024)
    waits.completion().up([task], until="in_sync", max_lag_bytes=1024)
    assert polled(waits) == 2


def test_a_target_that_stays_behind(waits: Waits) -> None:
    """The time ends, and the error shows by how much; nothing was touched."""
    task = following(waits, 4096)
    message = failing(lambda: waits.completion().up([task], timeout="1m", **IN_SYNC))
    assert "INCRMIGEATING (4096 bytes behind)" in message
    assert waits.touched() == []


def test_only_the_incremental_phase_counts(waits: Waits) -> None:
    """While everything is copied, no lag says anything."""
    task = waits.online_task()
    waits.set_statistics(task, full_migration_progress=50, offset=0)
    assert "still running" in failing(lambda: waits.completion().up([task], timeout="1m", **IN_SYNC))


def test_old_style_incremental_tasks(waits: Waits) -> None:
    """They stay MIGRATING forever: their statistics tell both."""
    task = waits.online_task()
    waits.set_statistics(task, full_migration_progress=100, offset=0)
    assert waits.completion().up([task], **IN_SYNC) == {task.id: "MIGRATING"}


def test_full_migrations_are_done_when_they_succeed(waits: Waits) -> None:
    """There is nothing to be in sync with."""
    task = waits.task()
    waits.cloud.set_status(task.id, "SUCCESS")
    assert waits.completion().up([task], **IN_SYNC) == {task.id: "SUCCESS"}
    assert waits.count("ShowMigrationTaskStats") == 0


def test_a_gate_that_is_closed_later(waits: Waits) -> None:
    """What had only reached its incremental phase is asked again when the gate asks for more."""
    task = following(waits, 0)
    gate = waits.completion()
    gate.up([task])
    assert waits.count("ShowMigrationTaskStats") == 0
    assert gate.preview([task], **IN_SYNC).step == "update"
    gate.up([task], **IN_SYNC)
    assert polled(waits) == 2
    assert gate.preview([task], **IN_SYNC).step == "same"


@pytest.mark.parametrize(
    ("inputs", "line"),
    [
        (
            {"max_lag_bytes": 1},
            'max_lag_bytes: is only used with until="in_sync"; leave it out',
        ),
        ({**IN_SYNC, "max_lag_bytes": -1}, "max_lag_bytes: is out of range; use 0 or more"),
        (
            {"until": "in-sync"},
            'until: "in-sync" isn\'t one of the allowed values; use "done" or "in_sync" (did you mean '
            '"in_sync"?)',
        ),
    ],
)
def test_mistakes(waits: Waits, inputs: dict[str, Any], line: str) -> None:
    """Each is one line, in preview."""
    task = following(waits, 0)
    with pytest.raises(CheckFailed) as caught:
        waits.completion().preview([task], **inputs)
    assert caught.value.lines == [line]
