"""The properties of a ``MigrationTask``, and what a change of each one means: the one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

Props = Mapping[str, Any]


class OnChange(Enum):
    """What a changed input asks for."""

    REPLACE = "the migration runs again, as a new task"
    REPLACE_IF_GIVEN = "as REPLACE; but leaving it out is no change, because state says where the task lives"
    UPDATE = "state alone changes, no call is made"


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
PASSWORD = "password"  # noqa: S105 (the name of a property)

OUTPUTS = ("name", "status", "created_at", "updated_at", "released_at", "error")

# Hidden properties begin with two underscores: the engine keeps them in state and never shows them.
URN = "__urn"
DRY_RUN = "__dry_run"
DELETE_TIMEOUT = "__delete_timeout"
DEFAULTS = "__defaults"  # names of the inputs that the provider filled in
ENDPOINT = "__endpoint"  # host that the task was created at
TAKEN_OVER = "__taken_over"  # the task existed before: it is never stopped or deleted

MARKED = tuple(key for key in INPUTS if key not in ("region", "project_id", "existing_task_id"))


def without_password(value: Any) -> Any:
    """Return an instance without its password; any other value as it is."""
    if isinstance(value, Mapping):
        return {key: item for key, item in value.items() if key != PASSWORD}
    return value


def without_nulls(value: Any) -> Any:
    """Drop keys without a value, at every depth: the engine drops them on some of its ways."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [without_nulls(item) for item in value]
    return value


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
            files["file_source"] = "self_build_obs"
        elif "backup_id" in files:
            files["file_source"] = "backup_record"
    return inputs
