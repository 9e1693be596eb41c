"""The operations of the service, one function each, in a table with the API's names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dcs_emulator.errors import ApiError, api_error, invalid
from dcs_emulator.quirks import MovingRows, QuirkSet
from dcs_emulator.responses import (
    job_body,
    list_row,
    log_row,
    show_body,
    stats_body,
    unsorted_key,
)
from dcs_emulator.store import TaskStore
from dcs_emulator.task import BACKUP_IMPORT, ENDED, ONLINE, Task
from dcs_emulator.validation import (
    BATCH,
    CREATE_ONLINE,
    DELETE,
    EXCHANGE,
    INSTANCE_NAME,
    UPDATE,
    check_body,
    check_create,
    check_log_level,
    check_page,
    check_project_id,
    check_set_online,
    check_task_id,
)

READS = frozenset(
    {
        "ListMigrationTask",
        "ShowMigrationTask",
        "ShowMigrationTaskStats",
        "ListMigrationTaskLogs",
        "ShowJobInfo",
        "KeystoneListProjects",
    }
)

_PROJECT_NAME = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True)
class Call:
    """One call: the data of the path, query and body. ``read_body`` raises `ApiError`."""

    query: Mapping[str, str]
    read_body: Callable[[], Any]
    has_body: bool
    project_id: str = ""
    task_id: str = ""
    job_id: str = ""


@dataclass(frozen=True)
class Reply:
    """An answer; a ``body`` of None is empty. ``task_ids`` are for the journal."""

    body: Any
    status: int = 200
    task_ids: list[str] = field(default_factory=list)


class Operations:
    """The service's operations over one store."""

    def __init__(self, store: TaskStore, quirks: QuirkSet) -> None:
        self._store = store
        self._quirks = quirks
        self._moving_rows = MovingRows(quirks)
        self._table: dict[str, Callable[[Call], Reply]] = {
            "CreateMigrationTask": self._create,
            "CreateOnlineMigrationTask": self._create_online,
            "SetOnlineMigrationTask": self._set_online,
            "ShowJobInfo": self._job,
            "BatchRestartOnlineMigrationTasks": self._batch_restart,
            "ExchangeInstanceIp": self._exchange,
            "RollbackExchangeInstanceIp": self._roll_back,
            "ListMigrationTask": self._list,
            "ShowMigrationTask": self._show,
            "ShowMigrationTaskStats": self._stats,
            "ListMigrationTaskLogs": self._logs,
            "StopMigrationTask": self._stop,
            "StopMigrationTaskSync": self._stop_sync,
            "BatchStopMigrationTasks": self._batch_stop,
            "UpdateMigrationTask": self._update,
            "DeleteMigrationTask": self._delete,
            "KeystoneListProjects": self._projects,
        }

    def run(self, operation: str, call: Call) -> Reply:
        """Run an operation; raises `ApiError`."""
        if operation not in READS:
            self._limit_writes()
        if operation != "KeystoneListProjects":
            check_project_id(call.project_id)
        if call.task_id:
            check_task_id(call.task_id)
        return self._table[operation](call)

    def _limit_writes(self) -> None:
        limit = self._quirks.number("write-limit")
        if limit is not None:
            with self._store.transaction() as now:
                if self._store.count_write(now) > limit:
                    raise api_error("APIGW.0308")

    def _create(self, call: Call) -> Reply:
        request = check_create(call.read_body())
        if "online-refused" in self._quirks and request["migration_type"] == ONLINE:
            raise invalid("migration_type")
        if "names-as-instances" in self._quirks and not INSTANCE_NAME.fullmatch(request["task_name"]):
            raise invalid("task_name")
        with self._store.transaction() as now:
            self._require_free_target(call.project_id, request["target_instance"]["id"])
            task = self._store.create(call.project_id, request, now)
            body = {"id": task.id, "name": task.name, "status": task.status}
            if task.error is not None:
                body["error"] = task.error
            return Reply(body, task_ids=[task.id])

    def _create_online(self, call: Call) -> Reply:
        request = check_body(CREATE_ONLINE, call.read_body())
        if "names-as-instances" in self._quirks and not INSTANCE_NAME.fullmatch(request["name"]):
            raise invalid("name")
        with self._store.transaction() as now:
            task = self._store.create_online(call.project_id, request, now)
            body = {"instance_id": task.id, "job_id": task.job_id}
            if "no-job-id" in self._quirks:
                del body["job_id"]
            return Reply(body, task_ids=[task.id])

    def _job(self, call: Call) -> Reply:
        with self._store.transaction():
            task = self._store.of_job(call.project_id, call.job_id)
            if task is None:
                raise api_error("DCS.4133")
            return Reply(job_body(task), task_ids=[task.id])

    def _set_online(self, call: Call) -> Reply:
        request = check_set_online(call.read_body())
        with self._store.transaction() as now:
            task = self._find_online(call.project_id, call.task_id, now)
            answer = {"id": task.id, "name": task.name, "status": task.status, "error": None}
            if "set-answers-error" in self._quirks:
                return Reply({**answer, "error": "The migration task could not be configured."})
            self._require_free_target(call.project_id, request["target_instance"].get("id"), but=task)
            self._store.configure(task, request, now)
            return Reply({**answer, "status": task.status})

    def _batch_restart(self, call: Call) -> Reply:
        def restart(task_id: str, now: float) -> None:
            task = self._find_online(call.project_id, task_id, now)
            self._require_free_target(call.project_id, task.target_id, but=task)
            self._store.online.restart(task, now)
            self._store.touch(task)

        return self._batch(call, restart)

    def _exchange(self, call: Call) -> Reply:
        def exchange(task: Task, now: float) -> None:
            lag = float(stats_body(task, self._quirks)["offset"])
            self._store.online.exchange(task, lag, now)

        return self._exchange_reply(call, exchange)

    def _roll_back(self, call: Call) -> Reply:
        return self._exchange_reply(call, self._store.online.roll_back)

    def _exchange_reply(self, call: Call, write: Callable[[Task, float], None]) -> Reply:
        if call.has_body:
            check_body(EXCHANGE, call.read_body())
        with self._store.transaction() as now:
            task = self._find_online(call.project_id, call.task_id, now)
            write(task, now)
            self._store.touch(task)
        return Reply(None, status=204) if "exchange-answers-204" in self._quirks else Reply({})

    def _find_online(self, project_id: str, task_id: str, now: float) -> Task:
        """Return a task on a migration instance that isn't deleted; tasks of CreateMigrationTask don't have one."""
        task = self._find(project_id, task_id, now)
        if task.deleted_at is not None or task.network is None:
            raise api_error("DCS.4957")
        return task

    def _require_free_target(self, project_id: str, target_id: str | None, but: Task | None = None) -> None:
        """Refuse a second running task on a target if the service accepts only one."""
        refusal = self._quirks.text("second-task-on-target-refused")
        if refusal is None or not target_id:
            return
        wanted = (project_id, target_id)
        for task in self._store.existing():
            if task is not but and task.running and (task.project_id, task.target_id) == wanted:
                raise api_error(refusal)

    def _list(self, call: Call) -> Reply:
        offset, limit = check_page(call.query)
        name = call.query.get("name", "")
        fuzzy = "fuzzy-name" in self._quirks
        with self._store.transaction() as now:
            tasks = [
                task
                for task in self._store.listed(call.project_id, now)
                if not name or task.name == name or (fuzzy and name in task.name)
            ]
            tasks.reverse()
            if "list-unsorted" in self._quirks:
                tasks.sort(key=unsorted_key)
            if "rows-move" in self._quirks:
                self._moving_rows.move((call.project_id, name), tasks, offset, limit)
            page = tasks[offset : offset + limit]
            count = len(page) if "count-is-page-size" in self._quirks else len(tasks)
            return Reply({"count": count, "migration_tasks": [list_row(task, self._quirks) for task in page]})

    def _show(self, call: Call) -> Reply:
        with self._store.transaction() as now:
            return self._show_reply(self._find(call.project_id, call.task_id, now))

    def _stats(self, call: Call) -> Reply:
        with self._store.transaction() as now:
            task = self._find(call.project_id, call.task_id, now)
            if "stats-of-import-refused" in self._quirks and task.migration_type == BACKUP_IMPORT:
                raise api_error("DCS.4133")
            return Reply(stats_body(task, self._quirks))

    def _logs(self, call: Call) -> Reply:
        offset, limit = check_page(call.query)
        level = check_log_level(call.query)
        with self._store.transaction() as now:
            task = self._find(call.project_id, call.task_id, now)
            rows = [log_row(row) for row in task.logs if level in (None, row.level)]
            return Reply({"log_num": len(rows), "migration_logs": rows[offset : offset + limit]})

    def _stop(self, call: Call) -> Reply:
        with self._store.transaction() as now:
            task = self._find_stoppable(call.project_id, call.task_id, now)
            self._store.stop(task, now)
            return self._show_reply(task)

    def _stop_sync(self, call: Call) -> Reply:
        with self._store.transaction() as now:
            task = self._find_stoppable(call.project_id, call.task_id, now)
            self._store.stop(task, now, at_once=True)
            return Reply(None, status=204)

    def _batch_stop(self, call: Call) -> Reply:
        return self._batch(
            call,
            lambda task_id, now: self._store.stop(self._find_stoppable(call.project_id, task_id, now), now),
        )

    def _batch(self, call: Call, write: Callable[[str, float], None]) -> Reply:
        task_ids: list[str] = check_body(BATCH, call.read_body())["migration_tasks"]
        with self._store.transaction() as now:
            results = [self._write_one(write, task_id, now) for task_id in task_ids]
        return Reply({"migration_tasks": results}, task_ids=task_ids)

    def _write_one(self, write: Callable[[str, float], None], task_id: str, now: float) -> dict[str, Any]:
        try:
            check_task_id(task_id)
            write(task_id, now)
        except ApiError as error:
            return {
                "task_id": task_id,
                "result": "failed",
                "error_code": error.code,
                "error_msg": error.message,
            }
        return {"task_id": task_id, "result": "success", "error_code": None, "error_msg": None}

    def _update(self, call: Call) -> Reply:
        request = check_body(UPDATE, call.read_body())
        with self._store.transaction() as now:
            task = self._find(call.project_id, call.task_id, now)
            if not task.running or ("update-only-when-incremental" in self._quirks and not task.in_sync):
                raise api_error("DCS.4957")
            self._store.update(task, request["resume_mode"])
            return Reply({})

    def _delete(self, call: Call) -> Reply:
        task_ids: list[str] = check_body(DELETE, call.read_body())["task_id_list"]
        for task_id in task_ids:
            check_task_id(task_id)
        with self._store.transaction() as now:
            tasks = self._deletable(call.project_id, task_ids, now)
            refusal = self._quirks.text("delete-of-running-refused")
            if refusal is not None and any(task.running and not task.unconfigured for task in tasks.values()):
                raise api_error(refusal)
            if "delete-of-running-ignored" in self._quirks:
                tasks = {
                    task_id: task for task_id, task in tasks.items() if not task.running or task.unconfigured
                }
            for task in tasks.values():
                self._store.delete(task, now)
        deleted = [] if "delete-answers-empty-list" in self._quirks else list(tasks)
        return Reply({"task_id_list": deleted}, task_ids=task_ids)

    def _deletable(self, project_id: str, task_ids: list[str], now: float) -> dict[str, Task]:
        found = {task_id: self._store.shown(project_id, task_id, now) for task_id in task_ids}
        return {task_id: task for task_id, task in found.items() if task and task.deleted_at is None}

    def _projects(self, call: Call) -> Reply:
        name = call.query.get("name", "")
        projects = []
        if _PROJECT_NAME.fullmatch(name):
            projects = [{"id": project_id_of(name), "name": name, "enabled": True}]
        return Reply({"projects": projects})

    def _find(self, project_id: str, task_id: str, now: float) -> Task:
        task = self._store.shown(project_id, task_id, now)
        if task is None:
            raise api_error("DCS.4133")
        return task

    def _find_stoppable(self, project_id: str, task_id: str, now: float) -> Task:
        task = self._find(project_id, task_id, now)
        if task.deleted_at is not None or task.status in ENDED or task.unconfigured or task.exchanging:
            raise api_error("DCS.4957")
        refusal = self._quirks.text("stop-of-import-refused")
        if refusal is not None and task.migration_type == BACKUP_IMPORT:
            raise api_error(refusal)
        return task

    def _show_reply(self, task: Task) -> Reply:
        return Reply(show_body(task, self._quirks, self._store.passwords(task)))


def project_id_of(region: str) -> str:
    """Return the id of a region's project: 32 hexadecimal digits, always the same."""
    return hashlib.sha256(f"project of {region}".encode()).hexdigest()[:32]
