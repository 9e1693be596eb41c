"""Taking over a migration that is configured already: it must be the one that the user describes. Nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcs_migration.dcs.errors import TaskError
from dcs_migration.dcs.online import Online
from dcs_migration.plugin.online_migration.looking import Looking
from dcs_migration.plugin.online_migration.phases import Phase, differing, phase_of, state_of

_CONFIGURE = "remove existing_task_id, and `pulumi up` configures one on it"
_NOT_THERE = {
    # phase: what is so, and the way on
    Phase.MAKING: ("is still being made", _CONFIGURE),
    Phase.IDLE: ("has no migration yet", _CONFIGURE),
    Phase.LOST: ("is gone", "correct it, or remove it to make a new one"),
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
        what, way_on = _NOT_THERE[phase]
        raise TaskError(f"existing_task_id: migration instance {looking.id} {what} ({told.status}); {way_on}")
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
