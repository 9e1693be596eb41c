"""What a user may write for an online migration, beyond the schema. No call is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dcs_migration.names import CREATE_TIMEOUT, DELETE_TIMEOUT, FULL, INCREMENTAL, UPDATE_TIMEOUT
from dcs_migration.plugin.config import Settings
from dcs_migration.plugin.inputs import certain
from dcs_migration.plugin.online_migration.fields import INPUTS, SWITCHED, WITH_PASSWORD, normalised
from dcs_migration.plugin.results import CheckResult
from dcs_migration.plugin.tasks import spec
from dcs_migration.plugin.tasks.props import Props
from dcs_migration.plugin.tasks.spec import Spec


def _across_fields(written: Mapping[str, Any], new: bool) -> Iterator[str]:
    existing = written.get("existing_task_id")
    if (
        certain(written, "task_id")
        and certain(written, "existing_task_id")
        and existing != written["task_id"]
    ):
        yield "task_id: is another id than existing_task_id, write the same one, or leave it out"
    for key in WITH_PASSWORD:
        if isinstance(written.get(key), Mapping):
            yield from _id_or_addrs(key, written[key])
    if written.get("migration_method") == FULL and certain(written, "bandwidth_limit_mb"):
        yield f"bandwidth_limit_mb: is only for {INCREMENTAL} and would be ignored, leave it out"
    if written.get("state") != SWITCHED:
        return
    if new and existing is None:
        yield (
            'state: a new migration cannot begin switched, write "running" first, and "switched" when the target '
            "has caught up"
        )
    if written.get("migration_method") == FULL:
        yield f'state: only an {INCREMENTAL} can be switched, write "running" or "stopped"'
    for key in WITH_PASSWORD:
        instance = written.get(key)
        if isinstance(instance, Mapping) and "id" not in instance:
            yield f"{key}.id: is required to switch addresses, which only DCS instances can, write the instance's id"


def _id_or_addrs(key: str, instance: Mapping[str, Any]) -> Iterator[str]:
    if "id" not in instance and "addrs" not in instance:
        yield f'{key}: says no Redis, write {{"id": ...}} for a DCS instance or {{"addrs": "host:port"}} for another'
    elif certain(instance, "id") and certain(instance, "addrs"):
        yield f"{key}: has both id and addrs, write one of them"


SPEC = Spec(
    "online_migration",
    INPUTS,
    normalised,
    timeouts=(CREATE_TIMEOUT, UPDATE_TIMEOUT, DELETE_TIMEOUT),
    with_password=WITH_PASSWORD,
    across=_across_fields,
)


def check(olds: Props, news: Props, settings: Settings) -> CheckResult:
    """Validate and complete the inputs; a migration that is taken over names its instance by that."""
    if news.get("existing_task_id") is not None and news.get("task_id") is None:
        news = {**news, "task_id": news["existing_task_id"]}
    return spec.check(SPEC, olds, news, settings)
