"""The resources of the stack, in a module that tests can import."""

from __future__ import annotations

from collections.abc import Iterable

import pulumi

from dcs_migration import MigrationTask

INSTANCES = {
    "orders": "4cd5dbb8-aacd-4603-b817-3e97d48c7a20",
    "carts": "5de6ecc9-bbde-4714-c928-4fa8e59d8b31",
}


def imports(services: Iterable[str]) -> dict[str, MigrationTask]:
    """Import the backup file of each service into its instance."""
    return {
        service: MigrationTask(
            service,
            migration_type="backupfile_import",
            migration_method="full_amount_migration",
            backup_files={
                "bucket_name": f"backups-{pulumi.get_stack()}",
                "files": [{"file_name": f"{service}.rdb"}],
            },
            target_instance={"id": INSTANCES[service]},
        )
        for service in services
    }
