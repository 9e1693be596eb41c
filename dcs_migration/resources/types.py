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


class BackupFile(_BackupFileRequired, total=False):
    """One backup file in the bucket: its object key; `size` and `update_at` are display texts."""

    size: pulumi.Input[str]
    update_at: pulumi.Input[str]


class BackupFiles(TypedDict, total=False):
    """What a backup import loads: `bucket_name` and `files`, or the `backup_id` of a backup record."""

    file_source: pulumi.Input[FileSource]
    bucket_name: pulumi.Input[str]
    files: pulumi.Input[Sequence[pulumi.Input[BackupFile]]]
    backup_id: pulumi.Input[str]


class _SourceInstanceRequired(TypedDict):
    addrs: pulumi.Input[str]


class SourceInstance(_SourceInstanceRequired, total=False):
    """The running Redis to copy from: `addrs` is `host:port[,host:port...]`."""

    password: pulumi.Input[str]


class _TargetInstanceRequired(TypedDict):
    id: pulumi.Input[str]


class TargetInstance(_TargetInstanceRequired, total=False):
    """The DCS instance that receives the data."""

    name: pulumi.Input[str]
    password: pulumi.Input[str]


class RedisInstance(TypedDict, total=False):
    """One side of an online migration: a DCS instance by `id`, or another Redis by `addrs`."""

    id: pulumi.Input[str]
    addrs: pulumi.Input[str]
    password: pulumi.Input[str]
