"""Taking over a task that exists: it must be the one that is described, and it is never stopped or deleted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.life_cycle_world import BACKUP_IMPORT, ONLINE, CheckFailed, Resource, World, failing
from tests.unit.online_world import DELETE, INSTANCE, SET, Migration

NOT_PERMITTED: dict[str, Any] = {"fault": "error", "status": 403, "error_code": "DCS.2003", "times": 1000}
AS_WRITTEN: dict[str, Any] = {"target_instance": {"id": "instance-1", "password": "old-Passw0rd"}}


@pytest.fixture
def by_hand(world: World) -> str:
    """The id of an import that someone started at the console."""
    return world.started_elsewhere(description="by hand", **AS_WRITTEN)


def taking(id_: str, **changes: Any) -> dict[str, Any]:
    """Return the inputs that take a task over."""
    return {**BACKUP_IMPORT, "existing_task_id": id_, **changes}


def taken(world: World, id_: str, **changes: Any) -> Resource:
    """Return the resource after it took the task over."""
    resource = world.resource()
    resource.up(taking(id_, **changes))
    assert world.writes() == []
    return resource


class TestAgrees:
    """The inputs describe the task."""

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"task_name": "by-hand"},
            {"description": "by hand"},
            {"backup_files": {"file_source": "self_build_obs", **BACKUP_IMPORT["backup_files"]}},
            {"triggers": ["whatever"]},
        ],
        ids=lambda changes: ",".join(changes) or "-",
    )
    def test_it_is_taken_over_without_a_write(
        self, world: World, by_hand: str, changes: dict[str, Any]
    ) -> None:
        """The id, name and status are those of the task, and a preview shows no change."""
        resource = taken(world, by_hand, **changes)
        assert resource.id == by_hand
        assert resource.outputs["name"] == "by-hand"
        assert resource.outputs["status"] == "MIGRATING"
        assert resource.preview(taking(by_hand, **changes)).step == "same"
        world.clock.advance(60)
        resource.refresh()
        assert resource.preview(taking(by_hand, **changes)).step == "same"

    def test_texts_that_are_made_clean_agree(self, world: World) -> None:
        """What cannot be printed is taken out of what the service says, and so it is for the comparison."""
        texts = {
            "description": "two\nlines \u200d of\ttext",
            "backup_files": {**BACKUP_IMPORT["backup_files"], "files": [{"file_name": "a \u202e b.rdb"}]},
        }
        name = "family \U0001f468\u200d\U0001f469  copy"
        id_ = world.started_elsewhere(name, **texts, **AS_WRITTEN)
        assert taken(world, id_, task_name=name, **texts).id == id_

    @pytest.mark.parametrize("status", ["SUCCESS", "FAILED", "TERMINATED", "NEWFANGLED"])
    def test_whatever_its_status(self, world: World, by_hand: str, status: str) -> None:
        """A task that ended, well or badly, is taken over with its status, and nothing is removed."""
        world.cloud.set_status(by_hand, status)
        assert taken(world, by_hand).outputs["status"] == status
        assert world.ids() == [by_hand]

    def test_an_online_task_is_compared_by_its_addresses(self, world: World) -> None:
        """The order of the addresses and the password do not matter."""
        source = {"addrs": "10.0.0.1:6379,10.0.0.2:6379", "password": "old-Passw0rd"}
        id_ = world.started_elsewhere(
            **{
                **ONLINE,
                "backup_files": None,
                "source_instance": source,
                "target_instance": {"id": "instance-1"},
            }
        )
        resource = world.resource()
        resource.up(
            {**ONLINE, "existing_task_id": id_, "source_instance": {"addrs": "10.0.0.2:6379,10.0.0.1:6379"}}
        )
        assert resource.id == id_

    def test_without_the_permission_to_list(self, world: World, by_hand: str) -> None:
        """Show alone is enough."""
        world.cloud.fault("ListMigrationTask", **NOT_PERMITTED)
        assert taken(world, by_hand).id == by_hand


class TestDisagrees:
    """The inputs describe another task."""

    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({"task_name": "other-name"}, "task_name"),
            ({"description": "other"}, "description"),
            ({"migration_method": "incremental_migration"}, "migration_method"),
            ({"target_instance": {"id": "instance-2"}}, "target_instance.id"),
            (
                {"backup_files": {"bucket_name": "other", "files": [{"file_name": "orders.rdb"}]}},
                "backup_files.bucket_name",
            ),
            (
                {"backup_files": {"bucket_name": "backups", "files": [{"file_name": "users.rdb"}]}},
                "backup_files.files",
            ),
            ({"backup_files": {"backup_id": "record-1"}}, "backup_files.file_source"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_the_path_is_named(self, world: World, by_hand: str, changes: dict[str, Any], path: str) -> None:
        """Nothing is taken over or started, and the line says what differs."""
        message = failing(lambda: world.resource().up(taking(by_hand, **changes)))
        assert path in message
        assert by_hand in message
        assert world.writes() == []

    def test_everything_that_differs_is_named_at_once(self, world: World, by_hand: str) -> None:
        """Several differences are one error."""
        message = failing(
            lambda: world.resource().up(
                taking(by_hand, task_name="other-name", target_instance={"id": "instance-2"})
            )
        )
        assert "task_name" in message
        assert "target_instance.id" in message

    def test_another_kind_of_task_is_refused(self, world: World, by_hand: str) -> None:
        """An online migration isn't a backup import."""
        message = failing(lambda: world.resource().up({**ONLINE, "existing_task_id": by_hand}))
        assert "migration_type" in message

    def test_no_value_of_addresses_is_quoted(self, world: World) -> None:
        """Addresses may carry passwords: only the path is told."""
        id_ = world.started_elsewhere(**{**ONLINE, "backup_files": None})
        message = failing(
            lambda: world.resource().up(
                {**ONLINE, "existing_task_id": id_, "source_instance": {"addrs": "10.9.9.9:6379"}}
            )
        )
        assert "source_instance.addrs" in message
        assert "10.9.9.9" not in message
        assert "10.0.0.1" not in message


@pytest.mark.parametrize("gone", ["unknown", "deleted", "forgotten"])
def test_a_task_that_does_not_exist_is_an_error(world: World, by_hand: str, gone: str) -> None:
    """Nothing is started in its place."""
    id_ = "0" * 32 if gone == "unknown" else by_hand
    if gone != "unknown":
        world.cloud.remove(by_hand)
        world.clock.advance(1 if gone == "deleted" else 3600)
    message = failing(lambda: world.resource().up(taking(id_)))
    assert "existing_task_id" in message
    assert id_ in message
    assert world.writes() == []


class TestAfterwards:
    """The rest of its life."""

    @pytest.mark.parametrize("status", ["MIGRATING", "SUCCESS", "FAILED"])
    def test_destroy_makes_no_call_and_names_it(self, world: World, by_hand: str, status: str) -> None:
        """A task that was taken over is only forgotten."""
        resource = taken(world, by_hand)
        world.cloud.set_status(by_hand, status)
        world.cloud.clear_requests()
        resource.plugin = world.new_plugin()
        resource.destroy()
        assert world.requests() == []
        assert world.ids() == [by_hand]
        (warning,) = world.engine.warnings
        assert by_hand in warning

    def test_still_so_after_a_refresh_and_a_password(self, world: World, by_hand: str) -> None:
        """Neither a refresh nor an update makes it ours."""
        resource = taken(world, by_hand)
        resource.refresh()
        resource.up(taking(by_hand, target_instance={"id": "instance-1", "password": "new-Passw0rd"}))
        resource.refresh()
        resource.destroy()
        assert world.writes() == []

    def test_still_so_when_existing_task_id_is_removed(self, world: World, by_hand: str) -> None:
        """Taking the input out again is an update; the new task of a later change leaves the old one alone."""
        resource = taken(world, by_hand)
        assert resource.preview(BACKUP_IMPORT).step == "update"
        resource.up(BACKUP_IMPORT)
        assert resource.id == by_hand
        world.cloud.set_status(by_hand, "SUCCESS")
        resource.up({**BACKUP_IMPORT, "triggers": ["again"]})
        assert sorted(world.ids()) == sorted([by_hand, resource.id])
        assert by_hand not in [
            id_ for entry in world.requests() for id_ in entry["task_ids"] if entry["method"] != "GET"
        ]
        resource.destroy()
        assert world.ids() == [by_hand]

    def test_a_task_of_our_own_that_is_named_is_the_users_from_then_on(self, world: World) -> None:
        """Writing the id of the resource's own task is an update, after which destroy only forgets it."""
        resource = world.started()
        id_ = resource.id
        assert resource.preview(taking(id_)).step == "update"
        resource.up(taking(id_))
        resource.destroy()
        assert world.ids() == [id_]

    def test_its_old_resource_leaves_the_program_in_the_same_run(self, world: World) -> None:
        """A renaming without an alias: the delete of the old one forgets what the new one has taken over."""
        old = world.started()
        new = world.resource("renamed")
        new.up(taking(old.id))
        old.destroy()
        assert world.ids() == [new.id]
        assert world.writes() == []

    @pytest.mark.parametrize("last", ["MIGRATING", "FAILED", "TERMINATED"])
    def test_a_record_that_is_gone_stays_in_state(self, world: World, by_hand: str, last: str) -> None:
        """Removing it would start a task in its place, which no one asked for."""
        resource = taken(world, by_hand)
        resource.outputs["status"] = last
        world.cloud.remove(by_hand)
        world.clock.advance(3600)
        resource.refresh()
        assert resource.outputs["status"] == "GONE"
        assert resource.preview(taking(by_hand)).step == "same"

    @pytest.mark.parametrize(
        "changes",
        [{"triggers": ["again"]}, {"description": "other"}, {"target_instance": {"id": "instance-2"}}],
        ids=lambda changes: ",".join(changes),
    )
    def test_a_replacing_change_is_an_error_in_preview(
        self, world: World, by_hand: str, changes: dict[str, Any]
    ) -> None:
        """The line says to remove existing_task_id to start a new task."""
        resource = taken(world, by_hand)
        message = failing(lambda: resource.preview(taking(by_hand, **changes)))
        assert "remove existing_task_id" in message

    def test_another_id_is_an_error_in_preview(self, world: World, by_hand: str) -> None:
        """A resource stays with its task."""
        resource = taken(world, by_hand)
        other = world.started_elsewhere("other", **AS_WRITTEN)
        assert by_hand in failing(lambda: resource.preview(taking(other)))

    def test_a_taken_over_task_is_never_adopted_by_mark(self, world: World, by_hand: str) -> None:
        """It has no owner mark: a definition without existing_task_id starts a task of its own."""
        world.cloud.set_status(by_hand, "SUCCESS")
        state = world.resource().up(BACKUP_IMPORT)
        assert state.id != by_hand


@pytest.mark.parametrize("written", ["", 7, ["x"]], ids=repr)
def test_an_id_that_cannot_be_one_is_refused_by_check(world: World, written: object) -> None:
    """An id is a string, and not an empty one."""
    with pytest.raises(CheckFailed, match="existing_task_id"):
        world.resource().preview({**BACKUP_IMPORT, "existing_task_id": written})
    assert world.requests() == []


def test_an_instance_on_which_nothing_runs_yet(world: World) -> None:
    """A run was killed before it had configured its instance, and its state is lost: the error leads on, to one run."""
    lost = Migration(world)
    lost.instance.up(INSTANCE)
    new = Migration(world).in_a_later_run()
    new.instance.owner = new.online.owner = "a new state"
    new.instance.up({**INSTANCE, "existing_task_id": lost.id})
    message = failing(lambda: new.up(existing_task_id=lost.id))
    assert f"migration instance {lost.id} has no migration yet (RUNNING)" in message
    assert "remove existing_task_id, and `pulumi up` configures one on it" in message
    assert world.writes() == []

    new.instance.up(INSTANCE)
    new.up()
    assert new.id == lost.id
    assert world.writes() == [SET]
    assert new.task["runs"] == 1
    assert new.preview() == "same"
    new.instance.destroy()
    assert DELETE not in world.writes()


def test_an_instance_that_is_gone_is_not_to_be_configured(world: World) -> None:
    """The error does not tell to configure a migration on it."""
    migration = Migration(world)
    migration.instance.up(INSTANCE)
    world.cloud.set_status(migration.id, "RELEASED")
    message = failing(lambda: migration.up(existing_task_id=migration.id))
    assert "is gone (RELEASED); correct it, or remove it to make a new one" in message
    assert world.writes() == ["CreateOnlineMigrationTask"]
