"""The smallest useful stack: one migration task, described by the stack's configuration (see Pulumi.yaml).

A backup import needs three settings besides the region:

    pulumi config set targetInstanceId <id of the DCS instance>
    pulumi config set sourceBucket <OBS bucket>
    pulumi config set --path 'sourceFiles[0]' <object key>
"""

from __future__ import annotations

from typing import Any

import pulumi

from dcs_migration import MigrationTask


def given(**settings: Any) -> Any:
    """Return the settings that have a value, or None where none has."""
    return {key: value for key, value in settings.items() if value is not None} or None


config = pulumi.Config()


def text(key: str) -> Any:
    """Return a setting, or None where it is empty."""
    return config.get(key) or None


task = MigrationTask(
    "task",
    task_name=text("taskName"),
    migration_type=text("migrationType"),
    migration_method=text("migrationMethod"),
    backup_files=given(
        bucket_name=text("sourceBucket"),
        files=[{"file_name": key} for key in config.get_object("sourceFiles") or []] or None,
        backup_id=text("sourceBackupId"),
    ),
    source_instance=given(addrs=text("sourceAddrs"), password=config.get_secret("sourcePassword")),
    target_instance=given(
        id=config.require("targetInstanceId"),
        password=config.get_secret("targetPassword"),
    ),
)

pulumi.export("id", task.id)
pulumi.export("name", task.name)
pulumi.export("status", task.status)
