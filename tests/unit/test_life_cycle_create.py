"""Create: one definition, one task; looked for before every POST and after every unclear outcome."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from typing import Any

import pytest

from dcs_emulator import Emulator
from dcs_migration.dcs.client import DcsClient
from dcs_migration.dcs.models import Page
from tests.fakes import FakeClock
from tests.unit.dcs_server import StandIn, answer
from tests.unit.life_cycle_world import (
    BACKUP_IMPORT,
    ONLINE,
    PASSWORD,
    REGION,
    CheckFailed,
    Resource,
    World,
    assert_looked_before_every_post,
    eventually,
    failing,
    in_threads,
    into,
)

OTHER_FILE = {
    **BACKUP_IMPORT,
    "backup_files": {"bucket_name": "backups", "files": [{"file_name": "users.rdb"}]},
}
SHORT = (1.0, 0.15)  # seconds to connect and to read, where a test waits for the timeout itself


def killed_after_create(world: World, inputs: dict[str, Any] = BACKUP_IMPORT, **names: Any) -> str:
    """Start a task in a run that is killed before its state is written; return the task's id."""
    return world.started(inputs, **names).id


class TestCreated:
    """What a plain create does and returns."""

    def test_returns_at_once_with_id_name_and_status(self, world: World) -> None:
        """A create ends as soon as the service returns an id, even if the task fails afterwards."""
        state = world.resource().up(BACKUP_IMPORT)
        assert world.ids() == [state.id]
        assert state.outputs["status"] == "MIGRATING"
        assert state.outputs["name"] == world.task(state.id)["name"]
        assert re.fullmatch(r"orders-[0-9a-f]{7}", state.outputs["name"])
        assert world.clock.sleeps == []

    def test_outputs_hold_every_input_and_where_the_task_lives(self, world: World) -> None:
        """The state has all inputs, including hidden ones, the project that was looked up, and the endpoint."""
        resource = world.resource()
        resource.up({**BACKUP_IMPORT, "triggers": [1, "two"]})
        assert resource.state is not None
        assert resource.state.inputs.items() <= resource.outputs.items()
        assert resource.outputs["region"] == REGION
        assert resource.outputs["project_id"] == world.task(resource.id)["project_id"]
        assert resource.outputs["__endpoint"] == world.cloud.url.removeprefix("http://")
        assert resource.outputs["__urn"] == resource.urn

    def test_the_description_ends_in_the_owner_mark_and_is_shown_without_it(self, world: World) -> None:
        """The owner is in the service's description, after the user's text."""
        state = world.resource().up({**BACKUP_IMPORT, "description": "nightly orders"})
        assert re.fullmatch(
            r"nightly orders \[pulumi:[0-9a-f]{12}\.[0-9a-f]{12}\.[0-9a-f]{12}\]",
            world.task(state.id)["description"],
        )
        assert state.outputs["description"] == "nightly orders"

    def test_the_longest_description_leaves_space_for_the_owner_mark(self, world: World) -> None:
        """A longer one is an error in preview, unless 0.1.0, which had a shorter owner mark, created the task with it."""
        resource = world.resource()
        longest = "\u00fc" * 976
        resource.up({**BACKUP_IMPORT, "description": longest})
        assert len(world.task(resource.id)["description"]) == 1024
        with pytest.raises(CheckFailed, match="description: has 977 characters; the maximum is 976"):
            resource.preview({**BACKUP_IMPORT, "description": longest + "."})
        older = {**BACKUP_IMPORT, "description": longest + "."}
        for kept in (resource.state.inputs, resource.outputs):  # type: ignore[union-attr]
            kept["description"] = older["description"]
        assert resource.preview(older).step == "same"
        with pytest.raises(CheckFailed, match="the maximum is 976"):
            resource.up({**older, "triggers": [1]})
        assert world.writes() == ["CreateMigrationTask"]

    @pytest.mark.parametrize("inputs", [BACKUP_IMPORT, ONLINE], ids=["backup import", "online"])
    def test_nothing_changes_after_an_up(self, world: World, inputs: dict[str, Any]) -> None:
        """A preview after an up shows no change, and neither makes a call."""
        resource = world.started(inputs)
        assert resource.preview(inputs).step == "same"
        resource.up(inputs)
        assert world.requests() == []

    def test_the_project_is_looked_up_once_for_many_creates(self, world: World) -> None:
        """Creates of one run share one look-up of the project, and one listing."""
        for name in ("orders", "users", "carts"):
            world.resource(name).up(into(name))
        assert world.count("KeystoneListProjects") == 1
        assert world.count("ListMigrationTask") <= 3
        assert_looked_before_every_post(world, shared=True)

    def test_a_configured_project_is_not_looked_up(self, world: World) -> None:
        """The configured project is used as it is."""
        plugin = world.new_plugin(environ={"HW_PROJECT_ID": "project-7"})
        state = world.resource(plugin=plugin).up(BACKUP_IMPORT)
        assert world.count("KeystoneListProjects") == 0
        assert world.task(state.id)["project_id"] == "project-7"

    def test_a_configured_project_belongs_to_the_configured_region_only(self, world: World) -> None:
        """A task that names another region lives in the project that is looked up there."""
        plugin = world.new_plugin(environ={"HW_PROJECT_ID": "project-7"})
        state = world.resource(plugin=plugin).up({**BACKUP_IMPORT, "region": "eu-north-7"})
        assert world.task(state.id)["project_id"] == state.outputs["project_id"] != "project-7"

    def test_a_preview_needs_neither_credentials_nor_network(self, world: World) -> None:
        """Check and diff make no call, and ask for no credentials."""
        resource = world.started()
        resource.plugin = world.new_plugin(
            environ={"HW_ACCESS_KEY": "", "HW_SECRET_KEY": "", "HW_DCS_ENDPOINT": "http://127.0.0.1:9"}
        )
        assert resource.preview({**BACKUP_IMPORT, "triggers": ["again"]}).replaces == ["triggers"]
        assert world.requests() == []


class TestAdopted:
    """An earlier run was killed after its POST."""

    def test_the_task_of_a_killed_run_is_adopted(self, world: World) -> None:
        """The next run adopts the task with the definition's owner mark, with a warning."""
        id_ = killed_after_create(world)
        resource = world.resource()
        resource.up(BACKUP_IMPORT)
        assert resource.id == id_
        assert world.writes() == []
        (warning,) = world.engine.warnings
        assert id_ in warning
        assert resource.preview(BACKUP_IMPORT).step == "same"

    @pytest.mark.parametrize("status", ["CREATING", "SUCCESS", "INCRMIGEATING", "RELEASED", "NEWFANGLED"])
    def test_any_task_that_did_not_fail_is_adopted(self, world: World, status: str) -> None:
        """Also a successful task, and one with an unknown status: running it again could do harm."""
        id_ = killed_after_create(world)
        world.cloud.set_status(id_, status)
        assert world.resource().up(BACKUP_IMPORT).id == id_
        assert world.writes() == []

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ({}, {"triggers": ["again"]}),
            ({}, {"backup_files": {"bucket_name": "backups", "files": [{"file_name": "users.rdb"}]}}),
            ({}, {"target_instance": {"id": "instance-2"}}),
            ({}, {"migration_method": "incremental_migration"}),
        ],
        ids=lambda change: ",".join(change) or "-",
    )
    def test_a_task_of_another_definition_is_not(
        self, world: World, first: dict[str, Any], second: dict[str, Any]
    ) -> None:
        """One change of what is done makes another mark, and so another task."""
        id_ = killed_after_create(world, {**BACKUP_IMPORT, **first})
        world.cloud.set_status(id_, "SUCCESS")
        assert world.resource().up({**BACKUP_IMPORT, **second}).id != id_
        assert len(world.ids()) == 2

    @pytest.mark.parametrize(
        "change",
        [{"description": "other"}, {"task_name": "another-name"}],
        ids=lambda change: ",".join(change),
    )
    def test_another_name_or_description_does_not_hide_the_task(
        self, world: World, change: dict[str, str]
    ) -> None:
        """They change nothing of what is done: the task of a killed run is not left behind."""
        id_ = killed_after_create(world)
        resource = world.resource()
        resource.up({**BACKUP_IMPORT, **change})
        assert resource.id == id_
        assert resource.preview({**BACKUP_IMPORT, **change}).step == "same"

    def test_a_changed_password_does_not_hide_the_task(self, world: World) -> None:
        """Passwords aren't part of the owner mark: a rotated one must not run an import again."""
        id_ = killed_after_create(world)
        rotated = {**BACKUP_IMPORT, "target_instance": {"id": "instance-1", "password": "another-Passw0rd"}}
        assert world.resource().up(rotated).id == id_

    @pytest.mark.parametrize("status", ["FAILED", "TERMINATED", "MIGRATION_FAILED", "ERROR"])
    def test_the_record_of_a_failed_task_is_removed_and_a_new_one_started(
        self, world: World, status: str
    ) -> None:
        """A failed task with our mark isn't a substitute: its record is removed, and the migration runs."""
        id_ = killed_after_create(world)
        world.cloud.set_status(id_, status)
        state = world.resource().up(BACKUP_IMPORT)
        assert world.ids() == [state.id] != [id_]
        assert any(id_ in warning and status in warning for warning in world.engine.warnings)
        assert_looked_before_every_post(world)

    def test_a_failed_record_that_cannot_be_removed_is_named(self, world: World) -> None:
        """Without the permission to delete, the migration still runs, with a warning."""
        id_ = killed_after_create(world)
        world.cloud.set_status(id_, "FAILED")
        world.cloud.fault("DeleteMigrationTask", "error", status=403, error_code="DCS.2003")
        state = world.resource().up(BACKUP_IMPORT)
        assert sorted(world.ids()) == sorted([id_, state.id])
        assert any(id_ in warning and "couldn't be removed" in warning for warning in world.engine.warnings)

    def test_a_failed_leftover_is_never_adopted_after_an_unclear_outcome(self, world: World) -> None:
        """The search after a lost answer finds the new task, not the failed one that couldn't be removed."""
        id_ = killed_after_create(world)
        world.cloud.set_status(id_, "FAILED")
        world.clock.advance(100)
        world.cloud.fault("DeleteMigrationTask", "error", status=403, error_code="DCS.2003", times=9)
        world.cloud.fault("CreateMigrationTask", "drop_after")
        assert world.resource().up(BACKUP_IMPORT).id != id_
        assert world.count("CreateMigrationTask") == 1

    def test_a_failed_leftover_is_not_taken_for_a_lost_post(self, world: World) -> None:
        """The error for a POST that never arrived doesn't blame the old failed task."""
        id_ = killed_after_create(world)
        world.cloud.set_status(id_, "FAILED")
        world.cloud.fault("DeleteMigrationTask", "error", status=403, error_code="DCS.2003", times=9)
        world.cloud.fault("CreateMigrationTask", "drop_before")
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert f"made task {id_}" not in message
        assert "run `pulumi up` again" in message

    def test_a_task_that_is_being_stopped_is_waited_for(self, world: World) -> None:
        """While a task of this definition is being stopped, nothing is started."""
        id_ = killed_after_create(world)
        world.cloud.set_status(id_, "TERMINATING")
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert message.startswith("nothing was started")
        assert id_ in message
        assert world.writes() == []

    def test_several_tasks_with_the_same_owner_mark_are_named(self, world: World) -> None:
        """If there are ever two, the oldest is adopted and the other one named."""
        first = killed_after_create(world)
        world.clock.advance(60)
        other = world.started_elsewhere(description=world.task(first)["description"])
        assert world.resource().up(BACKUP_IMPORT).id == first
        assert any(other in warning for warning in world.engine.warnings)


class TestLookUp:
    """The look-up before a POST."""

    @pytest.mark.parametrize(
        ("fault", "told"),
        [
            ({"fault": "error", "status": 403, "error_code": "DCS.2003"}, "dcs:migrationTask:list"),
            ({"fault": "error", "status": 500}, "HTTP 500"),
            ({"fault": "error", "status": 502, "error_code": "APIGW.0610"}, "HTTP 502"),
            ({"fault": "error", "status": 404, "error_code": "APIGW.0101"}, "HW_DCS_ENDPOINT"),
            ({"fault": "garbage"}, "didn't send a DCS response"),
            ({"fault": "empty"}, "empty response"),
            ({"fault": "truncate"}, "was cut off"),
            ({"fault": "drop_before"}, "dropped"),
            ({"fault": "throttle"}, "HTTP 429"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_nothing_is_started_when_the_look_up_is_impossible(
        self, world: World, fault: dict[str, Any], told: str
    ) -> None:
        """Without a look no one knows whether an earlier run left the task behind: no POST."""
        world.cloud.fault("ListMigrationTask", times=1000, **fault)
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert message.startswith("nothing was started")
        assert told in message
        assert world.count("CreateMigrationTask") == 0

    def test_a_look_up_is_repeated_when_it_is_too_old(self, world: World) -> None:
        """Creates share a listing that is a few seconds old at most."""
        world.resource("orders").up(BACKUP_IMPORT)
        world.clock.advance(4)
        world.resource("users").up(into("instance-2"))
        assert world.count("ListMigrationTask") == 2
        assert_looked_before_every_post(world, shared=True)

    def test_a_look_up_is_repeated_after_a_temporary_error(self, world: World) -> None:
        """A look-up that fails once is repeated, and then the task is started."""
        world.cloud.fault("ListMigrationTask", "error", status=503)
        world.resource().up(BACKUP_IMPORT)
        assert world.count("CreateMigrationTask") == 1


class TestUnclearOutcome:
    """It is unknown whether the POST was carried out."""

    @pytest.mark.parametrize("fault", ["drop_after", "garbage", "empty", "truncate", "delay_after"], ids=str)
    def test_a_task_that_was_started_is_found(self, world: World, fault: str) -> None:
        """The response is lost, but the task exists: it is found by its owner mark, and never started twice."""
        world.cloud.fault("CreateMigrationTask", fault, seconds=0.4)
        resource = world.resource(plugin=world.new_plugin(timeouts=SHORT))
        resource.up(BACKUP_IMPORT)
        assert world.ids() == [resource.id]
        assert eventually(lambda: world.count("CreateMigrationTask") == 1)
        assert resource.outputs["status"] == "MIGRATING"
        assert resource.preview(BACKUP_IMPORT).step == "same"

    def test_a_task_that_shows_up_late_is_found(self, world: World) -> None:
        """The service may carry out a request after the client gave up: the search continues for a minute."""
        carried_out = threading.Event()
        world.cloud.fault("CreateMigrationTask", "drop_before")
        late = world.resource(plugin=world.new_plugin())

        def carry_out() -> None:
            late.up(BACKUP_IMPORT)
            carried_out.set()

        world.clock.at(33, carry_out)
        resource = world.resource()
        resource.up(BACKUP_IMPORT)
        assert carried_out.is_set()
        assert world.ids() == [resource.id]

    @pytest.mark.parametrize(
        "fault",
        [
            {"fault": "drop_before"},
            {"fault": "error", "status": 500},
            {"fault": "error", "status": 502, "error_code": "APIGW.0610"},
            {"fault": "error", "status": 503, "error_code": "DCS.4133"},
            {"fault": "error", "status": 504, "error_code": "DCS.4026"},
        ],
        ids=lambda fault: f"{fault['fault']} {fault.get('status', '')}",
    )
    def test_a_task_that_was_not_started_is_left_to_the_next_run(
        self, world: World, fault: dict[str, Any]
    ) -> None:
        """After a minute of looking create fails without a second POST; the next run starts one task."""
        world.cloud.fault("CreateMigrationTask", **fault)
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert "run `pulumi up` again" in message
        assert world.count("CreateMigrationTask") == 1
        assert 60 <= world.clock.seconds < 75
        world.resource(plugin=world.new_plugin()).up(BACKUP_IMPORT)
        assert len(world.ids()) == 1
        assert_looked_before_every_post(world)

    def test_a_search_that_cannot_look_says_so(self, world: World) -> None:
        """When the listing fails from then on, the error shows that, too, and nothing is sent twice."""
        world.cloud.fault("CreateMigrationTask", "drop_after")
        world.engine.on_require = lambda: world.cloud.fault(
            "ListMigrationTask", "error", status=403, error_code="DCS.2003", times=1000
        )
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert "run `pulumi up` again" in message
        assert "dcs:migrationTask:list" in message
        assert "nothing was started" not in message
        assert world.count("CreateMigrationTask") == 1

    def test_a_search_continues_after_a_temporary_error_of_the_listing(self, world: World) -> None:
        """A failed look-up doesn't end the search."""
        world.cloud.fault("CreateMigrationTask", "drop_after")
        world.engine.on_require = lambda: world.cloud.fault(
            "ListMigrationTask", "error", status=403, error_code="DCS.2003", times=1
        )
        world.clock.at(4, lambda: setattr(world.engine, "on_require", lambda: None))
        resource = world.resource()
        resource.up(BACKUP_IMPORT)
        assert world.ids() == [resource.id]

    def test_credentials_refused_during_the_search_leave_the_outcome_unknown(self, world: World) -> None:
        """A key that is revoked after the POST: the error says that a task may have been started."""
        world.cloud.fault("CreateMigrationTask", "drop_after")
        world.engine.on_require = lambda: world.cloud.fault(
            "ListMigrationTask", "error", status=401, error_code="APIGW.0301", times=1000
        )
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert "HTTP 401" in message
        assert "can't tell whether CreateMigrationTask started a task" in message
        world.cloud.clear_faults()
        world.resource(plugin=world.new_plugin()).up(BACKUP_IMPORT)
        assert world.count("CreateMigrationTask") == 1

    def test_a_found_task_that_failed_is_an_error(self, world: World) -> None:
        """If the response is lost and the task fails immediately, the create fails, and the record is removed."""
        world.cloud.set_quirks(["create-answers-error"])
        world.cloud.fault("CreateMigrationTask", "drop_after")
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert "could not be started" in message
        assert world.ids() == []
        assert world.count("CreateMigrationTask") == 1


class TestRefused:
    """The service certainly did nothing."""

    def test_a_throttled_post_is_repeated(self, world: World) -> None:
        """A throttled POST is repeated after tens of seconds and another look-up."""
        world.cloud.fault("CreateMigrationTask", "throttle", times=2)
        world.resource().up(BACKUP_IMPORT)
        assert world.count("CreateMigrationTask") == 3
        assert len(world.ids()) == 1
        assert min(pause for pause in world.clock.sleeps) >= 10
        assert_looked_before_every_post(world)

    def test_throttling_that_does_not_end_fails(self, world: World) -> None:
        """After some attempts create fails, saying that nothing was started."""
        world.cloud.fault("CreateMigrationTask", "throttle", times=100)
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert "nothing was started" in message
        assert world.count("CreateMigrationTask") <= 5
        assert world.clock.seconds <= 90

    def test_a_task_that_appears_between_two_attempts_is_adopted(self, world: World) -> None:
        """There is another look-up before a repeated POST, which finds what someone else has started meanwhile."""
        world.cloud.fault("CreateMigrationTask", "throttle")
        elsewhere = world.resource(plugin=world.new_plugin())
        world.clock.at(5, lambda: elsewhere.up(BACKUP_IMPORT))
        resource = world.resource()
        resource.up(BACKUP_IMPORT)
        assert world.ids() == [resource.id] == [elsewhere.id]
        assert world.count("CreateMigrationTask") == 2

    @pytest.mark.parametrize("code", ["DCS.4017", "DCS.4026", "111400017", "DCS. 4096"])
    def test_a_target_that_the_service_calls_busy_is_waited_for_a_minute(
        self, world: World, code: str
    ) -> None:
        """After at most 60 s the error says how to chain; a backup, say, is in no listing of tasks."""
        world.cloud.fault("CreateMigrationTask", "error", status=400, error_code=code, times=100)
        started = world.clock.seconds
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert "occupied by another operation" in message
        assert "(CreateMigrationTask failed: HTTP 400 " in message
        assert "depends_on" in message
        assert "nothing was started" in message
        assert world.clock.seconds - started <= 61
        assert world.count("CreateMigrationTask") <= 7
        assert_looked_before_every_post(world)

    def test_a_target_that_becomes_free_takes_the_task(self, world: World) -> None:
        """A create with a busy target is tried again until the running task has ended."""
        blocking = world.started(OTHER_FILE, name="users")
        world.clock.at(25, lambda: world.cloud.set_status(blocking.id, "SUCCESS"))
        resource = world.resource()
        resource.up(BACKUP_IMPORT)
        assert sorted(world.ids()) == sorted([blocking.id, resource.id])
        assert_looked_before_every_post(world)

    @pytest.mark.parametrize(
        ("status", "code"),
        [(400, "DCS.4061"), (400, "DCS.4080"), (400, "DCS.4999"), (403, "DCS.2003"), (409, "DCS.4087")],
    )
    def test_a_permanent_refusal_fails_immediately(self, world: World, status: int, code: str) -> None:
        """The error has the operation, the status, the code, the message and the request id."""
        world.cloud.fault(
            "CreateMigrationTask", "error", status=status, error_code=code, message="It is so.", times=9
        )
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        for part in ("CreateMigrationTask", str(status), code, "It is so.", "request id"):
            assert part in message
        assert world.count("CreateMigrationTask") == 1

    def test_a_withdrawn_online_migration_is_explained(self, world: World) -> None:
        """If a region no longer supports online_migration, one line says so and what to do."""
        world.cloud.set_quirks(["online-refused"])
        message = failing(lambda: world.resource().up(ONLINE))
        assert "no longer supports online_migration" in message
        assert world.count("CreateMigrationTask") == 1

    def test_an_answer_with_an_error_fails_and_leaves_no_record(self, world: World) -> None:
        """A 200 with a task that failed immediately is an error with the reason."""
        world.cloud.set_quirks(["create-answers-error"])
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert "could not be started" in message
        assert world.ids() == []
        assert world.count("CreateMigrationTask") == 1

    @pytest.mark.parametrize(
        ("told", "reason"),
        [
            ({"status": "CREATING", "error": f"no login with {PASSWORD}"}, "no login with ***"),
            ({"status": "FAILED"}, "FAILED"),
            ({"status": "FAILED", "error": ""}, "FAILED"),
        ],
        ids=["an error alone", "a status alone", "an empty error"],
    )
    def test_either_sign_of_failure_in_an_answer_counts(
        self, world: World, told: dict[str, str], reason: str
    ) -> None:
        """An error text without a failed status, or the status alone, fails the create; its record goes."""
        answers = [
            answer({"count": 0, "migration_tasks": []}),
            answer({"id": "1" * 32, "name": "orders", **told}),
            answer({"task_id_list": ["1" * 32]}),
        ]
        with StandIn(*answers) as server:
            environ = {"HW_DCS_ENDPOINT": server.url, "HW_PROJECT_ID": "project-7"}
            resource = world.resource(plugin=world.new_plugin(environ=environ))
            assert reason in failing(lambda: resource.up(BACKUP_IMPORT))
            assert [request.method for request in server.requests] == ["GET", "POST", "DELETE"]

    def test_a_service_that_restarts_between_look_and_post_gets_the_task(
        self, clock: FakeClock, world: World, tmp_path: Any
    ) -> None:
        """A POST that met a closed port is repeated after another look."""
        state = tmp_path / "tasks.json"
        cloud = Emulator(clock=clock.time, progression="manual", state=state)
        again: list[Emulator] = []

        def restart() -> None:
            again.append(Emulator(cloud.port, clock=clock.time, progression="manual", state=state))

        def fall_over() -> None:
            if not again:
                cloud.close()
                clock.at(0.5, restart)

        world.engine.on_require = fall_over
        resource = world.resource(plugin=world.new_plugin(environ={"HW_DCS_ENDPOINT": cloud.url}))
        try:
            resource.up(BACKUP_IMPORT)
            assert [task["id"] for task in again[0].tasks()] == [resource.id]
            asked = [entry["operation"] for entry in again[0].requests()]
            assert asked.index("ListMigrationTask") < asked.index("CreateMigrationTask")
        finally:
            cloud.close()
            for emulator in again:
                emulator.close()


class TestEngineGone:
    """The plugin outlives a CLI that was killed."""

    def test_nothing_is_started_for_an_engine_that_is_gone(self, world: World) -> None:
        """Without an engine that would record the id, no task is started."""
        world.engine.alive = False
        failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert world.writes() == []

    @pytest.mark.parametrize(
        "fault",
        [{"fault": "throttle"}, {"fault": "error", "status": 400, "error_code": "DCS.4017"}],
        ids=["throttled", "busy"],
    )
    def test_a_retry_is_not_sent_when_the_engine_has_gone(self, world: World, fault: dict[str, Any]) -> None:
        """An engine that dies during the pause before a retry ends the create."""
        world.cloud.fault("CreateMigrationTask", times=1, **fault)
        world.clock.at(1, lambda: setattr(world.engine, "alive", False))
        failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert world.count("CreateMigrationTask") == 1
        assert world.ids() == []

    def test_a_search_ends_when_the_engine_has_gone(self, world: World) -> None:
        """No one would record the task, so the search stops within one look-up."""
        world.cloud.fault("CreateMigrationTask", "drop_before")
        world.clock.at(1, lambda: setattr(world.engine, "alive", False))
        failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert world.clock.seconds < 15
        assert world.writes() == ["CreateMigrationTask"]

    def test_a_failed_leftover_is_not_removed(self, world: World) -> None:
        """The removal of an old record is a write, too."""
        id_ = killed_after_create(world)
        world.cloud.set_status(id_, "FAILED")
        world.engine.alive = False
        failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert world.writes() == []
        assert world.ids() == [id_]


class TestReplaced:
    """A new task replaces an old one."""

    def test_changed_triggers_run_it_again(self, world: World) -> None:
        """The old task is stopped and deleted, then the new one started."""
        resource = world.started({**BACKUP_IMPORT, "triggers": [1]})
        old = resource.id
        world.cloud.set_status(old, "SUCCESS")
        resource.up({**BACKUP_IMPORT, "triggers": [2]})
        assert world.ids() == [resource.id] != [old]
        assert world.writes() == ["DeleteMigrationTask", "CreateMigrationTask"]

    def test_a_retained_task_does_not_replace_its_successors(self, world: World) -> None:
        """A transform sets retain_on_delete; triggers 1, 2, 1: each requested run happens."""
        resource = world.started({**BACKUP_IMPORT, "triggers": [1]})
        ids = [resource.id]
        for triggers in ([2], [1], [2]):
            world.cloud.set_status(ids[-1], "SUCCESS")
            world.clock.advance(60)
            resource.plugin = world.new_plugin()
            resource.up({**BACKUP_IMPORT, "triggers": triggers}, retain=True)
            ids.append(resource.id)
        assert sorted(world.ids()) == sorted(set(ids))
        assert len(world.ids()) == 4

    def test_a_retained_task_that_runs_is_waited_for(self, world: World) -> None:
        """There are never two running tasks on one target."""
        resource = world.started({**BACKUP_IMPORT, "triggers": [1]})
        old = resource.id
        message = failing(lambda: resource.up({**BACKUP_IMPORT, "triggers": [2]}, retain=True))
        assert f"({old}, MIGRATING)" in message
        assert world.writes() == []

    def test_a_successor_whose_answer_was_lost_is_adopted(self, world: World) -> None:
        """It is newer than the state's task, so it isn't an earlier run."""
        resource = world.started({**BACKUP_IMPORT, "triggers": [1]})
        state = resource.state
        world.cloud.set_status(resource.id, "SUCCESS")
        world.clock.advance(60)
        again = {**BACKUP_IMPORT, "triggers": [2]}
        resource.up(again, retain=True)
        lost = resource.id
        world.clock.advance(60)
        resource.state, resource.plugin = state, world.new_plugin()
        resource.up(again, retain=True)
        assert resource.id == lost
        assert world.count("CreateMigrationTask") == 1

    def test_without_times_of_creation_nothing_is_adopted_beside_a_retained_task(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Which one is the successor is not known then: nothing is adopted or started."""
        resource = world.started({**BACKUP_IMPORT, "triggers": [1]})
        state = resource.state
        world.cloud.set_status(resource.id, "SUCCESS")
        again = {**BACKUP_IMPORT, "triggers": [2]}
        resource.up(again, retain=True)
        lost = resource.id
        world.clock.advance(60)
        listing = DcsClient.list_migration_tasks

        def without_times(self: DcsClient, offset: int = 0, limit: int = 1000) -> Page:
            page = listing(self, offset, limit)
            return Page([replace(row, created_at=None) for row in page.rows], page.count)

        monkeypatch.setattr(DcsClient, "list_migration_tasks", without_times)
        resource.state, resource.plugin = state, world.new_plugin()
        message = failing(lambda: resource.up(again, retain=True))
        assert f"it is unknown whether task {lost} was started after it; remove retain_on_delete" in message
        assert world.count("CreateMigrationTask") == 1

    def test_six_replacements_at_once_each_get_a_new_task(self, world: World) -> None:
        """`up --replace` with unchanged inputs: a deleted task in a shared listing isn't adopted."""
        inputs = [into(f"instance-{number}") for number in range(6)]
        resources = [world.started(inputs[number], name=f"orders-{number}") for number in range(6)]
        old = {resource.id for resource in resources}
        for id_ in old:
            world.cloud.set_status(id_, "SUCCESS")
        works = [lambda n=number: resources[n].up(inputs[n], replace=True) for number in range(6)]
        assert in_threads(list(works)) == [None] * 6
        assert len({resource.id for resource in resources}) == 6
        assert set(world.ids()) == {resource.id for resource in resources}
        assert old.isdisjoint(world.ids())
        assert world.count("CreateMigrationTask") == 6

    def test_a_listing_older_than_our_delete_does_not_bring_the_task_back(self, world: World) -> None:
        """`up --replace` with unchanged inputs: what this process deleted is never adopted."""
        resource = world.started()
        old = resource.id
        world.cloud.set_status(old, "SUCCESS")
        world.engine.on_require = lambda: world.cloud.fault(
            "ListMigrationTask", "error", status=403, error_code="DCS.2003", times=2
        )
        resource.up(BACKUP_IMPORT, replace=True)
        assert world.ids() == [resource.id] != [old]

    def test_a_changed_password_alone_makes_no_call(self, world: World) -> None:
        """A rotated password only updates the state; the owner mark and the task don't change."""
        resource = world.started()
        rotated = {**BACKUP_IMPORT, "target_instance": {"id": "instance-1", "password": "another-Passw0rd"}}
        assert resource.preview(rotated).step == "update"
        resource.up(rotated)
        assert resource.outputs["target_instance"]["password"] == "another-Passw0rd"
        assert resource.outputs["status"] == "MIGRATING"
        assert world.requests() == []
        assert resource.preview(rotated).step == "same"
        resource.refresh()
        assert resource.preview(rotated).step == "same"

    @pytest.mark.parametrize(
        ("status", "warned"),
        [("SUCCESS", True), ("MIGRATING", True), ("GONE", True), ("FAILED", False), ("TERMINATED", False)],
    )
    def test_a_replacement_that_imports_again_warns_in_preview(
        self, world: World, status: str, warned: bool
    ) -> None:
        """The row says that the import runs again over the target, unless the old one never filled it."""
        resource = world.started()
        resource.outputs["status"] = status
        resource.preview({**BACKUP_IMPORT, "triggers": [1]})
        assert any("RUNS THE IMPORT AGAIN" in warning for warning in world.engine.warnings) is warned


class TestCredentials:
    """More than five refusals lock an access key for everybody who uses it."""

    @pytest.mark.parametrize("project", ["", "project-7"], ids=["looked-up project", "known project"])
    def test_eight_creates_with_a_wrong_key_make_one_call(self, world: World, project: str) -> None:
        """The first refusal opens the breaker of the process."""
        plugin = world.new_plugin(environ={"HW_SECRET_KEY": "not-the-secret", "HW_PROJECT_ID": project})
        works = [
            lambda number=number: world.resource(f"orders-{number}", plugin=plugin).up(BACKUP_IMPORT)
            for number in range(8)
        ]
        outcomes = in_threads(list(works))
        assert all("401" in str(outcome) for outcome in outcomes)
        assert len(world.requests()) == 1
        failing(lambda: world.resource(plugin=plugin).up(BACKUP_IMPORT))
        assert len(world.requests()) == 1

    def test_a_refusal_by_the_gateway_makes_no_further_call(self, world: World) -> None:
        """403 from the gateway is a refusal of the credentials, as 401 is."""
        world.cloud.fault("*", "error", status=403, error_code="APIGW.0302", times=100)
        failing(lambda: world.resource("orders").up(BACKUP_IMPORT))
        failing(lambda: world.resource("users").up(BACKUP_IMPORT))
        assert len(world.requests()) == 1

    @pytest.mark.parametrize(
        ("environ", "config", "source"),
        [
            ({"HW_SECRET_KEY": "not-the-secret"}, {}, "environment"),
            (
                {"HW_ACCESS_KEY": "", "HW_SECRET_KEY": ""},
                {"huaweicloud:accessKey": "emulator", "huaweicloud:secretKey": "not-the-secret"},
                "stack",
            ),
        ],
        ids=["environment", "stack configuration"],
    )
    def test_a_401_says_where_the_credentials_came_from(
        self, world: World, environ: dict[str, str], config: dict[str, str], source: str
    ) -> None:
        """After a key rotation, the error must say which key is old, and name --run-program where that helps."""
        plugin = world.new_plugin(environ=environ, config=config)
        message = failing(lambda: world.resource(plugin=plugin).up(BACKUP_IMPORT))
        assert source in message
        assert ("--run-program" in message) == bool(config)
        assert "not-the-secret" not in message

    @pytest.mark.parametrize(
        ("environ", "named"),
        [
            ({"HW_ACCESS_KEY": "", "HW_SECRET_KEY": ""}, ("HW_ACCESS_KEY", "huaweicloud:accessKey")),
            ({"HW_ACCESS_KEY": "", "HW_SECRET_KEY": ""}, ("HW_AUTH_TOKEN", "huaweicloud:secretKey")),
        ],
        ids=["a pair", "a token"],
    )
    def test_missing_credentials_are_named(
        self, world: World, environ: dict[str, str], named: tuple[str, ...]
    ) -> None:
        """Without credentials nothing is sent, and the line names the key and the variable."""
        message = failing(lambda: world.resource(plugin=world.new_plugin(environ=environ)).up(BACKUP_IMPORT))
        assert all(name in message for name in named)
        assert world.requests() == []


class TestSecrets:
    """A password is sent to the service and kept as a secret in the state, and is nowhere else."""

    def test_no_password_is_anywhere_else(self, world: World) -> None:
        """After a whole lifecycle with faults, no log line and no other output contains a password."""
        world.cloud.set_quirks(["password-echoed"])
        world.cloud.fault("CreateMigrationTask", "drop_after")
        resource = world.resource()
        resource.up(ONLINE)
        world.cloud.set_status(resource.id, "FAILED", f"AUTH {PASSWORD} was refused by 10.0.0.1")
        world.clock.advance(60)
        resource.refresh()
        assert "AUTH ***" in resource.outputs["error"]
        shown = {**resource.outputs, "source_instance": None}
        assert PASSWORD not in repr(shown)
        assert resource.outputs["source_instance"] == ONLINE["source_instance"]
        assert resource.outputs["target_instance"] == ONLINE["target_instance"]
        resource.destroy()
        assert PASSWORD not in repr(world.engine.lines)
        assert PASSWORD not in repr(world.cloud.requests())

    def test_a_password_in_an_error_of_the_service_is_removed(self, world: World) -> None:
        """Text of the service is scrubbed before it becomes an error."""
        world.cloud.fault(
            "CreateMigrationTask", "error", status=400, error_code="DCS.4080", message=f"bad: {PASSWORD}"
        )
        assert "bad: ***" in failing(lambda: world.resource().up(BACKUP_IMPORT))

    def test_an_immediate_failure_is_scrubbed(self, world: World) -> None:
        """Also the reason of a task that failed at once."""
        world.cloud.fault("CreateMigrationTask", "drop_after")

        def fail_it() -> None:
            for id_ in world.ids():
                world.cloud.set_status(id_, "FAILED", f"no login with {PASSWORD}")

        world.engine.on_require = lambda: world.cloud.fault("ListMigrationTask", "error", status=500)
        world.clock.at(0.1, fail_it)
        assert "no login with ***" in failing(lambda: world.resource().up(BACKUP_IMPORT))


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError])
def test_no_base_exception_leaves_a_method(world: World, kind: type[BaseException]) -> None:
    """An interrupt inside an operation ends as an ordinary error: anything else would hang Pulumi."""

    def interrupt() -> None:
        raise kind

    world.engine.on_require = interrupt
    resource: Resource = world.resource()
    with pytest.raises(Exception, match=kind.__name__) as caught:
        resource.up(BACKUP_IMPORT)
    assert isinstance(caught.value, Exception)
    assert "\n" not in str(caught.value)
