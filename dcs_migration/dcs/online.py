"""What the service answers about online migrations that run on a migration instance, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dcs_migration.dcs.models import Malformed, fields, task_id_of, text

JOB_SUCCEEDED, JOB_FAILED = "SUCCESS", "FAIL"

EXCHANGED = "EXCHANGE_SUCCESS"
ROLLED_BACK = "ROLLBACK_SUCCESS"


@dataclass(frozen=True)
class Side:
    """The source or the target as the service tells of it; what it does not tell is None."""

    id: str | None = None
    addrs: str | None = None


@dataclass(frozen=True)
class Online:
    """One online migration (ShowMigrationTask); what the service does not tell is None.

    task_status: how far an exchange of addresses is (EXCHANGING, EXCHANGE_SUCCESS, ROLLBACK_SUCCESS and the like).
    bandwidth_limit_mb: a number as text, for the API has both.
    """

    id: str
    status: str | None
    task_status: str | None
    migration_method: str | None
    resume_mode: str | None
    bandwidth_limit_mb: str | None
    source: Side
    target: Side
    vpc_id: str | None = None
    subnet_id: str | None = None
    security_group_id: str | None = None


def parse_online(answer: dict[str, Any], task_id: str) -> Online:
    """Read what Show says of a task. Raises Malformed."""
    found = task_id_of(answer)
    if found not in (None, task_id):
        raise Malformed("a task of another id")
    if found is None and text(answer.get("status")) is None:
        raise Malformed("a task without an id")
    return Online(
        id=task_id,
        status=text(answer.get("status")),
        task_status=text(answer.get("task_status")),
        migration_method=text(answer.get("migration_method")),
        resume_mode=text(answer.get("resume_mode")),
        bandwidth_limit_mb=text(answer.get("bandwidth_limit_mb")),
        source=_side(answer.get("source_instance")),
        target=_side(answer.get("target_instance")),
        vpc_id=text(answer.get("tenant_vpc_id")),
        subnet_id=text(answer.get("tenant_subnet_id")),
        security_group_id=text(answer.get("tenant_security_group_id")),
    )


def _side(answer: Any) -> Side:
    instance = fields(answer)
    return Side(text(instance.get("id")), text(instance.get("addrs")))
