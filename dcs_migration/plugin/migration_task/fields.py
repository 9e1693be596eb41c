"""The inputs of a ``MigrationTask``, and what a change of each one means: the one table."""

from __future__ import annotations

from typing import Any

from dcs_migration.names import FROM_BUCKET, FROM_RECORD
from dcs_migration.plugin.tasks.props import OnChange, Props, without_nulls

INPUTS: dict[str, OnChange] = {
    "task_name": OnChange.REPLACE,
    "description": OnChange.REPLACE,
    "migration_type": OnChange.REPLACE,
    "migration_method": OnChange.REPLACE,
    "backup_files": OnChange.REPLACE,
    "network_type": OnChange.REPLACE,
    "source_instance": OnChange.REPLACE,
    "target_instance": OnChange.REPLACE,
    "region": OnChange.REPLACE,
    "project_id": OnChange.REPLACE_IF_GIVEN,
    "triggers": OnChange.REPLACE,
    "existing_task_id": OnChange.UPDATE,
}

# A password is used once, by the service, and never returned: a nightly rotation must not run an import
# again over live data.
WITH_PASSWORD = ("source_instance", "target_instance")

MARKED = tuple(key for key in INPUTS if key not in ("region", "project_id", "existing_task_id"))


def normalised(props: Props) -> dict[str, Any]:
    """Return the inputs in a property bag as they are compared and sent, defaults of their own filled in.

    Both sides of a comparison go through here: a default that a later release adds is no change.
    """
    inputs: dict[str, Any] = {key: without_nulls(props[key]) for key in INPUTS if props.get(key) is not None}
    if inputs.get("triggers") == []:
        del inputs["triggers"]  # no triggers, however they are written
    files = inputs.get("backup_files")
    if isinstance(files, dict) and "file_source" not in files:
        if "bucket_name" in files:
            files["file_source"] = FROM_BUCKET
        elif "backup_id" in files:
            files["file_source"] = FROM_RECORD
    return inputs
