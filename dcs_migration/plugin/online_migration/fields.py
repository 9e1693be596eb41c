"""The inputs of an ``OnlineMigration``, and what a change of each one means: the one table."""

from __future__ import annotations

from typing import Any

from dcs_migration.plugin.tasks.props import OnChange, Props, without_nulls

RUNNING, STOPPED, SWITCHED = "running", "stopped", "switched"

INPUTS: dict[str, OnChange] = {
    "task_id": OnChange.REPLACE,
    "job_id": OnChange.NOTHING,
    "migration_method": OnChange.IN_PLACE,
    "resume_mode": OnChange.IN_PLACE,
    "bandwidth_limit_mb": OnChange.IN_PLACE,
    "source_instance": OnChange.IN_PLACE,
    "target_instance": OnChange.IN_PLACE,
    "state": OnChange.IN_PLACE,
    "triggers": OnChange.IN_PLACE,
    "region": OnChange.REPLACE,
    "project_id": OnChange.REPLACE_IF_GIVEN,
    "existing_task_id": OnChange.UPDATE,
}

# What is copied, from where to where: another one is another migration. The rest only tunes it.
DEFINITION = ("migration_method", "source_instance", "target_instance")
TUNING = ("resume_mode", "bandwidth_limit_mb")

WITH_PASSWORD = ("source_instance", "target_instance")

OUTPUTS = ("status", "task_status", "error")

_DEFAULTS = {"resume_mode": "auto", "state": RUNNING}


def normalised(props: Props) -> dict[str, Any]:
    """Return the inputs in a property bag as they are compared and sent, defaults of their own filled in."""
    inputs: dict[str, Any] = {key: without_nulls(props[key]) for key in INPUTS if props.get(key) is not None}
    if inputs.get("triggers") == []:
        del inputs["triggers"]  # no triggers, however they are written
    limit = inputs.get("bandwidth_limit_mb")
    if isinstance(limit, float) and limit.is_integer():
        inputs["bandwidth_limit_mb"] = int(limit)  # Pulumi hands over 100 as 100.0
    return {**_DEFAULTS, **inputs}
