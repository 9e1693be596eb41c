"""Taking over a migration that is configured already: it must be the one that the user describes. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcs_migration.dcs.errors import TaskError
from dcs_migration.dcs.online import Online
from dcs_migration.plugin.online_migration.looking import Looking
from dcs_migration.plugin.online_migration.phases import Phase, differing, phase_of, state_of

_NOT_THERE = {
    Phase.MAKING: "is still being made",
    Phase.IDLE: "has no migration yet",
    Phase.LOST: "is gone",
}


def existing(looking: Looking, inputs: Mapping[str, Any]) -> Online:
    """Return what the service tells of the migration that ``existing_task_id`` names.

    Raises:
        TaskError: there is none, it is not what the inputs describe, or not in the state that they ask for.
        DcsMigrationError: what the service answered.
    """
    told = looking.settled()
    phase = phase_of(told)
    if phase in _NOT_THERE:
        raise TaskError(
            f"existing_task_id: migration instance {looking.id} {_NOT_THERE[phase]} ({told.status}); remove "
            "existing_task_id to configure a migration on it (an OnlineMigration alone then needs task_id)"
        )
    others = sorted(differing(inputs, told))
    if others:
        raise TaskError(
            f"existing_task_id: migration {looking.id} is not what the inputs describe: it differs in "
            f"{', '.join(others)}; correct them"
        )
    state = state_of(told)
    if state not in (None, inputs["state"]):
        raise TaskError(
            f"existing_task_id: migration {looking.id} is {state}, and state says {inputs['state']}; write "
            f'state="{state}" to take it over as it is, and change it afterwards'
        )
    return told
