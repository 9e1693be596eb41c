"""Huawei Cloud DCS (Redis) data-migration tasks as Pulumi resources."""

from __future__ import annotations

from dcs_migration.resources.migration_completion import MigrationCompletion
from dcs_migration.resources.migration_instance import MigrationInstance
from dcs_migration.resources.migration_task import MigrationTask
from dcs_migration.resources.online_migration import OnlineMigration
from dcs_migration.resources.online_migration_task import OnlineMigrationTask
from dcs_migration.resources.provider import Provider, provider_process
from dcs_migration.resources.types import (
    BackupFile,
    BackupFiles,
    FileSource,
    MigrationMethod,
    MigrationType,
    NetworkType,
    OnlineMigrationState,
    RedisInstance,
    ResumeMode,
    SourceInstance,
    TargetInstance,
    Until,
)

__all__ = [
    "BackupFile",
    "BackupFiles",
    "FileSource",
    "MigrationCompletion",
    "MigrationInstance",
    "MigrationMethod",
    "MigrationTask",
    "MigrationType",
    "NetworkType",
    "OnlineMigration",
    "OnlineMigrationState",
    "OnlineMigrationTask",
    "Provider",
    "RedisInstance",
    "ResumeMode",
    "SourceInstance",
    "TargetInstance",
    "Until",
    "provider_process",
]
