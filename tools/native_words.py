"""What the schema of the native provider says in words of its own, and how it spells what is written for Python."""

from __future__ import annotations

import re
from collections.abc import Collection

from dcs_migration.life_cycles.config import NAMESPACE

PACKAGE = "dcs"

# What is otherwise than in a Python program, which passes resources.
REQUIRED = {("MigrationCompletion", "task_ids")}
LEFT_OUT = {("MigrationCompletion", "statuses_by_name")}
WORDS = {
    ("MigrationCompletion", "task_ids"): "Ids of the tasks to wait for, each once.",
    ("OnlineMigrationTask", ""): (
        "An online migration as today's cloud accepts it: its instance (CreateOnlineMigrationTask) and its run.\n\n"
        "What most users write. It holds two resources, a `MigrationInstance` and an `OnlineMigration`; wait for the "
        "data with a `MigrationCompletion` of its `task_id`."
    ),
}

FILTERS = {
    "name": "Only tasks of this name.",
    "status": "Only tasks with this status, as the service spells it.",
    "target_instance_id": "Only tasks into this DCS instance.",
    "owner": "Only tasks of this owner: the first part of the mark, 12 hexadecimal digits.",
    "region": "Region of the tasks. Default: `huaweicloud:region`, then HW_REGION_NAME.",
    "project_id": "Project of the tasks. Default as for a new task.",
}
# What a read of a task tells; the service returns no password, no address and no network.
READ = {
    "id": "Id of the task.",
    "name": "Name of the task as the service returned it.",
    "task_name": "The same, by the name of the input.",
    "description": "Description, without the provider's owner mark.",
    "migration_type": "`backupfile_import` or `online_migration`.",
    "migration_method": "`full_amount_migration` or `incremental_migration`.",
    "backup_files": "What a backup import loads.",
    "target_instance": "The DCS instance that receives the data.",
    "region": "Region where the task lives.",
    "project_id": "Project where the task lives.",
    "status": "Status as the service spells it; `GONE` when its record is gone.",
    "created_at": "When the service created the task.",
    "updated_at": "When the task changed or ended last.",
    "released_at": "When the service released what the task used.",
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
    "a mark.",
}

FUNCTIONS = {
    "getMigrationTask": (
        "Read a task, without managing it (ListMigrationTask, then ShowMigrationTask).\n\n"
        "A task whose record is gone has the status `GONE`. The service returns no passwords and no addresses."
    ),
    "getMigrationTasks": (
        "List tasks, also those of others (ListMigrationTask).\n\nWithout a filter it tells every task of the project."
    ),
}
PROVIDER = (
    "Where the service is, and who calls it. Where it is, the configuration says first, and then the environment; who calls, "
    "the environment first, with one whole set of credentials from one source.\n\n"
    "Its id is the owner of the tasks: no other stack has it."
)


def camel(name: str) -> str:
    """Spell a property as Pulumi does: `max_lag_bytes` is `maxLagBytes`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def reworded(text: str, names: Collection[str]) -> str:
    """Word for every language what is written for Python.

    Args:
        text: The words.
        names: The properties that it may name, as Python spells them.
    """
    text = text.replace(f"{NAMESPACE}:", f"{PACKAGE}:").replace("opts.custom_timeouts", "customTimeouts")
    text = re.sub(r'`(\w+)="(\w+)"`', r"`\1` `\2`", text)  # until="in_sync"
    text = re.sub(r"`(\w+)=`", r"`\1`", text)
    text = re.sub(r"\bNone\b", "none", text)

    def spelled(name: re.Match[str]) -> str:
        return camel(name[0]) if name[0] in names else name[0]

    return re.sub(r"`[\w.]+`", lambda span: re.sub(r"\w+", spelled, span[0]), text)
