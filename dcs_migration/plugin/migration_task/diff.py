"""What a change of inputs asks for. No call is made; unknown values are weighed by the phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dcs_migration.dcs.errors import TaskError
from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.plugin.inputs import is_unknown
from dcs_migration.plugin.migration_task.fields import (
    DEFAULTS,
    DELETE_TIMEOUT,
    INPUTS,
    PASSWORD,
    WITH_PASSWORD,
    OnChange,
    Props,
    normalised,
    without_password,
)
from dcs_migration.plugin.migration_task.inputs import BACKUP, moved


@dataclass(frozen=True)
class Changes:
    """The names of the inputs whose change replaces the task, and of those that only update state."""

    replaces: tuple[str, ...]
    updates: tuple[str, ...]


def compare(id_: str, olds: Props, news: Props, *, preview: bool) -> Changes:
    """Compare old outputs with new inputs by the table in :mod:`fields`.

    In a preview an unknown value counts as a change. In an update it does not: there the engine asks with
    unknowns only while something upstream is being replaced, and asks again with the values.

    Raises:
        TaskError: the change cannot be made while the task is one that was taken over.
    """
    old, new = normalised(olds), normalised(news)
    changed = [key for key in INPUTS if _changed(key, old, new, unknown_is_change=preview)]
    replaces = tuple(key for key in changed if INPUTS[key] is not OnChange.UPDATE)
    updates = [key for key in changed if INPUTS[key] is OnChange.UPDATE]
    for key in WITH_PASSWORD:
        if not is_unknown(new.get(key)) and not _same(_password(old, key), _password(new, key), preview):
            updates.append(f"{key}.{PASSWORD}")
    if olds.get(DELETE_TIMEOUT) != news.get(DELETE_TIMEOUT):
        updates.append("opts.custom_timeouts.delete")
    _require_same_place(old, news)
    _require_taken_over_stays(id_, new, replaces)
    return Changes(replaces, tuple(updates))


def _changed(key: str, old: Props, new: Props, *, unknown_is_change: bool) -> bool:
    if INPUTS[key] is OnChange.REPLACE_IF_GIVEN and (key not in new or key not in old):
        return False
    before, after = without_password(old.get(key)), without_password(new.get(key))
    return not _same(before, after, unknown_is_change)


def _same(old: Any, new: Any, unknown_is_change: bool) -> bool:
    if is_unknown(new):
        return not unknown_is_change
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        if not unknown_is_change:
            unknown = {key for key, value in new.items() if is_unknown(value)}
            old, new = ({key: side[key] for key in side if key not in unknown} for side in (old, new))
        return old.keys() == new.keys() and all(_same(old[key], new[key], unknown_is_change) for key in new)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(lambda a, b: _same(a, b, unknown_is_change), old, new))
    # Python takes True for 1; Pulumi keeps them apart.
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)


def _password(props: Props, key: str) -> Any:
    instance = props.get(key)
    return instance.get(PASSWORD) if isinstance(instance, Mapping) else None


def _require_same_place(old: Props, news: Props) -> None:
    """A project that was looked up at create is in no old input, so that ``check`` could not compare it."""
    known, configured = old.get("project_id"), news.get("project_id")
    defaulted = "project_id" in (news.get(DEFAULTS) or ()) and old.get("region") == news.get("region")
    if defaulted and known and configured and known != configured:
        raise TaskError(f"project_id: {moved('project_id', 'project', known, configured)}")


def _require_taken_over_stays(id_: str, new: Props, replaces: tuple[str, ...]) -> None:
    wanted = new.get("existing_task_id")
    if wanted is None or is_unknown(wanted):
        return
    if id_ and wanted != id_:
        raise TaskError(
            f"existing_task_id: this resource holds task {id_}, and a resource stays with its task; "
            f"write another resource for task {wanted}"
        )
    if replaces:
        raise TaskError(
            f"{', '.join(replaces)}: a change replaces the task, and existing_task_id says to keep task {wanted}; "
            "remove existing_task_id to start a new task"
        )


def replacement_warning(changes: Changes, olds: Props, news: Props) -> str | None:
    """Say what a replacement does to the target, unless the old task certainly never filled it."""
    if not changes.replaces or lookup(olds.get("status")).kind in (Kind.FAILURE, Kind.STOPPED):
        return None
    run = "IMPORT" if news.get("migration_type") == BACKUP else "MIGRATION"
    target = news.get("target_instance")
    instance = target.get("id") if isinstance(target, Mapping) else target
    over = "the target instance" if instance is None or is_unknown(instance) else f"instance {instance}"
    return (
        f"replaced because {', '.join(changes.replaces)} changed: RUNS THE {run} AGAIN over {over}; "
        "same keys are overwritten"
    )
