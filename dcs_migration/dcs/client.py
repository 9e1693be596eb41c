"""The operations of the DCS migration API that this package calls, one method each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from dcs_migration.dcs import models
from dcs_migration.dcs.codes import normalise_code
from dcs_migration.dcs.errors import (
    ApiError,
    ConfigurationError,
    OutcomeUnknown,
    PermissionDenied,
    TransportError,
    error_class,
)
from dcs_migration.dcs.transport import Transport

MAX_PAGE = 1000
MAX_BATCH = 50
_PROJECT_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


class DcsClient:
    """DCS in one region and project. Every method raises ApiError or TransportError."""

    def __init__(self, transport: Transport, project_id: str) -> None:
        self.transport = transport
        self.project_id = project_id
        self._base = f"/v2/{_segment(project_id, 'project id')}"

    def create_migration_task(self, body: Mapping[str, Any]) -> models.Created:
        """Start a task: POST /v2/{project_id}/migration-task (CreateMigrationTask).

        Sent once. Raises OutcomeUnknown if it may have started one, including when the answer has no id.
        """
        operation = "CreateMigrationTask"
        answer = self.transport.write(operation, "POST", f"{self._base}/migration-task", body)
        task_id = models.task_id_of(answer)
        error = models.text(answer.get("error"))
        if task_id is None:
            detail = f" ({error})" if error else ""
            raise OutcomeUnknown(operation, self.transport.scrub(f"the response contains no task id{detail}"))
        return models.Created(
            id=task_id,
            name=models.text(answer.get("name")) or models.text(answer.get("task_name")),
            status=models.text(answer.get("status")),
            error=error,
        )

    def create_online_migration_task(self, body: Mapping[str, Any]) -> models.Created:
        """Create a migration instance: POST /v2/{project_id}/migration/instance (CreateOnlineMigrationTask).

        Sent once. The answer's `job_id` isn't documented, but the service sends it. Raises the same errors as
        `create_migration_task`.
        """
        operation = "CreateOnlineMigrationTask"
        answer = self.transport.write(operation, "POST", f"{self._base}/migration/instance", body)
        task_id = models.text(answer.get("instance_id")) or models.task_id_of(answer)
        if task_id is None:
            raise OutcomeUnknown(operation, "the response contains no instance id")
        return models.Created(task_id, None, None, None, models.text(answer.get("job_id")))

    def show_job_status(self, job_id: str) -> str | None:
        """Return the status of a job: GET /v2/{project_id}/jobs/{job_id} (ShowJobInfo): SUCCESS, FAIL or another
        text."""
        answer = self.transport.read("ShowJobInfo", f"{self._base}/jobs/{_segment(job_id, 'job id')}")
        return models.text(answer.get("status")) or models.text(
            models.fields(answer.get("job")).get("status")
        )

    def set_online_migration_task(self, task_id: str, body: Mapping[str, Any]) -> str | None:
        """Configure and start: POST /v2/{project_id}/migration/{task_id}/task (SetOnlineMigrationTask).

        Sent once. Returns the error text if the service put one into a 200 answer.
        """
        path = f"{self._base}/migration/{_segment(task_id, 'task id')}/task"
        return models.text(self.transport.write("SetOnlineMigrationTask", "POST", path, body).get("error"))

    def batch_restart_online_migration_tasks(self, task_ids: Sequence[str]) -> dict[str, ApiError | None]:
        """Start stopped tasks: POST .../migration-tasks/batch-restart (BatchRestartOnlineMigrationTasks).

        At most 50 ids; returns the same as a batch stop.
        """
        return self._batch(
            "BatchRestartOnlineMigrationTasks", f"{self._base}/migration-tasks/batch-restart", task_ids
        )

    def exchange_instance_ip(self, task_id: str) -> None:
        """Swap the addresses of source and target: POST .../{task_id}/exchange-ip (ExchangeInstanceIp).

        Stops the migration. Done when `task_status` is EXCHANGE_SUCCESS.
        """
        self.transport.write("ExchangeInstanceIp", "POST", f"{self._task_path(task_id)}/exchange-ip", {})

    def rollback_exchange_instance_ip(self, task_id: str) -> None:
        """Swap them back: POST .../{task_id}/rollback-ip (RollbackExchangeInstanceIp).

        Done when `task_status` is ROLLBACK_SUCCESS.
        """
        self.transport.write("RollbackExchangeInstanceIp", "POST", f"{self._task_path(task_id)}/rollback-ip")

    def show_online_migration(self, task_id: str) -> models.Online:
        """Return an online migration's settings and progress: GET as for `show_migration_task`.

        Raises TaskNotFound for DCS.4133.
        """
        operation = "ShowMigrationTask"
        try:
            return models.parse_online(self.transport.read(operation, self._task_path(task_id)), task_id)
        except models.Malformed as error:
            raise _not_dcs(operation, error) from None

    def list_migration_tasks(self, offset: int = 0, limit: int = MAX_PAGE) -> models.Page:
        """Return one page of tasks: GET /v2/{project_id}/migration-tasks (ListMigrationTask).

        offset counts tasks; limit is 1 to 1000. Raises TransportError if the answer isn't a listing.
        """
        operation = "ListMigrationTask"
        query = {"offset": offset, "limit": limit}
        answer = self.transport.read(operation, f"{self._base}/migration-tasks", query)
        try:
            return models.parse_page(answer)
        except models.Malformed as error:
            raise _not_dcs(operation, error) from None

    def show_migration_task(self, task_id: str) -> models.TaskRow:
        """Return one task: GET /v2/{project_id}/migration-task/{task_id} (ShowMigrationTask).

        Raises TaskNotFound for DCS.4133. The service may still return a deleted task, as DELETED or with its last
        status.
        """
        operation = "ShowMigrationTask"
        answer = self.transport.read(operation, self._task_path(task_id))
        try:
            return models.parse_task(answer, task_id)
        except models.Malformed as error:
            raise _not_dcs(operation, error) from None

    def batch_stop_migration_tasks(self, task_ids: Sequence[str]) -> dict[str, ApiError | None]:
        """Ask tasks to stop: POST /v2/{project_id}/migration-task/batch-stop (BatchStopMigrationTasks).

        At most 50 ids. Returns, for each id, the refusal or None (accepted, or not mentioned in the answer).
        """
        return self._batch("BatchStopMigrationTasks", f"{self._base}/migration-task/batch-stop", task_ids)

    def _batch(self, operation: str, path: str, task_ids: Sequence[str]) -> dict[str, ApiError | None]:
        if len(task_ids) > MAX_BATCH:
            raise ValueError(f"at most {MAX_BATCH} tasks can be named in one call")
        answer = self.transport.write(operation, "POST", path, {"migration_tasks": list(task_ids)})
        results: dict[str, ApiError | None] = dict.fromkeys(task_ids)
        items = answer.get("migration_tasks")
        for item in map(models.fields, items if isinstance(items, list) else []):
            task_id = models.task_id_of(item)
            if task_id in results and item.get("result") == "failed":
                results[task_id] = self._refusal(operation, item)
        return results

    def delete_migration_tasks(self, task_ids: Sequence[str]) -> None:
        """Delete tasks: DELETE /v2/{project_id}/migration-tasks/delete with a body (DeleteMigrationTask).

        The service ignores ids that don't exist. Only the listing proves that a task no longer exists.
        """
        self.transport.write(
            "DeleteMigrationTask",
            "DELETE",
            f"{self._base}/migration-tasks/delete",
            {"task_id_list": list(task_ids)},
        )

    def show_migration_task_stats(self, task_id: str) -> models.Stats:
        """Return the progress of an online task: GET .../migration-task/{task_id}/stats (ShowMigrationTaskStats)."""
        return models.parse_stats(
            self.transport.read("ShowMigrationTaskStats", f"{self._task_path(task_id)}/stats")
        )

    def list_migration_task_logs(
        self, task_id: str, log_level: str | None = None, limit: int = 10, offset: int = 0
    ) -> list[models.LogLine]:
        """Return lines of a log: GET /v2/{project_id}/migration-task/{task_id}/logs (ListMigrationTaskLogs).

        log_level: DEBUG, INFO, WARN or ERROR; None for all. offset counts lines.
        """
        query: dict[str, str | int] = {"offset": offset, "limit": limit}
        if log_level:
            query["log_level"] = log_level
        answer = self.transport.read("ListMigrationTaskLogs", f"{self._task_path(task_id)}/logs", query)
        lines = answer.get("migration_logs")
        return [models.parse_log_line(line) for line in lines] if isinstance(lines, list) else []

    def _task_path(self, task_id: str) -> str:
        return f"{self._base}/migration-task/{_segment(task_id, 'task id')}"

    def _refusal(self, operation: str, item: dict[str, Any]) -> ApiError:
        code = models.text(item.get("error_code"))
        kind = error_class(200, normalise_code(code) if code else None)
        message = models.text(item.get("error_msg")) or "the service refused it and gave no reason"
        return kind(operation, 200, error_code=code, error_msg=self.transport.scrub(message))


def find_project_id(iam_transport: Transport, name: str) -> str:
    """Return the id of a project: GET /v3/projects?name={name} (KeystoneListProjects of IAM).

    A region's default project has the region's name. Raises ConfigurationError if no project,
    or more than one, has this name. The request must not have an X-Project-Id header.
    """
    operation = "KeystoneListProjects"
    advice = "set huaweicloud:projectId or HW_PROJECT_ID"
    try:
        answer = iam_transport.read(operation, "/v3/projects", {"name": name})
    except PermissionDenied as error:
        refusal = f"HTTP {error.status} {error.error_code or ''}".rstrip()
        raise ConfigurationError(
            f"these credentials aren't allowed to look up their project ({refusal}); {advice}"
        ) from None
    projects = answer.get("projects")
    if not isinstance(projects, list):
        raise TransportError(operation, "the response isn't an IAM response (no list of projects)")
    ids = {
        project["id"]
        for project in map(models.fields, projects)
        if isinstance(project.get("id"), str) and project.get("name", name) == name
    }
    ids.discard("")
    if not all(map(_PROJECT_ID.fullmatch, ids)):
        raise TransportError(operation, f"the response contains an invalid project id; {advice}")
    if len(ids) == 1:
        return str(ids.pop())
    found = f"{len(ids)} projects" if ids else "no project"
    raise ConfigurationError(
        f"these credentials can see {found} named {name}; fix the region or huaweicloud:projectName "
        f"(HW_PROJECT_NAME), or {advice}"
    )


def _segment(value: str, what: str) -> str:
    # HTTP libraries resolve dots in a path, so such an id would address something else.
    try:
        quoted = quote(value, safe="")
    except UnicodeEncodeError:  # the shell's argument isn't text
        quoted = ""
    if quoted in ("", ".", ".."):
        raise ConfigurationError(f"{value!r} isn't a valid {what}")
    return quoted


def _not_dcs(operation: str, error: models.Malformed) -> TransportError:
    return TransportError(operation, f"the response isn't a DCS response ({error})")
