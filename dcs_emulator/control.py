"""The control calls under ``/_emulator/``: for tests and demos, from this machine only."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from dcs_emulator.errors import JSON_TYPE
from dcs_emulator.faults import FaultError, FaultQueue, make_fault
from dcs_emulator.journal import Journal
from dcs_emulator.quirks import QUIRKS, QuirkError, QuirkSet
from dcs_emulator.responses import timestamp
from dcs_emulator.store import TaskStore
from dcs_emulator.task import Task, is_status

CONTROL_PREFIX = "/_emulator/"


class ControlError(Exception):
    """A control call that fails."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """Control of an emulator from outside; `Emulator` offers the same in this process."""

    def __init__(
        self,
        store: TaskStore,
        quirks: QuirkSet,
        faults: FaultQueue,
        journal: Journal,
        operations: Iterable[str],
        addresses: Mapping[str, str],
    ) -> None:
        self._store = store
        self._quirks = quirks
        self._faults = faults
        self._journal = journal
        self._operations = tuple(operations)
        self._addresses = dict(addresses)
        self._initial_quirks = quirks.specs()
        actions: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("GET", "health", lambda body: {"status": "ok"}),
            ("POST", "reset", lambda body: self.reset()),
            ("GET", "tasks", lambda body: self.tasks()),
            ("POST", "tasks/<task_id>", self._post_status),
            ("DELETE", "tasks/<task_id>", lambda body, task_id: self.remove(task_id)),
            ("GET", "addresses", lambda body: self._addresses),
            ("GET", "requests", lambda body: self._journal.entries()),
            ("DELETE", "requests", lambda body: self._journal.clear()),
            ("POST", "faults", lambda body: self.fault(**_object(body))),
            ("GET", "faults", lambda body: self._faults.entries()),
            ("DELETE", "faults", lambda body: self._faults.clear()),
            ("POST", "quirks", self._post_quirks),
            ("GET", "quirks", lambda body: self._quirk_table()),
        )
        rules = [
            Rule(CONTROL_PREFIX + path, endpoint=action, methods=[method]) for method, path, action in actions
        ]
        self._routes = Map(rules, strict_slashes=True, merge_slashes=False)

    # In this process.

    def tasks(self) -> list[dict[str, Any]]:
        """Return all tasks that aren't deleted, oldest first."""
        with self._store.transaction():
            return [
                {
                    "id": task.id,
                    "name": task.name,
                    "status": task.status,
                    "project_id": task.project_id,
                    "description": task.description,
                    "target_instance_id": task.target_id or None,
                    "migration_type": task.migration_type,
                    "migration_method": task.migration_method,
                    "error": task.error,
                    "created_at": timestamp(task.created_at),
                    **_online_fields(task),
                }
                for task in self._store.existing()
            ]

    def set_status(
        self,
        task_id: str,
        status: str,
        error: str | None = None,
        *,
        task_status: str | None = None,
        offset: int | None = None,
    ) -> None:
        """Set a task's status, which then doesn't change; raises `ControlError`.

        ``task_status`` is the status of an exchange of addresses, ``offset`` is how many bytes the target is behind.
        """
        if not is_status(status) or (task_status is not None and not is_status(task_status)):
            raise ControlError(400, "status must be upper-case letters and underscores")
        if offset is not None and (not isinstance(offset, int) or isinstance(offset, bool) or offset < 0):
            raise ControlError(400, "offset must be a number of bytes")
        if error is not None and not isinstance(error, str):
            raise ControlError(400, "error must be a string")
        with self._store.transaction() as now:
            try:
                self._store.set_status(task_id, status, error, now, task_status=task_status, offset=offset)
            except KeyError:
                raise ControlError(404, f"no task {task_id}") from None

    def remove(self, task_id: str) -> None:
        """Delete a task as the console does; raises `ControlError`."""
        with self._store.transaction() as now:
            try:
                self._store.remove(task_id, now)
            except KeyError:
                raise ControlError(404, f"no task {task_id}") from None

    def fault(self, /, **order: Any) -> None:
        """Add a fault; raises `ControlError`."""
        try:
            self._faults.add(make_fault(order, self._operations))
        except FaultError as error:
            raise ControlError(400, str(error)) from None

    def quirks(self) -> list[str]:
        """Return the active quirks."""
        return self._quirks.specs()

    def set_quirks(self, specs: Iterable[str]) -> None:
        """Activate exactly these quirks; raises `ControlError`."""
        try:
            self._quirks.replace(specs)
        except QuirkError as error:
            raise ControlError(400, str(error)) from None

    def reset(self) -> None:
        """Remove tasks, requests and faults, and restore the initial quirks."""
        with self._store.transaction():
            self._store.clear()
        self._faults.clear()
        self._journal.clear()
        self._quirks.replace(self._initial_quirks)

    # Over HTTP.

    def answer(self, request: Request, path: str, body: bytes) -> Response:
        """Answer a control call with JSON: 204 without a body if there is no result."""
        try:
            _require_local_caller(request)
            action, arguments = self._routes.bind("", path_info=path).match(method=request.method)
            answer = action(body, **arguments)
        except ControlError as error:
            return _json({"error": str(error)}, error.status)
        except MethodNotAllowed:
            return _json({"error": "the method isn't supported"}, 405)
        except HTTPException:
            return _json({"error": "no such control call"}, 404)
        except Exception as error:
            return _json({"error": f"internal error ({type(error).__name__})"}, 500)
        return Response(status=204) if answer is None else _json(answer, 200)

    def _post_status(self, body: bytes, task_id: str) -> None:
        fields = _object(body)
        if not {"status"} <= set(fields) <= {"status", "error", "task_status", "offset"}:
            raise ControlError(
                400,
                "status is required; error, task_status and offset are optional; no other fields are allowed",
            )
        self.set_status(task_id, **fields)

    def _post_quirks(self, body: bytes) -> dict[str, Any]:
        specs = _object(body).get("quirks")
        if not isinstance(specs, list) or not all(isinstance(spec, str) for spec in specs):
            raise ControlError(400, "quirks must be a list of names")
        self.set_quirks(specs)
        return self._quirk_table()

    def _quirk_table(self) -> dict[str, Any]:
        available = {name: quirk.description for name, quirk in QUIRKS.items()}
        return {"quirks": self._quirks.specs(), "available": available}


def _online_fields(task: Task) -> dict[str, Any]:
    """Return the data of a task on a migration instance; empty for other tasks."""
    if task.network is None:
        return {}
    return {
        "job_id": task.job_id,
        "task_status": task.task_status,
        "resume_mode": task.resume_mode,
        "bandwidth_limit_mb": task.bandwidth_limit_mb,
        "runs": task.runs,
        "restarts": task.restarts,
        "exchanges": task.exchanges,
        "rollbacks": task.rollbacks,
    }


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise ControlError(400, "the body isn't JSON") from None
    if not isinstance(value, dict):
        raise ControlError(400, "the body must be an object")
    return value


def _json(value: Any, status: int) -> Response:
    return Response(json.dumps(value).encode(), status, content_type=JSON_TYPE)


def _require_local_caller(request: Request) -> None:
    """Refuse calls from other machines, and from web pages in a browser on this machine."""
    origin = request.headers.get("Origin")
    if not is_loopback(request.remote_addr or "") or not is_loopback(
        _host(f"//{request.headers.get('Host', '')}")
    ):
        raise ControlError(403, "control calls are only accepted from this machine")
    if origin is not None and not is_loopback(_host(origin)):
        raise ControlError(403, "control calls aren't accepted from web pages")


def _host(url: str) -> str:
    """Return the host of a URL, empty if there is none or the URL is malformed."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Return whether a host name or address means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
