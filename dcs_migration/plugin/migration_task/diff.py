"""What a change of a task's inputs does to its target, in words."""

from __future__ import annotations

from collections.abc import Mapping

from dcs_migration.dcs.statuses import lookup
from dcs_migration.names import BACKUP_IMPORT
from dcs_migration.plugin.inputs import is_unknown
from dcs_migration.plugin.tasks.props import Props
from dcs_migration.plugin.tasks.replacing import NEVER_FILLED
from dcs_migration.plugin.tasks.spec import Changes


def replacement_warning(changes: Changes, olds: Props, news: Props) -> str | None:
    """Say what a replacement does to the target, unless the old task certainly never filled it."""
    if not changes.replaces or lookup(olds.get("status")).kind in NEVER_FILLED:
        return None
    return f"replaced because {', '.join(changes.replaces)} changed: {runs_again(news)}"


def runs_again(news: Props) -> str:
    """Say what a task with these inputs does to its target when it is made anew."""
    run = "IMPORT" if news.get("migration_type") == BACKUP_IMPORT else "MIGRATION"
    target = news.get("target_instance")
    instance = target.get("id") if isinstance(target, Mapping) else target
    over = "the target instance" if instance is None or is_unknown(instance) else f"instance {instance}"
    return f"RUNS THE {run} AGAIN over {over}; same keys are overwritten"
