"""One poll for everybody: how many calls a wait costs, and what a listing proves."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from dcs_emulator import Emulator
from dcs_migration.dcs.client import DcsClient
from dcs_migration.dcs.models import Page
from dcs_migration.life_cycles import listing
from dcs_migration.life_cycles.migration_completion.waiting import MOST_ASKED
from dcs_migration.life_cycles.reporting import ProviderError
from tests.conftest import CloudOfAllTests
from tests.fakes import FakeClock, FakeEngine
from tests.unit.completion_world import INTERVAL, Shared, Task, Waits, gaps
from tests.unit.life_cycle_world import REGION, failing, in_threads

OTHER_REGION = "ap-south-1"
TOGETHER = 4  # completions of one process


@pytest.fixture
def waits(cloud: Emulator, clock: FakeClock, engine: FakeEngine) -> Waits:
    """A cloud whose tasks change when told to, and a plugin process of completions."""
    return Waits(cloud, clock, engine)


@pytest.fixture
def shared(_manual_cloud: CloudOfAllTests, engine: FakeEngine) -> Waits:
    """The same, by a clock for several threads."""
    clock = Shared(TOGETHER)
    return Waits(_manual_cloud.at(clock), clock, engine)


def together(waits: Waits, works: list[list[Task]], inputs: list[dict[str, Any]]) -> None:
    """Wait in four completions at a time, one thread each; none fails."""
    clock = waits.clock
    assert isinstance(clock, Shared)
    completions = [waits.completion(f"done-{index}") for index in range(TOGETHER)]
    runs = [
        clock.leaving(partial(one.up, tasks, **more))
        for one, tasks, more in zip(completions, works, inputs, strict=True)
    ]
    assert in_threads(list(runs)) == [None] * TOGETHER
    assert [set(one.statuses.values()) for one in completions] == [{"SUCCESS"}] * TOGETHER


@pytest.mark.parametrize("number", [1, 40])
def test_a_poll_is_one_call(waits: Waits, number: int) -> None:
    """For any number of tasks; each interval has one."""
    tasks = waits.tasks(number)
    waits.turn(55, tasks, "SUCCESS")
    waits.completion().up(tasks)
    assert gaps(waits.list_calls()) == [INTERVAL] * 6
    assert waits.operations() == {"ListMigrationTask"}


def test_a_thousand_tasks_are_one_poll(waits: Waits) -> None:
    """A full page may not be the last one, so that exactly a thousand rows take a second call."""
    tasks = waits.tasks(listing.PAGE_SIZE)
    waits.turn(35, tasks, "SUCCESS")
    waits.completion().up(tasks)
    assert gaps(waits.polls()) == [INTERVAL] * 4
    assert len(waits.list_calls()) == 2 * 5
    waits.cloud.remove(tasks[0].id)
    waits.cloud.clear_requests()
    waits.turn(0, tasks[1:], "MIGRATING")
    waits.clock.advance(60)
    waits.turn(35, tasks[1:], "SUCCESS")
    waits.completion().up(tasks[1:])
    assert gaps(waits.list_calls()) == [INTERVAL] * 4


def test_four_completions_share_one_poll(shared: Waits) -> None:
    """They wait in threads of their own, and one of them asks for all."""
    tasks = [shared.tasks(10) for _ in range(TOGETHER)]
    for number, fleet in enumerate(tasks):
        shared.turn(25 + 20 * number, fleet, "SUCCESS")
    together(shared, tasks, [{}] * TOGETHER)
    assert shared.operations() == {"ListMigrationTask"}
    assert gaps(shared.list_calls()) == [INTERVAL] * 9


def test_the_shortest_interval_serves_all(shared: Waits) -> None:
    """Those who ask less often find what was fetched for the others."""
    tasks = [[shared.task()] for _ in range(TOGETHER)]
    shared.turn(65, [fleet[0] for fleet in tasks], "SUCCESS")
    together(shared, tasks, [{"interval": seconds} for seconds in (10, 20, 30, 60)])
    assert gaps(shared.list_calls())[:6] == [INTERVAL] * 6
    assert len(shared.list_calls()) <= 9


def test_two_regions_are_polled_apart(waits: Waits) -> None:
    """Each by one call per interval, in one completion."""
    here, there = waits.tasks(3), waits.tasks(3, region=OTHER_REGION)
    waits.turn(25, here, "SUCCESS")
    waits.turn(45, there, "SUCCESS")
    waits.completion().up([*here, *there])
    assert gaps(waits.list_calls(REGION)) == [INTERVAL] * 3
    assert gaps(waits.list_calls(OTHER_REGION)) == [INTERVAL] * 5


def test_ids_of_another_region_are_found_there(waits: Waits) -> None:
    """The region of bare ids is written with them, and its project looked up."""
    there = waits.task(region=OTHER_REGION)
    waits.turn(15, there, "SUCCESS")
    assert waits.completion().up(ids=[there.id], region=OTHER_REGION) == {there.id: "SUCCESS"}
    assert waits.count("KeystoneListProjects") == 1
    assert waits.list_calls(REGION) == []


# What a listing does not show.


@pytest.fixture
def passed_over(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Ids that the listing passes over; each is dropped from the set when that has happened once."""
    hidden: set[str] = set()
    whole = DcsClient.list_migration_tasks

    def short(self: DcsClient, offset: int = 0, limit: int = 1000) -> Page:
        page = whole(self, offset, limit)
        rows = [row for row in page.rows if row.id not in hidden]
        hidden.difference_update({row.id for row in page.rows})
        return Page(rows, len(rows))

    monkeypatch.setattr(DcsClient, "list_migration_tasks", short)
    return hidden


def test_a_row_that_is_passed_over_is_looked_for(waits: Waits, passed_over: set[str]) -> None:
    """Show says that the task runs, and the next listing has it: nothing has happened."""
    task = waits.task()
    waits.clock.at(15, lambda: passed_over.add(task.id))
    waits.turn(45, task, "SUCCESS")
    assert waits.completion().up([task]) == {task.id: "SUCCESS"}
    assert waits.count("ShowMigrationTask") == 1
    assert gaps(waits.polls()) == [INTERVAL] * 5


def test_rows_that_vanish_together_share_the_second_listing(waits: Waits, passed_over: set[str]) -> None:
    """A short page costs two calls more, not two for each task."""
    tasks = waits.tasks(30)
    waits.clock.at(15, lambda: passed_over.update(task.id for task in tasks))
    waits.turn(45, tasks, "SUCCESS")
    waits.completion().up(tasks)
    assert waits.count("ShowMigrationTask") == 1
    assert len(waits.list_calls()) == 6 + 1


def test_a_row_is_gone_only_by_two_witnesses(waits: Waits) -> None:
    """A listing without it, and the service's own word for a task that it does not know."""
    task = waits.task()
    waits.clock.at(15, lambda: waits.cloud.remove(task.id))
    assert f"{task.id}) is GONE" in failing_lines(waits, [task])
    assert waits.count("ShowMigrationTask") == 1


def test_a_bare_404_proves_nothing(waits: Waits) -> None:
    """It comes from a wrong endpoint: the wait ends and says so, and the task is not called gone."""
    task = waits.task()
    waits.clock.at(15, lambda: waits.cloud.remove(task.id))
    waits.cloud.fault("ShowMigrationTask", "error", status=404, error_code="APIGW.0101")
    message = failing(lambda: waits.completion().up([task]))
    assert message.startswith(f"task {task.name} ({task.id}): ShowMigrationTask failed: HTTP 404 APIGW.0101")
    assert "no task was stopped" in message


def test_a_second_witness_that_fails_is_asked_again(waits: Waits, engine: FakeEngine) -> None:
    """Its trouble is said on the progress line; what the listing does show is judged all the same."""
    gone, other = waits.tasks(2)
    waits.clock.at(5, lambda: waits.cloud.remove(gone.id))
    waits.turn(15, other, "SUCCESS")
    waits.cloud.fault("ShowMigrationTask", "error", status=503, times=2)
    assert "is SUCCESS" not in failing_lines(waits, [gone, other])
    assert waits.count("ShowMigrationTask") == 3
    assert any(line.startswith("1 of 2 done") and "HTTP 503" in line for line in engine.progress)


def test_a_poll_asks_for_few_tasks_by_themselves(waits: Waits) -> None:
    """When many vanish at once the others have their turn at the next polls: no storm of calls."""
    tasks = waits.tasks(50)
    waits.cloud.set_quirks(["records-expire=1"])
    waits.turn(5, tasks, "SUCCESS")
    waits.completion().up(tasks)
    assert waits.count("ShowMigrationTask") == 50
    shown = [entry["time"] for entry in waits.cloud.requests() if entry["operation"] == "ShowMigrationTask"]
    assert max(sum(abs(other - one) < 1 for other in shown) for one in shown) == MOST_ASKED
    assert gaps(waits.list_calls()) == [INTERVAL] * 3


def test_many_old_style_tasks_take_turns_too(waits: Waits) -> None:
    """Their statistics cost a call each."""
    tasks = [waits.online_task(f"cache-{number}") for number in range(30)]
    for task in tasks:
        waits.set_statistics(task, full_migration_progress=10)

    def whole() -> None:
        for task in tasks:
            waits.set_statistics(task, full_migration_progress=100)

    waits.clock.at(65, whole)
    waits.completion().up(tasks)
    asked = waits.count("ShowMigrationTaskStats")
    assert asked <= MOST_ASKED * len(waits.polls())
    assert len(waits.polls()) <= 10


def test_those_that_were_not_asked_come_first_the_next_time(waits: Waits, engine: FakeEngine) -> None:
    """Twenty slow tasks do not keep the eleven behind them from being seen."""
    slow = [waits.online_task(f"cache-{number}") for number in range(MOST_ASKED)]
    quick = [waits.online_task(f"quick-{number}") for number in range(11)]
    for task in slow:
        waits.set_statistics(task, full_migration_progress=10)
    waits.turn(85, slow, "SUCCESS")
    waits.completion().up([*slow, *quick])
    assert "11 of 31 done · 20 running · 10s" in engine.progress


def test_a_list_in_another_order_while_tasks_are_added(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that move under the reader neither lose a task nor fail one."""
    monkeypatch.setattr(listing, "PAGE_SIZE", 7)
    monkeypatch.setattr(listing, "_OVERLAP", 2)
    waits.cloud.set_quirks(["list-unsorted"])
    tasks = waits.tasks(20)
    client_of = waits.accounts.at(REGION, tasks[0].project_id).client
    whole = client_of.list_migration_tasks
    calls = []

    def growing(offset: int = 0, limit: int = 1000) -> Page:
        page = whole(offset, limit)
        calls.append(offset)
        if len(calls) % 2 and len(calls) < 40:
            waits.task(f"added-{len(calls)}")
        return page

    monkeypatch.setattr(waits.accounts.at(REGION, tasks[0].project_id).listing, "_fetch_page", growing)
    waits.turn(45, tasks, "SUCCESS")
    statuses = waits.completion().up(tasks)
    assert set(statuses.values()) == {"SUCCESS"}
    assert len(calls) > 18
    assert waits.clock.seconds < 75  # at most one poll late: pages that moved showed an older status


def failing_lines(waits: Waits, tasks: list[Task]) -> str:
    """Return the text with which a wait fails, a line for each failure."""
    with pytest.raises(ProviderError, match="migrations failed") as caught:
        waits.completion().up(tasks)
    return str(caught.value)


# Throttling.


def test_throttling_widens_the_interval_and_a_success_narrows_it(waits: Waits, engine: FakeEngine) -> None:
    """A 429 isn't a failure: each one doubles the pause, and the next good poll is the end of it."""
    task = waits.task()
    waits.clock.at(5, lambda: waits.cloud.fault("ListMigrationTask", "throttle", times=3))
    waits.clock.at(165, lambda: waits.cloud.fault("ListMigrationTask", "throttle"))
    waits.turn(175, task, "SUCCESS")
    waits.completion().up([task])
    assert gaps(waits.list_calls()) == [10, 20, 40, 80, 10, 10, 20]
    assert "throttled, next poll in 20 s" in engine.progress[1]
    assert "throttled" not in engine.progress[-1]


def test_the_service_may_ask_for_a_longer_pause(waits: Waits) -> None:
    """Retry-After is kept, up to five minutes."""
    task = waits.task()
    waits.cloud.fault("ListMigrationTask", "throttle", seconds=45)
    waits.cloud.fault("ListMigrationTask", "throttle", seconds=86_400)
    waits.turn(300, task, "SUCCESS")
    waits.completion().up([task])
    assert gaps(waits.list_calls()) == [45, 300]


def test_throttling_alone_never_fails_a_wait(waits: Waits) -> None:
    """It is throttled until its time is over, which the text then says."""
    task = waits.task()
    waits.cloud.fault("ListMigrationTask", "throttle", times=999)
    message = failing(lambda: waits.completion().up([task], timeout="40m"))
    assert message.startswith(
        "timed out after 40m00s (throttled, next poll in 300 s): 1 of 1 migrations still running (not stopped): "
    )
    assert len(waits.list_calls()) < 14
    assert f"orders ({task.id}) MIGRATING" in message


def test_a_long_interval_stays_as_it_is_when_throttled(waits: Waits) -> None:
    """Widening never makes it shorter."""
    task = waits.task()
    waits.clock.at(5, lambda: waits.cloud.fault("ListMigrationTask", "throttle"))
    waits.turn(700, task, "SUCCESS")
    waits.completion().up([task], interval="10m")
    assert gaps(waits.list_calls()) == [600, 600]


def test_all_completions_keep_a_pause_together(shared: Waits) -> None:
    """A refused call counts, too: the other threads make none meanwhile."""
    tasks = [[shared.task()] for _ in range(TOGETHER)]
    shared.cloud.fault("ListMigrationTask", "throttle", times=2)
    shared.turn(100, [fleet[0] for fleet in tasks], "SUCCESS")
    together(shared, tasks, [{}] * TOGETHER)
    assert gaps(shared.list_calls()) == [20, 40, 10, 10, 10, 10]
