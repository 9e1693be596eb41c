"""Whose online migration it is: what the random courses have found, as small as it gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dcs_emulator.operations import project_id_of
from tests.signing import SignedClient
from tests.unit.life_cycle_world import REGION, World, failing
from tests.unit.online_world import INSTANCE, SET, Migration


class Component(Migration):
    """A migration that an ``OnlineMigrationTask`` declares: the mark of its instance says what runs on it."""

    def instance_inputs(self) -> dict[str, Any]:
        """Return the inputs of the instance."""
        sides = {"source_instance": {"id": "shop"}, "target_instance": {"id": "orders"}}
        return {**INSTANCE, "__identity": {"migration_method": "incremental_migration", **sides}}

    def take_over(self, id_: str) -> None:
        """Take over both."""
        self.instance.up({**self.instance_inputs(), "existing_task_id": id_})
        self.online.up({**self.inputs({}), "existing_task_id": id_})


class TestItsInstance:
    """An instance that others hold, or have copied."""

    def test_a_failed_one_that_a_renamed_resource_holds(self, world: World) -> None:
        """A new resource with its old name does not remove it."""
        renamed, new = Migration(world), Migration(world)
        renamed.up()
        world.cloud.set_status(renamed.id, "FAILED")
        renamed.instance.urn += "-renamed"
        renamed.instance.plugin = new.instance.plugin = world.new_plugin()
        world.cloud.clear_requests()
        world.clock.at(1, lambda: renamed.instance.up(INSTANCE))
        message = failing(lambda: new.instance.up(INSTANCE))
        assert "is held by another resource of this stack" in message
        assert message.endswith("remove one of the two, or give this resource another name")
        assert world.writes() == []

    def test_a_failed_one_that_the_same_run_has_begun_again(self, world: World) -> None:
        """It stands for its definition, even if an older listing differs."""
        first, second = Component(world), Component(world, "second")
        first.instance.up(first.instance_inputs())
        first.up()
        world.cloud.set_status(first.id, "FAILED")
        second.instance.plugin = first.in_a_later_run().instance.plugin
        first.up(triggers=["again"])
        message = failing(lambda: second.instance.up(second.instance_inputs()))
        assert "has the same definition and belongs to another resource of this stack" in message
        assert world.writes() == [SET]

    def test_one_that_has_begun_in_this_run_and_that_the_listing_does_not_show_yet(
        self, world: World
    ) -> None:
        """What the process knows of its owner mark outlives the configuration of its migration (course 434)."""
        first, second = Component(world), Component(world, "second")
        second.instance.plugin = first.instance.plugin
        world.cloud.set_quirks(["listing-lags=30"])
        first.instance.up(first.instance_inputs())
        first.up()
        world.cloud.clear_requests()
        message = failing(lambda: second.instance.up(second.instance_inputs()))
        assert "has the same definition and belongs to another resource of this stack" in message
        assert world.writes() == []

    @pytest.mark.parametrize("side", ["source_instance", "target_instance"])
    def test_one_that_is_configured_for_something_else(self, world: World, side: str) -> None:
        """What the state does not know may be another stack's: it is not led elsewhere."""
        world.cloud.set_quirks(["set-while-running-restarts"])
        migration = Migration(world)
        migration.up()
        migration.online.state = None
        migration.in_a_later_run()
        message = failing(lambda: migration.up(**{side: {"id": "another"}}))
        assert (
            f"is configured for something else (FULLMIGRATING; {side} differ): nothing was changed" in message
        )
        assert world.writes() == []

    def test_a_failed_copy_beside_the_one_that_is_adopted(self, world: World) -> None:
        """Only where nothing else stands for the definition its failed instance is removed."""
        migration = Migration(world)
        first = migration.instance.up(INSTANCE).id
        body = {"name": "copied", "description": world.task(first)["description"], **INSTANCE}
        console = SignedClient(world.cloud.url, project=project_id_of(REGION))
        copy = console.call("POST", "migration/instance", body).json()["instance_id"]
        world.cloud.set_status(copy, "FAILED")
        migration.instance.state = None
        migration.in_a_later_run()
        assert migration.instance.up(INSTANCE).id == first
        assert world.writes() == []
        assert copy in world.ids()


class TestTakingOver:
    """A migration that `existing_task_id` names."""

    @pytest.mark.parametrize("first", ["taken over", "adopted"])
    def test_one_that_another_resource_of_the_run_has_got(self, world: World, first: str) -> None:
        """The second one to come is refused, in the run itself."""
        adopting, taking = Component(world), Component(world, "taking")
        id_ = adopting.instance.up(adopting.instance_inputs()).id
        adopting.instance.state = None
        adopting.in_a_later_run()
        taking.instance.plugin = taking.online.plugin = world.plugin
        works: list[Callable[[], object]] = [
            lambda: taking.instance.up({**taking.instance_inputs(), "existing_task_id": id_}),
            lambda: adopting.instance.up(adopting.instance_inputs()),
        ]
        one, other = works if first == "taken over" else works[::-1]
        one()
        assert "is held by another resource of this stack" in failing(other)
        assert world.writes() == []

    @pytest.mark.parametrize("when", ["in that run", "in the next one"])
    def test_its_old_resources_leave_the_program(self, world: World, when: str) -> None:
        """A renaming without an alias, by `existing_task_id`: the deletes of the old ones forget what is taken over."""
        old, new = Component(world), Component(world, "renamed")
        old.instance.up(old.instance_inputs())
        old.up()
        new.instance.plugin = new.online.plugin = old.in_a_later_run().instance.plugin
        new.take_over(old.id)
        if when == "in the next one":
            new.in_a_later_run()
            old.instance.plugin = old.online.plugin = world.plugin
            new.take_over(old.id)
        world.engine.clear()
        for resource in (old.online, old.instance):
            resource.destroy()
        assert world.writes() == []
        assert new.task["status"] == "FULLMIGRATING"
        assert [new.online.urn in world.engine.warnings[0], new.instance.urn in world.engine.warnings[1]] == [
            True
        ] * 2

    def test_one_that_was_never_configured(self, world: World) -> None:
        """The error says what to do, and that works."""
        lost, taking = Component(world), Component(world, "taking")
        lost.instance.up(lost.instance_inputs())
        id_ = lost.in_a_later_run().id
        taking.instance.plugin = taking.online.plugin = world.plugin
        message = failing(lambda: taking.take_over(id_))
        assert (
            "has no migration yet (RUNNING); remove existing_task_id, and `pulumi up` configures a "
            "migration on it" in message
        )
        taking.instance.up(taking.instance_inputs())
        taking.online.up(taking.inputs({}))
        assert world.task(id_)["runs"] == 1
        taking.online.destroy()
        taking.instance.destroy()
        assert world.ids() == [id_]

    def test_one_that_was_never_configured_while_its_old_resources_leave(self, world: World) -> None:
        """The migration that the new resource has started there is neither stopped nor deleted (course 2214)."""
        old, new = Component(world), Component(world, "renamed")
        old.instance.up(old.instance_inputs())
        old.up(state="stopped")
        new.instance.plugin = new.online.plugin = old.in_a_later_run().instance.plugin
        new.instance.up({**new.instance_inputs(), "existing_task_id": old.id})
        new.online.up(new.inputs({}))
        world.engine.clear()
        world.cloud.clear_requests()
        for resource in (old.online, old.instance):
            resource.destroy()
        assert world.writes() == []
        assert new.task["status"] == "FULLMIGRATING"
        assert new.online.urn in world.engine.warnings[0]
