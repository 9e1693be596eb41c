"""When a task is done, has failed, or is still awaited; and how a wait ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dcs_emulator import Emulator
from dcs_emulator.errors import SHAPE_NAMES
from dcs_emulator.quirks import QUIRKS
from dcs_migration.dcs.client import DcsClient
from dcs_migration.dcs.models import LogLine
from dcs_migration.dcs.statuses import STATUSES, Kind
from dcs_migration.life_cycles.inputs import UNKNOWN
from dcs_migration.life_cycles.reporting import ProviderError
from dcs_migration.life_cycles.secrets import scrub
from tests.conftest import CloudOfAllTests
from tests.fakes import FakeClock, FakeEngine
from tests.unit.completion_world import HOUR, INTERVAL, Task, Waits, gaps
from tests.unit.life_cycle_world import failing


@pytest.fixture
def waits(cloud: Emulator, clock: FakeClock, engine: FakeEngine) -> Waits:
    """A cloud whose tasks change when told to, and a plugin process of completions."""
    return Waits(cloud, clock, engine)


def failure(waits: Waits, *tasks: Task, **inputs: Any) -> list[str]:
    """Return the lines with which a wait for tasks fails; it has touched none of them."""
    with pytest.raises(ProviderError) as caught:
        waits.completion().up(tasks, **inputs)
    assert waits.touched() == []
    assert "internal error" not in str(caught.value)
    return str(caught.value).split("\n")


# The states of a task.


@pytest.mark.parametrize("status", [name for name, row in STATUSES.items() if row.kind is Kind.SUCCESS])
def test_a_success_is_done(waits: Waits, status: str) -> None:
    """In each of its spellings, which is what the output says."""
    task = waits.task()
    waits.turn(25, task, status)
    assert waits.completion().up([task]) == {task.id: status}
    assert gaps(waits.polls()) == [INTERVAL] * 3
    assert waits.operations() == {"ListMigrationTask"}


@pytest.mark.parametrize(
    "status", [name for name, row in STATUSES.items() if row.kind in (Kind.FAILURE, Kind.STOPPED)]
)
def test_a_failure_or_a_stop_fails(waits: Waits, status: str) -> None:
    """The line names the task, its status, and what runs it again."""
    task = waits.task()
    waits.turn(25, task, status)
    head, line = failure(waits, task)
    assert head == "1 of 1 migrations failed (0 done); all remain in state"
    assert line.startswith(f"orders ({task.id}) is {status}")
    assert line.endswith(f"; to run it again: `pulumi up --replace '{task.urn}'`, or change its triggers")


@pytest.mark.parametrize("status", [name for name, row in STATUSES.items() if row.kind is Kind.RUNNING])
@pytest.mark.parametrize("online", [False, True])
def test_a_running_task_is_awaited(waits: Waits, status: str, online: bool) -> None:
    """Even if it is busy before its end."""
    task = waits.online_task() if online else waits.task()
    waits.set_statistics(task, full_migration_progress=10)
    waits.cloud.set_status(task.id, status)
    waits.turn(55, task, "SUCCESS")
    waits.completion().up([task])
    assert len(waits.polls()) == 7


@pytest.mark.parametrize("spelling", ["INCRMIGEATING", "INCRMIGRATING"])
def test_an_incremental_task_is_done_in_its_incremental_phase(waits: Waits, spelling: str) -> None:
    """Its full phase is awaited; the other phase lasts until someone stops it."""
    task = waits.online_task()
    waits.cloud.set_status(task.id, "FULLMIGRATING")
    waits.turn(25, task, spelling)
    assert waits.completion().up([task]) == {task.id: spelling}
    assert len(waits.polls()) == 4


def test_an_old_style_incremental_task_is_done_by_its_statistics(waits: Waits) -> None:
    """It stays MIGRATING forever: that its full phase is whole tells."""
    task = waits.online_task()
    waits.set_statistics(task, full_migration_progress=99)
    waits.clock.at(25, lambda: waits.set_statistics(task, full_migration_progress=100))
    assert waits.completion().up([task]) == {task.id: "MIGRATING"}
    assert len(waits.polls()) == 4


def test_statistics_that_are_missing_once_are_asked_for_again(waits: Waits) -> None:
    """If the task has vanished, the next listing shows that."""
    task = waits.online_task()
    waits.cloud.fault("ShowMigrationTaskStats", "error", status=400, error_code="DCS.4133", times=2)
    assert waits.completion().up([task]) == {task.id: "MIGRATING"}
    assert len(waits.polls()) == 2


def test_an_import_that_is_called_incremental_ends_in_its_success(waits: Waits) -> None:
    """Statistics, which an import may not have, say nothing of it."""
    task = waits.task(migration_method="incremental_migration")
    waits.turn(25, task, "SUCCESS")
    waits.completion().up([task])
    assert waits.operations() == {"ListMigrationTask"}


def test_a_full_task_is_not_done_in_an_incremental_phase(waits: Waits) -> None:
    """Its own end is a success."""
    task = waits.task()
    waits.cloud.set_status(task.id, "INCRMIGEATING")
    waits.turn(25, task, "SUCCESS")
    waits.completion().up([task])
    assert len(waits.polls()) == 4


def test_a_status_never_seen_counts_as_running_and_is_named(waits: Waits, engine: FakeEngine) -> None:
    """A later release of the service must not break a pipeline."""
    task = waits.task()
    waits.cloud.set_status(task.id, "HIBERNATING")
    waits.turn(25, task, "SUCCESS")
    waits.completion().up([task])
    assert "unknown status HIBERNATING, still waiting" in engine.progress[0]
    assert len(waits.polls()) == 4


# Records that no longer exist.


@pytest.mark.parametrize("known", ["SUCCESS", "MIGRATION_SUCCESS", "INCRMIGEATING"])
def test_gone_after_a_success_is_done(waits: Waits, known: str) -> None:
    """The service forgets finished tasks, and state remembers."""
    task = waits.task().known_as(known)
    waits.cloud.remove(task.id)
    assert waits.completion().up([task]) == {task.id: known}


@pytest.mark.parametrize("seen", ["MIGRATING", "HIBERNATING"])
def test_gone_without_a_success_is_a_failure(waits: Waits, seen: str) -> None:
    """It says what was last seen, and how a pipeline continues if the data is there after all."""
    task = waits.task()
    waits.cloud.set_status(task.id, seen)
    waits.clock.at(25, lambda: waits.cloud.remove(task.id))
    _, line = failure(waits, task)
    assert line.startswith(
        f"orders ({task.id}) is GONE: its result is no longer available (last seen: {seen}); if its data is "
        "complete, remove it from this completion; to run it again: "
    )
    assert len(waits.polls()) == 4


def test_a_record_that_says_deleted_is_gone(waits: Waits) -> None:
    """Some stacks keep the row of a task that was deleted at the console."""
    task = waits.task()
    waits.turn(5, task, "DELETED")
    assert "is GONE: its result is no longer available" in failure(waits, task)[1]
    waits.clock.advance(HOUR)
    assert waits.completion().up([task.known_as("SUCCESS")]) == {task.id: "SUCCESS"}


def test_an_id_that_never_was_is_a_failure(waits: Waits) -> None:
    """A mistyped id ends the wait at once."""
    completion = waits.completion()
    with pytest.raises(ProviderError) as caught:
        completion.up(ids=["f" * 32])
    assert f"{'f' * 32} is GONE" in str(caught.value)
    assert (
        "has no such task, or its record has expired; check the id and the region; if its data is complete"
        in str(caught.value)
    )
    assert str(caught.value).endswith("to run it again: start it again where it was first started")
    assert waits.clock.sleeps == []


def test_a_record_that_only_show_still_has_is_believed(waits: Waits) -> None:
    """The list forgets a finished task first."""
    waits.cloud.set_quirks(["records-expire=2"])
    task = waits.task()
    waits.turn(21, task, "SUCCESS")
    assert waits.completion().up([task]) == {task.id: "SUCCESS"}
    failed = waits.task("users")
    waits.turn(21, failed, "FAILED")
    assert "is FAILED" in failure(waits, failed)[1]


def test_released_is_done_if_it_was_seen_to_succeed(waits: Waits) -> None:
    """By this wait's statuses or by state's."""
    task = waits.task().known_as("SUCCESS")
    waits.cloud.set_status(task.id, "RELEASED")
    assert waits.completion().up([task]) == {task.id: "SUCCESS"}


def test_released_without_a_success_is_a_failure(waits: Waits) -> None:
    """Its end is not known, and nothing continues by a guess."""
    task = waits.task()
    waits.turn(5, task, "RELEASED")
    _, line = failure(waits, task)
    assert "is RELEASED: its result is no longer available (last seen: MIGRATING)" in line


# How a wait ends.


def test_the_rest_is_awaited_after_a_failure(waits: Waits) -> None:
    """One error tells everything, when everything is over."""
    good, bad, last = waits.tasks(3)
    waits.turn(5, bad, "FAILED")
    waits.turn(15, good, "SUCCESS")
    waits.turn(45, last, "SUCCESS")
    head, line = failure(waits, good, bad, last)
    assert head == "1 of 3 migrations failed (2 done); all remain in state"
    assert bad.id in line
    assert len(waits.polls()) == 6


def test_fail_fast_ends_at_the_first_failure(waits: Waits) -> None:
    """The rest runs on, and the text says so."""
    good, bad, last = waits.tasks(3)
    waits.turn(5, bad, "FAILED")
    waits.turn(5, good, "SUCCESS")
    head, _ = failure(waits, good, bad, last, fail_fast=True)
    assert head == "1 of 3 migrations failed (1 done, 1 still running); all remain in state"
    assert len(waits.polls()) == 2


def test_a_failure_says_why(waits: Waits) -> None:
    """The service's error and the last three ERROR lines of the log, each once."""
    task = waits.task()
    for number in range(5):
        waits.cloud.set_status(task.id, "FAILED", f"step {number} broke")
        waits.clock.advance(1)
    _, line = failure(waits, task)
    assert f"{task.id}) is FAILED: step 4 broke | step 2 broke | step 3 broke; to run it again" in line
    assert waits.count("ListMigrationTaskLogs") == 1


def test_a_failure_shows_no_secret_and_stays_one_line(waits: Waits) -> None:
    """For anything that the service quotes, of any length."""
    scrub.add("hunter2-hunter2")
    task = waits.task()
    words = "AUTH hunter2-hunter2 failed at redis://:open-sesame@10.0.0.1\nsee\r\nthere " + "x" * 5000
    waits.cloud.set_status(task.id, "FAILED", words)
    lines = failure(waits, task)
    assert len(lines) == 2
    assert "hunter2" not in lines[1]
    assert "open-sesame" not in lines[1]
    assert "AUTH *** failed at redis://***@10.0.0.1 see there xxx" in lines[1]
    assert len(lines[1]) < 1000


def test_a_failure_shows_no_password_of_its_tasks(waits: Waits) -> None:
    """The program tells them to `check`; the create that follows knows them."""
    task = waits.task()
    waits.cloud.set_status(task.id, "FAILED", "WRONGPASS hunter2-hunter2")
    _, line = failure(waits, task, __passwords=[None, UNKNOWN, "hunter2-hunter2"])
    assert "is FAILED: WRONGPASS ***; to run it again" in line


def test_a_secret_that_is_cut_is_masked_all_the_same(waits: Waits) -> None:
    """No part of it stays at the end of a long text."""
    scrub.add("hunter2-hunter2")
    task = waits.task()
    waits.cloud.set_status(task.id, "FAILED", "x" * 490 + "hunter2-hunter2")
    assert "hunter" not in failure(waits, task)[1]


def test_the_order_of_the_log_is_no_matter(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    """No document tells it: the last lines are found by their time."""
    task = waits.task()
    for number in range(5):
        waits.cloud.set_status(task.id, "FAILED", f"step {number} broke")
        waits.clock.advance(1)
    in_order = DcsClient.list_migration_task_logs

    def newest_first(self: DcsClient, *args: Any) -> list[LogLine]:
        return in_order(self, *args)[::-1]

    monkeypatch.setattr(DcsClient, "list_migration_task_logs", newest_first)
    assert "step 4 broke | step 2 broke | step 3 broke; to run" in failure(waits, task)[1]


def test_the_log_only_adds_to_a_failure(waits: Waits) -> None:
    """When it cannot be read the line is shorter, and no other log is asked for."""
    tasks = waits.tasks(3)
    waits.turn(0, tasks, "FAILED", "the bucket is empty")
    waits.cloud.fault("ListMigrationTaskLogs", "error", status=403, error_code="DCS.4003", times=9)
    lines = failure(waits, *tasks)
    assert len(lines) == 4
    assert all("is FAILED: the bucket is empty; to run it again: " in line for line in lines[1:])
    assert waits.count("ListMigrationTaskLogs") == 1


def test_the_command_is_quoted_for_a_shell(waits: Waits) -> None:
    """Also the URN of a child with its dollar sign, and a name with a quote."""
    task = waits.task()
    odd = Task(task.id, task.name, "urn:pulumi:dev::shop::a:B$c:D::it's")
    waits.cloud.set_status(task.id, "FAILED")
    _, line = failure(waits, odd)
    assert "`pulumi up --replace 'urn:pulumi:dev::shop::a:B$c:D::it'\"'\"'s'`" in line


def test_more_than_fifty_failures_are_counted_and_named(waits: Waits) -> None:
    """Fifty have a line each; the others are only named, without calls for them."""
    tasks = waits.tasks(60)
    waits.turn(0, tasks, "FAILED")
    lines = failure(waits, *tasks)
    assert lines[0] == "60 of 60 migrations failed (0 done); all remain in state"
    assert len(lines) == 1 + 50 + 1
    assert lines[-1].startswith(f"and 10 more: orders-50 ({tasks[50].id}) FAILED, ")
    assert waits.count("ListMigrationTaskLogs") == 50


def test_a_timeout_names_what_still_runs(waits: Waits) -> None:
    """With the status of each; and the tasks continue."""
    done, one, two = waits.tasks(3)
    waits.turn(25, done, "SUCCESS")
    waits.cloud.set_status(two.id, "FULLMIGRATING")
    (line,) = failure(waits, done, one, two, timeout="65s")
    assert line == (
        f"timed out after 1m05s: 2 of 3 migrations still running (not stopped): orders-1 ({one.id}) "
        f"MIGRATING, orders-2 ({two.id}) FULLMIGRATING; run `pulumi up` again to keep waiting, or raise "
        "timeout= (and custom_timeouts, if set)"
    )
    assert 65 <= waits.clock.seconds < 66
    assert waits.polls()[-1] == pytest.approx(60, abs=0.1)


def test_a_timeout_tells_of_failures_too(waits: Waits) -> None:
    """What failed meanwhile is not lost behind what is slow."""
    bad, slow = waits.tasks(2)
    waits.turn(5, bad, "FAILED", "the bucket is empty")
    head, line = failure(waits, bad, slow, timeout="65s")
    assert f"1 of 2 migrations still running (not stopped): orders-1 ({slow.id}) MIGRATING; " in head
    assert head.endswith("; 1 failed")
    assert f"orders-0 ({bad.id}) is FAILED: the bucket is empty; to run it again: " in line


def test_a_timeout_of_many_names_fifty(waits: Waits) -> None:
    """A line can be read only so far."""
    (line,) = failure(waits, *waits.tasks(60), timeout="15s")
    assert "60 of 60 migrations still running (not stopped): orders-0 (" in line
    assert "orders-49 (" in line
    assert "orders-50 (" not in line
    assert " and 10 more; run `pulumi up` again" in line


def test_what_is_done_at_the_last_moment_is_done(waits: Waits) -> None:
    """The end of the time is looked at again before it is an error."""
    task = waits.task()
    waits.turn(19, task, "SUCCESS")
    assert waits.completion().up([task], timeout="20s") == {task.id: "SUCCESS"}


def test_custom_timeouts_end_a_wait(waits: Waits) -> None:
    """They bound create and update, each its own."""
    one, two = waits.tasks(2)
    assert failure(waits, one, __create_timeout="35s")[0].startswith("timed out after 35s: 1 of 1 ")
    waits.cloud.set_status(one.id, "SUCCESS")
    completion = waits.completion()
    completion.up([one])
    message = failing(lambda: completion.up([one, two], __create_timeout="1h", __update_timeout="45s"))
    assert message.startswith("timed out after 45s: 1 of 1 ")


def test_a_clock_that_jumps_ends_by_the_timeout(waits: Waits) -> None:
    """A machine that slept for hours looks again, and then says that the time is over."""
    task = waits.task()
    waits.clock.at(33, lambda: waits.clock.advance(5 * HOUR))
    assert failure(waits, task)[0].startswith(
        "timed out after 1h00m: 1 of 1 migrations still running (not stopped)"
    )
    done = waits.task("users")
    waits.clock.at(33, lambda: waits.clock.advance(5 * HOUR))
    waits.turn(50, done, "SUCCESS")
    assert waits.completion().up([done]) == {done.id: "SUCCESS"}


# The other operations of the resource.


def test_a_fleet_that_grows_waits_for_the_new_only(waits: Waits) -> None:
    """Even if the old records no longer exist: their success is in the state."""
    old = waits.tasks(2)
    waits.turn(0, old, "SUCCESS")
    completion = waits.completion()
    completion.up(old)
    waits.cloud.remove(old[0].id)
    waits.clock.advance(HOUR)
    new = waits.task("new")
    waits.turn(15, new, "SUCCESS")
    assert completion.preview([new, *old]).step == "update"
    statuses = completion.up([new, *old])
    assert list(statuses) == [new.id, old[0].id, old[1].id]
    assert waits.operations() == {"ListMigrationTask"}
    assert len(waits.polls()) == 3


def test_a_task_without_a_success_is_waited_for_again(waits: Waits) -> None:
    """Of the old statuses only successes and incremental phases count."""
    task, other = waits.online_task(), waits.task()
    completion = waits.completion()
    assert completion.up([task]) == {task.id: "MIGRATING"}  # of the old style
    waits.cloud.set_status(task.id, "FAILED")
    waits.cloud.set_status(other.id, "SUCCESS")
    with pytest.raises(ProviderError, match=r"^1 of 2 migrations failed"):
        completion.up([task, other])


def test_fewer_tasks_are_an_update_without_a_call(waits: Waits) -> None:
    """The statuses of those that are left stay; so does everything after other options."""
    tasks = waits.tasks(2)
    waits.turn(0, tasks, "SUCCESS")
    completion = waits.completion()
    completion.up(tasks)
    waits.cloud.clear_requests()
    assert completion.preview(tasks[1:]).step == "update"
    assert completion.up(tasks[1:]) == {tasks[1].id: "SUCCESS"}
    assert completion.up(tasks[1:], timeout="2h", fail_fast=True) == {tasks[1].id: "SUCCESS"}
    assert waits.cloud.requests() == []


def test_the_rest_of_a_life_makes_no_call(waits: Waits) -> None:
    """An unchanged `up`, a refresh and a destroy: a wait that is over is only in state."""
    task = waits.task()
    waits.cloud.set_status(task.id, "SUCCESS")
    completion = waits.completion()
    completion.up([task], timeout=90)
    waits.cloud.clear_requests()
    waits.cloud.set_status(task.id, "FAILED")
    assert completion.preview([task.known_as("FAILED")], timeout=90.0).step == "same"
    completion.up([task], timeout=90)
    completion.refresh()
    assert completion.preview([task], timeout=90).step == "same"
    assert completion.statuses == {task.id: "SUCCESS"}
    completion.destroy()
    assert waits.cloud.requests() == []


def test_a_wait_is_named_after_its_resource(waits: Waits) -> None:
    """There is nothing in the cloud that could give it an id."""
    task = waits.task()
    waits.cloud.set_status(task.id, "SUCCESS")
    completion = waits.completion("orders::done")
    completion.up([task])
    assert completion.state is not None
    assert completion.state.id == "orders::done"


def test_a_wait_that_failed_can_be_run_again(waits: Waits) -> None:
    """The next `up` waits for everything from the beginning, in the same process or another."""
    task = waits.task()
    completion = waits.completion()
    with pytest.raises(ProviderError):
        completion.up([task], timeout="15s")
    assert completion.state is None
    waits.turn(15, task, "SUCCESS")
    assert completion.up([task], timeout="1m") == {task.id: "SUCCESS"}


def test_ids_from_elsewhere_stand_beside_tasks_of_the_program(waits: Waits) -> None:
    """They are waited for alike; their place is the configured one."""
    own, other = waits.tasks(2)
    waits.turn(15, [own, other], "SUCCESS")
    assert waits.completion().up([own], [other.id]) == {own.id: "SUCCESS", other.id: "SUCCESS"}


# The behaviours that the service's documents leave open.

DURATION = 60.0  # seconds that a task takes
ALL = [*(name for name in QUIRKS if name != "error-body"), *(f"error-body={shape}" for shape in SHAPE_NAMES)]


@pytest.fixture(scope="module")
def timed_cloud() -> Iterator[CloudOfAllTests]:
    """A cloud whose tasks end by themselves."""
    clouds = CloudOfAllTests(progression="timed", duration=DURATION)
    yield clouds
    clouds.close()


@pytest.mark.parametrize("quirk", ALL)
def test_two_full_tasks_and_an_incremental_one(
    timed_cloud: CloudOfAllTests, clock: FakeClock, engine: FakeEngine, quirk: str
) -> None:
    """They are done in their own time, with one poll a second, even if the service is busy."""
    cloud = timed_cloud.at(clock)
    waits = Waits(cloud, clock, engine)
    refused_online = quirk == "online-refused"  # such a task was made at the console
    cloud.set_quirks([] if refused_online else [quirk])
    tasks = [*waits.tasks(2), waits.online_task()]
    cloud.set_quirks([quirk])
    if quirk == "create-answers-error":
        head, *lines = failure(waits, *tasks, interval="1s")
        assert head == "3 of 3 migrations failed (0 done); all remain in state"
        assert all(": The migration task could not be started.; to run it again: " in line for line in lines)
        return
    started = clock.seconds
    statuses = waits.completion().up(tasks, interval="1s")
    incremental = {"incremental-stays-migrating": "MIGRATING", "incremental-spelled-right": "INCRMIGRATING"}
    # The emulator's statistics call an incremental task whole from its beginning.
    assert statuses.pop(tasks[2].id) in (incremental.get(quirk), "INCRMIGEATING", "MIGRATING")
    assert set(statuses.values()) == {"SUCCESS"}
    lag = 5 if quirk == "listing-lags" else 0
    assert DURATION <= clock.seconds - started <= DURATION + lag + 1.5
    # A task that is not listed yet is looked for again.
    assert len(waits.list_calls()) <= DURATION + 4 * lag + 3
    assert waits.touched() == []


@pytest.mark.parametrize(
    ("quirk", "told"),
    [("records-expire", True), ("records-expire-wholly", False), ("success-becomes-released", False)],
)
def test_a_success_that_no_poll_saw(
    timed_cloud: CloudOfAllTests, clock: FakeClock, engine: FakeEngine, quirk: str, told: bool
) -> None:
    """Where the service still tells it counts; where it does not, the wait fails and says so."""
    cloud = timed_cloud.at(clock)
    cloud.set_quirks([quirk])
    waits = Waits(cloud, clock, engine)
    task = waits.task()
    waits.clock.advance(5)
    if told:
        assert waits.completion().up([task]) == {task.id: "SUCCESS"}
    else:
        assert "its result is no longer available" in failure(waits, task)[1]
