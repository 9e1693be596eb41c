"""Several owners of one name, with the real CLI: two backends, renames, moves, lost states, copied descriptions."""

from __future__ import annotations

from pathlib import Path

import pytest

from dcs_emulator import Emulator
from tests.e2e.conftest import NewStack
from tests.e2e.stack import TYPE, Stack, live, operations

ONE = 'MigrationTask("orders", **BACKUP, target_instance=target())\n'
ONLINE = """
from dcs_migration import OnlineMigrationTask
shop = OnlineMigrationTask("shop", vpc_id="vpc-1", subnet_id="subnet-1", security_group_id="group-1",
                           migration_method="incremental_migration", source_instance={"id": "shop"},
                           target_instance={"id": "TARGET"}, state="STATE")
"""
WRITES = ("CreateMigrationTask", "BatchStopMigrationTasks", "DeleteMigrationTask")


def writes(emulator: Emulator) -> list[str]:
    """Return what was started, stopped or deleted."""
    return [operation for operation in operations(emulator) if operation in WRITES]


def online(target: str = "orders", state: str = "running") -> str:
    """Return the program of an online migration."""
    return ONLINE.replace("TARGET", target).replace("STATE", state)


def test_two_backends_with_equal_names(new_stack: NewStack, emulator: Emulator) -> None:
    """Two clones of one repository: the second doesn't start, adopt or delete any task of the first."""
    first, second = new_stack().program(ONE), new_stack().program(ONE)
    first.up()
    (id_,) = live(emulator)
    emulator.set_status(id_, "SUCCESS")
    emulator.clear_requests()

    refused = second.up(ok=False).text
    assert (
        "belongs to another owner: another stack, another provider of this stack, or a lost state" in refused
    )
    assert f'existing_task_id="{id_}"' in refused
    assert "triggers=[...]" in refused
    assert second.ids() == {}
    second.destroy()
    assert writes(emulator) == []

    second.program(ONE.replace("target_instance", f'existing_task_id="{id_}", target_instance')).up()
    assert second.ids() == {"orders": id_}
    second.require_no_changes()
    assert f"task {id_} was taken over" in second.destroy().text
    second.program(ONE.replace("target_instance", 'triggers=["again"], target_instance')).up()
    (again,) = second.ids().values()
    second.destroy()

    first.require_no_changes()
    first.refresh()
    assert first.ids() == {"orders": id_}
    assert again != id_
    first.destroy()
    assert live(emulator) == {}


@pytest.mark.long
def test_an_online_migration_and_two_backends(new_stack: NewStack, emulator: Emulator) -> None:
    """The second one neither reconfigures, nor switches, nor deletes the first one's; the error says to take it
    over."""
    first, second = new_stack().program(online()), new_stack()
    first.up()
    (id_,) = live(emulator)
    emulator.set_status(id_, "INCRMIGEATING", offset=0)
    emulator.clear_requests()

    refused = second.program(online()).up(ok=False).text
    assert "belongs to another owner" in refused
    assert f'existing_task_id="{id_}"' in refused
    other = second.program(online(target="elsewhere"))
    other.up()
    assert len(live(emulator)) == 2
    other.destroy()
    assert list(live(emulator)) == [id_]

    taking = online().replace("vpc_id", f'existing_task_id="{id_}", vpc_id')
    second.program(taking).up()
    second.require_no_changes()
    assert "taken over" in second.destroy().text
    assert all(id_ not in entry["task_ids"] for entry in emulator.requests() if entry["method"] != "GET")
    first.require_no_changes()
    assert emulator.tasks()[0]["runs"] == 1


def test_an_instance_that_is_configured_for_something_else(stack: Stack, emulator: Emulator) -> None:
    """An OnlineMigration that isn't in the state yet doesn't reconfigure an existing migration."""
    program = """
    from dcs_migration import OnlineMigration
    OnlineMigration("shop", task_id="ID", migration_method="incremental_migration",
                    source_instance={"id": "shop"}, target_instance={"id": "TARGET"})
    """
    stack.program(online()).up()
    (id_,) = live(emulator)
    other = Stack(stack.root.parent / "other", emulator).program(
        program.replace("ID", id_).replace("TARGET", "elsewhere")
    )
    refused = other.up(ok=False).text
    assert f"migration instance {id_} is configured for something else" in refused
    assert "nothing was changed" in refused
    assert emulator.tasks()[0]["runs"] == 1


def test_a_renamed_stack_and_a_new_stack_with_its_old_name(new_stack: NewStack, emulator: Emulator) -> None:
    """`stack rename archive`, `stack init dev`, `up`, `destroy`: the archive keeps its task."""
    stack = new_stack().program(ONE)
    stack.up()
    (id_,) = live(emulator)
    stack.run("stack", "rename", "archive")
    stack.require_no_changes()
    new = new_stack(root=stack.root).program(ONE)
    assert "belongs to another owner" in new.up(ok=False).text
    new.destroy()
    new.run("stack", "select", "archive")
    new.require_no_changes()
    assert list(live(emulator)) == [id_]
    new.destroy()
    assert live(emulator) == {}


def test_renames_and_lost_states_within_a_stack(stack: Stack, emulator: Emulator) -> None:
    """Without an alias, with one, a new resource with the old name, and finally a lost state."""
    stack.program(ONE).up()
    (id_,) = live(emulator)
    renamed = ONE.replace('"orders"', '"carts"')
    refused = stack.program(renamed).up(ok=False).text
    assert "belongs to another resource of this stack" in refused
    assert "aliases=[Alias(name=...)]" in refused

    aliased = renamed.replace(
        "target())", 'target(), opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="orders")]))'
    )
    stack.program(aliased).up()
    stack.require_no_changes()
    assert stack.ids() == {"carts": id_}

    for program in (aliased + ONE, ONE + renamed):
        refused = stack.program(program).up(ok=False).text
        assert f"task {id_} (MIGRATING) with the same definition is held by another resource" in refused
        assert "::carts" in refused
        assert stack.ids() == {"carts": id_}

    stack.run("state", "delete", f"urn:pulumi:dev::e2e::{TYPE}::carts", "--yes")
    refused = stack.program(renamed).up(ok=False).text
    assert f'existing_task_id="{id_}"' in refused
    assert operations(emulator).count("CreateMigrationTask") == 1
    assert list(live(emulator)) == [id_]


def test_a_copied_description(stack: Stack, emulator: Emulator) -> None:
    """Someone copies the description to another task: only our task is replaced, the other one isn't changed."""
    from tests.signing import SignedClient

    stack.program(ONE).up()
    (id_,) = live(emulator)
    (ours,) = emulator.tasks()
    emulator.set_status(id_, "SUCCESS")
    client = SignedClient(
        emulator.url,
        project=ours["project_id"],
        access_key=emulator.access_key,
        secret_key=emulator.secret_key,
    )
    theirs = client.create("theirs", description=ours["description"], target_instance={"id": "theirs"})
    emulator.set_status(theirs, "SUCCESS")
    stack.up("--replace", f"urn:pulumi:dev::e2e::{TYPE}::orders")
    (new,) = stack.ids().values()
    assert new not in (id_, theirs)
    stack.destroy()
    assert list(live(emulator)) == [theirs]


@pytest.mark.parametrize(
    "option", ["retain_on_delete=True", "deleted_with=pulumi.ComponentResource('a:b:C', 'c')"]
)
def test_an_option_that_would_orphan_the_task_is_refused_in_preview(
    stack: Stack, emulator: Emulator, option: str
) -> None:
    """The program itself says so, before anything is called."""
    program = ONE.replace("target())", f"target(), opts=pulumi.ResourceOptions({option}))")
    # Pulumi shows the traceback of a program, which is the user's own.
    (stack.work / "__main__.py").write_text(
        stack.program(program).work.joinpath("__main__.py").read_text().replace("MigrationTask(", "guarded(")
        + ""
    )
    guard = "\ndef guarded(*args, **kwargs):\n    try:\n        return MigrationTask(*args, **kwargs)\n"
    guard += "    except ValueError as error:\n        raise pulumi.RunError(str(error))\n"
    text = (stack.work / "__main__.py").read_text()
    (stack.work / "__main__.py").write_text(text.replace("BACKUP = dict(", guard + "\nBACKUP = dict(", 1))
    said = stack.preview(ok=False).text
    assert f"opts.{option.partition('=')[0]}" in said
    assert "would leave a task running that isn't in any state" in said
    assert emulator.requests() == []


def test_retain_on_delete_of_a_component_is_not_inherited(stack: Stack, emulator: Emulator) -> None:
    """Pulumi passes a parent's option to its children, so a task would keep running without being in any state."""
    stack.program("""
    group = pulumi.ComponentResource("a:b:Group", "group", opts=pulumi.ResourceOptions(retain_on_delete=True))
    MigrationTask("orders", **BACKUP, target_instance=target(), opts=pulumi.ResourceOptions(parent=group))
    """).up()
    assert len(live(emulator)) == 1
    stack.require_no_changes()
    stack.program("").up()
    assert live(emulator) == {}


ALIAS = 'target(), opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="orders")]))'


@pytest.mark.long
def test_a_reverted_rename(stack: Stack, emulator: Emulator) -> None:
    """With an alias, then reverted: the old name adopts the task, and Pulumi deletes the new resource last."""
    stack.program(ONE).up()
    (id_,) = live(emulator)
    stack.program(ONE.replace('"orders"', '"carts"').replace("target())", ALIAS)).up()
    emulator.clear_requests()
    assert "removed from state here, but not stopped or deleted" in stack.program(ONE).up().text
    assert stack.ids() == {"orders": id_}
    assert writes(emulator) == []
    stack.require_no_changes()
    stack.destroy()
    assert live(emulator) == {}


@pytest.mark.long
def test_a_renamed_resource_with_another_provider(stack: Stack, emulator: Emulator) -> None:
    """Its process isn't that of the new resource, which adopts its task; only the program knows both."""
    other = 'MigrationTask("other", **BACKUP, target_instance=target(1))\n'
    stack.program(ONE + other).up()
    id_ = stack.ids()["orders"]
    emulator.set_status(id_, "SUCCESS")
    moved = ONE.replace('"orders"', '"carts"').replace(
        "target())", ALIAS.replace("aliases", "provider=own, aliases")
    )
    moved = f'from dcs_migration import Provider\nown = Provider("own")\n{moved}'
    stack.program(other + moved).up()
    stack.require_no_changes()
    twice = stack.program(other + moved + ONE)
    for said in (twice.up(ok=False).text, twice.preview(ok=False).text):
        assert f"two resources of this stack hold task {id_}, " in said
        assert "'orders'" in said
        assert "'carts'" in said
    stack.run("state", "delete", f"urn:pulumi:dev::e2e::{TYPE}::orders", "--yes")
    stack.program(other + moved).require_no_changes()
    assert id_ in live(emulator)


@pytest.mark.parametrize("kind", ["task", "online"])
def test_a_rename_with_existing_task_id(stack: Stack, emulator: Emulator, kind: str) -> None:
    """As the error of a rename without an alias suggests: the task continues under the new name."""
    program, name, before = (
        (ONE, '"orders"', "target_") if kind == "task" else (online(), '"shop", vpc', "vpc_")
    )
    stack.program(program).up()
    (id_,) = live(emulator)
    emulator.clear_requests()
    renamed = program.replace(name, name.replace('"', '"new-', 1)).replace(
        before, f'existing_task_id="{id_}", {before}', 1
    )
    assert "removed from state here, but not stopped or deleted" in stack.program(renamed).up().text
    assert list(live(emulator)) == [id_]
    assert writes(emulator) == []
    stack.require_no_changes()


@pytest.mark.long
def test_a_task_that_a_transform_retains_does_not_replace_a_new_run(stack: Stack, emulator: Emulator) -> None:
    """A transform sets options after the program has: triggers 1, 2, 1 run three times, one after the other."""
    retained = """
    def retain(args):
        args.opts.retain_on_delete = True
        return pulumi.ResourceTransformResult(args.props, args.opts)
    pulumi.runtime.register_resource_transform(retain)
    MigrationTask("orders", **BACKUP, target_instance=target(), triggers=[RUN])
    """
    ids = []
    for run in ("1", "2", "1"):
        stack.program(retained.replace("RUN", run)).up()
        ids.append(stack.ids()["orders"])
        emulator.set_status(ids[-1], "SUCCESS")
    assert len(set(ids)) == 3
    assert set(live(emulator)) == set(ids)


def test_a_moved_resource(stack: Stack, emulator: Emulator, tmp_path: Path) -> None:
    """`pulumi state move` to another stack: the task goes along, and that stack owns it."""
    stack.program(ONE).up()
    (id_,) = live(emulator)
    urn = f"urn:pulumi:dev::e2e::{TYPE}::orders"
    stack.run("stack", "init", "prod")
    stack.run("stack", "select", "dev")
    stack.run("state", "move", "--source", "dev", "--dest", "prod", urn, "--yes")
    stack.run("stack", "select", "prod")
    stack.require_no_changes()
    assert stack.ids() == {"orders": id_}
    assert writes(emulator) == ["CreateMigrationTask"]
    stack.destroy()
    assert live(emulator) == {}
