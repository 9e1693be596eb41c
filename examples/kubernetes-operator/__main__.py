"""One import; the Stack object names its target."""

from __future__ import annotations

import pulumi

from dcs_migration import MigrationTask

config = pulumi.Config()

task = MigrationTask(
    "orders",
    migration_type="backupfile_import",
    migration_method="full_amount_migration",
    backup_files={"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]},
    target_instance={
        "id": config.require("instanceId"),
        "password": config.require_secret("redisPassword"),
    },
)

pulumi.export("id", task.id)
pulumi.export("status", task.status)
