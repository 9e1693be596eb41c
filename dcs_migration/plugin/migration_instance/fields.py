"""The inputs of a ``MigrationInstance``, and what a change of each one means: the one table."""

from __future__ import annotations

from typing import Any

from dcs_migration.names import DELETE_TIMEOUT, IDENTITY
from dcs_migration.plugin.tasks.props import OUTPUTS as TASK_OUTPUTS
from dcs_migration.plugin.tasks.props import OnChange, Props, without_nulls
from dcs_migration.plugin.tasks.spec import Spec

# No call changes any of these.
INPUTS: dict[str, OnChange] = {
    "name": OnChange.REPLACE,
    "description": OnChange.REPLACE,
    "vpc_id": OnChange.REPLACE,
    "subnet_id": OnChange.REPLACE,
    "security_group_id": OnChange.REPLACE,
    "region": OnChange.REPLACE,
    "project_id": OnChange.REPLACE_IF_GIVEN,
    "existing_task_id": OnChange.UPDATE,
}

NETWORK = ("vpc_id", "subnet_id", "security_group_id")
SENT = ("name", "description", *NETWORK)

# The name is an input here: one that was changed in the console is no reason to make another instance.
OUTPUTS = (*(key for key in TASK_OUTPUTS if key != "name"), "job_id")


def normalised(props: Props) -> dict[str, Any]:
    """Return the inputs in a property bag as they are compared and sent."""
    return {key: without_nulls(props[key]) for key in INPUTS if props.get(key) is not None}


SPEC = Spec(
    "migration_instance", INPUTS, normalised, timeouts=(DELETE_TIMEOUT,), name="name", hidden=(IDENTITY,)
)
