"""Make a migration task of every line of fleet.yaml, and wait for all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import pulumi
import yaml  # installed with Pulumi

from dcs_migration import MigrationCompletion, MigrationTask


class Line(TypedDict):
    """What fleet.yaml says of one service."""

    file: str
    instance: str


config = pulumi.Config()
fleet: dict[str, Line] = yaml.safe_load(Path(__file__).with_name("fleet.yaml").read_text("utf-8"))

tasks = [
    MigrationTask(
        name,
        migration_type="backupfile_import",
        migration_method="full_amount_migration",
        backup_files={
            "bucket_name": config.require("bucket"),
            "files": [{"file_name": line["file"]}],
        },
        target_instance={"id": line["instance"]},
    )
    for name, line in fleet.items()
]
done = MigrationCompletion("fleet-done", tasks=tasks, timeout="4h")

pulumi.export("tasks", len(tasks))
pulumi.export("statuses", done.statuses_by_name)
