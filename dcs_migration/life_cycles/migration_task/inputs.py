"""The inputs of a ``MigrationTask``, and the effect of a change of each one. No calls are made.

The first table has the effects of changes. The rules across fields, the warnings and the texts for a replacement
follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dcs_migration.dcs.statuses import lookup
from dcs_migration.life_cycles.inputs import certain, is_unknown, problems
from dcs_migration.life_cycles.tasks.props import OnChange, Props, without_nulls
from dcs_migration.life_cycles.tasks.replacing import NEVER_FILLED
from dcs_migration.life_cycles.tasks.spec import Changes, Spec
from dcs_migration.names import (
    BACKUP_IMPORT,
    DEFAULTS,
    DELETE_TIMEOUT,
    FROM_BUCKET,
    FROM_RECORD,
    INCREMENTAL,
    ONLINE_MIGRATION,
)

INPUTS: dict[str, OnChange] = {
    "task_name": OnChange.REPLACE,
    "description": OnChange.REPLACE,
    "migration_type": OnChange.REPLACE,
    "migration_method": OnChange.REPLACE,
    "backup_files": OnChange.REPLACE,
    "network_type": OnChange.REPLACE,
    "source_instance": OnChange.REPLACE,
    "target_instance": OnChange.REPLACE,
    "region": OnChange.REPLACE,
    "project_id": OnChange.REPLACE_IF_GIVEN,
    "triggers": OnChange.REPLACE,
    "existing_task_id": OnChange.UPDATE,
}

# The service uses a password once and never returns it. A nightly rotation must not run an import again
# over live data.
WITH_PASSWORD = ("source_instance", "target_instance")

MARKED = tuple(key for key in INPUTS if key not in ("region", "project_id", "existing_task_id"))


def normalised(props: Props) -> dict[str, Any]:
    """Return the inputs in a property bag in the form that is compared and sent, with their defaults.

    Both sides of a comparison use this function, so a default that a later release adds isn't a change.
    """
    inputs: dict[str, Any] = {key: without_nulls(props[key]) for key in INPUTS if props.get(key) is not None}
    if inputs.get("triggers") == []:
        del inputs["triggers"]  # no triggers, in any form
    files = inputs.get("backup_files")
    if isinstance(files, dict) and "file_source" not in files:
        if "bucket_name" in files:
            files["file_source"] = FROM_BUCKET
        elif "backup_id" in files:
            files["file_source"] = FROM_RECORD
    return inputs


GET_SCHEMA = "migration_task_get"


_USUAL_NAME = re.compile(r"[A-Za-z0-9_-]{4,64}")


def get_problems(id_: str, props: Props) -> list[str]:
    """Return one line for each problem with the inputs of a task that is only read."""
    named = {"id": id_, **{key: props[key] for key in ("region", "project_id") if props.get(key) is not None}}
    return problems(GET_SCHEMA, named)


def _across_fields(written: Mapping[str, Any], new: bool) -> Iterator[str]:
    kind = written.get("migration_type")
    if kind == BACKUP_IMPORT:
        yield from _belongs_to(
            written,
            "backup_files",
            BACKUP_IMPORT,
            '{"bucket_name": ..., "files": [...]} or {"backup_id": ...}',
        )
        yield from _foreign_to(written, ("source_instance", "network_type"), ONLINE_MIGRATION)
    elif kind == ONLINE_MIGRATION:
        yield from _belongs_to(written, "source_instance", ONLINE_MIGRATION, '{"addrs": "host:port"}')
        yield from _foreign_to(written, ("backup_files",), BACKUP_IMPORT)
    if isinstance(written.get("backup_files"), Mapping):
        yield from _backup_files(written["backup_files"])
    source = written.get("source_instance")
    if isinstance(source, Mapping) and isinstance(source.get("addrs"), str):
        yield from _ports(source["addrs"])


def _belongs_to(written: Mapping[str, Any], key: str, kind: str, example: str) -> Iterator[str]:
    if key not in written:
        yield f"{key}: is required for {kind}; use {example}"


def _foreign_to(written: Mapping[str, Any], keys: tuple[str, ...], kind: str) -> Iterator[str]:
    for key in keys:
        if certain(written, key):
            yield f"{key}: is only used for {kind}; leave it out"


_FILE_SOURCES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # file_source: (keys it needs, keys that it would ignore)
    FROM_BUCKET: (("bucket_name", "files"), ("backup_id",)),
    FROM_RECORD: (("backup_id",), ("bucket_name", "files")),
}
_FILE_EXAMPLES = {
    "bucket_name": 'a value such as "my-backups"',
    "files": 'a value such as [{"file_name": "orders.rdb"}]',
    "backup_id": "the id of the backup record",
}


def _sources(files: Mapping[str, Any], has: Callable[[Mapping[str, Any], str], bool]) -> list[str]:
    """The sources of files that the keys belong to."""
    from_bucket = has(files, "bucket_name") or has(files, "files")
    return [FROM_BUCKET] * from_bucket + [FROM_RECORD] * has(files, "backup_id")


def _backup_files(files: Mapping[str, Any]) -> Iterator[str]:
    source = files.get("file_source")
    if source is None:
        sources = _sources(files, certain) or _sources(files, lambda given, key: key in given)
        if not sources:
            yield "backup_files: has no files; set bucket_name and files, or backup_id"
        elif len(sources) == 1:
            (source,) = sources
        elif certain(files, "bucket_name") and certain(files, "backup_id"):
            yield "backup_files: has both bucket_name and backup_id; use only one of them"
    if not isinstance(source, str) or source not in _FILE_SOURCES:
        return  # not known yet, or already reported
    needed, ignored = _FILE_SOURCES[source]
    for key in needed:
        if key not in files:
            yield f"backup_files.{key}: is required for {source}; use {_FILE_EXAMPLES[key]}"
    for key in ignored:
        if certain(files, key):
            yield f"backup_files.{key}: isn't used for {source}; leave it out"


def _ports(addrs: str) -> Iterator[str]:
    ports = re.findall(r":(\d{1,5})\s*(?:,|$)", addrs)
    if any(not 1 <= int(port) <= 65535 for port in ports):
        yield "source_instance.addrs: has a port outside 1 to 65535; correct it"


SPEC = Spec(
    "migration_task",
    INPUTS,
    normalised,
    timeouts=(DELETE_TIMEOUT,),
    name="task_name",
    with_password=WITH_PASSWORD,
    across=_across_fields,
)


def warnings(olds: Props, inputs: Props) -> Iterator[str]:
    """Warn about changes in checked inputs; inputs that were accepted before get no warning."""
    olds, filled = normalised(olds), inputs[DEFAULTS]

    def new(*keys: str) -> bool:
        return any(inputs.get(key) != olds.get(key) for key in keys)

    kind, method = inputs.get("migration_type"), inputs.get("migration_method")
    if kind == ONLINE_MIGRATION and new("migration_type"):
        yield (
            "migration_type: most regions no longer support online_migration in CreateMigrationTask; in "
            "those the service rejects the task"
        )
    if kind == BACKUP_IMPORT and method == INCREMENTAL and new("migration_type", "migration_method"):
        yield (
            "migration_method: a backup import copies once, so incremental_migration has no effect; use "
            "full_amount_migration"
        )
    name = inputs.get("task_name")
    if (
        isinstance(name, str)
        and "task_name" not in filled
        and new("task_name")
        and not _USUAL_NAME.fullmatch(name)
    ):
        yield (
            "task_name: isn't 4 to 64 letters, digits, '-' and '_', as DCS instance names are; the "
            "service may reject it"
        )


def replacement_warning(changes: Changes, olds: Props, news: Props) -> str | None:
    """Return the effect of a replacement on the target, unless the old task certainly never wrote to it."""
    if not changes.replaces or lookup(olds.get("status")).kind in NEVER_FILLED:
        return None
    return f"replaced because {', '.join(changes.replaces)} changed: {runs_again(news)}"


def runs_again(news: Props) -> str:
    """Return the effect on the target if a task with these inputs is created again."""
    run = "IMPORT" if news.get("migration_type") == BACKUP_IMPORT else "MIGRATION"
    target = news.get("target_instance")
    instance = target.get("id") if isinstance(target, Mapping) else target
    over = "the target instance" if instance is None or is_unknown(instance) else f"instance {instance}"
    return f"RUNS THE {run} AGAIN into {over}; keys with the same name are overwritten"
