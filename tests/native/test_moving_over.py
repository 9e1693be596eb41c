"""A stack of the Python package continues with native resources: one update each, and no call that writes."""

from __future__ import annotations

import json
from typing import Any

from dcs_emulator import Emulator
from tests.e2e.stack import live
from tests.native.conftest import PASSWORD, YamlStack

BEFORE = f"""
import pulumi
from dcs_migration import MigrationTask, OnlineMigrationTask

task = MigrationTask("orders", migration_type="backupfile_import", migration_method="full_amount_migration",
                     backup_files={{"bucket_name": "backups", "files": [{{"file_name": "orders.rdb"}}]}},
                     target_instance={{"id": "target-0", "password": "{PASSWORD}"}}, triggers=[{{"a_b": 1}}])
from dcs_migration import MigrationCompletion
MigrationCompletion("done", task_ids=[task.id], interval="1s")
OnlineMigrationTask("shop", vpc_id="vpc", subnet_id="subnet", security_group_id="group",
                    migration_method="incremental_migration", source_instance={{"id": "shop", "password": "{PASSWORD}"}},
                    target_instance={{"id": "target-1"}})
"""
AFTER = f"""
def before(kind):
    return ResourceOptions(aliases=[Alias(type_=f"pulumi-python:dynamic/dcs:{{kind}}")])

task = Native("MigrationTask", "orders", before("MigrationTask"), migrationType="backupfile_import",
              migrationMethod="full_amount_migration",
              backupFiles={{"bucketName": "backups", "files": [{{"fileName": "orders.rdb"}}]}},
              targetInstance={{"id": "target-0", "password": "{PASSWORD}"}}, triggers=[{{"a_b": 1}}])
Native("MigrationCompletion", "done", before("MigrationCompletion"), taskIds=[task.id], interval="1s")
Component("shop", vpcId="vpc", subnetId="subnet", securityGroupId="group", migrationMethod="incremental_migration",
          sourceInstance={{"id": "shop", "password": "{PASSWORD}"}}, targetInstance={{"id": "target-1"}})
"""


def writes(emulator: Emulator) -> list[Any]:
    """The calls that change something."""
    return [entry["operation"] for entry in emulator.requests() if entry["method"] != "GET"]


def test_nothing_runs_again(stack: YamlStack) -> None:
    """All five kinds keep their ids; afterwards no class is pickled in the state, and a destroy removes all."""
    with Emulator(progression="timed", duration=1, job_seconds=0.2, stop_seconds=0.2) as emulator:
        stack.environ["HW_DCS_ENDPOINT"] = emulator.url
        stack.python("").up()
        (stack.work / "__main__.py").write_text(BEFORE)
        stack.up()
        ids = {name: each.get("id") for name, each in stack.in_state().items() if each.get("custom")}
        before = live(emulator)
        emulator.clear_requests()
        stack.python(AFTER)
        text = stack.preview().text
        assert "replace" not in text, text
        assert "RUNS" not in text, text
        stack.up()
        assert writes(emulator) == []
        assert live(emulator) == before
        after = stack.in_state()
        for name in ("MigrationTask orders", "MigrationInstance shop", "OnlineMigration shop"):
            assert after[name]["id"] == ids[name]
            assert after[name]["type"].startswith("dcs:index:")
        ours = json.dumps(
            {name: each for name, each in after.items() if each["type"].startswith("dcs:index:")}
        )
        assert "__provider" not in ours
        assert "target_instance" not in ours
        assert '"a_b"' in ours
        stack.preview("--expect-no-changes")
        stack.refresh()
        stack.preview("--expect-no-changes")
        stack.destroy()
        assert live(emulator) == {}
