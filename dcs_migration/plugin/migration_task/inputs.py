"""What a user may write, beyond the schema: rules across fields, defaults, warnings. No call is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dcs_migration.plugin.config import Settings
from dcs_migration.plugin.inputs import is_unknown, problems
from dcs_migration.plugin.migration_task.fields import normalised
from dcs_migration.plugin.tasks.defaults import fill
from dcs_migration.plugin.tasks.mark import news_of
from dcs_migration.plugin.tasks.props import DEFAULTS, DELETE_TIMEOUT, OWNER, URN, Props, without_nulls
from dcs_migration.plugin.tasks.timeouts import timeout_problems

SCHEMA = "migration_task"
GET_SCHEMA = "migration_task_get"

BACKUP, ONLINE = "backupfile_import", "online_migration"
FROM_BUCKET, FROM_RECORD = "self_build_obs", "backup_record"

_USUAL_NAME = re.compile(r"[A-Za-z0-9_-]{4,64}")


@dataclass
class Checked:
    """The result of a check: complete inputs, or what is wrong with them."""

    inputs: dict[str, Any]
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check(olds: Props, news: Props, settings: Settings) -> Checked:
    """Validate and complete the inputs of a task.

    Args:
        olds: The old inputs; empty for a new task, also for the new one of a replacement.
        news: What the user wrote now; may contain unknown values.
        settings: Where the defaults of region and project come from.
    """
    news = without_nulls(news)
    written = {key: value for key, value in news.items() if not key.startswith("__")}
    found = [*problems(SCHEMA, news_of(olds, written)), *_across_fields(written), *timeout_problems(news)]
    inputs = normalised(written)
    filled, missing = fill(inputs, olds, news, settings, name="task_name")
    found += missing
    hidden = {key: news[key] for key in (URN, OWNER, DELETE_TIMEOUT) if key in news}
    complete = {**inputs, **hidden, DEFAULTS: filled}
    return Checked(complete, found, [] if found else list(_warnings(normalised(olds), inputs, filled)))


def get_problems(id_: str, props: Props) -> list[str]:
    """Return one line for each thing that is wrong with what names a task to be read."""
    named = {"id": id_, **{key: props[key] for key in ("region", "project_id") if props.get(key) is not None}}
    return problems(GET_SCHEMA, named)


def _across_fields(written: Mapping[str, Any]) -> Iterator[str]:
    kind = written.get("migration_type")
    if kind == BACKUP:
        yield from _belongs_to(
            written, "backup_files", BACKUP, '{"bucket_name": ..., "files": [...]} or {"backup_id": ...}'
        )
        yield from _foreign_to(written, ("source_instance", "network_type"), ONLINE)
    elif kind == ONLINE:
        yield from _belongs_to(written, "source_instance", ONLINE, '{"addrs": "host:port"}')
        yield from _foreign_to(written, ("backup_files",), BACKUP)
    if isinstance(written.get("backup_files"), Mapping):
        yield from _backup_files(written["backup_files"])
    source = written.get("source_instance")
    if isinstance(source, Mapping) and isinstance(source.get("addrs"), str):
        yield from _ports(source["addrs"])


def _certain(props: Mapping[str, Any], key: str) -> bool:
    """Whether the key has a value; an unknown one may yet turn out to be none."""
    return key in props and not is_unknown(props[key])


def _belongs_to(written: Mapping[str, Any], key: str, kind: str, example: str) -> Iterator[str]:
    if key not in written:
        yield f"{key}: is required for {kind}, write {example}"


def _foreign_to(written: Mapping[str, Any], keys: tuple[str, ...], kind: str) -> Iterator[str]:
    for key in keys:
        if _certain(written, key):
            yield f"{key}: is only for {kind} and would be ignored, leave it out"


_FILE_SOURCES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # file_source: (keys it needs, keys that it would ignore)
    FROM_BUCKET: (("bucket_name", "files"), ("backup_id",)),
    FROM_RECORD: (("backup_id",), ("bucket_name", "files")),
}
_FILE_EXAMPLES = {
    "bucket_name": 'for example "my-backups"',
    "files": 'for example [{"file_name": "orders.rdb"}]',
    "backup_id": "the id of the backup record",
}


def _sources(files: Mapping[str, Any], has: Callable[[Mapping[str, Any], str], bool]) -> list[str]:
    """The sources of files that the keys speak of."""
    from_bucket = has(files, "bucket_name") or has(files, "files")
    return [FROM_BUCKET] * from_bucket + [FROM_RECORD] * has(files, "backup_id")


def _backup_files(files: Mapping[str, Any]) -> Iterator[str]:
    source = files.get("file_source")
    if source is None:
        sources = _sources(files, _certain) or _sources(files, lambda given, key: key in given)
        if not sources:
            yield "backup_files: says no files, write bucket_name and files, or backup_id"
        elif len(sources) == 1:
            (source,) = sources
        elif _certain(files, "bucket_name") and _certain(files, "backup_id"):
            yield "backup_files: has both bucket_name and backup_id, write one of them"
    if not isinstance(source, str) or source not in _FILE_SOURCES:
        return  # unknown as yet, or said already
    needed, ignored = _FILE_SOURCES[source]
    for key in needed:
        if key not in files:
            yield f"backup_files.{key}: is required for {source}, write {_FILE_EXAMPLES[key]}"
    for key in ignored:
        if _certain(files, key):
            yield f"backup_files.{key}: would be ignored for {source}, leave it out"


def _ports(addrs: str) -> Iterator[str]:
    ports = re.findall(r":(\d{1,5})\s*(?:,|$)", addrs)
    if any(not 1 <= int(port) <= 65535 for port in ports):
        yield "source_instance.addrs: has a port outside 1 to 65535, correct it"


def _warnings(olds: Props, inputs: Props, filled: list[str]) -> Iterator[str]:
    """Warn of what is new in this definition; what was accepted before is not news."""

    def new(*keys: str) -> bool:
        return any(inputs.get(key) != olds.get(key) for key in keys)

    kind, method = inputs.get("migration_type"), inputs.get("migration_method")
    if kind == ONLINE and new("migration_type"):
        yield (
            "migration_type: most regions have withdrawn online_migration from this call (CreateMigrationTask); "
            "where that is so, the service will refuse it"
        )
    if kind == BACKUP and method == "incremental_migration" and new("migration_type", "migration_method"):
        yield (
            "migration_method: a backup import copies once, incremental_migration does nothing more; "
            "write full_amount_migration"
        )
    name = inputs.get("task_name")
    if (
        isinstance(name, str)
        and "task_name" not in filled
        and new("task_name")
        and not _USUAL_NAME.fullmatch(name)
    ):
        yield (
            "task_name: is not 4 to 64 letters, digits, '-' and '_', as names of DCS instances are; "
            "the service may refuse it"
        )
