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

# Required and optional keys stand in two classes, because `Required` is newer than Python 3.10.


class _BackupFileRequired(TypedDict):
    file_name: pulumi.Input[str]
    """Object key of the file in the bucket."""


class BackupFile(_BackupFileRequired, total=False):
    """One backup file in the bucket: its object key; `size` and `update_at` are display texts."""

    size: pulumi.Input[str]
    """Size as a display text; the service does not interpret it."""
    update_at: pulumi.Input[str]
    """Time of the last change as a display text; the service does not interpret it."""


class BackupFiles(TypedDict, total=False):
    """What a backup import loads: `bucket_name` and `files`, or the `backup_id` of a backup record."""

    file_source: pulumi.Input[FileSource]
    """Default: `self_build_obs` where `bucket_name` is given, `backup_record` where `backup_id` is."""
    bucket_name: pulumi.Input[str]
    """OBS bucket in the target's region; goes with `files`."""
    files: pulumi.Input[Sequence[pulumi.Input[BackupFile]]]
    """Backup files in the bucket (.rdb, .aof, .zip, .tar.gz), one at least."""
    backup_id: pulumi.Input[str]
    """Id of a backup record that DCS made, in place of a bucket and its files."""


class _SourceInstanceRequired(TypedDict):
    addrs: pulumi.Input[str]
    """`host:port`, several separated by commas. No scheme and no password in it."""


class SourceInstance(_SourceInstanceRequired, total=False):
    """The running Redis to copy from: `addrs` is `host:port[,host:port...]`."""

    password: pulumi.Input[str] | None
    """Password of the instance, when it has one. Always a secret; a change of it alone runs nothing again."""


class _TargetInstanceRequired(TypedDict):
    id: pulumi.Input[str]
    """Id of the DCS instance."""


class TargetInstance(_TargetInstanceRequired, total=False):
    """The DCS instance that receives the data."""

    name: pulumi.Input[str]
    """Name of the DCS instance; the id alone decides."""
    password: pulumi.Input[str] | None
    """Password of the instance, when it has one. Always a secret; a change of it alone runs nothing again."""


class RedisInstance(TypedDict, total=False):
    """One side of an online migration: a DCS instance by `id`, or another Redis by `addrs`."""

    id: pulumi.Input[str]
    """Id of the DCS instance."""
    addrs: pulumi.Input[str]
    """`host:port`, several separated by commas. No scheme and no password in it."""
    password: pulumi.Input[str] | None
    """Password of the instance, when it has one. Always a secret; a change of it alone runs nothing again."""
