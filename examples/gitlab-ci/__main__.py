"""Two imports, reviewed in a pull request before they run."""

from __future__ import annotations

import pulumi

from dcs_migration import MigrationTask

INSTANCES = {
    "orders": "4cd5dbb8-aacd-4603-b817-3e97d48c7a20",
    "carts": "5de6ecc9-bbde-4714-c928-4fa8e59d8b31",
}

tasks = {
    name: MigrationTask(
        name,
        migration_type="backupfile_import",
        migration_method="full_amount_migration",
        backup_files={"bucket_name": "backups", "files": [{"file_name": f"{name}.rdb"}]},
        target_instance={"id": instance},
    )
    for name, instance in INSTANCES.items()
}

pulumi.export("statuses", {name: task.status for name, task in tasks.items()})
