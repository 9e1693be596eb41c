"""What runs on a target, which takes one migration at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from dcs_migration.dcs.errors import TaskNotFound
from dcs_migration.dcs.models import TaskRow, addresses
from dcs_migration.dcs.statuses import lookup
from dcs_migration.plugin.account import Account

SEEN_WITHIN = 60.0  # seconds: after so long the listing shows each task that was started


def occupants(
    account: Account, rows: Iterable[TaskRow], target: Mapping[str, Any], *, but: str | None = None
) -> list[TaskRow]:
    """Return the listed tasks that run on a target, but for one.

    The listing may not show yet what this process has just started: of that Show tells.

    Raises:
        DcsMigrationError: what the service answered.
    """
    others = {row.id: row for row in rows if row.id != but and row.id not in account.deleted}
    found = [row for row in others.values() if _occupies(row, target)]
    recent = account.clock.monotonic() - SEEN_WITHIN
    for id_, (moment, begun) in {**account.started, **account.begun}.items():
        seen = moment <= recent or any(row.id == id_ for row in found)
        if seen or id_ == but or id_ in account.deleted or not _occupies(begun, target):
            continue
        try:
            now = replace(begun, status=account.client.show_migration_task(id_).status)
        except TaskNotFound:
            continue
        if _occupies(now, target):
            found.append(now)
    return found


def _occupies(row: TaskRow, target: Mapping[str, Any]) -> bool:
    """Whether a task runs into a target, given by its ``id`` or its ``addrs``."""
    status = lookup(row.status)
    if status.ended or status.idle:
        return False
    if target.get("id"):
        return bool(row.target_instance_id == target["id"])
    return bool(addresses(target.get("addrs")) & addresses(row.target_instance_addrs))
