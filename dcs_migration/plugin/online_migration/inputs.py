"""What a user may write for an online migration, beyond the schema. No call is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dcs_migration.plugin.config import Settings
from dcs_migration.plugin.inputs import is_unknown, problems
from dcs_migration.plugin.online_migration.fields import SWITCHED, WITH_PASSWORD, normalised
from dcs_migration.plugin.tasks.defaults import fill
from dcs_migration.plugin.tasks.props import (
    CREATE_TIMEOUT,
    DEFAULTS,
    DELETE_TIMEOUT,
    OWNER,
    UPDATE_TIMEOUT,
    URN,
    Props,
    without_nulls,
)
from dcs_migration.plugin.tasks.timeouts import timeout_problems

SCHEMA = "online_migration"
FULL, INCREMENTAL = "full_amount_migration", "incremental_migration"

_HIDDEN = (URN, OWNER, CREATE_TIMEOUT, UPDATE_TIMEOUT, DELETE_TIMEOUT)


@dataclass
class Checked:
    """The result of a check: complete inputs, or what is wrong with them."""

    inputs: dict[str, Any]
    problems: list[str] = field(default_factory=list)


def check(olds: Props, news: Props, settings: Settings) -> Checked:
    """Validate and complete the inputs of an online migration.

    Args:
        olds: The old inputs; empty for a new one, also for the new one of a replacement.
        news: What the user wrote now; may contain unknown values.
        settings: Where the defaults of region and project come from.
    """
    news = without_nulls(news)
    written = {key: value for key, value in news.items() if not key.startswith("__")}
    if "existing_task_id" in written:
        written.setdefault("task_id", written["existing_task_id"])
    found = [*problems(SCHEMA, written), *_across_fields(written, new=not olds), *timeout_problems(news)]
    inputs = normalised(written)
    filled, missing = fill(inputs, olds, news, settings, name=None)
    hidden = {key: news[key] for key in _HIDDEN if key in news}
    return Checked({**inputs, **hidden, DEFAULTS: filled}, [*found, *missing])


def _across_fields(written: Mapping[str, Any], *, new: bool) -> Iterator[str]:
    existing = written.get("existing_task_id")
    if (
        _certain(written, "task_id")
        and _certain(written, "existing_task_id")
        and existing != written["task_id"]
    ):
        yield "task_id: is another id than existing_task_id, write the same one, or leave it out"
    for key in WITH_PASSWORD:
        if isinstance(written.get(key), Mapping):
            yield from _id_or_addrs(key, written[key])
    if written.get("migration_method") == FULL and _certain(written, "bandwidth_limit_mb"):
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
    elif _certain(instance, "id") and _certain(instance, "addrs"):
        yield f"{key}: has both id and addrs, write one of them"


def _certain(props: Mapping[str, Any], key: str) -> bool:
    """Whether the key has a value; an unknown one may yet turn out to be none."""
    return key in props and not is_unknown(props[key])
