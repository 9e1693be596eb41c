"""Stands between the socket and the emulator: sees each request and its answer, and what the server then did."""

from __future__ import annotations

import io
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from unittest import mock

import requests
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError

from dcs_emulator import Emulator
from dcs_emulator.app import ROUTES
from dcs_emulator.wire import ConnectionCut
from dcs_migration.dcs import transport
from dcs_migration.dcs.deadline import DeadlineAdapter
from tests.chaos.plan import Fault
from tests.fakes import FakeClock

CREATE, LIST, SHOW = "CreateMigrationTask", "ListMigrationTask", "ShowMigrationTask"
STOP, DELETE = "BatchStopMigrationTasks", "DeleteMigrationTask"
RESTART = "BatchRestartOnlineMigrationTasks"
WRITES = (CREATE, STOP, DELETE)
_IDS = {STOP: "migration_tasks", RESTART: "migration_tasks", DELETE: "task_id_list"}
_BY_PLACE = {(method, path.rsplit("/", 1)[-1]): operation for operation, method, path in ROUTES}
_ID_AT = {
    operation: path.split("/").index("<task_id>") for operation, _, path in ROUTES if "<task_id>" in path
}


def operation_of(method: str, path: str) -> str:
    """Return the operation of a request that the provider makes."""
    last = path.rsplit("/", 1)[-1]
    return _BY_PLACE.get((method, last)) or (SHOW if "/migration-task/" in path else "Unknown")


@dataclass
class Seen:
    """One request. ``answer`` is its JSON body where a whole one was sent, ``status`` 0 where none was."""

    operation: str
    ids: list[str] = field(default_factory=list)
    status: int = 0
    answer: Any = None
    late: bool = False  # it is carried out when its caller has given up

    @property
    def good(self) -> bool:
        """Whether the caller learned from it what it asked."""
        if self.operation == LIST:
            return (
                self.status == 200
                and isinstance(self.answer, dict)
                and isinstance(self.answer.get("migration_tasks"), list)
            )
        return self.status in (200, 400) and isinstance(self.answer, dict)

    @property
    def unclear(self) -> bool:
        """Whether a creation leaves its caller without knowing if a task was started."""
        if self.status == 200:
            return not isinstance(self.answer, dict) or "id" not in self.answer
        return self.status == 0 or self.status >= 500


class Caller(Protocol):
    """The current sender of requests: it judges them before and after the server acts."""

    def arrives(self, seen: Seen) -> None:
        """Take note of a request that arrives, or that could not even leave."""

    def acted(self, seen: Seen) -> None:
        """Take note of what became of it."""

    def crossed(self) -> None:
        """Take note that the server carried out a request whose caller has given up."""


class Tap:
    """Wraps an emulator's application; also orders the faults that an emulator cannot make."""

    def __init__(self, cloud: Emulator) -> None:
        self._app: Callable[[dict[str, Any], Any], Iterable[bytes]] = cloud._server.app
        cloud._server.app = self
        self.cloud = cloud
        self.caller: Caller | None = None
        self.met: Counter[str] = Counter()
        self._own: list[Fault] = []
        self._later: list[list[Any]] = []  # fault, message, and how many requests it still skips
        self._late: list[tuple[dict[str, Any], bytes, Caller, list[bool]]] = []
        self._crossing: list[tuple[dict[str, Any], bytes, Caller]] = []
        self._lock = threading.RLock()
        self.clock = FakeClock()

    def reset(self, clock: FakeClock) -> None:
        """Start a new schedule."""
        self.clock = clock
        self.caller = None
        self._own.clear()
        self._later.clear()
        self._late.clear()
        self._crossing.clear()

    def order(self, fault: Fault, message: str) -> None:
        """Order a fault, of the emulator's kinds or of ours; one that skips requests is ordered when they came."""
        if fault.skip:
            self._later.append([fault, message, fault.skip])
        elif fault.kind in ("late", "crossing", "refused", "short", "passed-over", "gap"):
            self._own += [fault] * fault.times
        else:
            more = {"status": fault.status, "error_code": fault.error_code} if fault.kind == "error" else {}
            self.cloud.fault(
                fault.operation,
                fault.kind,
                seconds=fault.seconds,
                times=fault.times,
                message=message,
                **more,
            )

    def withdraw(self) -> None:
        """Withdraw what no request has met."""
        self._own.clear()
        self._later.clear()
        self.cloud.clear_faults()

    def _take(self, kind: str, operation: str) -> Fault | None:
        for fault in self._own:
            if fault.kind == kind and fault.operation in (operation, "*"):
                self._own.remove(fault)
                self.met[kind] += 1
                return fault
        return None

    def refuses(self, method: str, path: str) -> bool:
        """Say whether this request cannot leave, and note that it was tried."""
        operation = operation_of(method, path)
        if self.caller is not None:
            self._skip(operation)
        if self.caller is None or self._take("refused", operation) is None:
            return False
        self.caller.arrives(Seen(operation))
        return True

    def _skip(self, operation: str) -> None:
        """Count a request for the faults that skip some."""
        for waiting in list(self._later):
            fault, message, left = waiting
            if fault.operation not in (operation, "*"):
                continue
            if left:
                waiting[2] -= 1
                continue
            self._later.remove(waiting)
            self.order(replace(fault, skip=0), message)

    def land(self) -> None:
        """Carry out every late request that is still under way."""
        while self._late:
            environ, body, caller, done = self._late.pop(0)
            if not done[0]:
                done[0] = True
                self._carry_out(environ, body, caller)

    def land_crossing(self) -> None:
        """Carry out what an earlier command has left under way."""
        while self._crossing:
            environ, body, caller = self._crossing.pop(0)
            # No one waits for its answer, so that a fault which cuts it changes nothing more.
            with suppress(ConnectionError):
                self._call(environ, body)
            caller.crossed()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request."""
        caller = self.caller
        if caller is None:
            return self._app(environ, start_response)
        with self._lock:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            seen = _seen(environ, body)
            caller.arrives(seen)
            late = self._take("late", seen.operation)
            if late is not None:
                self._postpone(environ, body, caller, late.seconds or 0.0)
                caller.acted(seen)
                raise ConnectionCut
            if self._take("crossing", seen.operation) is not None:
                self._crossing.append((environ, body, caller))
                caller.acted(seen)
                raise ConnectionCut
            left = sum(order["times"] for order in self.cloud.faults())
            kinds = [order["fault"] for order in self.cloud.faults()]
            try:
                status, headers, answer = self._call(environ, body)
            except ConnectionError:
                caller.acted(seen)
                raise
            finally:
                if sum(order["times"] for order in self.cloud.faults()) < left:
                    self.met[_gone(kinds, [order["fault"] for order in self.cloud.faults()])] += 1
            seen.status, seen.answer = int(status.split()[0]), _json(answer)
            if seen.operation == LIST and seen.good:
                headers, answer = self._passed_over(seen, headers, answer)
            caller.acted(seen)
        start_response(status, headers)
        return [answer]

    def _passed_over(
        self, seen: Seen, headers: list[tuple[str, str]], answer: bytes
    ) -> tuple[list[tuple[str, str]], bytes]:
        """Leave rows out of a listing, where that was ordered.

        All of them with its count (``gap``) or without (``short``), or the newest one (``passed-over``).
        """
        count, rows = seen.answer["count"], seen.answer["migration_tasks"]
        if self._take("short", LIST):
            count, rows = 0, []
        elif rows and self._take("gap", LIST):
            rows = []
        elif self._take("passed-over", LIST):
            rows = rows[1:]
        else:
            return headers, answer
        answer = json.dumps({"count": count, "migration_tasks": rows}).encode()
        headers = [pair for pair in headers if pair[0].lower() != "content-length"]
        return [*headers, ("Content-Length", str(len(answer)))], answer

    def _postpone(self, environ: dict[str, Any], body: bytes, caller: Caller, seconds: float) -> None:
        done = [False]
        self._late.append((environ, body, caller, done))

        def lands() -> None:
            if not done[0]:
                done[0] = True
                self._carry_out(environ, body, caller)

        self.clock.at(seconds, lands)

    def _carry_out(self, environ: dict[str, Any], body: bytes, caller: Caller) -> None:
        seen = _seen(environ, body)
        seen.late = True
        # Its connection is closed, so a fault that cuts it has no effect.
        with suppress(ConnectionError):
            self._call(environ, body)
        caller.acted(seen)

    def _call(self, environ: dict[str, Any], body: bytes) -> tuple[str, list[tuple[str, str]], bytes]:
        begun: list[tuple[str, list[tuple[str, str]]]] = []
        environ["wsgi.input"] = io.BytesIO(body)
        pieces = b"".join(self._app(environ, lambda status, headers: begun.append((status, headers))))
        return (*begun[-1], pieces)


def _gone(before: list[str], after: list[str]) -> str:
    """Return the kind of the order that was used; one with more to come is still there."""
    gone = Counter(before) - Counter(after)
    return next(iter(gone), before[0])


def _seen(environ: dict[str, Any], body: bytes) -> Seen:
    path = environ["RAW_URI"].partition("?")[0]
    operation = operation_of(environ["REQUEST_METHOD"], path)
    if operation in _ID_AT:
        return Seen(operation, [path.split("/")[_ID_AT[operation]]])
    return Seen(operation, list(json.loads(body)[_IDS[operation]]) if operation in _IDS else [])


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


class _Refusable(DeadlineAdapter):
    def __init__(self, tap: Tap, **options: Any) -> None:
        super().__init__(**options)
        self._tap = tap

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        if self._tap.refuses(request.method or "", request.path_url.partition("?")[0]):
            pool = HTTPConnectionPool("127.0.0.1")
            refused = ConnectionRefusedError("the connection was refused")
            raise requests.ConnectionError(MaxRetryError(pool, request.path_url, refused))
        return super().send(request, *args, **options)


@contextmanager
def refusable(tap: Tap) -> Iterator[None]:
    """Let the client's connections be refused where the tap says so."""

    def adapter(**options: Any) -> _Refusable:
        return _Refusable(tap, **options)

    with mock.patch.object(transport, "DeadlineAdapter", adapter):
        yield
