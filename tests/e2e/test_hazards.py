"""What a plausible provider gets wrong: none of it may start a second import, touch a wrong task, or lie."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dcs_emulator import Emulator
from tests.e2e.conftest import NewStack
from tests.e2e.stack import PROJECT, TYPE, Stack, calls, end_all, live, operations, order_of, plugins_of

ONE = 'MigrationTask("orders", **BACKUP, target_instance=target())\n'


def test_an_aliased_rename_keeps_the_task(stack: Stack, emulator: Emulator) -> None:
    """A resource that is renamed with an alias keeps its task, with its old default name."""
    stack.program(ONE).up()
    (before,) = emulator.tasks()
    stack.program("""
        MigrationTask("invoices", **BACKUP, target_instance=target(),
                      opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="orders")]))
    """)
    stack.up()
    stack.require_no_changes()
    assert [task["name"] for task in emulator.tasks()] == [before["name"]]
    assert stack.ids() == {"invoices": before["id"]}
    stack.destroy()
    assert live(emulator) == {}


def test_a_stack_rename_keeps_the_task(stack: Stack, emulator: Emulator) -> None:
    """`pulumi stack rename` changes every URN, but no task."""
    stack.program(ONE).up()
    before = live(emulator)
    stack.run("stack", "rename", "production")
    emulator.clear_requests()
    stack.up()
    stack.require_no_changes()
    assert operations(emulator) == []
    assert live(emulator) == before
    stack.refresh()
    stack.destroy()
    assert live(emulator) == {}


def test_a_move_into_a_component_keeps_the_task(stack: Stack, emulator: Emulator) -> None:
    """A resource that moves into a component, with an alias, keeps its task."""
    stack.program(ONE).up()
    before = live(emulator)
    stack.program("""
        class Team(pulumi.ComponentResource):
            def __init__(self, name):
                super().__init__("test:index:Team", name)
                MigrationTask("orders", **BACKUP, target_instance=target(), opts=pulumi.ResourceOptions(
                    parent=self, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)]))
        Team("team")
    """)
    stack.up()
    stack.require_no_changes()
    assert live(emulator) == before
    assert calls(emulator)["CreateMigrationTask"] == 1


def test_a_rename_without_alias_while_another_resource_fails(stack: Stack, emulator: Emulator) -> None:
    """Nothing is started, the error names the alias, and state and service agree even if more fails."""
    stack.program("""
        MigrationTask("orders", task_name="shared-name", **BACKUP, target_instance=target())
    """).up()
    (old,) = live(emulator)
    renamed = """
        MigrationTask("invoices", task_name="shared-name", **BACKUP, target_instance=target())
    """
    emulator.fault("CreateMigrationTask", "error", status=400, error_code="DCS.4061", times=1)
    broken = 'first = MigrationTask("broken", **BACKUP, target_instance=target(1))\n'
    stack.program(
        broken
        + renamed.strip().replace("target())", "target(), opts=pulumi.ResourceOptions(depends_on=[first]))")
    ).up(ok=False)
    assert stack.ids() == {"orders": old}
    assert set(live(emulator)) == {old}
    assert "aliases=[Alias(name=...)]" in stack.program(renamed).up(ok=False).text
    assert set(live(emulator)) == {old}
    aliased = 'target(), opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="orders")]))'
    stack.program(renamed.replace("target())", aliased)).up()
    assert stack.ids() == {"invoices": old}
    stack.require_no_changes()


def test_another_default_region_or_project_is_an_error_in_preview(stack: Stack, emulator: Emulator) -> None:
    """The state has the task's location; another one in the configuration is an error that says what to write."""
    stack.program(ONE).up()
    before = live(emulator)
    emulator.clear_requests()
    text = stack.preview(ok=False, HW_REGION_NAME="emulator-2").text
    assert "region: this task lives in region emulator-1, but the configuration now names emulator-2" in text
    assert 'set region="emulator-1" to leave it there' in text
    text = stack.up(ok=False, HW_PROJECT_ID="another").text
    assert "project_id: this task lives in project" in text
    assert operations(emulator) == []
    stack.refresh()
    assert stack.preview(ok=False, HW_PROJECT_ID="another").text.count("lives in project") >= 1
    stack.up()
    stack.require_no_changes()
    stack.destroy(HW_REGION_NAME="emulator-2", HW_PROJECT_ID="another")
    assert before
    assert live(emulator) == {}


@pytest.mark.long
def test_the_same_name_in_two_stacks_and_two_resources(new_stack: NewStack, emulator: Emulator) -> None:
    """An explicit name that others also use doesn't adopt or delete their tasks."""
    program = """
        for number, name in enumerate(("a", "b")):
            MigrationTask(name, task_name="nightly", **BACKUP, target_instance=target(number))
    """
    one = new_stack("one").program(program)
    two = new_stack("two").program(program.replace("target(number)", "target(number + 2)"))
    one.up()
    two.up()
    assert len(live(emulator)) == 4
    assert not set(one.ids().values()) & set(two.ids().values())
    one.destroy()
    assert set(live(emulator)) == set(two.ids().values())
    two.require_no_changes()


def test_the_same_name_with_another_file_is_another_task(stack: Stack, emulator: Emulator) -> None:
    """A leftover task for one file isn't adopted for another file of the same bucket."""
    program = """
        MigrationTask("orders", task_name="nightly", migration_type="backupfile_import",
                      migration_method="full_amount_migration", target_instance=target(),
                      backup_files={"bucket_name": "b", "files": [{"file_name": "monday.rdb"}]})
    """
    emulator.fault("CreateMigrationTask", "drop_after", times=1)
    emulator.fault("ListMigrationTask", "error", status=403, error_code="DCS.2003", times=1)
    assert "grant dcs:migrationTask:list" in stack.program(program).up(ok=False).text
    emulator.clear_faults()
    stack.up()
    (monday,) = live(emulator)
    stack.run("state", "delete", next(iter(stack.resources().values()))["urn"], "--force", "--yes")
    emulator.set_status(monday, "SUCCESS")
    text = stack.program(program.replace("monday", "tuesday")).up().text
    assert "adopted" not in text
    assert len(live(emulator)) == 2
    assert monday not in stack.ids().values()


def test_a_task_of_a_lost_state_is_adopted_by_its_owner_mark(stack: Stack, emulator: Emulator) -> None:
    """The same definition adopts the task with a warning, and doesn't start it again."""
    stack.program(ONE).up()
    before = live(emulator)
    stack.run("state", "delete", next(iter(stack.resources().values()))["urn"], "--force", "--yes")
    assert "adopted task" in stack.up().text
    assert live(emulator) == before
    assert calls(emulator)["CreateMigrationTask"] == 1
    stack.require_no_changes()


@pytest.mark.long
def test_six_tasks_whose_triggers_change_at_once(stack: Stack, emulator: Emulator) -> None:
    """Six replacements share listings, and none adopts a task that has just been deleted."""
    program = """
        for number in range(6):
            MigrationTask(f"task{number}", **BACKUP, target_instance=target(number), triggers=["monday"])
    """
    stack.program(program).up()
    before = set(live(emulator))
    stack.program(program.replace("monday", "tuesday")).up()
    after = set(stack.ids().values())
    assert set(live(emulator)) == after
    assert not before & after
    assert calls(emulator)["CreateMigrationTask"] == 12
    # the same definitions again, asked for by --replace: same marks, and still nothing is adopted
    urns = [option for entry in stack.resources().values() for option in ("--replace", entry["urn"])]
    stack.up(*urns)
    assert calls(emulator)["CreateMigrationTask"] == 18
    assert set(live(emulator)) == set(stack.ids().values())
    stack.require_no_changes()


UPSTREAM = """
    from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

    class Provider(ResourceProvider):
        serialize_as_secret_always = False

        def diff(self, id_, olds, news):
            changed = olds["size"] != news["size"]
            return DiffResult(changed, ["size"] if changed else [], [], delete_before_replace=True)

        def create(self, props):
            return CreateResult("upstream", {**props, "instance_id": "4cd5dbb8-aacd-4603-b817-000000000000"})

    class Instance(Resource, module="test", name="Instance"):
        def __init__(self, name, size):
            super().__init__(Provider(), name, {"size": size, "instance_id": None})
"""


def test_a_replaced_dependency_with_the_same_output(stack: Stack, emulator: Emulator) -> None:
    """Pulumi calls diff with an unknown value meanwhile; the same value doesn't run anything again."""
    stack.module("upstream", UPSTREAM)
    program = """
        from upstream import Instance
        instance = Instance("instance", "small")
        MigrationTask("orders", **BACKUP, target_instance={"id": instance.instance_id})
    """
    stack.program(program).up()
    before = live(emulator)
    stack.program(program.replace("small", "large")).up()
    assert live(emulator) == before
    assert calls(emulator)["CreateMigrationTask"] == 1
    stack.require_no_changes()


def test_an_existing_task_is_taken_over_and_never_touched(stack: Stack, emulator: Emulator) -> None:
    """Taken over, a task is not replaced by changed triggers (an error in preview) and not deleted by destroy."""
    stack.program(ONE).up()
    ((id_, name),) = live(emulator).items()
    stack.run("state", "delete", next(iter(stack.resources().values()))["urn"], "--force", "--yes")
    program = f"""
        task = MigrationTask("taken", **BACKUP, target_instance=target(), existing_task_id="{id_}", triggers=["a"])
        pulumi.export("name", task.name)
    """
    stack.program(program).up()
    assert stack.outputs()["name"] == name
    stack.require_no_changes()
    emulator.clear_requests()
    text = stack.program(program.replace('["a"]', '["b"]')).preview(ok=False).text
    assert "remove existing_task_id to start a new task" in text
    stack.program(program).up()
    text = stack.destroy().text
    assert f"task {id_} was taken over" in text
    assert list(live(emulator)) == [id_]
    assert operations(emulator) == []


def test_an_existing_task_that_disagrees_is_refused(stack: Stack, emulator: Emulator) -> None:
    """A task that is taken over must match the inputs."""
    stack.program(ONE).up()
    (id_,) = live(emulator)
    text = (
        stack.program(
            ONE + f'MigrationTask("taken", **BACKUP, target_instance=target(7), existing_task_id="{id_}")\n'
        )
        .up(ok=False)
        .text
    )
    assert "differs from the inputs in target_instance.id" in text
    assert "taken" not in stack.ids()


def test_an_emulator_variable_left_in_the_shell(stack: Stack, emulator: Emulator) -> None:
    """Destroy and refresh refuse to call another host about a task; state and both services aren't changed."""
    stack.program(ONE).up()
    before = live(emulator)
    with Emulator(progression="manual") as other:
        text = stack.destroy(ok=False, HW_DCS_ENDPOINT=other.url).text
        assert f"this task lives at 127.0.0.1:{emulator.port}" in text
        stack.refresh(ok=False, HW_DCS_ENDPOINT=other.url)
        assert [entry for entry in other.requests() if entry["operation"] != "KeystoneListProjects"] == []
    assert live(emulator) == before
    assert list(stack.ids().values()) == list(before)


def test_an_emulator_variable_missing_in_the_shell(stack: Stack, emulator: Emulator) -> None:
    """The advice is to set it. A preview gives the same advice without failing, except after an accepted move."""
    stack.program(ONE).up()
    here, there = f"127.0.0.1:{emulator.port}", "dcs.emulator-1.myhuaweicloud.com"
    words = (
        f"{there} (HW_DCS_ENDPOINT isn't set); set HW_DCS_ENDPOINT=http://{here} to continue there, or set"
    )
    before = emulator.requests()
    gone: dict[str, Any] = {"HW_DCS_ENDPOINT": None}
    assert words in stack.destroy(ok=False, **gone).text
    assert words in stack.refresh(ok=False, **gone).text
    text = stack.preview("--expect-no-changes", **gone).text
    assert text.count(words) == 2  # on the row, and in the summary
    accepted = stack.preview("--expect-no-changes", DCS_MIGRATION_ACCEPT_ENDPOINT=there, **gone)
    assert "HW_DCS_ENDPOINT" not in accepted.text
    assert emulator.requests() == before


@contextmanager
def killed_while_creating(stack: Stack, emulator: Emulator, operation: str) -> Iterator[list[int]]:
    """Run `up` until the emulator has seen an operation, kill the CLI, and yield the plugins that live on."""
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
    process = subprocess.Popen(
        command, cwd=stack.work, env=stack.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while operation not in operations(emulator):
            assert time.monotonic() < deadline, operations(emulator)
            assert process.poll() is None
            time.sleep(0.05)
        plugins = plugins_of(stack)
        assert plugins
        process.kill()
        process.wait()
        yield plugins
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        end_all(stack)


@pytest.mark.long
def test_a_cli_killed_while_a_busy_target_is_retried(stack: Stack, emulator: Emulator) -> None:
    """The plugin outlives the CLI, and its retry must not start a second task in addition to the next run's."""
    stack.program(ONE)
    emulator.fault("CreateMigrationTask", "error", status=400, error_code="DCS.4026", times=1)
    with killed_while_creating(stack, emulator, "CreateMigrationTask") as plugins:
        stack.run("cancel", "--yes", ok=None)
        stack.up()
        (id_,) = live(emulator)
        # The orphan wakes up for its retry ten seconds after the refusal.
        deadline = time.monotonic() + 14
        while time.monotonic() < deadline:
            assert list(live(emulator)) == [id_]
            time.sleep(0.2)
        assert all(os.path.exists(f"/proc/{plugin}") for plugin in plugins)
    assert calls(emulator)["CreateMigrationTask"] == 2
    assert stack.ids() == {"orders": id_}
    stack.run("refresh", "--clear-pending-creates", "--yes")
    stack.require_no_changes()


def test_a_cli_killed_after_the_task_was_started(stack: Stack, emulator: Emulator) -> None:
    """The id is lost with the CLI; the next `up` finds the task by its owner mark and starts nothing."""
    stack.program(ONE)
    emulator.fault("CreateMigrationTask", "delay_after", seconds=3, times=1)
    deadline = time.monotonic() + 60
    process = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=stack.work,
        env=stack.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not live(emulator):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()
    try:
        (id_,) = live(emulator)
        stack.run("cancel", "--yes", ok=None)
        assert f"adopted task {id_}" in stack.up().text
    finally:
        end_all(stack)
    assert list(live(emulator)) == [id_]
    assert stack.ids() == {"orders": id_}
    stack.run("refresh", "--clear-pending-creates", "--yes")
    stack.preview("--expect-no-changes")  # the journal still waits for the POST whose answer is delayed
    stack.destroy()
    assert live(emulator) == {}


def test_computed_urns_are_the_real_ones(stack: Stack, emulator: Emulator) -> None:
    """The URN that the program computes is the real one, in a component and at the top level."""
    stack.program("""
        from pulumi.runtime.settings import get_root_resource

        class Team(pulumi.ComponentResource):
            def __init__(self, name):
                super().__init__("test:index:Team", name)
                MigrationTask("inner", **BACKUP, target_instance=target(), opts=pulumi.ResourceOptions(parent=self))
        Team("team")
        MigrationTask("outer", **BACKUP, target_instance=target(1))
        below = pulumi.ResourceOptions(parent=get_root_resource())
        MigrationTask("below", **BACKUP, target_instance=target(2), opts=below)
    """).up()
    assert len(stack.resources()) == 3
    for entry in stack.resources().values():
        assert entry["inputs"]["__urn"] == entry["urn"]
    assert stack.resources()["outer"]["urn"] == f"urn:pulumi:dev::{PROJECT}::{TYPE}::outer"
    assert order_of(emulator, "CreateMigrationTask", stack.ids()["outer"]) >= 0
