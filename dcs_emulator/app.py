"""The WSGI application: routes a request, authenticates it, applies faults, writes the answer."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from dcs_emulator.control import CONTROL_PREFIX, Control
from dcs_emulator.errors import JSON_TYPE, ApiError, api_error, error_body
from dcs_emulator.faults import DEFAULT_SECONDS, Fault, FaultQueue
from dcs_emulator.identity import ROUTES as IDENTITY_ROUTES
from dcs_emulator.identity import SIGNED, Identity, IdentityCall, IdentityReply, operation_of
from dcs_emulator.journal import Journal
from dcs_emulator.operations import Call, Operations, Reply
from dcs_emulator.quirks import QuirkSet
from dcs_emulator.signature import Credentials, Received, authenticate
from dcs_emulator.wire import BadBody, BodyTooLarge, ConnectionCut, read_body

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY_BYTES = 12 * 1024 * 1024
UNKNOWN_OPERATION = "Unknown"
GARBAGE = b"\x00\xff<<< this isn't JSON >>>"

# operation, method, path
ROUTES: tuple[tuple[str, str, str], ...] = (
    ("CreateMigrationTask", "POST", "/v2/<project_id>/migration-task"),
    ("CreateOnlineMigrationTask", "POST", "/v2/<project_id>/migration/instance"),
    ("SetOnlineMigrationTask", "POST", "/v2/<project_id>/migration/<task_id>/task"),
    ("ShowJobInfo", "GET", "/v2/<project_id>/jobs/<job_id>"),
    ("BatchRestartOnlineMigrationTasks", "POST", "/v2/<project_id>/migration-tasks/batch-restart"),
    ("ExchangeInstanceIp", "POST", "/v2/<project_id>/migration-task/<task_id>/exchange-ip"),
    ("RollbackExchangeInstanceIp", "POST", "/v2/<project_id>/migration-task/<task_id>/rollback-ip"),
    ("ListMigrationTask", "GET", "/v2/<project_id>/migration-tasks"),
    ("ShowMigrationTask", "GET", "/v2/<project_id>/migration-task/<task_id>"),
    ("ShowMigrationTaskStats", "GET", "/v2/<project_id>/migration-task/<task_id>/stats"),
    ("ListMigrationTaskLogs", "GET", "/v2/<project_id>/migration-task/<task_id>/logs"),
    ("StopMigrationTask", "POST", "/v2/<project_id>/migration-task/<task_id>/stop"),
    ("StopMigrationTaskSync", "POST", "/v2/<project_id>/migration-task/<task_id>/sync-stop"),
    ("BatchStopMigrationTasks", "POST", "/v2/<project_id>/migration-task/batch-stop"),
    ("UpdateMigrationTask", "PUT", "/v2/<project_id>/migration-task/<task_id>"),
    ("DeleteMigrationTask", "DELETE", "/v2/<project_id>/migration-tasks/delete"),
    ("KeystoneListProjects", "GET", "/v3/projects"),
)
OPERATIONS: tuple[str, ...] = tuple(operation for operation, _, _ in ROUTES)
IDENTITY_OPERATIONS: tuple[str, ...] = tuple(operation for operation, _, _ in IDENTITY_ROUTES)


@dataclass
class _RequestContext:
    """Data about a request while it is handled."""

    time: float
    method: str
    path: str
    request_id: str
    operation: str = UNKNOWN_OPERATION
    status: int = 0
    task_ids: list[str] = field(default_factory=list)
    close: bool = False


class Application:
    """The emulated cloud as a WSGI application."""

    def __init__(
        self,
        operations: Operations,
        control: Control,
        identity: Identity,
        credentials: Credentials,
        quirks: QuirkSet,
        faults: FaultQueue,
        journal: Journal,
        clock: Callable[[], float],
        closing: threading.Event,
    ) -> None:
        self._operations = operations
        self._control = control
        self._identity = identity
        self._credentials = credentials
        self._quirks = quirks
        self._faults = faults
        self._journal = journal
        self._clock = clock
        self._closing = closing
        rules = [
            Rule(path, endpoint=name, methods=[method]) for name, method, path in (*ROUTES, *IDENTITY_ROUTES)
        ]
        self._routes = Map(rules, strict_slashes=True, merge_slashes=False, redirect_defaults=False)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; raises `ConnectionCut` to close the connection without an answer."""
        path, _, query = environ["RAW_URI"].partition("?")
        context = _RequestContext(self._clock(), environ["REQUEST_METHOD"], path, secrets.token_hex(16))
        if path.startswith(CONTROL_PREFIX):
            response = self._answer_control(environ, context)
        else:
            context.path = _origin_form(path)  # a request through a proxy can't make control calls
            response = self._answer_cloud(environ, context, query)
        response.headers["X-Request-Id"] = context.request_id
        if context.close:
            response.headers["Connection"] = "close"
        return response(environ, start_response)

    def _answer_control(self, environ: WSGIEnvironment, context: _RequestContext) -> Response:
        try:
            body = read_body(environ, MAX_BODY_BYTES)
        except (BodyTooLarge, BadBody):
            context.close = True
            return Response(b'{"error": "the body is too large or broken"}', 400, content_type=JSON_TYPE)
        return self._control.answer(Request(environ), context.path, body)

    def _answer_cloud(self, environ: WSGIEnvironment, context: _RequestContext, query: str) -> Response:
        try:
            try:
                response = self._handle(environ, context, query)
            except ApiError as error:
                response = self._error(error, context)
            except ConnectionError:
                raise
            except Exception as error:
                # Only the error's type: its text may contain data of the request.
                internal = api_error("DCS.5000")
                internal.message += f" ({type(error).__name__})"
                response = self._error(internal, context)
            context.status = response.status_code
            return response
        finally:
            self._journal.record(
                context.time,
                context.operation,
                context.method,
                context.path,
                context.status,
                context.task_ids,
            )

    def _handle(self, environ: WSGIEnvironment, context: _RequestContext, query: str) -> Response:
        body = self._read(environ, context)
        request = Request(environ)
        context.operation, arguments = self._route(environ)
        context.task_ids = [arguments["task_id"]] if "task_id" in arguments else []
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(context.method, context.path, query, headers, body)
        if context.operation in IDENTITY_OPERATIONS:
            return self._handle_identity(context, received, request)
        # Use the real clock for signatures, like the caller; the tasks may have another clock.
        authenticate(received, self._credentials, time.time())
        call = Call(request.args, lambda: _parse(request.mimetype, body), bool(body), **arguments)
        fault = self._faults.take(context.operation)
        if fault is None:
            return _response(self._run(context, call))
        return self._answer_with_fault(fault, context, lambda: _response(self._run(context, call)))

    def _handle_identity(self, context: _RequestContext, received: Received, request: Request) -> Response:
        body = _json_or_none(received.body)
        context.operation = operation_of(context.operation, body)
        if context.operation in SIGNED:
            authenticate(received, self._credentials, time.time())
        call = IdentityCall(
            context.operation, received.headers, lambda: _parse(request.mimetype, received.body)
        )
        fault = self._faults.take(context.operation)
        if fault is not None:
            return self._answer_with_fault(
                fault, context, lambda: _identity_response(self._identity.answer(call))
            )
        return _identity_response(self._identity.answer(call))

    def _read(self, environ: WSGIEnvironment, context: _RequestContext) -> bytes:
        try:
            return read_body(environ, MAX_BODY_BYTES)
        except BodyTooLarge as error:
            context.close = not error.drained
            raise api_error("APIGW.0201") from None
        except BadBody:
            context.close = True
            raise api_error("DCS.4005", "broken framing") from None

    def _route(self, environ: WSGIEnvironment) -> tuple[str, dict[str, str]]:
        try:
            operation, arguments = self._routes.bind_to_environ(environ).match()
        except MethodNotAllowed:
            raise api_error("DCS.5001") from None
        except HTTPException:
            raise api_error("APIGW.0101") from None
        if environ["REQUEST_METHOD"] == "HEAD":  # Werkzeug accepts it for every GET route
            raise api_error("DCS.5001")
        return operation, dict(arguments)

    def _run(self, context: _RequestContext, call: Call) -> Reply:
        reply = self._operations.run(context.operation, call)
        context.task_ids = reply.task_ids or context.task_ids
        return reply

    def _answer_with_fault(
        self, fault: Fault, context: _RequestContext, carry_out: Callable[[], Response]
    ) -> Response:
        """Answer a request with a fault."""
        kind = fault.fault
        if kind == "error":
            raise ApiError(fault.status, fault.error_code, fault.message)
        if kind == "throttle":
            error = api_error("APIGW.0308")
            if fault.seconds is not None:
                error.headers["Retry-After"] = f"{fault.seconds:g}"
            raise error
        if kind == "drop_before":
            raise ConnectionCut
        if kind == "delay":
            self._wait(fault)
        response = self._carried_out(context, carry_out)
        if kind == "drop_after":
            raise ConnectionCut
        if kind == "delay_after":
            self._wait(fault)
        elif kind == "garbage":
            response = Response(GARBAGE, 200, content_type=JSON_TYPE)
        elif kind == "empty":
            response = Response(b"", 200, content_type=JSON_TYPE)
        elif kind == "truncate":
            _truncate(response)
            context.close = True
        return response

    def _carried_out(self, context: _RequestContext, carry_out: Callable[[], Response]) -> Response:
        try:
            return carry_out()
        except ApiError as error:
            return self._error(error, context)

    def _wait(self, fault: Fault) -> None:
        seconds = DEFAULT_SECONDS if fault.seconds is None else fault.seconds
        if self._closing.wait(seconds):
            raise ConnectionCut

    def _error(self, error: ApiError, context: _RequestContext) -> Response:
        content_type, body = error_body(error, context.request_id, self._quirks.text("error-body"))
        pause = self._quirks.number("retry-after")
        if pause is not None and error.status == HTTPStatus.TOO_MANY_REQUESTS:
            error.headers.setdefault("Retry-After", f"{pause:g}")
        return Response(body, error.status, error.headers, content_type=content_type)


def _origin_form(target: str) -> str:
    """Return the path of a request's target: clients send a proxy the whole URL."""
    if not target.lower().startswith("http://"):
        return target
    rest = target[len("http://") :].partition("/")[2]
    return f"/{rest}"


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _identity_response(reply: IdentityReply) -> Response:
    if isinstance(reply.body, str):
        return Response(reply.body.encode(), reply.status, content_type="text/plain")
    return Response(
        json.dumps(reply.body).encode(), reply.status, dict(reply.headers), content_type=JSON_TYPE
    )


def _parse(content_type: str, body: bytes) -> Any:
    if not body:
        raise api_error("DCS.4004")
    if content_type != JSON_TYPE:
        raise api_error("DCS.4005", "Content-Type must be application/json")
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise api_error("DCS.4005", "not JSON") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} isn't JSON")


def _response(reply: Reply) -> Response:
    if reply.body is None:
        return Response(status=reply.status)
    return Response(json.dumps(reply.body).encode(), reply.status, content_type=JSON_TYPE)


def _truncate(response: Response) -> None:
    """Send half of the body with the length of the whole body."""
    body = response.get_data()
    response.set_data(body[: len(body) // 2])
    response.headers["Content-Length"] = str(len(body))
