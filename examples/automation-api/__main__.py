"""The stack that migrate.py deploys: one import and the wait for it."""

from __future__ import annotations

import pulumi

from dcs_migration import MigrationTask, TargetInstance

config = pulumi.Config()
target: TargetInstance = {"id": config.require("instanceId")}
if (password := config.get_secret("redisPassword")) is not None:
    target["password"] = password

task = MigrationTask(
    "import",
    migration_type="backupfile_import",
    migration_method="full_amount_migration",
    backup_files={
        "bucket_name": config.require("bucket"),
        "files": [{"file_name": config.require("file")}],
    },
    target_instance=target,
)
task.completion(timeout=config.get("timeout") or "2h")

pulumi.export("id", task.id)
