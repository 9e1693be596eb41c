"""Whose task is it: what may be adopted, what is left alone, and never two tasks on one target."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from dcs_migration.dcs.models import Page, TaskRow
from dcs_migration.life_cycles.migration_task.inputs import MARKED, normalised
from dcs_migration.life_cycles.tasks.mark import mark_of_0_1_0
from tests.unit.life_cycle_world import (
    BACKUP_IMPORT,
    ONLINE,
    Plugin,
    Resource,
    World,
    failing,
    in_threads,
    into,
)
from tests.unit.online_world import INSTANCE, Migration
from tests.unit.test_life_cycle_create import OTHER_FILE, killed_after_create

WRITES = ("CreateMigrationTask", "BatchStopMigrationTasks", "DeleteMigrationTask")


def of_another_owner(
    world: World, inputs: dict[str, Any] = BACKUP_IMPORT, owner: str = "another"
) -> Resource:
    """Start the same resource from a state that started apart: another backend, with the same names."""
    resource = world.resource(plugin=world.new_plugin())
    resource.owner = owner
    resource.up(inputs)
    world.clock.advance(60)
    world.engine.clear()
    world.cloud.clear_requests()
    return resource


class TestAnotherOwner:
    """Two states with equal names, in one project of the cloud."""

    @pytest.mark.parametrize("status", ["MIGRATING", "SUCCESS", "RELEASED", "INCRMIGEATING"])
    def test_its_task_is_neither_adopted_nor_run_a_second_time(self, world: World, status: str) -> None:
        """The error names the task, its status, when it was created, and the two ways to continue."""
        theirs = of_another_owner(world).id
        world.cloud.set_status(theirs, status)
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        task = world.task(theirs)
        assert message == (
            f"nothing was started: task {task['name']} ({theirs}, {status}, created "
            "2026-01-01T00:00:00.000Z) has the same definition and belongs to another owner: another "
            "stack, another provider of this stack, or a lost state; to take it over, set "
            f'existing_task_id="{theirs}"; to run it again, set triggers=[...]'
        )
        assert world.writes() == []

    def test_both_ways_on_work(self, world: World) -> None:
        """Triggers start another task; existing_task_id takes it over, and destroy then leaves it alone."""
        theirs = of_another_owner(world).id
        world.cloud.set_status(theirs, "SUCCESS")
        taking = world.resource("taking")
        taking.up({**BACKUP_IMPORT, "existing_task_id": theirs})
        assert taking.id == theirs
        again = world.resource()
        again.up({**BACKUP_IMPORT, "triggers": ["again"]})
        assert sorted(world.ids()) == sorted([theirs, again.id])
        taking.destroy()
        again.destroy()
        assert world.ids() == [theirs]

    @pytest.mark.parametrize("status", ["FAILED", "TERMINATED"])
    def test_its_failed_record_is_left_alone_and_stands_for_nothing(self, world: World, status: str) -> None:
        """What failed has done nothing: ours is started, theirs not even removed."""
        theirs = of_another_owner(world).id
        world.cloud.set_status(theirs, status)
        ours = world.resource()
        ours.up(BACKUP_IMPORT)
        assert sorted(world.ids()) == sorted([theirs, ours.id])
        assert world.writes() == ["CreateMigrationTask"]

    def test_its_task_that_only_an_old_listing_shows_stands_for_nothing(self, world: World) -> None:
        """Show says that it no longer exists."""
        world.cloud.set_quirks(["listing-lags=30", "deleted-not-found"])
        theirs = of_another_owner(world).id
        world.cloud.set_status(theirs, "SUCCESS")
        world.clock.advance(60)
        world.cloud.remove(theirs)
        ours = world.resource()
        ours.up(BACKUP_IMPORT)
        assert world.ids() == [ours.id] != [theirs]

    def test_one_owner_keeps_its_task_while_the_other_is_refused(self, world: World) -> None:
        """The first stack continues as if nothing had happened: no change, and its own task to the end."""
        first = of_another_owner(world)
        second = world.resource()
        for _ in range(3):
            failing(lambda: second.up(BACKUP_IMPORT))
        first.plugin = world.new_plugin()
        assert first.preview(BACKUP_IMPORT).step == "same"
        first.up(BACKUP_IMPORT, replace=True)
        first.destroy()
        assert world.ids() == []

    def test_a_mark_of_release_0_1_0_is_no_owner(self, world: World) -> None:
        """A task that 0.1.0 started, and no state knows, may be anyone's with these names."""
        theirs = of_another_owner(world)
        inputs = normalised({**BACKUP_IMPORT, "task_name": world.task(theirs.id)["name"]})
        old = f"[pulumi:{mark_of_0_1_0(theirs.urn, inputs, MARKED)}]"
        world.cloud.remove(theirs.id)
        id_ = world.started_elsewhere(
            "by-0-1-0",
            description=old,
            backup_files={"file_source": "self_build_obs", **BACKUP_IMPORT["backup_files"]},
            target_instance={"id": "instance-1"},
        )
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert id_ in message
        assert "started for this resource by release 0.1.0" in message
        assert world.writes() == []

    def test_a_mark_of_release_0_1_0_that_is_not_known_tells_nothing(self, world: World) -> None:
        """It names all inputs: after a corrected description the name and Show's word stand for it."""
        name = world.task(world.started().id)["name"]
        world.cloud.remove(world.ids()[0])
        theirs = world.started_elsewhere(
            name,
            description="as it was [pulumi:0123456789ab]",
            backup_files={"file_source": "self_build_obs", **BACKUP_IMPORT["backup_files"]},
            target_instance={"id": "instance-1"},
        )
        world.cloud.set_status(theirs, "SUCCESS")
        message = failing(lambda: world.resource(plugin=world.new_plugin()).up(BACKUP_IMPORT))
        assert theirs in message
        assert "has no owner mark" in message
        assert world.writes() == []

    def test_many_others_of_our_name_block_nobody(self, world: World) -> None:
        """Only Show tells them apart; what it said of a task that has ended is not asked again in the next look."""
        for number in range(40):
            files = [{"file_name": f"{number}.rdb"}]
            theirs = world.started_elsewhere(
                "nightly",
                backup_files={"file_source": "self_build_obs", "bucket_name": "backups", "files": files},
                target_instance={"id": "instance-1"},
            )
            world.cloud.set_status(theirs, "SUCCESS")
        elsewhere = world.started_elsewhere("nightly", target_instance={"id": "instance-9"})
        client = world.plugin.provider._loaded._accounts.at(None, None).client
        show = client.show_migration_task

        def slowly(id_: str) -> TaskRow:
            world.clock.advance(0.1)
            row: TaskRow = show(id_)
            return row

        client.show_migration_task = slowly
        world.cloud.clear_requests()
        world.resource().up({**BACKUP_IMPORT, "task_name": "nightly"})
        assert world.count("CreateMigrationTask") == 1
        assert world.count("ShowMigrationTask") == 40
        assert all(elsewhere not in entry["task_ids"] for entry in world.requests("ShowMigrationTask"))


class TestAnotherNameInTheStack:
    """A rename without an alias, a copied block, a lost state of a renamed resource."""

    def test_a_rename_without_an_alias_starts_nothing_and_names_aliases(self, world: World) -> None:
        """The new name is created before the old one is deleted."""
        old = world.started().id
        world.clock.advance(60)
        message = failing(lambda: world.resource("orders-new").up(BACKUP_IMPORT))
        assert old in message
        assert (
            "another resource of this stack, or to this one before it or the stack was renamed; " in message
        )
        # A reader tries first what stands first.
        assert 0 < message.index("aliases=[Alias(name=...)]") < message.index("existing_task_id=")
        assert world.writes() == []

    def test_a_rename_with_another_change_waits_for_the_target_and_names_aliases(self, world: World) -> None:
        """As another definition it is not the same task; but the old one still runs into the target."""
        old = world.started(name="orders-old").id
        world.clock.advance(60)
        message = failing(lambda: world.resource().up(OTHER_FILE))
        assert old in message
        assert "aliases=[Alias(name=...)]" in message
        assert "depends_on=[first.completion()]" in message
        assert world.writes() == []

    def test_an_aliased_rename_whose_state_is_lost_is_not_run_again(self, world: World) -> None:
        """`pulumi state delete` after a rename: the owner mark has the old name, so the error asks."""
        resource = world.started()
        resource.urn += "-renamed"
        resource.up(BACKUP_IMPORT)
        resource.state = None
        resource.plugin = world.new_plugin()
        world.clock.advance(60)
        message = failing(lambda: resource.up(BACKUP_IMPORT))
        assert f'existing_task_id="{world.ids()[0]}"' in message
        assert world.count("CreateMigrationTask") == 0

    def test_two_resources_with_one_definition_start_one_task(self, world: World) -> None:
        """Both in one run, at the same time: the second one is told of the first."""
        works = [
            lambda name=name: world.resource(name).up(BACKUP_IMPORT) for name in ("orders", "users", "carts")
        ]
        outcomes = in_threads(list(works))
        assert sum(outcome is None for outcome in outcomes) == 1
        assert all("same definition" in str(outcome) for outcome in outcomes if outcome is not None)
        assert world.count("CreateMigrationTask") == 1

    def test_a_copy_in_the_same_run_is_told_of_a_task_that_the_listing_does_not_show_yet(
        self, world: World
    ) -> None:
        """With the name and status that the service gave when it started it."""
        world.cloud.set_quirks(["listing-lags=30"])
        first = world.resource().up(BACKUP_IMPORT)
        message = failing(lambda: world.resource("users").up(BACKUP_IMPORT))
        assert f"task {first.outputs['name']} ({first.id}, MIGRATING) has the same definition" in message

    @pytest.mark.parametrize("first", ["the renamed one", "the new one"])
    def test_a_new_resource_does_not_get_the_task_of_a_renamed_one(self, world: World, first: str) -> None:
        """The owner mark has the old name, which now is another resource's: Pulumi knows who holds the task."""
        renamed = world.started()
        new = world.resource()
        renamed.urn += "-renamed"
        renamed.up(BACKUP_IMPORT)
        plugin = world.new_plugin()
        renamed.plugin = new.plugin = plugin
        world.clock.advance(60)
        if first == "the renamed one":
            renamed.up(BACKUP_IMPORT)
        else:  # Pulumi asks about it while the create gives it the time to
            world.clock.at(1, lambda: renamed.up(BACKUP_IMPORT))
        message = failing(lambda: new.up(BACKUP_IMPORT))
        assert renamed.id in message
        assert renamed.urn in message
        assert world.writes() == []

    def test_two_resources_that_hold_one_task_are_told_in_preview(self, world: World) -> None:
        """A state that came to it all the same: nothing may be changed through either."""
        one = world.started()
        other = world.resource("other")
        other.state = one.state
        one.preview(BACKUP_IMPORT)
        message = failing(lambda: other.preview(BACKUP_IMPORT))
        assert one.urn in message
        assert "pulumi state delete" in message

    def test_removing_one_of_two_holders_leaves_the_task_to_the_other(self, world: World) -> None:
        """An adopted task that another resource of the program holds is forgotten, not deleted."""
        id_ = killed_after_create(world)
        adopting = world.resource()
        adopting.up(BACKUP_IMPORT)
        other = world.resource("other")
        other.state = adopting.state
        adopting.plugin = other.plugin = world.new_plugin()
        other.up(BACKUP_IMPORT)
        adopting.destroy()
        assert world.ids() == [id_]
        assert world.writes() == []
        assert any(other.urn in warning for warning in world.engine.warnings)

    @pytest.mark.parametrize("replace", [False, True], ids=["changed", "--replace"])
    def test_a_renamed_resource_that_adopted_its_task_still_replaces_it(
        self, world: World, replace: bool
    ) -> None:
        """The resource's old name in the state isn't another holder."""
        id_ = killed_after_create(world)
        resource = world.resource()
        resource.up(BACKUP_IMPORT)
        resource.urn += "-renamed"
        resource.plugin = world.new_plugin()
        resource.up(BACKUP_IMPORT)
        resource.plugin = world.new_plugin()
        resource.up({**BACKUP_IMPORT, **({} if replace else {"triggers": [1]})}, replace=replace)
        assert world.ids() == [resource.id] != [id_]

    def test_a_renamed_resource_that_adopted_its_task_is_destroyed(self, world: World) -> None:
        """Also after a refresh in the same process, which asks for differences, too."""
        killed_after_create(world)
        resource = world.resource()
        resource.up(BACKUP_IMPORT)
        resource.urn += "-renamed"
        resource.plugin = world.new_plugin()
        resource.up(BACKUP_IMPORT)
        resource.plugin = world.new_plugin()
        resource.refresh()
        resource.destroy()
        assert world.ids() == []


class TestTheStateHoldsItTwice:
    """What comes to it within one stack: a rename that is taken back, and one without an alias that takes over."""

    @staticmethod
    def _renamed(world: World, resource: Resource) -> None:
        """The state keeps the outputs of before a rename with an alias, and so the old URN among them."""
        resource.urn += "-renamed"
        resource.plugin = world.new_plugin()
        resource.up(BACKUP_IMPORT)
        world.clock.advance(60)

    @pytest.mark.parametrize("adopted", [False, True], ids=["started", "adopted before"])
    @pytest.mark.parametrize("interrupted", [False, True], ids=["at once", "in the next run"])
    def test_a_rename_that_is_taken_back_keeps_the_task(
        self, world: World, adopted: bool, interrupted: bool
    ) -> None:
        """The old name adopts it; then Pulumi deletes the resource of the new name, which the program has no more."""
        if adopted:
            killed_after_create(world)
        renamed = world.resource()
        renamed.up(BACKUP_IMPORT)
        id_ = renamed.id
        self._renamed(world, renamed)
        back = world.resource(plugin=world.new_plugin())
        back.up(BACKUP_IMPORT)
        if interrupted:  # an error elsewhere: Pulumi deletes nothing in this run
            back.plugin = world.new_plugin()
            back.up(BACKUP_IMPORT)
        renamed.plugin = back.plugin
        world.cloud.clear_requests()
        renamed.destroy()
        assert back.id == id_
        assert world.ids() == [id_]
        assert world.writes() == []
        assert any("removed from state here" in line for line in world.engine.warnings)

        back.plugin = world.new_plugin()
        back.up(BACKUP_IMPORT, replace=True)
        assert world.ids() == [back.id] != [id_]
        back.plugin = world.new_plugin()
        back.destroy()
        assert world.ids() == []

    @pytest.mark.parametrize("interrupted", [False, True], ids=["at once", "in the next run"])
    def test_a_rename_that_takes_over_keeps_the_task(self, world: World, interrupted: bool) -> None:
        """What the error of a rename without an alias says: existing_task_id. Then Pulumi deletes the old name."""
        old = world.started()
        world.clock.advance(60)
        taking = world.resource("orders-new", plugin=world.new_plugin())
        inputs = {**BACKUP_IMPORT, "existing_task_id": old.id}
        taking.up(inputs)
        if interrupted:
            taking.plugin = world.new_plugin()
            taking.up(inputs)
        old.plugin = taking.plugin
        world.cloud.clear_requests()
        id_ = old.id
        old.destroy()
        assert world.ids() == [id_]
        assert world.writes() == []

    @pytest.mark.parametrize("new", [False, True], ids=["in the state", "new"])
    def test_what_another_resource_of_the_program_holds_is_not_taken_over(
        self, world: World, new: bool
    ) -> None:
        """Else a replacement of the one would delete the other's."""
        old = world.resource() if new else world.started()
        old.up(BACKUP_IMPORT)
        message = failing(
            lambda: world.resource("orders-new").up({**BACKUP_IMPORT, "existing_task_id": old.id})
        )
        assert message == (
            f"existing_task_id: task {old.id} is held by another resource of this stack, {old.urn}; remove one of the two"
        )

    @pytest.mark.parametrize("first", [0, 1], ids=["owner", "taker"])
    def test_that_one_of_two_has_taken_it_over_is_told_in_any_order(self, world: World, first: int) -> None:
        """Pulumi asks about them in any order."""
        old = world.started()
        taking = world.resource("orders-new", plugin=world.new_plugin())
        inputs = {**BACKUP_IMPORT, "existing_task_id": old.id}
        taking.up(inputs)
        old.plugin = taking.plugin = world.new_plugin()
        previews = [lambda: old.preview(BACKUP_IMPORT), lambda: taking.preview(inputs)]
        previews[first]()
        assert "two resources of this stack hold" in failing(previews[1 - first])

    def test_two_may_take_over_one_task(self, world: World) -> None:
        """Neither stops or deletes it."""
        id_ = of_another_owner(world).id
        inputs = {**BACKUP_IMPORT, "existing_task_id": id_}
        both = [world.resource(name) for name in ("one", "other")]
        for plugin in (world.plugin, world.new_plugin()):
            for resource in both:
                resource.plugin = plugin
                resource.up(inputs)
        for resource in both:
            resource.destroy()
        assert world.ids() == [id_]
        assert world.writes() == []


class TestCopies:
    """Someone copies our description into a task of their own."""

    OTHERS: ClassVar[dict[str, dict[str, Any]]] = {
        "target": {"target_instance": {"id": "instance-7"}},
        "bucket": {"backup_files": {"bucket_name": "theirs", "files": [{"file_name": "orders.rdb"}]}},
        "file": {"backup_files": {"bucket_name": "backups", "files": [{"file_name": "theirs.rdb"}]}},
        "nothing": {},
    }
    INTO_OURS: ClassVar[dict[str, Any]] = {"target_instance": {"id": "instance-1"}}
    _FILES: ClassVar[dict[str, Any]] = {
        "backup_files": {"file_source": "self_build_obs", **BACKUP_IMPORT["backup_files"]}
    }

    def _copied(self, world: World, resource: Resource, other: str) -> str:
        world.cloud.set_status(resource.id, "SUCCESS")
        id_ = world.started_elsewhere(
            "theirs",
            description=world.task(resource.id)["description"],
            **{**self.INTO_OURS, **self.OTHERS[other]},
        )
        world.cloud.set_status(id_, "SUCCESS")
        world.clock.advance(60)
        resource.plugin = world.new_plugin()
        return id_

    @pytest.mark.parametrize("other", OTHERS)
    def test_a_replacement_runs_ours_and_touches_nobody_s(self, world: World, other: str) -> None:
        """`up --replace` asks for our own run: a task that already has the owner mark isn't one."""
        resource = world.started()
        old = resource.id
        theirs = self._copied(world, resource, other)
        resource.up(BACKUP_IMPORT, replace=True)
        assert resource.id not in (old, theirs)
        resource.destroy()
        assert world.ids() == [theirs]
        assert all(theirs not in entry["task_ids"] for entry in world.requests() if entry["method"] != "GET")

    def test_ours_is_adopted_also_beside_one_of_another_owner(self, world: World) -> None:
        """Both have run: the answer to "is it done?" is ours."""
        ours = killed_after_create(world)
        world.cloud.set_status(ours, "SUCCESS")
        text, _, hashes = str(world.task(ours)["description"]).rpartition("[pulumi:")
        another = f"{text}[pulumi:0123456789ab.{hashes.partition('.')[2]}"
        theirs = world.started_elsewhere("theirs", description=another, **self.INTO_OURS, **self._FILES)
        world.cloud.set_status(theirs, "SUCCESS")
        world.clock.advance(60)
        assert world.resource().up(BACKUP_IMPORT).id == ours
        assert world.writes() == []

    @pytest.mark.parametrize("other", ["target", "bucket", "file"])
    def test_another_task_is_not_adopted_for_its_mark(self, world: World, other: str) -> None:
        """Show shows that it is another one: ours is started, with a warning that names theirs."""
        resource = world.started()
        theirs = self._copied(world, resource, other)
        resource.destroy()
        resource.plugin = world.new_plugin()
        resource.up(BACKUP_IMPORT)
        assert resource.id != theirs
        assert any(theirs in line and "wasn't changed" in line for line in world.engine.warnings)
        assert theirs in world.ids()

    def test_a_task_is_not_refused_for_a_copy_of_its_definition_alone(self, world: World) -> None:
        """A mark of our definition on a task that does something else stops no one."""
        theirs = of_another_owner(world)
        copy = world.started_elsewhere(
            "copy", description=world.task(theirs.id)["description"], **self.OTHERS["target"]
        )
        world.cloud.remove(theirs.id)
        resource = world.resource()
        resource.up(BACKUP_IMPORT)
        assert sorted(world.ids()) == sorted([copy, resource.id])


class TestReplace:
    """`up --replace`: Pulumi checks without old inputs, deletes and creates; it asks for no difference."""

    def test_it_runs_again(self, world: World) -> None:
        """The old task is deleted, a new one started."""
        resource = world.started()
        old = resource.id
        news = resource._check({}, BACKUP_IMPORT)
        resource.destroy()
        resource._create(news)
        assert world.ids() == [resource.id] != [old]

    def test_after_an_interrupted_one_the_next_run_adopts(self, world: World) -> None:
        """Pulumi deletes nothing then: what has the owner mark is what the interrupted run has started."""
        resource = world.started()
        news = resource._check({}, BACKUP_IMPORT)
        state = resource.state
        resource.destroy()
        world.cloud.fault("CreateMigrationTask", "drop_after")
        world.engine.on_require = lambda: world.cloud.fault(
            "ListMigrationTask", "error", status=500, times=1000
        )
        failing(lambda: resource._create(news))
        world.cloud.clear_faults()
        world.engine.on_require = lambda: None
        (id_,) = world.ids()
        world.clock.advance(60)
        resource.pending, resource.plugin = state, world.new_plugin()
        resource.up(BACKUP_IMPORT)  # compared, but not deleted again
        assert resource.id == id_
        assert world.count("CreateMigrationTask") == 1

    @pytest.mark.parametrize("status", ["MIGRATING", "SUCCESS"])
    def test_one_whose_state_was_lost_is_not_done_a_second_time(self, world: World, status: str) -> None:
        """The state still has the task that no longer exists: its successor is there, and the next run adopts it."""
        resource = world.started()
        before = resource.state
        changed = {**BACKUP_IMPORT, "triggers": ["again"]}
        new = resource.up(changed).id
        world.cloud.set_status(new, status)
        world.cloud.clear_requests()
        resource.state, resource.plugin = before, world.new_plugin()
        world.clock.advance(600)
        assert resource.up(changed).id == new
        assert f"adopted task {new}" in world.engine.lines[-1].message
        assert world.writes() == []
        # Another run that is asked for happens still.
        again = {**BACKUP_IMPORT, "triggers": ["once more"]}
        resource.plugin = world.new_plugin()
        world.clock.advance(60)
        assert resource.up(again).id != new

    def test_one_of_an_instance_whose_state_was_lost_is_not_done_a_second_time(self, world: World) -> None:
        """The same for an online migration, whose instance has the owner mark."""
        migration = Migration(world)
        migration.up()
        instance, online = migration.instance, migration.online
        before = instance.state, online.state
        changed = {**INSTANCE, "description": "another"}
        online.destroy()
        new = instance.up(changed).id
        world.cloud.clear_requests()
        instance.state, online.state = before
        migration.in_a_later_run()
        online.destroy()
        assert instance.up(changed).id == new
        assert world.writes() == []


class TestOneTarget:
    """One target takes one running task of any owner."""

    @pytest.mark.parametrize("whose", ["ours", "another owner's", "the console's"])
    def test_a_running_task_is_waited_for_a_minute_and_named(self, world: World, whose: str) -> None:
        """Nothing is started in parallel; after a minute the error names it, and how to chain."""
        if whose == "ours":
            theirs = world.started(OTHER_FILE, name="users").id
        elif whose == "another owner's":
            theirs = of_another_owner(world, OTHER_FILE).id
        else:
            theirs = world.started_elsewhere("by-hand", target_instance={"id": "instance-1"})
        world.clock.advance(60)
        began = world.clock.seconds
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert message.startswith(
            f"nothing was started: the target is still occupied by task {world.task(theirs)['name']} "
            f"({theirs}, MIGRATING) after 60 s; wait until it is free, or chain the tasks with "
            "opts=ResourceOptions(depends_on=[first.completion()])"
        )
        assert "the target is occupied by" not in message
        assert ("aliases" in message) is (whose == "ours")
        assert ("delete it first with `pulumi destroy --target` and its URN" in message) is (whose == "ours")
        assert 60 <= world.clock.seconds - began < 62
        assert world.writes() == []

    @pytest.mark.parametrize("inputs", [BACKUP_IMPORT, ONLINE], ids=["import", "online"])
    def test_four_at_once_run_one_after_the_other(self, world: World, inputs: dict[str, Any]) -> None:
        """Four files for one target in one run: one starts, three wait, and are refused by their names."""
        works = []
        for number in range(4):
            mine = {**inputs, "triggers": [number]}
            works.append(lambda n=number, m=mine: world.resource(f"orders-{n}").up(m))
        outcomes = in_threads(list(works))
        assert sum(outcome is None for outcome in outcomes) == 1
        assert len(world.ids()) == 1
        assert all("occupied by task" in str(outcome) for outcome in outcomes if outcome is not None)

    def test_an_interrupted_run_with_other_inputs_is_named_and_can_be_adopted(self, world: World) -> None:
        """A migration that follows its source never ends: waiting for it or chaining doesn't help."""
        id_ = killed_after_create(world)
        message = failing(lambda: world.resource().up({**BACKUP_IMPORT, "triggers": [1]}))
        assert id_ in message
        assert "started it for this resource with other inputs" in message
        assert "chain" not in message
        resource = world.resource(plugin=world.new_plugin())
        resource.up(BACKUP_IMPORT)
        assert resource.id == id_
        resource.plugin = world.new_plugin()
        resource.up({**BACKUP_IMPORT, "triggers": [1]})
        assert world.ids() == [resource.id] != [id_]

    def test_a_chain_runs_all_of_them(self, world: World) -> None:
        """As soon as the one before has ended the next one starts."""
        for number in range(3):
            resource = world.resource(f"orders-{number}")
            resource.up({**BACKUP_IMPORT, "triggers": [number]})
            world.cloud.set_status(resource.id, "SUCCESS")
        assert len(world.ids()) == 3
        assert world.clock.sleeps == []

    def test_other_targets_are_not_held_up(self, world: World) -> None:
        """Forty creates on forty targets: forty POSTs, one listing, one look-up of the project."""
        for number in range(40):
            world.resource(f"orders-{number}").up(into(f"instance-{number}"))
        assert world.count("CreateMigrationTask") == 40
        assert world.count("ListMigrationTask") == 1
        assert world.count("KeystoneListProjects") == 1
        assert world.count("ShowMigrationTask") == 0

    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            ({"status": 401, "error_code": "APIGW.0301"}, "ShowMigrationTask failed: HTTP 401"),
            (
                {"status": 500},
                "nothing was started: can't check whether the target is free: ShowMigrationTask",
            ),
        ],
        ids=["401", "500"],
    )
    def test_nothing_is_started_while_one_that_the_listing_does_not_show_yet_cannot_be_looked_at(
        self, world: World, fault: dict[str, Any], said: str
    ) -> None:
        """The error is about the credentials, or about the target."""
        world.cloud.set_quirks(["listing-lags=30"])
        world.resource("users").up(OTHER_FILE)
        world.cloud.fault("ShowMigrationTask", "error", times=9, **fault)
        assert failing(lambda: world.resource().up(BACKUP_IMPORT)).startswith(said)
        assert world.count("CreateMigrationTask") == 1

    def test_a_task_that_the_listing_does_not_show_yet_occupies_its_target(self, world: World) -> None:
        """What this process has started is known without the listing."""
        world.cloud.set_quirks(["listing-lags=30"])
        world.resource("users").up(OTHER_FILE)
        world.clock.at(15, lambda: world.cloud.set_status(world.ids()[0], "SUCCESS"))
        world.resource().up(BACKUP_IMPORT)
        assert world.clock.seconds >= 15


class TestMarkComesBack:
    """The service may not keep the description as it was sent."""

    @pytest.mark.parametrize("quirk", ["description-null", "description-trimmed=20"])
    def test_a_lost_mark_is_said_once(self, world: World, quirk: str) -> None:
        """At the first refresh, and never again, also not by another process."""
        world.cloud.set_quirks([quirk])
        resource = world.started()
        for times in (1, 1, 1):
            resource.plugin = world.new_plugin()
            world.clock.advance(60)
            resource.refresh()
            said = [line for line in world.engine.warnings if "didn't keep the owner mark" in line]
            assert len(said) == times
            assert resource.id in said[0]
            assert resource.preview(BACKUP_IMPORT).step == "same"
        world.cloud.set_quirks([])
        world.clock.advance(60)
        resource.refresh()
        assert "__mark_lost" not in resource.outputs

    def test_a_mark_that_was_never_sent_is_not_missed(self, world: World) -> None:
        """State of release 0.1.0 has no owner mark."""
        resource = world.started()
        del resource.outputs["__mark"]
        world.cloud.set_quirks(["description-null"])
        resource.refresh()
        assert world.engine.warnings == []

    @pytest.mark.parametrize("quirk", ["description-escaped", "fuzzy-name"])
    def test_a_mark_that_comes_back_is_not_spoken_of(self, world: World, quirk: str) -> None:
        """An escaped description still has its owner mark."""
        world.cloud.set_quirks([quirk])
        resource = world.started({**BACKUP_IMPORT, "description": "a < b & c"})
        resource.refresh()
        assert world.engine.warnings == []

    @pytest.mark.parametrize("named", [False, True], ids=["default name", "written name"])
    def test_without_marks_a_lost_answer_starts_nothing_twice(self, world: World, named: bool) -> None:
        """The name is known, and Show says that it does the same: neither this run nor the next one sends again."""
        world.cloud.set_quirks(["description-null"])
        world.cloud.fault("CreateMigrationTask", "drop_after")
        inputs = {**BACKUP_IMPORT, **({"task_name": "orders-import"} if named else {})}
        first = failing(lambda: world.resource().up(inputs))
        (id_,) = world.ids()
        assert f'existing_task_id="{id_}"' in first
        assert "may be the one that was started" in first
        world.cloud.set_status(id_, "SUCCESS")
        second = failing(lambda: world.resource(plugin=world.new_plugin()).up(inputs))
        assert f'existing_task_id="{id_}"' in second
        assert "has no owner mark" in second
        assert world.count("CreateMigrationTask") == 1

    def test_a_namesake_that_show_did_not_know_at_first_is_asked_for_again(self, world: World) -> None:
        """While it runs, what Show said may change: it is the same, and nothing runs twice."""
        files = {"file_source": "self_build_obs", **BACKUP_IMPORT["backup_files"]}
        theirs = world.started_elsewhere(
            "orders-import", backup_files=files, target_instance={"id": "instance-1"}
        )
        world.cloud.fault("ShowMigrationTask", "error", status=404, error_code="DCS.4133")
        world.clock.at(5, lambda: world.cloud.set_status(theirs, "SUCCESS"))
        message = failing(lambda: world.resource().up({**BACKUP_IMPORT, "task_name": "orders-import"}))
        assert f"({theirs}, SUCCESS" in message
        assert "has this name and does the same" in message
        assert world.writes() == []

    def test_a_namesake_that_does_something_else_is_not_taken_for_the_lost_one(self, world: World) -> None:
        """Taking it over would hide that nothing was started."""
        other = world.started_elsewhere("orders-import", target_instance={"id": "instance-7"})
        world.cloud.set_quirks(["description-null"])
        world.cloud.fault("CreateMigrationTask", "drop_before")
        message = failing(lambda: world.resource().up({**BACKUP_IMPORT, "task_name": "orders-import"}))
        assert "the task didn't appear within 60 s" in message
        assert other not in message

    def test_a_namesake_that_does_something_else_is_in_nobody_s_way(self, world: World) -> None:
        """A name alone proves nothing."""
        other = world.started_elsewhere("orders-import", target_instance={"id": "instance-7"})
        resource = world.resource()
        resource.up({**BACKUP_IMPORT, "task_name": "orders-import"})
        assert sorted(world.ids()) == sorted([other, resource.id])


class TestShow:
    """Adoption needs the word of ShowMigrationTask."""

    def test_it_costs_one_call(self, world: World) -> None:
        """One listing, one Show, and no write."""
        killed_after_create(world)
        world.resource().up(BACKUP_IMPORT)
        operations = [entry["operation"] for entry in world.requests()]
        assert operations == ["KeystoneListProjects", "ListMigrationTask", "ShowMigrationTask"]

    @pytest.mark.parametrize("lag", [5, 60])
    def test_a_deleted_task_in_an_old_listing_is_not_adopted(self, world: World, lag: int) -> None:
        """`destroy`, then `up` while the listing lags: the import runs, on a target that is free by then."""
        world.cloud.set_quirks([f"listing-lags={lag}"])
        resource = world.started()
        old = resource.id
        world.clock.advance(lag + 1)
        world.cloud.set_status(old, "SUCCESS")
        world.clock.advance(lag + 1)
        resource.destroy()
        resource.plugin = world.new_plugin()
        resource.up(BACKUP_IMPORT)
        assert world.ids() == [resource.id] != [old]

    @pytest.mark.parametrize(
        "fault",
        [{"fault": "error", "status": 500}, {"fault": "error", "status": 403, "error_code": "DCS.2003"}],
        ids=["500", "403"],
    )
    def test_nothing_is_adopted_or_started_without_it(self, world: World, fault: dict[str, Any]) -> None:
        """Whether the listed task is this one is not known, so nothing is done."""
        killed_after_create(world)
        world.cloud.fault("ShowMigrationTask", times=100, **fault)
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert message.startswith("nothing was started: can't check whether task")
        assert world.writes() == []

    def test_refused_credentials_are_told_as_such(self, world: World) -> None:
        """The error names what to do about them."""
        killed_after_create(world)
        world.cloud.fault("ShowMigrationTask", "error", status=401, error_code="APIGW.0301", times=9)
        message = failing(lambda: world.resource().up(BACKUP_IMPORT))
        assert message.startswith("ShowMigrationTask failed: HTTP 401")
        assert world.writes() == []

    def test_nothing_is_started_while_it_takes_too_long(self, world: World) -> None:
        """A listing that has grown old meanwhile doesn't say what exists; and the next one grows as old."""
        another = {"file_source": "self_build_obs", **OTHER_FILE["backup_files"]}
        world.started_elsewhere("nightly", backup_files=another, target_instance={"id": "instance-1"})
        client = world.plugin.provider._loaded._accounts.at(None, None).client
        show = client.show_migration_task

        def slowly(id_: str) -> TaskRow:
            world.clock.advance(3.1)
            row: TaskRow = show(id_)
            return row

        client.show_migration_task = slowly
        message = failing(lambda: world.resource().up({**BACKUP_IMPORT, "task_name": "nightly"}))
        assert message == (
            "nothing was started: can't tell whether this task already exists: each look-up took too long"
        )
        assert world.count("ListMigrationTask") == 3
        assert world.writes() == []


class TestShortListings:
    """The service counts more tasks than it shows."""

    def test_it_is_read_again_before_a_create(self, world: World) -> None:
        """1,501 tasks, and a row moves from one page to the other while they are read: it was ours."""
        world.cloud.set_quirks(["rows-move"])
        for number in range(1500):
            world.started_elsewhere(f"other-{number}", target_instance={"id": f"other-{number}"})
        id_ = killed_after_create(world)
        plugin: Plugin = world.new_plugin()
        resource = world.resource(plugin=plugin)
        resource.up(BACKUP_IMPORT)
        assert resource.id == id_
        assert world.count("CreateMigrationTask") == 0

    def test_a_count_that_is_always_too_high_stops_nobody(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Four listings with the same tasks: the service counts what it doesn't show."""
        theirs = world.started_elsewhere(target_instance={"id": "instance-9"})
        client = world.plugin.provider._loaded._accounts.at(None, None).client
        listing = client.list_migration_tasks

        def counting_more(offset: int, limit: int) -> Page:
            page: Page = listing(offset, limit)
            return Page(page.rows, page.count + 1)

        monkeypatch.setattr(client, "list_migration_tasks", counting_more)
        monkeypatch.setattr(
            world.plugin.provider._loaded._accounts.at(None, None).listing, "_fetch_page", counting_more
        )
        resource = world.resource()
        resource.up(BACKUP_IMPORT)
        assert sorted(world.ids()) == sorted([theirs, resource.id])
        assert world.clock.sleeps == [2, 2, 2]
