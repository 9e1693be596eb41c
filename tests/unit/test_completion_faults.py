"""A wait in bad weather: outages are survived, refusals end it at once, and without an engine it stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dcs_emulator import Emulator
from dcs_migration.life_cycles.migration_completion.waiting import ENGINE_EVERY, Poller
from dcs_migration.life_cycles.reporting import ProviderError
from tests.conftest import CloudOfAllTests
from tests.fakes import FakeClock, FakeEngine
from tests.unit.completion_world import HOUR, INTERVAL, Shared, Waits, gaps
from tests.unit.life_cycle_world import REGION, eventually, failing, in_threads

TOGETHER = 4
NEVER_TOUCHED = "; the wait has ended, and no task was stopped; run `pulumi up` again to keep waiting"

OUTAGES: dict[str, dict[str, Any]] = {
    "500": {"fault": "error", "status": 500},
    "502": {"fault": "error", "status": 502},
    "503 of the gateway": {"fault": "error", "status": 503, "error_code": "APIGW.0602"},
    "dropped": {"fault": "drop_before"},
    "garbage": {"fault": "garbage"},
    "cut off": {"fault": "truncate"},
    "empty": {"fault": "empty"},
}


@pytest.fixture
def waits(cloud: Emulator, clock: FakeClock, engine: FakeEngine) -> Waits:
    """A cloud whose tasks change when told to, and a plugin process of completions."""
    return Waits(cloud, clock, engine)


@pytest.fixture
def shared(_manual_cloud: CloudOfAllTests, engine: FakeEngine) -> Waits:
    """The same, by a clock for several threads."""
    clock = Shared(TOGETHER)
    return Waits(_manual_cloud.at(clock), clock, engine)


def fail_from(waits: Waits, seconds: float, fault: dict[str, Any], times: int = 9999) -> None:
    """Order that list calls fail, some seconds from now."""
    waits.clock.at(seconds, lambda: waits.cloud.fault("ListMigrationTask", times=times, **fault))


# Outages.


@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES.keys())
def test_an_outage_of_minutes_is_survived(waits: Waits, engine: FakeEngine, fault: dict[str, Any]) -> None:
    """It is said on the progress line while it lasts, and costs no call more than before."""
    task = waits.task()
    fail_from(waits, 5, fault, times=55)
    waits.turn(100, task, "SUCCESS")
    assert waits.completion().up([task]) == {task.id: "SUCCESS"}
    assert gaps(waits.list_calls()) == [INTERVAL] * 56
    assert (
        "0 of 1 done · 1 running · 10s · polling has failed for 0s, retrying: ListMigrationTask"
        in (engine.progress[1])
    )
    assert any("polling has failed for 9m00s, retrying" in line for line in engine.progress)
    assert engine.progress[-1] == "1 of 1 done · 9m20s"
    assert waits.touched() == []


def test_a_maintenance_page_is_an_outage(waits: Waits) -> None:
    """A web page in the place of the API, with 200, passes."""
    task = waits.task()
    waits.cloud.set_quirks(["error-body=html"])
    fail_from(waits, 5, {"fault": "error", "status": 200}, times=5)
    waits.turn(30, task, "SUCCESS")
    assert waits.completion().up([task]) == {task.id: "SUCCESS"}


def test_an_outage_from_the_beginning_is_survived(waits: Waits) -> None:
    """There is no listing yet, and that isn't a failure of a task."""
    task = waits.task()
    fail_from(waits, 0, OUTAGES["500"], times=10)
    waits.clock.advance(0.1)
    waits.turn(50, task, "SUCCESS")
    assert waits.completion().up([task]) == {task.id: "SUCCESS"}
    assert gaps(waits.list_calls()) == [INTERVAL] * 10


def test_a_service_that_is_restarted_is_survived(
    clock: FakeClock, engine: FakeEngine, tmp_path: Path
) -> None:
    """Minutes of refused connections, then it answers again."""
    options: dict[str, Any] = {
        "progression": "manual",
        "clock": clock.time,
        "state": tmp_path / "tasks.json",
    }
    clouds = [Emulator(**options)]
    try:
        waits = Waits(clouds[0], clock, engine)
        task = waits.task()
        clock.at(15, clouds[0].close)
        clock.at(315, lambda: clouds.append(Emulator(clouds[0].port, **options)))
        clock.at(316, lambda: clouds[1].set_status(task.id, "SUCCESS"))
        assert waits.completion().up([task]) == {task.id: "SUCCESS"}
        assert any("refused the connection" in line for line in engine.progress)
        assert 316 < clock.seconds < 332
    finally:
        for cloud in clouds:
            cloud.close()


@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES.keys())
def test_an_outage_of_ten_minutes_ends_the_wait(waits: Waits, fault: dict[str, Any]) -> None:
    """In one line, which says how long, what, and that no task was stopped."""
    task = waits.task()
    fail_from(waits, 5, fault)
    message = failing(lambda: waits.completion().up([task]))
    assert message.startswith("no valid response for 10m00s: ListMigrationTask ")
    assert message.endswith(NEVER_TOUCHED)
    assert waits.touched() == []
    assert 600 < waits.clock.seconds < 640


def test_all_completions_end_with_a_long_outage(shared: Waits) -> None:
    """Each of them in its own line, at the same time."""
    outcomes = waiting_together(shared, lambda: fail_from(shared, 5, OUTAGES["500"]))
    messages = [str(error) for error in outcomes]
    assert all(message.startswith("no valid response for 10m") for message in messages)
    assert all(message.endswith(NEVER_TOUCHED) for message in messages)
    assert shared.clock.seconds < 660


def test_a_later_outage_is_counted_anew(waits: Waits) -> None:
    """Good polls end an outage; so does an hour in which no one polled."""
    task = waits.task()
    fail_from(waits, 5, OUTAGES["500"], times=40)
    waits.clock.at(450, lambda: waits.cloud.fault("ListMigrationTask", "error", times=40))
    waits.turn(860, task, "SUCCESS")
    assert waits.completion().up([task]) == {task.id: "SUCCESS"}
    other = waits.task("users")
    waits.cloud.fault("ListMigrationTask", "error", times=9999)
    failing(lambda: waits.completion().up([other], timeout="5m"))
    waits.clock.advance(HOUR)
    waits.clock.at(60, waits.cloud.clear_faults)
    waits.turn(70, other, "SUCCESS")
    assert waits.completion().up([other]) == {other.id: "SUCCESS"}


def test_throttling_in_between_is_an_answer(waits: Waits) -> None:
    """Only silence counts towards the ten minutes."""
    task = waits.task()
    waits.clock.advance(0.1)
    for _ in range(4):
        waits.cloud.fault("ListMigrationTask", "error", times=25)
        waits.cloud.fault("ListMigrationTask", "throttle")
    waits.turn(60, task, "SUCCESS")
    assert waits.completion().up([task], timeout="9h") == {task.id: "SUCCESS"}
    assert waits.clock.seconds > 1000


def test_a_jump_of_the_clock_makes_no_outage(waits: Waits) -> None:
    """Two failures with hours of sleep between them are not hours of failures."""
    task = waits.task()
    fail_from(waits, 5, OUTAGES["500"], times=3)
    waits.clock.at(15, lambda: waits.clock.advance(5 * HOUR))
    waits.turn(30, task, "SUCCESS")
    assert waits.completion().up([task], timeout="9h") == {task.id: "SUCCESS"}


# Refusals.

REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "401": ({"status": 401, "error_code": "APIGW.0301"}, "ListMigrationTask failed: HTTP 401 APIGW.0301"),
    "403 of the gateway": (
        {"status": 403, "error_code": "APIGW.0302"},
        "ListMigrationTask failed: HTTP 403 APIGW.0302",
    ),
    "403": ({"status": 403, "error_code": "DCS.4003"}, "ListMigrationTask failed: HTTP 403 DCS.4003"),
    "400": ({"status": 400, "error_code": "DCS.4002"}, "ListMigrationTask failed: HTTP 400 DCS.4002"),
    "404": ({"status": 404, "error_code": "APIGW.0101"}, "ListMigrationTask failed: HTTP 404 APIGW.0101"),
    "302": ({"status": 302}, "ListMigrationTask failed: HTTP 302"),
}


@pytest.mark.parametrize(("fault", "begin"), REFUSALS.values(), ids=REFUSALS.keys())
@pytest.mark.parametrize("after", [0, 25])
def test_a_refusal_ends_the_wait_at_once(
    waits: Waits, fault: dict[str, Any], begin: str, after: float
) -> None:
    """In one line that says what to do and that no task was stopped; there is one refused call."""
    task = waits.task()
    fail_from(waits, after, {"fault": "error", **fault})
    waits.clock.advance(0.0)
    message = failing(lambda: waits.completion().up([task]))
    assert message.startswith(begin)
    assert message.endswith(NEVER_TOUCHED)
    refused = [entry for entry in waits.cloud.requests() if entry["status"] >= 300]
    assert len(refused) == 1
    assert waits.touched() == []
    assert waits.clock.seconds < 31


def test_trouble_that_never_passes_is_no_outage(
    cloud: Emulator, clock: FakeClock, engine: FakeEngine
) -> None:
    """An endpoint that does not speak TLS will not in ten minutes."""
    waits = Waits(cloud, clock, engine, HW_DCS_ENDPOINT=cloud.url.replace("http:", "https:"))
    waits_for = Waits(cloud, clock, engine).task()
    message = failing(lambda: waits.completion().up([waits_for]))
    assert "the server may not use https" in message
    assert message.endswith(NEVER_TOUCHED)
    assert clock.sleeps == []


def test_a_missing_permission_is_named(waits: Waits) -> None:
    """The line shows which one to grant."""
    task = waits.task()
    waits.cloud.fault("ListMigrationTask", "error", status=403, error_code="DCS.4003")
    assert "grant these credentials the DCS migration permissions" in failing(
        lambda: waits.completion().up([task])
    )


@pytest.fixture
def token_cloud(clock: FakeClock) -> Iterator[Emulator]:
    """A cloud that accepts a token."""
    with Emulator(progression="manual", auth_token="short-lived", clock=lambda: clock.time()) as cloud:
        yield cloud


def test_a_token_that_expires_ends_the_wait(
    token_cloud: Emulator, clock: FakeClock, engine: FakeEngine
) -> None:
    """The line says where the token came from."""
    waits = Waits(token_cloud, clock, engine, HW_ACCESS_KEY="", HW_SECRET_KEY="", HW_AUTH_TOKEN="short-lived")
    task = waits.task()
    fail_from(waits, 25, {"fault": "error", "status": 401, "error_code": "APIGW.0301"})
    message = failing(lambda: waits.completion().up([task]))
    assert message.startswith("ListMigrationTask failed: HTTP 401 APIGW.0301")
    assert "the credentials came from the environment (HW_AUTH_TOKEN)" in message
    assert message.endswith(NEVER_TOUCHED)
    assert "short-lived" not in message
    assert len(waits.list_calls()) == 4


def waiting_together(waits: Waits, trouble: Callable[[], None]) -> list[BaseException | None]:
    """Wait in four threads for a task each, and return with what they fail."""
    clock = waits.clock
    assert isinstance(clock, Shared)
    tasks = waits.tasks(TOGETHER)
    trouble()
    completions = [waits.completion(f"done-{index}") for index in range(TOGETHER)]
    works = [clock.leaving(partial(one.up, [task])) for one, task in zip(completions, tasks, strict=True)]
    return in_threads(list(works))


def test_refused_credentials_are_used_once_by_all_completions(shared: Waits) -> None:
    """More than five refusals would lock the key for everybody: the other threads make no call."""
    refusal = {"fault": "error", "status": 401, "error_code": "APIGW.0301"}
    outcomes = waiting_together(shared, lambda: fail_from(shared, 25, refusal))
    messages = [str(error) for error in outcomes]
    assert all(message.startswith("ListMigrationTask failed: HTTP 401") for message in messages)
    assert all(message.endswith(NEVER_TOUCHED) for message in messages)
    assert sum(entry["status"] == 401 for entry in shared.cloud.requests()) == 1


def test_statistics_that_are_refused_end_a_wait_that_needs_them(waits: Waits) -> None:
    """Of an old-style incremental task nothing else shows when it is done."""
    task = waits.online_task()
    waits.cloud.fault("ShowMigrationTaskStats", "error", status=403, error_code="DCS.4003")
    message = failing(lambda: waits.completion().up([task]))
    assert message.startswith(
        f"task {task.name} ({task.id}): ShowMigrationTaskStats failed: HTTP 403 DCS.4003"
    )
    assert message.endswith(NEVER_TOUCHED)


def test_an_id_that_the_service_refuses_is_named(waits: Waits) -> None:
    """Among forty, the one to correct."""
    task = waits.task()
    waits.turn(100, task, "SUCCESS")
    message = failing(lambda: waits.completion().up([task], ["not-an-id"]))
    assert message.startswith("task not-an-id: ShowMigrationTask failed: HTTP 400 DCS.4070")
    assert message.endswith(NEVER_TOUCHED)


# Pulumi.


@pytest.fixture
def own_cloud(clock: FakeClock) -> Iterator[Emulator]:
    """A cloud with no connections of other tests."""
    with Emulator(progression="manual", clock=lambda: clock.time()) as cloud:
        yield cloud


def connections(cloud: Emulator) -> int:
    """Return how many connections the cloud has open."""
    return len(cloud._connections._open)


def test_a_wait_stops_when_the_engine_is_gone(
    own_cloud: Emulator, clock: FakeClock, engine: FakeEngine
) -> None:
    """Within seconds, between two polls; it has touched nothing, and holds no connection to the API."""
    waits = Waits(own_cloud, clock, engine)
    here, there = waits.task(), waits.task("users", region="ap-south-1")
    clock.at(23, lambda: setattr(engine, "alive", False))
    seen: list[int] = []
    clock.at(22, lambda: seen.append(connections(own_cloud)))
    message = failing(lambda: waits.completion().up([here, there]))
    assert "the engine no longer responds" in message
    assert clock.seconds <= 23 + 2 * ENGINE_EVERY
    assert waits.list_calls(REGION)[-1] < 23
    assert waits.touched() == []
    assert seen == [2]
    assert eventually(lambda: connections(own_cloud) == 0)


def test_the_look_up_of_a_project_keeps_no_connection(
    own_cloud: Emulator, clock: FakeClock, engine: FakeEngine
) -> None:
    """The connections to IAM are also closed when Pulumi has ended."""
    waits = Waits(own_cloud, clock, engine)
    task = waits.task()
    engine.alive = False
    failing(lambda: waits.completion().up(ids=[task.id]))
    assert waits.count("KeystoneListProjects") == 1
    assert eventually(lambda: connections(own_cloud) == 0)


def test_four_waits_stop_when_the_engine_is_gone(engine: FakeEngine) -> None:
    """All of them, and the last one leaves no connection behind."""
    clock = Shared(TOGETHER)
    with Emulator(progression="manual", clock=lambda: clock.time()) as cloud:
        waits = Waits(cloud, clock, engine)
        outcomes = waiting_together(waits, lambda: clock.at(23, lambda: setattr(engine, "alive", False)))
        assert all("the engine no longer responds" in str(error) for error in outcomes)
        assert clock.seconds <= 23 + 2 * ENGINE_EVERY
        assert eventually(lambda: connections(cloud) == 0)


def test_an_engine_that_is_late_once_does_not_end_a_wait(waits: Waits, engine: FakeEngine) -> None:
    """In hours of waiting a busy machine misses an answer; two in a row are an end."""
    task = waits.task()

    def late_every_third_time() -> None:
        engine.alive = engine.asked % 3 != 0

    engine.on_require = late_every_third_time
    waits.turn(125, task, "SUCCESS")
    assert waits.completion().up([task]) == {task.id: "SUCCESS"}


def test_the_engine_is_asked_every_two_seconds(waits: Waits, engine: FakeEngine) -> None:
    """Also within a long interval, and while the service is out."""
    task = waits.task()
    fail_from(waits, 5, OUTAGES["500"], times=2)
    waits.turn(900, task, "SUCCESS")
    waits.completion().up([task], interval="5m")
    assert max(waits.clock.sleeps) <= ENGINE_EVERY
    assert engine.asked >= 900 / ENGINE_EVERY


def test_an_internal_error_is_one_line(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    """For any other failure: only our own error leaves the provider."""
    task = waits.task()

    def broken(self: Poller, interval: float) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(Poller, "poll", broken)
    with pytest.raises(ProviderError, match=r"^internal error: KeyError: 'surprise'; [^\n]+$"):
        waits.completion().up([task])
