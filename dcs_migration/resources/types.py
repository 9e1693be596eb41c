"""The shapes of the nested inputs: plain dict literals type-check against them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

import pulumi

MigrationType = Literal["backupfile_import", "online_migration"]
MigrationMethod = Literal["full_amount_migration", "incremental_migration"]
NetworkType = Literal["vpc", "vpn"]
ResumeMode = Literal["auto", "manual"]
OnlineMigrationState = Literal["running", "stopped", "switched"]
Until = Literal["done", "in_sync"]
FileSource = Literal["self_build_obs", "backup_record"]

# Required and optional keys are in separate classes, because `Required` is newer than Python 3.10.


class _BackupFileRequired(TypedDict):
    file_name: pulumi.Input[str]
    """Object key of the file in the bucket."""


class BackupFile(_BackupFileRequired, total=False):
    """One backup file in the bucket: its object key; `size` and `update_at` are only displayed."""

    size: pulumi.Input[str]
    """Size as display text; the service doesn't interpret it."""
    update_at: pulumi.Input[str]
    """Time of the last change as display text; the service doesn't interpret it."""


class BackupFiles(TypedDict, total=False):
    """What a backup import loads: `bucket_name` and `files`, or the `backup_id` of a backup record."""

    file_source: pulumi.Input[FileSource]
    """Default: `self_build_obs` with `bucket_name`, `backup_record` with `backup_id`."""
    bucket_name: pulumi.Input[str]
    """OBS bucket in the target's region; requires `files`."""
    files: pulumi.Input[Sequence[pulumi.Input[BackupFile]]]
    """Backup files in the bucket (.rdb, .aof, .zip, .tar.gz), at least one."""
    backup_id: pulumi.Input[str]
    """Id of a backup record that DCS made, instead of a bucket and its files."""


class _SourceInstanceRequired(TypedDict):
    addrs: pulumi.Input[str]
    """`host:port`; separate several with commas. Don't write a scheme or a password in it."""


class SourceInstance(_SourceInstanceRequired, total=False):
    """The running Redis to copy from: `addrs` is `host:port[,host:port...]`."""

    password: pulumi.Input[str] | None
    """Password of the instance, if it has one. Always a secret; changing only the password doesn't run the
    migration again."""


class _TargetInstanceRequired(TypedDict):
    id: pulumi.Input[str]
    """Id of the DCS instance."""


class TargetInstance(_TargetInstanceRequired, total=False):
    """The DCS instance that receives the data."""

    name: pulumi.Input[str]
    """Name of the DCS instance; only the id is significant."""
    password: pulumi.Input[str] | None
    """Password of the instance, if it has one. Always a secret; changing only the password doesn't run the
    migration again."""


class RedisInstance(TypedDict, total=False):
    """One side of an online migration: a DCS instance by `id`, or another Redis by `addrs`."""

    id: pulumi.Input[str]
    """Id of the DCS instance."""
    addrs: pulumi.Input[str]
    """`host:port`; separate several with commas. Don't write a scheme or a password in it."""
    password: pulumi.Input[str] | None
    """Password of the instance, if it has one. Always a secret; changing only the password doesn't run the
    migration again."""
