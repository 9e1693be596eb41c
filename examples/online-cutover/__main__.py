"""A Redis instance moves to another one while applications go on writing, and a pull request switches over."""

import pulumi

from dcs_migration import MigrationCompletion, OnlineMigrationTask

config = pulumi.Config()
migration = OnlineMigrationTask(
    "orders",
    vpc_id=config.require("vpcId"),
    subnet_id=config.require("subnetId"),
    security_group_id=config.require("securityGroupId"),
    migration_method="incremental_migration",
    source_instance={"id": config.require("sourceId"), "password": config.get_secret("sourcePassword")},
    target_instance={"id": config.require("targetId"), "password": config.get_secret("targetPassword")},
    state=config.require("state"),
)
pulumi.export("status", migration.status)
pulumi.export("state", migration.state)

if config.get_bool("gate"):
    gate = MigrationCompletion(
        "orders-in-sync",
        tasks=[migration],
        until="in_sync",
        max_lag_bytes=config.require_int("maxLagBytes"),
        timeout="30m",
    )
    pulumi.export("in_sync", gate.status)
