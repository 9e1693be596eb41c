"""The lifecycle of a task from `up` to `destroy`, as a user sees it."""

from __future__ import annotations

from typing import Any

import pytest

from dcs_emulator import Emulator
from tests.e2e.stack import Stack, calls, live, operations, order_of

ONE = """
    task = MigrationTask("orders", **BACKUP, target_instance=target(password="pa ss/wörd+1"))
    pulumi.export("task", {"id": task.id, "name": task.name, "status": task.status, "region": task.region})
"""


def test_up_preview_refresh_destroy(stack: Stack, emulator: Emulator) -> None:
    """A task is created, seen by refresh, left alone by an unchanged `up`, and destroyed without a trace."""
    stack.program(ONE)
    stack.up()
    (task,) = emulator.tasks()
    assert stack.outputs()["task"] == {
        "id": task["id"],
        "name": task["name"],
        "status": "MIGRATING",
        "region": "emulator-1",
    }
    assert task["name"].startswith("orders-")
    stack.require_no_changes()
    emulator.set_status(task["id"], "SUCCESS")
    stack.refresh()
    stack.up()
    assert stack.outputs()["task"]["status"] == "SUCCESS"
    stack.require_no_changes()
    stack.destroy()
    assert emulator.tasks() == []
    assert stack.resources() == {}


@pytest.mark.long
def test_forty_tasks_cost_few_calls(stack: Stack, emulator: Emulator) -> None:
    """Forty creates are forty POSTs and a handful of reads; refresh, an unchanged `up` and destroy are cheap."""
    stack.program("""
        for number in range(40):
            MigrationTask(f"task{number}", **BACKUP, target_instance=target(number))
    """)
    stack.up()
    made = calls(emulator)
    assert made.pop("CreateMigrationTask") == 40
    assert made.total() <= 5
    for task in emulator.tasks():
        emulator.set_status(task["id"], "SUCCESS")

    emulator.clear_requests()
    stack.refresh()
    assert calls(emulator).total() <= 2

    emulator.clear_requests()
    stack.up()
    assert operations(emulator) == []

    stack.destroy()
    assert live(emulator) == {}
    assert calls(emulator)["DeleteMigrationTask"] <= 40
    assert calls(emulator)["ShowMigrationTask"] == 0


def test_destroy_stops_running_tasks_in_batches(stack: Stack, emulator: Emulator) -> None:
    """Running tasks are stopped together, deleted when they have ended, and no longer listed afterwards."""
    stack.program("""
        for number in range(8):
            MigrationTask(f"task{number}", **BACKUP, target_instance=target(number))
    """)
    stack.up()
    emulator.clear_requests()
    stack.destroy()
    assert live(emulator) == {}
    assert calls(emulator)["BatchStopMigrationTasks"] <= 4
    assert calls(emulator)["StopMigrationTask"] == 0


CHANGES = """
    first = pulumi.Config().require_bool("first")

    def make(name, before, after, base=BACKUP):
        number = len(made)
        made.append(MigrationTask(name, **{**base, "target_instance": target(number), **(before if first else after)}))

    made = []
    files = BACKUP["backup_files"]
    make("task_name", {"task_name": "old-name"}, {"task_name": "new-name"})
    make("description", {"description": "old"}, {"description": "new"})
    make("migration_type", {}, {"migration_type": "online_migration", "backup_files": None,
                                "source_instance": {"addrs": "10.0.0.1:6379"}})
    make("migration_method", {}, {"migration_method": "incremental_migration"}, ONLINE)
    make("bucket", {}, {"backup_files": {**files, "bucket_name": "others"}})
    make("file", {}, {"backup_files": {**files, "files": [{"file_name": "other.rdb"}]}})
    make("backup_record", {}, {"backup_files": {"backup_id": "b1"}})
    make("network_type", {"network_type": "vpc"}, {"network_type": "vpn"}, ONLINE)
    make("addrs", {}, {"source_instance": {"addrs": "192.168.1.136:6379"}}, ONLINE)
    make("target", {}, {"target_instance": target(99)})
    make("target_name", {}, {"target_instance": target(10, name="dcs-orders")})
    make("region", {"region": "emulator-1"}, {"region": "emulator-2"})
    make("project", {"project_id": "p1"}, {"project_id": "p2"})
    make("triggers", {"triggers": [1, "a"]}, {"triggers": [2, "a"]})
    make("untouched", {}, {})
"""


def test_a_change_of_each_input_replaces_delete_first(stack: Stack, emulator: Emulator) -> None:
    """Each changed input replaces its task: the old one is deleted before the new one is created."""
    stack.program(CHANGES)
    stack.run("config", "set", "first", "true")
    stack.up()
    stack.require_no_changes()
    before = stack.ids()
    stack.run("config", "set", "first", "false")

    preview = stack.preview()
    assert preview.count("to replace") == len(before) - 1
    assert preview.text.count("RUNS THE IMPORT AGAIN into instance") > 0

    stack.up()
    after = stack.ids()
    assert [name for name in before if before[name] == after[name]] == ["untouched"]
    for name in set(before) - {"untouched"}:
        deleted = order_of(emulator, "DeleteMigrationTask", before[name])
        created = order_of(emulator, "CreateMigrationTask", after[name])
        assert deleted < created, name
    assert set(live(emulator)) == set(after.values())
    stack.require_no_changes()
    stack.destroy()
    assert live(emulator) == {}


@pytest.mark.parametrize("how", ["--replace", pytest.param("taint", marks=pytest.mark.long)])
def test_a_requested_replacement_deletes_first(stack: Stack, emulator: Emulator, how: str) -> None:
    """`--replace` and `state taint` run the same definition again, and the old task is deleted first."""
    stack.program(ONE)
    stack.up()
    (resource,) = stack.resources().values()
    if how == "taint":
        stack.run("state", "taint", resource["urn"])
        stack.up()
    else:
        stack.up("--replace", resource["urn"])
    (new,) = stack.ids().values()
    assert new != resource["id"]
    assert order_of(emulator, "DeleteMigrationTask", resource["id"]) < order_of(
        emulator, "CreateMigrationTask", new
    )
    assert list(live(emulator)) == [new]
    stack.require_no_changes()


def test_a_changed_password_updates_without_a_call(stack: Stack, emulator: Emulator) -> None:
    """A rotated password only updates the state, without a call; the state has the new one."""
    stack.program(ONE).up()
    emulator.clear_requests()
    stack.program(ONE.replace("pa ss/wörd+1", "rotated-secret"))
    assert stack.preview().count("to update") == 1
    assert stack.up().count("updated") == 1
    assert operations(emulator) == []
    stack.require_no_changes()
    exported = stack.run("stack", "export", "--show-secrets").text
    assert "rotated-secret" in exported
    assert "pa ss" not in exported


def test_a_task_without_a_record_remains_in_state(stack: Stack, emulator: Emulator) -> None:
    """A forgotten task remains in state as GONE; neither `up` nor `up --refresh` runs it again."""
    stack.program(ONE).up()
    (id_,) = live(emulator)
    emulator.remove(id_)
    emulator.clear_requests()
    refreshed = stack.refresh()
    assert f"the record of task {id_} no longer exists" in refreshed.text
    stack.up()
    assert stack.outputs()["task"]["status"] == "GONE"
    stack.up("--refresh")
    assert stack.ids() == {"orders": id_}
    assert calls(emulator)["CreateMigrationTask"] == 0
    (urn,) = (entry["urn"] for entry in stack.resources().values())
    stack.up("--replace", urn)
    assert list(live(emulator)) == list(stack.ids().values())
    stack.destroy()
    assert live(emulator) == {}


def test_a_failed_task_without_a_record_is_created_again(stack: Stack, emulator: Emulator) -> None:
    """Only a task that ended without success is removed from state when its record no longer exists."""
    stack.program(ONE).up()
    (id_,) = live(emulator)
    emulator.set_status(id_, "FAILED", error="wrong password")
    stack.refresh()
    emulator.remove(id_)
    assert "removed from state" in stack.refresh().text
    assert stack.resources() == {}
    stack.up()
    assert list(live(emulator)) == list(stack.ids().values())


def test_preview_needs_no_credentials_and_no_network(stack: Stack, emulator: Emulator) -> None:
    """A pull request's preview only has the program, including unknown inputs, and makes no call."""
    stack.program("""
        first = MigrationTask("first", **BACKUP, target_instance=target(0))
        whole = first.id.apply(lambda id_: {"bucket_name": id_, "files": [{"file_name": "a.rdb"}]})
        MigrationTask("id", **BACKUP, target_instance={"id": first.id})
        MigrationTask("map", **BACKUP | {"backup_files": whole}, target_instance=target(1))
        MigrationTask("list", **BACKUP | {"backup_files": {"bucket_name": "b", "files": whole.apply(lambda w: w["files"])}},
                      target_instance=target(2), triggers=[first.id], description=first.name)
        MigrationTask("kind", migration_type=first.id.apply(lambda _: "backupfile_import"),
                      migration_method="full_amount_migration", backup_files=BACKUP["backup_files"],
                      target_instance=target(3))
    """)
    gone: dict[str, Any] = {"HW_ACCESS_KEY": None, "HW_SECRET_KEY": None}
    preview = stack.preview(HW_DCS_ENDPOINT="http://127.0.0.1:1", **gone)
    assert preview.count("to create") == 7  # the default provider is one
    assert operations(emulator) == []
    stack.up()
    stack.require_no_changes()
    preview = stack.preview("--diff", HW_DCS_ENDPOINT="http://127.0.0.1:1", **gone)
    assert preview.count("unchanged") == 7


def test_mistakes_show_in_preview_and_cost_nothing(stack: Stack, emulator: Emulator) -> None:
    """Three mistakes are three lines, each with its path and what to write; nothing is called."""
    stack.program("""
        MigrationTask("orders", migration_type="backup_import", migration_method="full_amount_migration",
                      backup_files={"bucket": "hunter2", "files": [{"file_name": ""}]}, target_instance={})
    """)
    text = stack.preview(ok=False).text
    for line in (
        'migration_type: "backup_import" isn\'t one of the allowed values; use "backupfile_import" or '
        '"online_migration" (did you mean "backupfile_import"?)',
        "backup_files.bucket: unknown key; did you mean bucket_name?",
        'backup_files.files[0].file_name: is empty; use a value such as "orders.rdb"',
        "target_instance.id: is required; use a value such as",
    ):
        assert line in text
    assert "hunter2" not in text
    assert operations(emulator) == []


def test_get_reads_a_task_without_managing_it(stack: Stack, emulator: Emulator) -> None:
    """`get` returns the service's data, also in a preview; a task that no longer exists is GONE, with a warning."""
    stack.program(ONE).up()
    id_ = stack.outputs()["task"]["id"]
    reader = f"""
    seen = MigrationTask.get("seen", "{id_}")
    pulumi.export("seen", {{"id": seen.id, "status": seen.status, "name": seen.name,
                            "target": seen.target_instance, "description": seen.description}})
    """
    stack.program(ONE + reader)
    stack.preview()
    stack.up()
    seen = stack.outputs()["seen"]
    assert seen["id"] == id_
    assert seen["status"] == "MIGRATING"
    assert seen["target"].pop("name")  # DCS adds it
    assert seen["target"] == {"id": "4cd5dbb8-aacd-4603-b817-000000000000"}
    assert seen.get("description") is None
    emulator.remove(id_)
    text = stack.preview().text
    assert f"there is no task {id_}" in text
    stack.program(reader)
    stack.up()
    assert stack.outputs()["seen"]["status"] == "GONE"
    stack.destroy()
