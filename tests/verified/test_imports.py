"""Imports of a backup file, at an emulator or, when it is asked for, at the real service."""

from __future__ import annotations

import pytest

from dcs_migration.dcs.errors import TaskNotFound
from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.life_cycles.tasks.mark import split
from tests.verified.cloud import Cloud
from tests.verified.conftest import VerifiedStack

SAID = "made by `make verified`"
DONE = (Kind.SUCCESS, Kind.RELEASED)
ABSENT = "0" * 32
TASK = f"""
task = MigrationTask("PREFIX-import", **IMPORT, description="{SAID}")
"""


def test_an_import_from_up_to_destroy(cloud: Cloud, stack: VerifiedStack) -> None:
    """It succeeds, has its owner mark, shows no change, is refreshed, and no longer exists after destroy."""
    pace = cloud.pace
    waiting = f"task.completion(timeout={pace.patience}, interval={pace.interval})\n"
    stack.declare(TASK.replace("PREFIX", cloud.prefix) + waiting)
    stack.up()
    assert stack.calls().count("CreateMigrationTask") == 1
    ((id_, row),) = cloud.own().items()
    assert lookup(row.status).kind in DONE
    said, mark = split(row.description)
    assert (said, mark is not None and bool(mark.owner)) == (SAID, True), row.description

    stack.preview("--expect-no-changes")
    assert stack.calls() == []
    stack.refresh()
    (resource,) = stack.resources().values()
    assert lookup(resource["outputs"]["status"]).kind in DONE

    stack.destroy()
    assert id_ not in cloud.listing()


def test_a_task_whose_state_was_lost_is_adopted(cloud: Cloud, stack: VerifiedStack) -> None:
    """The next `up` finds it by its owner mark and starts no second one."""
    stack.declare(TASK.replace("PREFIX", cloud.prefix)).up()
    (resource,) = stack.resources().values()
    stack.run("state", "delete", resource["urn"], "--yes")
    stack.calls()
    assert f"adopted task {resource['id']}" in stack.up().text
    assert "CreateMigrationTask" not in stack.calls()
    assert list(cloud.own()) == [resource["id"]]


def test_a_task_taken_over_stays(cloud: Cloud, stack: VerifiedStack) -> None:
    """A task that others made is managed, and only forgotten by destroy; an absent one is GONE, with a warning."""
    id_ = cloud.client.create_migration_task(cloud.import_body(f"{cloud.prefix}-by-others")).id
    with pytest.raises(TaskNotFound) as refusal:
        cloud.client.show_migration_task(ABSENT)
    assert refusal.value.error_code == "DCS.4133"

    stack.declare(f"""
task = MigrationTask("others", **IMPORT, task_name="{cloud.prefix}-by-others", existing_task_id="{id_}")
absent = MigrationTask.get("absent", "{ABSENT}")
pulumi.export("id", task.id)
pulumi.export("absent", absent.status)
""")
    assert f"there is no task {ABSENT}" in stack.up().text
    assert stack.outputs() == {"id": id_, "absent": "GONE"}
    assert "CreateMigrationTask" not in stack.calls()
    assert id_ in stack.destroy().text
    assert {"BatchStopMigrationTasks", "DeleteMigrationTask"}.isdisjoint(stack.calls())
    assert id_ in cloud.listing()


def test_a_wrong_secret_key_is_one_line_and_one_call(cloud: Cloud, stack: VerifiedStack) -> None:
    """Three tasks with it ask once, because repeated refusals lock a key for everybody; nothing is made."""
    stack.declare(f"""
for number in range(3):
    MigrationTask(f"{cloud.prefix}-{{number}}", **IMPORT)
""")
    stack.environ.pop("HW_AUTH_TOKEN", None)
    key = cloud.settings.credentials().access_key or "no-key-of-anybody"
    text = stack.up(ok=False, HW_ACCESS_KEY=key, HW_SECRET_KEY="wrong" * 8, HW_SECURITY_TOKEN=None).text
    assert len(stack.calls()) == 1
    diagnostics = text.partition("Diagnostics:")[2].partition("Resources:")[0]
    lines = [line.strip() for line in diagnostics.splitlines() if line.strip()]
    refusals = [line for line in lines if "failures lock the key" in line]
    assert len(refusals) == 3, text
    ours = [line for line in lines if "Resource monitor has terminated" not in line]  # newer CLIs add it
    assert len(ours) == 2 * 4, text  # three tasks and the stack, each its name and one line
    assert cloud.own() == {}
