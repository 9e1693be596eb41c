"""The progress line: what it says, how often, and that it never fails a wait."""

from __future__ import annotations

import os
from typing import Any

import pytest

from dcs_emulator import Emulator
from dcs_migration.life_cycles.migration_completion.progress import (
    IN_A_LOG,
    ON_A_TERMINAL,
    Progress,
    Snapshot,
    line,
    silence,
)
from tests.fakes import FakeClock, FakeEngine
from tests.unit.completion_world import Waits


@pytest.fixture
def waits(cloud: Emulator, clock: FakeClock, engine: FakeEngine) -> Waits:
    """A cloud whose tasks change when told to, and a plugin process of completions."""
    return Waits(cloud, clock, engine)


def snapshot(**changes: Any) -> Snapshot:
    """Return a moment of a wait for forty tasks."""
    return Snapshot(**{"done": 37, "running": 2, "failed": 1, "seconds": 250.0, **changes})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "37 of 40 done · 2 running · 1 failed · 4m10s"),
        ({"done": 40, "running": 0, "failed": 0}, "40 of 40 done · 4m10s"),
        ({"failed": 0, "seconds": 9.9}, "37 of 39 done · 2 running · 9s"),
        ({"seconds": 7500.0}, "37 of 40 done · 2 running · 1 failed · 2h05m"),
        (
            {"unknown": ("HIBERNATING", "NAPPING")},
            "37 of 40 done · 2 running · 1 failed · 4m10s · unknown status HIBERNATING, still waiting · "
            "unknown status NAPPING, still waiting",
        ),
        (
            {"trouble": "throttled, next poll in 20 s"},
            "37 of 40 done · 2 running · 1 failed · 4m10s · throttled, next poll in 20 s",
        ),
    ],
)
def test_a_line(changes: dict[str, Any], text: str) -> None:
    """It counts, says how long, and names what is unusual."""
    assert line(snapshot(**changes)) == text


def test_a_line_is_printed_on_change_and_now_and_then(engine: FakeEngine) -> None:
    """Time alone doesn't print a line until the last one was long ago."""
    shown = Progress(engine, "urn", every=30.0)
    for seconds in range(0, 100, 10):
        shown.show(snapshot(seconds=float(seconds), done=37 if seconds < 50 else 38, running=1))
    assert [text.rpartition(" ")[2] for text in engine.progress] == ["0s", "30s", "50s", "1m20s"]
    assert {(entry.severity, entry.urn, entry.ephemeral) for entry in engine.lines} == {("INFO", "urn", True)}


@pytest.mark.parametrize(
    "changes",
    [{"running": 1, "failed": 2}, {"unknown": ("HIBERNATING",)}, {"trouble": "throttled"}],
)
def test_every_kind_of_news_is_printed_at_once(engine: FakeEngine, changes: dict[str, Any]) -> None:
    """Also that the news is over."""
    shown = Progress(engine, None, every=30.0)
    for moment in (snapshot(), snapshot(**changes), snapshot(**changes, seconds=251.0), snapshot()):
        shown.show(moment)
    assert len(engine.progress) == 3


def test_trouble_that_only_goes_on_is_no_news(engine: FakeEngine) -> None:
    """Its words change with every poll, and a log would be full of them."""
    shown = Progress(engine, None, every=30.0)
    for seconds in range(5):
        shown.show(snapshot(trouble=f"polling has failed for {seconds}s, retrying", seconds=float(seconds)))
    assert len(engine.progress) == 1


def test_a_log_is_quiet_and_a_terminal_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute in a terminal, five minutes in a log; CI always counts as a log."""
    nothing: dict[str, str] = {}
    monkeypatch.setattr(os, "open", lambda *args: os.dup(0))
    assert silence(nothing.get) == ON_A_TERMINAL == 30
    assert silence({"CI": "true"}.get) == IN_A_LOG == 300

    def no_terminal(*args: object) -> int:
        raise OSError(6, "No such device or address")

    monkeypatch.setattr(os, "open", no_terminal)
    assert silence(nothing.get) == IN_A_LOG


def test_windows_has_no_controlling_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the flag with which others are opened: every wait asks for it."""
    nothing: dict[str, str] = {}
    monkeypatch.delattr(os, "O_NOCTTY")
    monkeypatch.setattr(os, "open", lambda *args: os.dup(0))
    assert silence(nothing.get) == ON_A_TERMINAL


def test_a_wait_shows_its_beginning_its_changes_and_its_end(waits: Waits, engine: FakeEngine) -> None:
    """On the completion's own row, as passing lines only."""
    one, two = waits.tasks(2)
    waits.turn(25, one, "SUCCESS")
    waits.turn(85, two, "SUCCESS")
    completion = waits.completion()
    completion.up([one, two])
    assert engine.progress == [
        "0 of 2 done · 2 running · 0s",
        "1 of 2 done · 1 running · 30s",
        "1 of 2 done · 1 running · 1m00s",
        "2 of 2 done · 1m30s",
    ]
    assert {(entry.urn, entry.ephemeral) for entry in engine.lines} == {(completion.urn, True)}
    assert waits.operations() == {"ListMigrationTask"}


def test_a_failure_is_shown_while_the_rest_is_awaited(waits: Waits, engine: FakeEngine) -> None:
    """No one has to wait for the end to know."""
    one, two = waits.tasks(2)
    waits.turn(5, one, "FAILED")
    waits.turn(15, two, "SUCCESS")
    with pytest.raises(Exception, match="1 of 2 migrations failed"):
        waits.completion().up([one, two])
    assert engine.progress[1:] == [
        "0 of 2 done · 1 running · 1 failed · 10s",
        "1 of 2 done · 1 failed · 20s",
    ]


def test_an_online_task_shows_percent_and_lag(waits: Waits, engine: FakeEngine) -> None:
    """From its statistics, which are asked for when a line is printed and not with every poll."""
    task = waits.online_task()
    waits.cloud.set_status(task.id, "FULLMIGRATING")
    waits.set_statistics(task, full_migration_progress=40, offset=2_500_000)
    waits.turn(85, task, "INCRMIGEATING")
    waits.completion().up([task])
    assert engine.progress[0] == f"0 of 1 done · 1 running · 0s · cache ({task.id}) 40 %, 2 MB behind"
    assert len(waits.polls()) == 10
    assert waits.count("ShowMigrationTaskStats") == 3


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ({"full_migration_progress": 0}, " 0 %"),
        ({"full_migration_progress": "12.6"}, " 13 %"),
        ({"full_migration_progress": 100, "offset": 999}, " 100 %, 999 B behind"),
        ({"full_migration_progress": 100, "offset": "4096"}, " 100 %, 4 kB behind"),
        ({"full_migration_progress": 100, "offset": 7e12}, " 100 %, 7 TB behind"),
        ({"full_migration_progress": None, "offset": "?"}, ""),
    ],
)
def test_statistics_are_shown_as_far_as_they_go(
    waits: Waits, engine: FakeEngine, numbers: dict[str, Any], text: str
) -> None:
    """The service writes numbers and texts; what is neither is left out."""
    task = waits.online_task()
    waits.cloud.set_status(task.id, "FULLMIGRATING")
    waits.set_statistics(task, **numbers)
    waits.turn(5, task, "INCRMIGEATING")
    waits.completion().up([task])
    expected = f" · cache ({task.id}){text}" if text else ""
    assert engine.progress[0] == f"0 of 1 done · 1 running · 0s{expected}"


def test_no_statistics_are_asked_for_in_trouble(waits: Waits, engine: FakeEngine) -> None:
    """The line has something else to say, and the service enough to do."""
    task = waits.online_task()
    waits.cloud.set_status(task.id, "FULLMIGRATING")
    waits.clock.at(5, lambda: waits.cloud.fault("ListMigrationTask", "error", times=5))
    waits.turn(45, task, "INCRMIGEATING")
    waits.completion().up([task])
    assert [("polling has failed" in text) for text in engine.progress] == [False, True, True, False]
    assert waits.count("ShowMigrationTaskStats") == 1


def test_many_online_tasks_are_too_many_for_a_line(waits: Waits) -> None:
    """Their statistics would cost a call each."""
    tasks = [waits.online_task(f"cache-{number}") for number in range(4)]
    for task in tasks:
        waits.cloud.set_status(task.id, "FULLMIGRATING")
    waits.turn(25, tasks, "INCRMIGEATING")
    waits.completion().up(tasks)
    assert waits.operations() == {"ListMigrationTask"}


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "error", "status": 500},
        {"fault": "error", "status": 403, "error_code": "DCS.4003"},
        {"fault": "error", "status": 400, "error_code": "DCS.4133"},
        {"fault": "throttle"},
        {"fault": "garbage"},
        {"fault": "drop_before"},
    ],
)
def test_statistics_that_cannot_be_had_are_left_out(
    waits: Waits, engine: FakeEngine, fault: dict[str, Any]
) -> None:
    """One refusal is enough for a line, and none of them fails the wait."""
    tasks = [waits.online_task(f"cache-{number}") for number in range(3)]
    for task in tasks:
        waits.cloud.set_status(task.id, "FULLMIGRATING")
    waits.cloud.fault("ShowMigrationTaskStats", times=99, **fault)
    waits.turn(5, tasks, "INCRMIGEATING")
    waits.completion().up(tasks)
    assert engine.progress == ["0 of 3 done · 3 running · 0s", "3 of 3 done · 10s"]
    assert waits.count("ShowMigrationTaskStats") == 1
