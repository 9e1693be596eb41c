"""Where an online migration is, whatever words the service has for it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any

from dcs_migration.dcs.models import EXCHANGED, Online, Side, addresses
from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.plugin.online_migration.fields import RUNNING, STOPPED, SWITCHED

_UNDER_WAY = re.compile(r"(EXCHANG|ROLL)[A-Z_]*ING")


class Phase(Enum):
    """What a migration does."""

    MAKING = "its instance is being made"
    IDLE = "waits to be configured"
    COPYING = "copies everything"
    FOLLOWING = "follows its source"
    CHANGING = "is being stopped or switched"
    STOPPED = "is stopped"
    DONE = "is done"
    FAILED = "has failed"
    LOST = "has no instance any more"


RUNS = (Phase.COPYING, Phase.FOLLOWING)
UNSETTLED = (Phase.MAKING, Phase.CHANGING)

_BY_KIND = {
    Kind.RUNNING: Phase.COPYING,  # also a status that nobody knows
    Kind.STEADY: Phase.FOLLOWING,
    Kind.SUCCESS: Phase.DONE,
    Kind.FAILURE: Phase.FAILED,
    Kind.STOPPED: Phase.STOPPED,
    Kind.GONE: Phase.LOST,
    Kind.RELEASED: Phase.LOST,
}


def phase_of(online: Online) -> Phase:
    """Return where a migration is."""
    status = lookup(online.status)
    if status.name == "CREATING":
        return Phase.MAKING
    if status.stopping or _UNDER_WAY.fullmatch(online.task_status or ""):
        return Phase.CHANGING
    return Phase.IDLE if status.idle else _BY_KIND[status.kind]


def is_switched(online: Online) -> bool:
    """Whether source and target have exchanged their addresses."""
    return online.task_status == EXCHANGED


def exchange_failed(online: Online) -> bool:
    """Whether the last exchange of addresses, or its rollback, failed."""
    return "FAIL" in (online.task_status or "")


def state_of(online: Online) -> str | None:
    """Return the state that a user would write for what the service tells; None where it does not say."""
    if is_switched(online):
        return SWITCHED
    phase = phase_of(online)
    if phase is Phase.STOPPED:
        return STOPPED
    return RUNNING if phase in RUNS else None


def differing(inputs: Mapping[str, Any], told: Online, changed: Collection[str] = ()) -> set[str]:
    """Return the settings in which the service's word differs from the inputs.

    What it leaves out does not differ, unless it is known to have been ``changed`` since it was sent.
    """
    found = set()
    for key in ("migration_method", "resume_mode", "bandwidth_limit_mb"):
        word = getattr(told, key)
        certain = key in changed or (word is not None and key in inputs)
        if certain and _word(inputs.get(key)) != _word(word):
            found.add(key)
    sides = (("source_instance", told.source), ("target_instance", told.target))
    return found | {key for key, side in sides if is_another(inputs.get(key) or {}, side)}


def _word(value: Any) -> str | None:
    if value is None:
        return None
    text = str(value)
    return text[:-2] if text.endswith(".0") else text


def is_another(instance: Mapping[str, Any], side: Side) -> bool:
    """Whether the service tells of another Redis than the inputs; what it does not tell is no other."""
    if "id" in instance:  # the service fills in addresses of its own instances
        return side.id is not None and instance["id"] != side.id
    if "addrs" in instance and side.addrs is not None:
        return addresses(instance["addrs"]) != addresses(side.addrs)
    return False
