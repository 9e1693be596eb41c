"""Import backup files from a bucket into a DCS instance, and go on when the data is there."""

from __future__ import annotations

import pulumi

from dcs_migration import MigrationTask

config = pulumi.Config()

task = MigrationTask(
    "orders",
    migration_type="backupfile_import",
    migration_method="full_amount_migration",
    backup_files={
        "bucket_name": config.require("bucket"),
        "files": [{"file_name": key} for key in config.require_object("files")],
    },
    target_instance={
        "id": config.require("instanceId"),
        "password": config.require_secret("redisPassword"),
    },
)

# Whatever needs the data depends on this: opts=pulumi.ResourceOptions(depends_on=[imported])
imported = task.completion(timeout="2h")

pulumi.export("task", {"id": task.id, "name": task.name})
pulumi.export("status", imported.status)
