"""The native provider's own texts in its schema, and the conversion of texts for Python."""

from __future__ import annotations

import re
from collections.abc import Collection

from dcs_migration.names import NAMESPACE

PACKAGE = "dcs"

# Differences from a Python program, which passes resources.
REQUIRED = {("MigrationCompletion", "task_ids")}
LEFT_OUT = {("MigrationCompletion", "statuses_by_name")}
WORDS = {
    ("MigrationCompletion", "task_ids"): "Ids of the tasks to wait for, without duplicates.",
    ("OnlineMigrationTask", ""): (
        "An online migration: its instance (CreateOnlineMigrationTask) and the migration on it.\n\n"
        "Use it for most online migrations. It contains two resources, a `MigrationInstance` and an `OnlineMigration`. "
        "To wait for the data, use a `MigrationCompletion` with its `task_id`."
    ),
}

FILTERS = {
    "name": "Only tasks with this name.",
    "status": "Only tasks with this status, as the service spells it.",
    "target_instance_id": "Only tasks into this DCS instance.",
    "owner": "Only tasks of this owner: the first part of the owner mark, 12 hexadecimal digits.",
    "region": "Region of the tasks. Default: `huaweicloud:region`, then HW_REGION_NAME.",
    "project_id": "Project of the tasks. Same default as for a new task.",
}
# Outputs of reading a task. The service doesn't return passwords, addresses or the network.
READ = {
    "id": "Id of the task.",
    "name": "Name of the task as the service returned it.",
    "task_name": "The same, with the name of the input.",
    "description": "Description, without the provider's owner mark.",
    "migration_type": "`backupfile_import` or `online_migration`.",
    "migration_method": "`full_amount_migration` or `incremental_migration`.",
    "backup_files": "What a backup import loads.",
    "target_instance": "The DCS instance that receives the data.",
    "region": "Region where the task lives.",
    "project_id": "Project where the task lives.",
    "status": "Status as the service spells it; `GONE` when its record no longer exists.",
    "created_at": "When the service created the task.",
    "updated_at": "When the task last changed or ended.",
    "released_at": "When the service released the task's resources.",
    "error": "The service's error text of a failed task.",
}
LISTED = {
    "id": "Id of the task.",
    "name": "Name of the task.",
    "status": "Status as the service spells it.",
    "migration_type": "`backupfile_import` or `online_migration`.",
    "migration_method": "`full_amount_migration` or `incremental_migration`.",
    "target_instance_id": "Id of the DCS instance that receives the data.",
    "created_at": "When the service created the task.",
    "owner": "Hash of the provider resource whose stack started the task, 12 hexadecimal digits; none for a task without "
    "an owner mark.",
}

FUNCTIONS = {
    "getMigrationTask": (
        "Read a task without managing it (ListMigrationTask, then ShowMigrationTask).\n\n"
        "If the task's record no longer exists, its status is `GONE`. The service doesn't return passwords or addresses."
    ),
    "getMigrationTasks": (
        "List tasks, including those of other owners (ListMigrationTask).\n\nWithout a filter, it returns every task of the "
        "project."
    ),
}
PROVIDER = (
    "Location settings and credentials. Location settings come from the configuration first, and then from the "
    "environment. Credentials come from the environment first; one source must have the complete set.\n\n"
    "The provider's id is the owner of its tasks: no other stack has it."
)


def camel(name: str) -> str:
    """Convert a property to Pulumi's spelling: `max_lag_bytes` is `maxLagBytes`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def reworded(text: str, names: Collection[str]) -> str:
    """Convert a text for Python to one for every language.

    Args:
        text: The text.
        names: The properties that it can contain, in Python's spelling.
    """
    text = text.replace(f"{NAMESPACE}:", f"{PACKAGE}:").replace("opts.custom_timeouts", "customTimeouts")
    text = re.sub(r'`(\w+)="(\w+)"`', r"`\1` `\2`", text)  # until="in_sync"
    text = re.sub(r"`(\w+)=`", r"`\1`", text)
    text = re.sub(r"\bNone\b", "none", text)

    def spelled(name: re.Match[str]) -> str:
        return camel(name[0]) if name[0] in names else name[0]

    return re.sub(r"`[\w.]+`", lambda span: re.sub(r"\w+", spelled, span[0]), text)
