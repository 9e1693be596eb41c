"""Huawei Cloud DCS (Redis) data-migration tasks as Pulumi resources."""

from __future__ import annotations

from dcs_migration.resources.migration_completion import MigrationCompletion
from dcs_migration.resources.migration_task import MigrationTask
from dcs_migration.resources.provider_process import provider_process
from dcs_migration.resources.types import (
    BackupFile,
    BackupFiles,
    FileSource,
    MigrationMethod,
    MigrationType,
    NetworkType,
    SourceInstance,
    TargetInstance,
)

__all__ = [
    "BackupFile",
    "BackupFiles",
    "FileSource",
    "MigrationCompletion",
    "MigrationMethod",
    "MigrationTask",
    "MigrationType",
    "NetworkType",
    "SourceInstance",
    "TargetInstance",
    "provider_process",
]
