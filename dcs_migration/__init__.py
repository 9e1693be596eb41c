"""Huawei Cloud DCS (Redis) data-migration tasks as Pulumi resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

__version__: str
"""The installed version."""

if not TYPE_CHECKING:  # or type checkers would take every misspelt name for a text

    def __getattr__(name: str) -> str:
        """Read the version from the metadata when it is asked for: every program would pay for it otherwise."""
        if name == "__version__":
            from importlib.metadata import PackageNotFoundError, version

            try:
                return version("pulumi-dcs-migration")
            except PackageNotFoundError:
                pass  # a checkout on PYTHONPATH, which isn't installed
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
