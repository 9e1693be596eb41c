"""Functions: a project's tasks in the service, for programs that only read. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dcs_migration.dcs.errors import TaskError
from dcs_migration.dcs.models import TaskRow
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.migration_task.inputs import get_problems
from dcs_migration.life_cycles.process import Process
from dcs_migration.life_cycles.tasks import mark as marks
from dcs_migration.life_cycles.tasks import read
from dcs_migration.native.names import camel, shown, snake
from dcs_migration.native.resources import PACKAGE

Props = dict[str, Any]

_FILTERS: dict[str, Callable[[TaskRow], str | None]] = {
    "name": lambda row: row.name,
    "status": lambda row: row.status,
    "target_instance_id": lambda row: row.target_instance_id,
    "owner": lambda row: _owner(row),
}
_PLACE = ("region", "project_id")


def get_migration_task(process: Process, args: Props) -> Props:
    """Return one task (ListMigrationTask, ShowMigrationTask); its status is GONE if it doesn't exist."""
    id_ = args.get("id")
    found = get_problems(id_ if isinstance(id_, str) else "", args)
    if found:
        raise TaskError("; ".join(found))
    account = _account(process, args)
    outputs, _ = read.fetched(account, str(id_), {})
    return {"id": id_, **outputs, "region": account.region, "project_id": account.project_id}


def get_migration_tasks(process: Process, args: Props) -> Props:
    """Return the tasks of a project that match all filters (ListMigrationTask)."""
    account = _account(process, args)
    rows = account.rows_of(account.listing.get(max_age=0.0))
    tasks = [
        {key: value for key, value in _task(row).items() if value is not None}
        for row in sorted(rows, key=lambda row: row.id)
        if all(args.get(key) in (None, value_of(row)) for key, value_of in _FILTERS.items())
    ]
    return {"tasks": tasks}


FUNCTIONS: dict[str, tuple[Callable[[Process, Props], Props], tuple[str, ...]]] = {
    f"{PACKAGE}:index:getMigrationTask": (get_migration_task, ("id", *_PLACE)),
    f"{PACKAGE}:index:getMigrationTasks": (get_migration_tasks, (*_FILTERS, *_PLACE)),
}


def invoke(process: Process, token: str, args: Mapping[str, Any]) -> tuple[Props, list[str]]:
    """Call a function; return its result, or one line for each problem with its arguments."""
    if token not in FUNCTIONS:
        raise TaskError(f"unknown function {token}; known functions: {', '.join(FUNCTIONS)}")
    function, known = FUNCTIONS[token]
    lines = list(_problems(args, known))
    if lines:
        return {}, lines
    result = function(process, {snake(key): value for key, value in args.items()})
    tasks = [{camel(key): value for key, value in task.items()} for task in result.pop("tasks", ())]
    return {**shown("migration_task", result), **({"tasks": tasks} if token.endswith("s") else {})}, []


def _problems(args: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[str]:
    for key, value in args.items():
        if snake(key) not in known or "_" in key:
            yield f"{key}: unknown key; known keys: {', '.join(map(camel, known))}"
        elif value is not None and not isinstance(value, str):
            yield f"{key}: must be a string; put it in quotes"


def _account(process: Process, args: Props) -> Account:
    return process.accounts.at(args.get("region"), args.get("project_id"))


def _task(row: TaskRow) -> Props:
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "migration_type": row.migration_type,
        "migration_method": row.migration_method,
        "target_instance_id": row.target_instance_id,
        "created_at": row.created_at,
        "owner": _owner(row),
    }


def _owner(row: TaskRow) -> str | None:
    mark = marks.split(row.description)[1]
    return mark.owner or None if mark else None
