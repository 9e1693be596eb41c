"""Read: a refresh, and `MigrationTask.get`. A record that no longer exists is not a task that was deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes import FakeClock, FakeEngine
from tests.unit.dcs_server import Answer, StandIn, answer, drop, error
from tests.unit.life_cycle_world import (
    BACKUP_IMPORT,
    ONLINE,
    PASSWORD,
    REGION,
    Plugin,
    Resource,
    World,
    environment,
    failing,
    into,
)

NOT_PERMITTED: dict[str, Any] = {"fault": "error", "status": 403, "error_code": "DCS.2003", "times": 1000}
EMPTY_LISTING = answer({"count": 0, "migration_tasks": []})


@pytest.fixture
def resource(world: World) -> Resource:
    """A running import of an earlier run."""
    resource = world.started()
    world.clock.advance(3600)
    return resource


class TestListed:
    """The service lists the task."""

    def test_status_and_times_are_told(self, world: World, resource: Resource) -> None:
        """A refresh takes over what the service decides, and nothing else."""
        before = dict(resource.outputs)
        world.cloud.set_status(resource.id, "FAILED", "the file is no backup")
        resource.refresh()
        changed = {key for key in resource.outputs if resource.outputs[key] != before.get(key)}
        assert changed == {"status", "error", "created_at", "released_at"}
        assert resource.outputs["status"] == "FAILED"
        assert resource.outputs["error"] == "the file is no backup"
        assert before.keys() <= resource.outputs.keys()

    @pytest.mark.parametrize("inputs", [BACKUP_IMPORT, ONLINE], ids=["backup import", "online"])
    @pytest.mark.parametrize(
        "quirks", [["instances-not-filled-in"], ["password-echoed"]], ids=["silent", "talkative"]
    )
    def test_nothing_changes_after_a_refresh(
        self, world: World, inputs: dict[str, Any], quirks: list[str]
    ) -> None:
        """A preview after a refresh is empty, also after one that fills in what the user left out."""
        world.cloud.set_quirks(quirks)
        task = world.started({**inputs, "triggers": [1, {"a": [None, True]}], "description": " as written "})
        world.clock.advance(3600)
        task.refresh()
        assert (
            task.preview({**inputs, "triggers": [1, {"a": [None, True]}], "description": " as written "}).step
            == "same"
        )
        task.refresh()
        assert task.outputs["target_instance"] == inputs["target_instance"]

    def test_a_defaulted_name_survives_a_refresh_and_a_rename(self, world: World, resource: Resource) -> None:
        """A refresh keeps the memory of what was a default, so that a renamed stack replaces nothing."""
        resource.refresh()
        resource.urn = resource.urn.replace(":dev::", ":staging::")
        assert resource.preview(BACKUP_IMPORT).step == "same"

    def test_one_listing_serves_a_whole_refresh(self, world: World) -> None:
        """Refreshing many tasks costs one call, not one for each."""
        resources = [
            world.started(into(f"instance-{number}"), name=f"orders-{number}") for number in range(30)
        ]
        world.clock.advance(3600)
        for resource in resources:
            resource.refresh()
        assert [entry["operation"] for entry in world.requests()] == ["ListMigrationTask"]

    def test_a_secret_in_the_error_of_a_task_is_scrubbed(self, world: World, resource: Resource) -> None:
        """The service's error text may quote a password."""
        world.cloud.set_status(resource.id, "FAILED", f"WRONGPASS {PASSWORD}")
        resource.refresh()
        assert resource.outputs["error"] == "WRONGPASS ***"

    def test_no_engine_is_asked_and_nothing_written(self, world: World, resource: Resource) -> None:
        """A refresh only reads."""
        world.engine.alive = False
        resource.refresh()
        assert world.writes() == []


class TestGone:
    """The service has forgotten the task, or someone deleted it."""

    @pytest.mark.parametrize("last", ["MIGRATING", "CREATING", "SUCCESS", "INCRMIGEATING", "NEWFANGLED"])
    @pytest.mark.parametrize("wholly", [False, True], ids=["lingering", "wholly"])
    def test_it_stays_as_gone_with_one_warning(
        self, world: World, resource: Resource, last: str, wholly: bool
    ) -> None:
        """Taking it out of state would run the import again: it stays, and says so once."""
        resource.outputs["status"] = last
        world.cloud.remove(resource.id)
        world.clock.advance(3600 if wholly else 15)
        id_ = resource.id
        resource.refresh()
        assert resource.id == id_
        assert resource.outputs["status"] == "GONE"
        (warning,) = world.engine.warnings
        assert id_ in warning
        assert "triggers" in warning
        assert resource.preview(BACKUP_IMPORT).step == "same"
        world.clock.advance(3600)
        resource.plugin = world.new_plugin()
        world.engine.clear()
        resource.refresh()
        assert world.engine.warnings == []
        assert resource.outputs["status"] == "GONE"

    @pytest.mark.parametrize("last", ["FAILED", "MIGRATION_FAILED", "ERROR", "TERMINATED"])
    def test_it_is_removed_after_a_failure(self, world: World, resource: Resource, last: str) -> None:
        """A task that failed or was stopped filled nothing: the next up starts it again."""
        world.cloud.set_status(resource.id, last)
        resource.refresh()
        assert resource.outputs["status"] == last
        world.cloud.remove(resource.id)
        world.clock.advance(3600)
        resource.refresh()
        assert resource.state is None
        assert len(world.engine.warnings) == 1
        assert resource.preview(BACKUP_IMPORT).step == "create"

    def test_triggers_run_it_again(self, world: World, resource: Resource) -> None:
        """GONE isn't a dead end: changed triggers start a new task."""
        world.cloud.remove(resource.id)
        resource.refresh()
        again = {**BACKUP_IMPORT, "triggers": ["again"]}
        assert resource.preview(again).step == "replace"
        resource.up(again)
        assert world.ids() == [resource.id]

    @pytest.mark.parametrize(
        ("quirks", "last", "status", "warned"),
        [
            (["records-expire"], "SUCCESS", "SUCCESS", 0),
            (["records-expire-wholly"], "SUCCESS", "GONE", 1),
            (["records-expire", "deleted-shows-success"], "SUCCESS", "SUCCESS", 0),
        ],
        ids=lambda value: ",".join(value) if isinstance(value, list) else "",
    )
    def test_the_last_success_is_kept_while_show_tells_it(
        self, world: World, resource: Resource, quirks: list[str], last: str, status: str, warned: int
    ) -> None:
        """A record that only the listing has forgotten keeps its success."""
        world.cloud.set_quirks(quirks)
        world.cloud.set_status(resource.id, last)
        world.clock.advance(3600)
        resource.refresh()
        assert resource.outputs["status"] == status
        assert len(world.engine.warnings) == warned

    def test_a_failure_that_only_show_still_tells_is_removed(self, world: World, resource: Resource) -> None:
        """The last known status counts, from any source."""
        world.cloud.set_quirks(["records-expire"])
        world.cloud.set_status(resource.id, "FAILED")
        world.clock.advance(3600)
        resource.refresh()
        assert resource.state is None


class TestNotPermitted:
    """The credentials may not list."""

    def test_show_answers_instead(self, world: World, resource: Resource) -> None:
        """Without the permission to list, each task is shown."""
        world.cloud.fault("ListMigrationTask", **NOT_PERMITTED)
        world.cloud.set_status(resource.id, "SUCCESS")
        resource.refresh()
        assert resource.outputs["status"] == "SUCCESS"
        assert resource.preview(BACKUP_IMPORT).step == "same"

    @pytest.mark.parametrize("last", ["MIGRATING", "FAILED"])
    def test_absence_is_not_proved_by_show_alone(self, world: World, resource: Resource, last: str) -> None:
        """State isn't changed, with a warning that names the permission."""
        resource.outputs["status"] = last
        world.cloud.remove(resource.id)
        world.cloud.fault("ListMigrationTask", **NOT_PERMITTED)
        resource.refresh()
        assert resource.outputs["status"] == last
        (warning,) = world.engine.warnings
        assert "dcs:migrationTask:list" in warning

    def test_neither_list_nor_show_is_an_error(self, world: World, resource: Resource) -> None:
        """Nothing can be told then: the refresh fails and state stays."""
        world.cloud.fault("*", **NOT_PERMITTED)
        assert "dcs:migrationTask" in failing(resource.refresh)
        assert resource.outputs["status"] == "MIGRATING"


class TestWrongEndpoint:
    """What answers is not DCS, which proves nothing about a task."""

    @pytest.fixture
    def state(self, world: World) -> Resource:
        """A running task in state, whose endpoint will be another server."""
        return world.started()

    def _read_from(
        self, server: StandIn, resource: Resource, clock: FakeClock, engine: FakeEngine
    ) -> Resource:
        host = server.url.removeprefix("http://")
        resource.outputs["__endpoint"] = host
        resource.plugin = Plugin(environment(server.url, HW_MAX_RETRIES="1"), clock, engine)
        return resource

    @pytest.mark.parametrize(
        "response",
        [
            answer(raw=b"<html><title>404 Not Found</title></html>", status=404),
            answer({"error_code": "APIGW.0101", "error_msg": "The API does not exist"}, status=404),
            answer(raw=b"", status=404),
            answer(raw=b""),
            answer(raw=b"<!doctype html><p>welcome to the wifi</p>"),
            answer({}),
            answer([]),
            answer({"count": 0}),
            answer({"migration_tasks": []}),
            answer({"count": 0, "migration_tasks": {}}),
            answer({"count": 1, "migration_tasks": [{}]}),
            answer({"status": "ok"}),
            answer(raw=b"", status=302, headers={"Location": "https://login.example/"}),
            error(500, "DCS.4133"),
            error(404, "DCS.4999"),
            drop,
        ],
        ids=[
            "404 page",
            "404 gateway",
            "404 empty",
            "200 empty",
            "200 page",
            "200 {}",
            "200 []",
            "no rows",
            "no count",
            "rows no list",
            "rows without id",
            "some other API",
            "302",
            "500 with the not-found code",
            "404 other code",
            "dropped",
        ],
    )
    def test_no_answer_of_it_makes_a_task_gone(
        self, state: Resource, clock: FakeClock, engine: FakeEngine, response: Answer
    ) -> None:
        """Refresh and destroy fail, and state isn't changed."""
        for last in ("MIGRATING", "FAILED"):
            state.outputs["status"] = last
            with StandIn(response) as server:
                resource = self._read_from(server, state, clock, engine)
                failing(resource.refresh)
                assert resource.outputs["status"] == last
                failing(resource.destroy)
                assert resource.state is not None
                assert all(request.method == "GET" for request in server.requests)

    @pytest.mark.parametrize(
        "shown",
        [
            answer(raw=b"<html>404</html>", status=404),
            answer(raw=b"", status=404),
            answer({"error_code": "APIGW.0101", "error_msg": "no"}, status=404),
            answer({"error_msg": "Instance job is not found."}, status=404),
            error(400, "DCS.4070"),
            answer({}),
            answer(raw=b""),
        ],
        ids=["404 page", "404 empty", "404 gateway", "404 no code", "other code", "200 {}", "200 empty"],
    )
    def test_an_empty_listing_alone_does_not_either(
        self, state: Resource, clock: FakeClock, engine: FakeEngine, shown: Answer
    ) -> None:
        """Gone needs both: a well-formed listing without it, and the service's own word from Show."""
        with StandIn(EMPTY_LISTING, shown) as server:
            resource = self._read_from(server, state, clock, engine)
            failing(resource.refresh)
            assert resource.outputs["status"] == "MIGRATING"
            assert engine.warnings == []

    @pytest.mark.parametrize(
        "shown",
        [
            error(400, "DCS.4133"),
            error(404, "DCS.4133"),
            error(400, "111400133"),
            answer({"error": {"code": "111400133", "message": "no"}}, status=400),
            answer({"status": "DELETED"}),
        ],
        ids=["400", "404", "legacy", "v1", "DELETED"],
    )
    def test_both_together_do(
        self, state: Resource, clock: FakeClock, engine: FakeEngine, shown: Answer
    ) -> None:
        """The not-found code in each known spelling, or DELETED, completes the proof."""
        with StandIn(EMPTY_LISTING, shown) as server:
            resource = self._read_from(server, state, clock, engine)
            resource.refresh()
            assert resource.outputs["status"] == "GONE"


class TestGet:
    """`MigrationTask.get`."""

    def test_tells_the_whole_definition(self, world: World) -> None:
        """Name, type, method, files and target come from the service; the owner mark is not shown."""
        task = world.started({**BACKUP_IMPORT, "description": "nightly"})
        outputs = world.resource("seen").get(task.id)
        assert outputs["task_name"] == outputs["name"] == task.outputs["name"]
        assert outputs["description"] == "nightly"
        assert outputs["migration_type"] == "backupfile_import"
        assert outputs["migration_method"] == "full_amount_migration"
        assert outputs["backup_files"] == {"file_source": "self_build_obs", **BACKUP_IMPORT["backup_files"]}
        assert outputs["target_instance"].keys() == {"id", "name"}
        assert outputs["target_instance"]["id"] == "instance-1"
        assert outputs["region"] == REGION
        assert outputs["status"] == "MIGRATING"
        assert world.writes() == []

    def test_tells_the_backup_that_is_imported(self, world: World) -> None:
        """A backup of DCS has an id instead of files."""
        backup = {"file_source": "backup_record", "backup_id": "b-1"}
        id_ = world.started_elsewhere(backup_files=backup)
        assert world.resource("seen").get(id_)["backup_files"] == backup

    def test_never_shows_a_password_that_the_service_echoes(self, world: World) -> None:
        """What the server returns inside instance objects never reaches state."""
        world.cloud.set_quirks(["password-echoed"])
        id_ = world.started_elsewhere(target_instance={"id": "instance-9", "password": "echoed-Passw0rd"})
        outputs = world.resource("seen").get(id_)
        assert "echoed-Passw0rd" not in json.dumps(outputs)
        assert outputs["target_instance"].keys() == {"id", "name"}

    def test_a_refresh_of_it_reads_again(self, world: World) -> None:
        """The outputs of a get can be refreshed, and still belong to no one."""
        task = world.started()
        seen = world.resource("seen")
        first = seen.get(task.id)
        world.cloud.set_status(task.id, "SUCCESS")
        world.clock.advance(60)
        second = seen.get(task.id, first)
        assert second["status"] == "SUCCESS"
        assert second.keys() >= first.keys()

    @pytest.mark.parametrize("wholly", [False, True], ids=["lingering", "wholly"])
    def test_a_record_that_is_gone_is_a_status_and_a_warning(self, world: World, wholly: bool) -> None:
        """A preview must not break because the service forgot a task."""
        task = world.started()
        world.cloud.remove(task.id)
        world.clock.advance(3600 if wholly else 1)
        outputs = world.resource("seen").get(task.id)
        assert outputs["status"] == "GONE"
        (warning,) = world.engine.warnings
        assert task.id in warning

    @pytest.mark.parametrize(("status", "seen"), [("SUCCESS", "SUCCESS"), ("FAILED", "GONE")])
    def test_a_record_that_only_show_tells(self, world: World, status: str, seen: str) -> None:
        """Its success is known; a failure may be that of a record that was deleted."""
        world.cloud.set_quirks(["records-expire"])
        task = world.started()
        world.cloud.set_status(task.id, status)
        world.clock.advance(60)
        assert world.resource("seen").get(task.id)["status"] == seen

    def test_an_id_that_is_none_is_an_error(self, world: World) -> None:
        """A malformed id is a mistake, not a task that no longer exists."""
        assert "DCS.4070" in failing(lambda: world.resource("seen").get("not-an-id"))

    @pytest.mark.parametrize("id_", ["a/b", "", "..", "x" * 65, "id\n", "Ä"])
    def test_an_id_of_a_wrong_form_is_never_asked_for(self, world: World, id_: str) -> None:
        """It is refused offline, with an example, for no check comes before a read."""
        line = failing(lambda: world.resource("seen").get(id_))
        assert line.startswith("MigrationTask.get: id: ")
        assert "; use " in line or line.endswith(".strip()")
        assert world.requests() == []

    def test_a_place_of_a_wrong_form_is_never_asked(self, world: World) -> None:
        """A region is part of the host name to which credentials are sent."""
        line = failing(
            lambda: world.resource("seen").get("0" * 32, {"region": "example.com/", "project_id": 5.0})
        )
        assert "region: has the wrong format" in line
        assert "project_id: must be a string" in line
        assert world.requests() == []

    def test_works_without_the_permission_to_list(self, world: World) -> None:
        """Show alone is enough to read a task."""
        task = world.started()
        world.cloud.fault("ListMigrationTask", **NOT_PERMITTED)
        assert world.resource("seen").get(task.id)["status"] == "MIGRATING"

    def test_in_another_region(self, world: World) -> None:
        """The region that the user writes decides where is looked; its project is looked up there."""
        world.started()
        outputs = world.resource("seen").get("0" * 32, {"region": "eu-north-7"})
        assert outputs["region"] == "eu-north-7"
        assert outputs["status"] == "GONE"
