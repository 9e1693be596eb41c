"""What a change of inputs asks for. No call is made; unknown values are weighed by the phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dcs_migration.dcs.statuses import lookup
from dcs_migration.plugin.inputs import is_unknown
from dcs_migration.plugin.migration_task.fields import INPUTS, WITH_PASSWORD, normalised
from dcs_migration.plugin.migration_task.inputs import BACKUP
from dcs_migration.plugin.tasks.defaults import require_same_project, require_taken_over_stays
from dcs_migration.plugin.tasks.props import (
    DELETE_TIMEOUT,
    PASSWORD,
    OnChange,
    Props,
    changed,
    password_of,
    same,
)
from dcs_migration.plugin.tasks.replacing import NEVER_FILLED


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
    differing = [key for key in INPUTS if changed(key, INPUTS[key], old, new, unknown_is_change=preview)]
    replaces = tuple(key for key in differing if INPUTS[key] is not OnChange.UPDATE)
    updates = [key for key in differing if INPUTS[key] is OnChange.UPDATE]
    for key in WITH_PASSWORD:
        if not is_unknown(new.get(key)) and not same(password_of(old, key), password_of(new, key), preview):
            updates.append(f"{key}.{PASSWORD}")
    if olds.get(DELETE_TIMEOUT) != news.get(DELETE_TIMEOUT):
        updates.append("opts.custom_timeouts.delete")
    require_same_project(old, news)
    require_taken_over_stays(id_, new, replaces)
    return Changes(replaces, tuple(updates))


def replacement_warning(changes: Changes, olds: Props, news: Props) -> str | None:
    """Say what a replacement does to the target, unless the old task certainly never filled it."""
    if not changes.replaces or lookup(olds.get("status")).kind in NEVER_FILLED:
        return None
    return f"replaced because {', '.join(changes.replaces)} changed: {runs_again(news)}"


def runs_again(news: Props) -> str:
    """Say what a task with these inputs does to its target when it is made anew."""
    run = "IMPORT" if news.get("migration_type") == BACKUP else "MIGRATION"
    target = news.get("target_instance")
    instance = target.get("id") if isinstance(target, Mapping) else target
    over = "the target instance" if instance is None or is_unknown(instance) else f"instance {instance}"
    return f"RUNS THE {run} AGAIN over {over}; same keys are overwritten"
