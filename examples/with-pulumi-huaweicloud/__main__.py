"""Create a DCS instance with pulumi-huaweicloud, and fill it from a backup file."""

from __future__ import annotations

import pulumi
from pulumi_huaweicloud import dcs

from dcs_migration import MigrationTask

config = pulumi.Config()
password = config.require_secret("redisPassword")

instance = dcs.Instance(
    "orders",
    engine="Redis",
    engine_version="6.0",
    flavor="redis.ha.xu1.large.r2.4",
    capacity=4,
    vpc_id=config.require("vpcId"),
    subnet_id=config.require("subnetId"),
    password=password,
    opts=pulumi.ResourceOptions(protect=True),  # it will contain data that can't be created again
)

task = MigrationTask(
    "orders",
    migration_type="backupfile_import",
    migration_method="full_amount_migration",
    backup_files={"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]},
    target_instance={"id": instance.id, "password": password},
)

# The address is only known when the data is there.
imported = task.completion(timeout="2h")
pulumi.export(
    "address",
    pulumi.Output.all(instance.private_ip, instance.port, imported.statuses).apply(
        lambda known: f"{known[0]}:{known[1]}"
    ),
)
