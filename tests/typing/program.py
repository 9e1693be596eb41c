"""What a user's type checker accepts and refuses. It is read by mypy and by pyright, and never run.

Every `type: ignore` marks a mistake: both checkers report an ignore that nothing needs, so that a mistake
which goes unnoticed fails the check as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import pulumi

from dcs_migration import (
    BackupFiles,
    MigrationCompletion,
    MigrationInstance,
    MigrationTask,
    OnlineMigration,
    OnlineMigrationTask,
    TargetInstance,
    provider_process,
)

if TYPE_CHECKING:
    from typing_extensions import assert_type

config = pulumi.Config()
TARGET: TargetInstance = {"id": config.require("instanceId"), "password": config.require_secret("password")}
FILES: BackupFiles = {"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]}

# Right: dict literals, values that are known later, options, lists from a file.
task = MigrationTask(
    "orders",
    migration_type="backupfile_import",
    migration_method="full_amount_migration",
    backup_files={"bucket_name": "backups", "files": [{"file_name": config.require("file")}]},
    target_instance={
        "id": pulumi.Output.from_input("4cd5dbb8"),
        "password": config.require_secret("password"),
    },
    triggers=["2026-01-01", 2],
    opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(delete="20m")),
)
fleet = [
    MigrationTask(
        f"shard-{number}",
        migration_type="backupfile_import",
        migration_method="full_amount_migration",
        backup_files=FILES,
        target_instance=TARGET,
        opts=pulumi.ResourceOptions(provider=provider_process("own", {"region": "eu-west-101"})),
    )
    for number in range(3)
]
instance = MigrationInstance("link", vpc_id="vpc", subnet_id="subnet", security_group_id="group")
online = OnlineMigration(
    "online",
    task_id=instance.id,
    migration_method="incremental_migration",
    source_instance={"addrs": "192.168.1.1:6379"},
    target_instance={"id": "4cd5dbb8"},
    state="running",
)
both = OnlineMigrationTask(
    "both",
    vpc_id="vpc",
    subnet_id="subnet",
    security_group_id="group",
    migration_method="full_amount_migration",
    source_instance={"addrs": "192.168.1.1:6379"},
    target_instance={"id": "4cd5dbb8"},
)
done = MigrationCompletion("done", tasks=[task, online, both], timeout="2h", interval=15, until="done")
elsewhere = MigrationCompletion("elsewhere", task_ids=["1", task.id], region="eu-west-101")
alone = task.completion(timeout=timedelta(hours=1))
several = MigrationCompletion("several", tasks=(each for each in fleet))

# Outputs have the types that the documentation names.
if TYPE_CHECKING:
    assert_type(task.status, pulumi.Output[str])
    assert_type(task.error, "pulumi.Output[str | None]")
    assert_type(task.managed, bool)
    assert_type(done.task_ids, pulumi.Output[Sequence[str]])
    assert_type(done.statuses, pulumi.Output[Mapping[str, str]])
    assert_type(done.statuses_by_name, pulumi.Output[Mapping[str, str]])
    assert_type(done.status, "pulumi.Output[str | None]")
    assert_type(alone, MigrationCompletion)
    assert_type(MigrationTask.get("seen", "1"), MigrationTask)

# Wrong: a value that isn't in the enumeration, a mistyped key, a missing or unknown input, a wrong type.
provider_process("p", {"region": 1})  # type: ignore
MigrationCompletion("c", tasks=["orders"])  # type: ignore
MigrationCompletion("c", tasks=task)  # type: ignore
MigrationCompletion("c", tasks=[task.id])  # type: ignore
MigrationCompletion("c", tasks=[instance])  # type: ignore
MigrationCompletion("c", tasks=[task], until="then")  # type: ignore
MigrationCompletion("c", tasks=[task], fail_fast="yes")  # type: ignore
MigrationTask("t", migration_type="backupfile_import", migration_method="full_amount_migration")  # type: ignore
MigrationInstance("i", vpc_id="vpc", subnet_id="subnet", security_group_id="group", vpcid="")  # type: ignore
MigrationInstance("i", vpc_id=1, subnet_id="subnet", security_group_id="group")  # type: ignore
no_file: BackupFiles = {"bucket": "backups"}  # type: ignore
wrong_source: BackupFiles = {"file_source": "obs"}  # type: ignore
no_id: TargetInstance = {"password": "x"}  # type: ignore
number: int = task.status  # type: ignore
