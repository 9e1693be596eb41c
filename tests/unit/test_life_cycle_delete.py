"""Delete: stop what runs, delete, see that it no longer exists; every step may be repeated."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from dcs_emulator import Emulator
from dcs_migration.dcs.models import Page
from tests.fakes import FakeClock, FakeEngine
from tests.unit.dcs_server import Handler, StandIn, answer
from tests.unit.life_cycle_world import BACKUP_IMPORT, ONLINE, Resource, World, failing, in_threads, into

NOT_PERMITTED: dict[str, Any] = {"fault": "error", "status": 403, "error_code": "DCS.2003", "times": 1000}
STOP, DELETE = "BatchStopMigrationTasks", "DeleteMigrationTask"


@pytest.fixture
def resource(world: World) -> Resource:
    """A running import of an earlier run."""
    resource = world.started()
    world.clock.advance(3600)
    return resource


class TestOrdinary:
    """Nothing goes wrong."""

    @pytest.mark.parametrize("inputs", [BACKUP_IMPORT, ONLINE], ids=["backup import", "online"])
    def test_a_running_task_is_stopped_first(self, world: World, inputs: dict[str, Any]) -> None:
        """Stop, wait until it has stopped, delete, and confirm by the listing."""
        task = world.started(inputs)
        task.destroy()
        assert world.ids() == []
        assert world.writes() == [STOP, DELETE]
        assert world.requests()[-1]["operation"] == "ListMigrationTask"
        assert 0 < sum(world.clock.sleeps) < 10

    @pytest.mark.parametrize("status", ["SUCCESS", "FAILED", "TERMINATED", "RELEASED"])
    def test_a_task_that_ended_is_deleted_at_once(
        self, world: World, resource: Resource, status: str
    ) -> None:
        """Nothing is stopped, and nothing waited for."""
        world.cloud.set_status(resource.id, status)
        resource.destroy()
        assert world.ids() == []
        assert world.writes() == [DELETE]
        assert sum(world.clock.sleeps) < 1

    def test_a_task_that_is_not_listed_yet_is_stopped_and_deleted(self, world: World) -> None:
        """It is stopped before the listing shows it for the first time: that it lacks it proves nothing."""
        world.cloud.set_quirks(["listing-lags=60"])
        world.started().destroy()
        assert world.ids() == []
        assert world.writes() == [STOP, DELETE]

    def test_one_that_is_not_listed_yet_and_whose_delete_is_refused_is_not_forgotten(
        self, world: World
    ) -> None:
        """This delete saw it running: that the listing still lacks it proves nothing after the next look either."""
        world.cloud.set_quirks(["listing-lags=60"])
        resource = world.started()
        world.cloud.fault(DELETE, "throttle", times=2)
        resource.destroy()
        assert world.ids() == []

    def test_a_deleted_record_that_show_still_tells_is_gone_when_the_listing_says_so(
        self, world: World
    ) -> None:
        """It was seen running, and its delete accepted: from then on Show proves nothing."""
        resource = world.started()
        world.clock.advance(60)
        world.cloud.set_quirks(["listing-lags=8", "deleted-shows-success"])
        resource.destroy()
        assert world.ids() == []
        assert sum(world.clock.sleeps) < 30
        assert world.writes() == [STOP, DELETE]

    def test_a_row_that_listings_pass_over_is_deleted_all_the_same(
        self, world: World, resource: Resource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two listings lack it, and count it: no proof that it no longer exists."""
        world.cloud.set_status(resource.id, "SUCCESS")
        account = world.plugin.provider._loaded.process.accounts.at(None, None)
        fetch, left = account.client.list_migration_tasks, [2]

        def passing_over(offset: int, limit: int) -> Page:
            page: Page = fetch(offset, limit)
            left[0] -= 1
            return page if left[0] < 0 else replace(page, rows=page.rows[1:])

        monkeypatch.setattr(account.listing, "_fetch_page", passing_over)
        resource.destroy()
        assert world.ids() == []

    @pytest.mark.parametrize("wholly", [False, True], ids=["lingering", "wholly"])
    def test_a_task_deleted_at_the_console_needs_no_write(
        self, world: World, resource: Resource, wholly: bool
    ) -> None:
        """What no longer exists is deleted."""
        world.cloud.remove(resource.id)
        world.clock.advance(3600 if wholly else 15)
        resource.destroy()
        assert world.writes() == []

    @pytest.mark.parametrize("quirk", ["records-expire", "records-expire-wholly"])
    def test_a_record_that_expired_needs_no_write(self, world: World, resource: Resource, quirk: str) -> None:
        """A task that ended and that the listing has forgotten no longer exists."""
        world.cloud.set_status(resource.id, "SUCCESS")
        world.cloud.set_quirks([quirk])
        world.clock.advance(3600)
        resource.destroy()
        assert world.writes() == []

    def test_a_task_of_this_very_run_is_deleted(self, world: World) -> None:
        """A listing from before the create doesn't prove that the task has expired."""
        resource = world.resource()
        resource.up(BACKUP_IMPORT)
        world.cloud.set_status(resource.id, "SUCCESS")
        resource.destroy()
        assert world.ids() == []

    def test_a_task_that_only_show_tells_is_stopped(self, world: World, resource: Resource) -> None:
        """A task that runs is not gone because a listing passes it over."""

        def respond(handler: Handler) -> None:
            status = "TERMINATED" if any(r.method == "POST" for r in server.requests) else "MIGRATING"
            shows = {"task_id": resource.id, "status": status}
            listed = handler.path.partition("?")[0].endswith("/migration-tasks")
            answer({"count": 0, "migration_tasks": []} if listed else shows)(handler)

        with StandIn(respond) as server:
            resource.outputs["__endpoint"] = server.url.removeprefix("http://")
            resource.plugin = world.new_plugin(environ={"HW_DCS_ENDPOINT": server.url})
            resource.destroy()
            assert any(r.method == "POST" and r.target.endswith("/batch-stop") for r in server.requests)

    def test_the_steps_are_told_on_the_row(self, world: World, resource: Resource) -> None:
        """While a stop is waited for, the row says so; nothing of it stays under Diagnostics."""
        resource.destroy()
        assert any("stopping" in line for line in world.engine.progress)
        assert world.engine.warnings == []
        assert all(line.urn == resource.urn for line in world.engine.lines)

    def test_only_the_own_task_is_deleted(self, world: World) -> None:
        """Other tasks of the same target and name stay."""
        mine = world.started({**BACKUP_IMPORT, "task_name": "orders-import"})
        world.cloud.set_status(mine.id, "SUCCESS")
        other = world.started(
            {**BACKUP_IMPORT, "task_name": "orders-import", "triggers": ["again"]}, stack="prod"
        )
        mine.destroy()
        assert world.ids() == [other.id]
        assert world.task(other.id)["status"] == "MIGRATING"


class TestStop:
    """Stopping takes its time, or is refused."""

    def test_a_slow_stop_is_waited_for(self, world: World, resource: Resource) -> None:
        """A stop of 15 seconds is one stop."""
        world.cloud.set_quirks(["stop-is-slow"])
        resource.destroy()
        assert world.ids() == []
        assert world.writes() == [STOP, DELETE]

    def test_a_stop_under_way_is_not_sent_again(self, world: World, resource: Resource) -> None:
        """Someone else has stopped the task already."""
        world.cloud.set_status(resource.id, "TERMINATING")
        world.clock.at(12, lambda: world.cloud.set_status(resource.id, "TERMINATED"))
        resource.destroy()
        assert world.writes() == [DELETE]

    def test_a_refused_stop_is_waited_out(self, clock: FakeClock, engine: FakeEngine) -> None:
        """A backup import that cannot be stopped is deleted when it has ended by itself."""
        with Emulator(
            clock=clock.time, progression="timed", duration=300, quirks=["stop-of-import-refused"]
        ) as cloud:
            world = World(cloud, clock, engine)
            resource = world.started()
            resource.destroy()
            assert world.ids() == []
            assert 300 <= clock.seconds < 330
            assert world.count(DELETE) == 1

    def test_a_stop_refused_for_a_while_is_sent_again(self, world: World, resource: Resource) -> None:
        """A task that would never end by itself is stopped as soon as the service allows it."""
        world.cloud.set_quirks(["stop-of-import-refused"])
        world.clock.at(40, lambda: world.cloud.set_quirks([]))
        resource.destroy()
        assert world.ids() == []
        assert world.clock.sleeps
        assert sum(world.clock.sleeps) < 100

    def test_a_task_that_ends_before_its_stop_is_deleted(self, world: World, resource: Resource) -> None:
        """A stop that comes too late (DCS.4957) isn't an error."""
        world.engine.on_require = lambda: world.cloud.set_status(resource.id, "SUCCESS")
        resource.destroy()
        assert world.ids() == []

    @pytest.mark.parametrize("bound", ["20s", "2m", None], ids=str)
    def test_the_bound_ends_the_wait_with_one_line(self, world: World, bound: str | None) -> None:
        """The error names the task, its status, the time, and how to allow more; the task stays."""
        seconds = {"20s": 20, "2m": 120, None: 600}[bound]
        resource = world.resource()
        resource.delete_timeout = bound
        resource.up(BACKUP_IMPORT)
        world.cloud.set_quirks(["stop-of-import-refused"])
        before = world.clock.seconds
        message = failing(resource.destroy)
        for part in (resource.id, "MIGRATING", f"{seconds} s", "custom_timeouts", "DCS.4026"):
            assert part in message
        assert world.clock.seconds - before <= seconds + 1
        assert world.ids() == [resource.id]
        assert resource.state is not None
        assert world.count(DELETE) == 0

    def test_after_the_bound_the_next_run_ends_it(self, world: World) -> None:
        """Delete may be repeated."""
        resource = world.resource()
        resource.delete_timeout = "5s"
        resource.up(BACKUP_IMPORT)
        world.cloud.set_quirks(["stop-is-slow"])
        failing(resource.destroy)
        world.clock.advance(60)
        resource.plugin = world.new_plugin()
        resource.destroy()
        assert world.ids() == []
        assert world.count(STOP) == 1


class TestFaults:
    """Each write may be lost, answered badly, or refused for now."""

    @pytest.mark.parametrize("operation", [STOP, DELETE])
    @pytest.mark.parametrize(
        "fault",
        [
            {"fault": "drop_before"},
            {"fault": "drop_after"},
            {"fault": "garbage"},
            {"fault": "empty"},
            {"fault": "truncate"},
            {"fault": "throttle"},
            {"fault": "error", "status": 500},
            {"fault": "error", "status": 503, "error_code": "APIGW.0610"},
            {"fault": "error", "status": 400, "error_code": "DCS.4017"},
            {"fault": "error", "status": 400, "error_code": "DCS.4957"},
        ],
        ids=lambda fault: " ".join(str(value) for value in fault.values()),
    )
    def test_a_passing_fault_ends_with_the_task_deleted(
        self, world: World, resource: Resource, operation: str, fault: dict[str, Any]
    ) -> None:
        """After a fault delete looks, and does what is left to do."""
        world.cloud.fault(operation, **fault)
        resource.destroy()
        assert world.ids() == []
        assert world.cloud.faults() == []

    @pytest.mark.parametrize("operation", [STOP, DELETE])
    def test_a_lasting_fault_is_named_at_the_bound(
        self, world: World, resource: Resource, operation: str
    ) -> None:
        """The error at the bound says what the service answered last."""
        world.cloud.fault(operation, "error", status=500, message="no disk", times=1000)
        message = failing(resource.destroy)
        assert "no disk" in message
        assert resource.id in message
        assert world.ids() == [resource.id]

    @pytest.mark.parametrize("operation", [STOP, DELETE])
    def test_a_missing_permission_is_told_at_once(
        self, world: World, resource: Resource, operation: str
    ) -> None:
        """Nothing is gained by waiting for a permission."""
        world.cloud.fault(operation, **NOT_PERMITTED)
        message = failing(resource.destroy)
        assert "dcs:migrationTask" in message
        assert world.count(operation) == 1
        assert resource.state is not None

    @pytest.mark.parametrize("listable", [True, False], ids=["listing", "Show alone"])
    def test_a_delete_that_is_only_accepted_is_repeated(
        self, world: World, resource: Resource, listable: bool
    ) -> None:
        """A 200 isn't proof: while the listing, or Show without it, still has the task, delete continues."""
        world.cloud.set_status(resource.id, "SUCCESS")
        if not listable:
            world.cloud.fault("ListMigrationTask", **{**NOT_PERMITTED, "times": 1000})
        world.engine.on_require = lambda: world.cloud.set_status(resource.id, "MIGRATING")
        world.cloud.set_quirks(["delete-of-running-ignored"])
        world.clock.at(3, lambda: setattr(world.engine, "on_require", lambda: None))
        world.clock.at(4, lambda: world.cloud.set_status(resource.id, "SUCCESS"))
        resource.destroy()
        assert world.ids() == []

    @pytest.mark.parametrize("quirk", [None, "deleted-not-found", "deleted-shows-success"], ids=str)
    def test_without_the_permission_to_list_show_confirms(
        self, world: World, resource: Resource, quirk: str | None
    ) -> None:
        """A delete needs no listing."""
        world.cloud.set_quirks([quirk] if quirk else [])
        world.cloud.fault("ListMigrationTask", **NOT_PERMITTED)
        resource.destroy()
        assert world.ids() == []

    def test_a_listing_that_fails_deletes_nothing(self, world: World, resource: Resource) -> None:
        """Without a look nothing is stopped or deleted."""
        world.cloud.fault("ListMigrationTask", "error", status=500, times=1000)
        failing(resource.destroy)
        assert world.writes() == []


class TestSettings:
    """A delete has no check before it that could refuse them."""

    def test_nothing_is_sent_with_settings_that_are_not_honoured(
        self, world: World, resource: Resource
    ) -> None:
        """Another tool's agency would have been meant: the keys alone belong to another account."""
        resource.plugin = world.new_plugin(environ={"OS_AGENCY_NAME": "deploy"})
        assert "OS_AGENCY_NAME: this way to use an agency isn't supported" in failing(resource.destroy)
        assert world.requests() == []


class TestEngineGone:
    """The plugin outlives a CLI that was killed."""

    @pytest.mark.parametrize("status", ["MIGRATING", "SUCCESS"])
    def test_nothing_is_written(self, world: World, resource: Resource, status: str) -> None:
        """No stop and no delete after Pulumi has ended."""
        world.cloud.set_status(resource.id, status)
        world.engine.alive = False
        failing(resource.destroy)
        assert world.writes() == []
        assert world.ids() == [resource.id]

    def test_a_stopped_task_is_not_deleted_any_more(self, world: World, resource: Resource) -> None:
        """An engine that dies while a stop is waited for ends the delete."""
        world.clock.at(0.5, lambda: setattr(world.engine, "alive", False))
        failing(resource.destroy)
        assert world.writes() == [STOP]


class TestTogether:
    """Four threads delete at the same time."""

    @pytest.mark.parametrize(
        ("status", "writes"), [("MIGRATING", [STOP, DELETE]), ("SUCCESS", [DELETE])], ids=["running", "ended"]
    )
    def test_their_writes_are_joined(
        self, world: World, monkeypatch: pytest.MonkeyPatch, status: str, writes: list[str]
    ) -> None:
        """Four tasks cost one stop and one delete, each with all ids."""
        resources = [
            world.started(into(f"instance-{number}"), name=f"orders-{number}") for number in range(4)
        ]
        ids = sorted(resource.id for resource in resources)
        for id_ in ids:
            world.cloud.set_status(id_, status)
        world.clock.advance(60)
        world.engine.clear()
        sleep = world.clock.sleep
        rounds: list[int] = []

        def sleep_for_all(seconds: float) -> None:
            """Let the window of a joined write stand open until all four have come to it."""
            if seconds < 0.1:
                rounds.append(1)
                end = time.monotonic() + 5
                while world.engine.asked < 4 * len(rounds) and time.monotonic() < end:
                    time.sleep(0.001)
                time.sleep(0.02)
            sleep(seconds)

        monkeypatch.setattr(world.clock, "sleep", sleep_for_all)
        assert in_threads([resource.destroy for resource in resources]) == [None] * 4
        assert world.ids() == []
        assert world.writes() == writes
        for operation in writes:
            (request,) = world.requests(operation)
            assert sorted(request["task_ids"]) == ids

    def test_one_refused_stop_does_not_hold_up_the_others(self, world: World) -> None:
        """A batch answers for each task: the import is waited for, the online task deleted."""
        world.cloud.set_quirks(["stop-of-import-refused"])
        resource = world.started()
        online = world.started(into("instance-2", ONLINE), name="users")
        world.clock.at(200, lambda: world.cloud.set_status(resource.id, "SUCCESS"))
        assert in_threads([resource.destroy, online.destroy]) == [None, None]
        assert world.ids() == []
