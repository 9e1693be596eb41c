"""A server that answers anything at all: bounded time and memory, one clear line, credentials to no one else."""

from __future__ import annotations

import gzip
import json
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dcs_migration.life_cycles.reporting import ProviderError
from tests.chaos.leaks import FIRST_PASSWORD, SECRET_KEY, leaked, told_by_server
from tests.fakes import FakeClock, FakeEngine
from tests.unit.dcs_server import (
    Answer,
    Handler,
    StandIn,
    answer,
    dribble_body,
    dribble_headers,
    drop,
    endless,
    silent,
    truncated,
)
from tests.unit.life_cycle_world import BACKUP_IMPORT, Resource, State, environment, start_plugin

ID = "0123456789abcdef0123456789abcdef"
INPUTS: dict[str, Any] = {
    **BACKUP_IMPORT,
    "target_instance": {"id": "instance-1", "password": FIRST_PASSWORD},
}
TIMEOUTS = (0.5, 0.1)  # seconds, real ones
LONGEST = 20.0  # seconds: a create looks for its task a dozen times, each with its own timeouts
MOST_MEMORY = 300 * 1024 * 1024
OPERATIONS: dict[str, Callable[[Resource], object]] = {
    "create": lambda resource: resource.up(INPUTS),
    "read": lambda resource: resource.refresh(),
    "get": lambda resource: resource.get(ID),
    "delete": lambda resource: resource.destroy(),
}


class Hostile:
    """A server whose every answer is the one that is set."""

    def __init__(self) -> None:
        self.answer: Answer = drop
        self.stand_in = StandIn(lambda handler: self.answer(handler))

    def resource(self, operation: str) -> Resource:
        """Return a resource, in state unless it is to be created."""
        environ = environment(
            self.stand_in.url,
            HW_SECRET_KEY=SECRET_KEY,
            HW_PROJECT_ID="p0",
            HW_MAX_RETRIES="1",
        )
        resource = Resource(start_plugin(environ, FakeClock(), FakeEngine(), timeouts=TIMEOUTS))
        if operation in ("read", "delete"):
            host = self.stand_in.url.partition("//")[2]
            outputs = {
                **INPUTS,
                "task_name": "orders",
                "region": "eu-west-101",
                "project_id": "p0",
                "status": "MIGRATING",
                "__urn": resource.urn,
                "__endpoint": host,
            }
            resource.state = State(ID, dict(outputs), outputs)
        return resource


@pytest.fixture(scope="module")
def hostile() -> Iterator[Hostile]:
    """The server."""
    server = Hostile()
    with server.stand_in:
        yield server


def _survive(hostile: Hostile, operation: str, given_answer: Answer) -> str | None:
    """Run an operation against an answer; return its error, seen to be one clear line, or None."""
    hostile.answer = given_answer
    hostile.stand_in.requests.clear()
    resource = hostile.resource(operation)
    began = time.monotonic()
    try:
        OPERATIONS[operation](resource)
    except ProviderError as error:
        message = str(error)
        assert "\n" not in message
        assert message.strip()
        assert "internal error" not in message, message
        assert "interrupted" not in message, message
        assert len(message) < 4000
        # A process that only reads doesn't have a password.
        secrets = (SECRET_KEY,) if operation == "get" else (SECRET_KEY, FIRST_PASSWORD)
        assert leaked(message, secrets) is None, message
        return message
    finally:
        assert time.monotonic() - began < LONGEST
        posts = [request for request in hostile.stand_in.requests if request.method == "POST"]
        assert len([request for request in posts if request.target.endswith("/migration-task")]) <= 14
    if resource.state is not None:
        shown = json.dumps({**resource.state.outputs, "target_instance": None})
        assert leaked(shown, (FIRST_PASSWORD, SECRET_KEY)) is None
    return None


def _raw(head: bytes, body: bytes = b"") -> Answer:
    def send(handler: Handler) -> None:
        handler.wfile.write(head + b"\r\n\r\n" + body)
        handler.close_connection = True

    return send


def _huge_headers(handler: Handler) -> None:
    handler.send_response(200)
    for number in range(200):
        handler.send_header(f"X-Header-{number}", "x" * 1000)
    handler.send_header("Content-Length", "2")
    handler.end_headers()
    handler.wfile.write(b"{}")


def _endless_headers(handler: Handler) -> None:
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        handler.wfile.write(b"X-%d: y\r\n" % number)


_BOMB = gzip.compress(b'{"count": 0, "migration_tasks": [' + b" " * 64 * 1024 * 1024 + b"]}")
_DEEP = b'{"migration_tasks": ' + b"[" * 200_000 + b"]" * 200_000 + b', "count": 1}'
_MANY = json.dumps(
    {
        "count": 10**8,
        "migration_tasks": [{"task_id": f"{n:032x}", "status": "MIGRATING"} for n in range(20_000)],
    }
).encode()

WEIRD: dict[str, Answer] = {
    "dropped": drop,
    "truncated": truncated,
    "silent": silent,
    "headers a byte at a time": dribble_headers,
    "a body a byte at a time": dribble_body,
    "a body without end": endless,
    "headers without end": _endless_headers,
    "huge headers": _huge_headers,
    "no HTTP": _raw(b"SSH-2.0-OpenSSH_9.6"),
    "a status that is no number": _raw(b"HTTP/1.1 OK fine"),
    "a status out of range": _raw(b"HTTP/1.1 999 Strange\r\nContent-Length: 2", b"{}"),
    "only 1xx": _raw(b"HTTP/1.1 102 Processing"),
    "broken chunks": _raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", b"zz\r\n{}\r\n"),
    "a negative length": _raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5", b"{}"),
    "a length that is a lie": _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999", b"{}"),
    "two lengths": _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 7", b"{}"),
    "a gzip bomb": answer(raw=_BOMB, headers={"Content-Encoding": "gzip"}),
    "broken gzip": answer(raw=b"\x1f\x8bnot gzip", headers={"Content-Encoding": "gzip"}),
    "deep nesting": answer(raw=_DEEP),
    "more rows than asked for": answer(raw=_MANY),
    "huge numbers": answer(raw=b'{"count": ' + b"9" * 5000 + b', "migration_tasks": []}'),
    "NaN": answer(raw=b'{"count": NaN, "migration_tasks": [], "status": Infinity}'),
    "lone surrogates": answer(
        raw=b'{"count": 1, "migration_tasks": [{"task_id": "\\ud800", "status": "\\udfff"}]}'
    ),
    "an unusual encoding": answer(raw='{"count": 0}'.encode("utf-16")),
    "cookies": answer({"count": 0, "migration_tasks": []}, headers={"Set-Cookie": "a=b; Domain=com"}),
    "secrets in an error": answer(
        {"error_code": "DCS.5000", "error_msg": told_by_server(FIRST_PASSWORD)}, 500
    ),
    "secrets in a refusal": answer({"error_code": told_by_server(SECRET_KEY), "error_msg": SECRET_KEY}, 400),
    "lines in an error": answer({"error_code": "DCS\n\r\x1b[2J", "error_msg": "a\nb\u2028c\x85d"}, 418),
    "throttled for ever": answer({"error_code": "APIGW.0308"}, 429, {"Retry-After": "999999999"}),
    "a Retry-After in words": answer({"error_code": "APIGW.0308"}, 429, {"Retry-After": "tomorrow"}),
    "a bare 404": answer(raw=b"", status=404),
    "an empty 200": answer(raw=b""),
    "a 204": _raw(b"HTTP/1.1 204 No Content"),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("kind", WEIRD)
def test_a_weird_answer_is_survived(hostile: Hostile, kind: str, operation: str) -> None:
    """For any answer, the operation ends in bounded time with one line that holds no secret."""
    _survive(hostile, operation, WEIRD[kind])


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("kind", ["a body without end", "a gzip bomb", "deep nesting", "headers without end"])
def test_a_huge_answer_takes_bounded_memory(hostile: Hostile, kind: str, operation: str) -> None:
    """No answer is kept in memory without a limit."""
    tracemalloc.start()
    try:
        _survive(hostile, operation, WEIRD[kind])
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_credentials_go_to_no_other_host(hostile: Hostile, operation: str, status: int) -> None:
    """A redirect is not followed, to any address."""
    with StandIn(answer({})) as elsewhere:
        for location in (elsewhere.url + "/v2/p0/migration-tasks", "//" + elsewhere.url.partition("//")[2]):
            error = _survive(hostile, operation, answer({}, status, {"Location": location}))
            assert error is not None
            assert elsewhere.requests == []


_TEXT = st.one_of(
    st.text(max_size=20),
    st.sampled_from([ID, "MIGRATING", "SUCCESS", "FAILED", "GONE", "DELETED", "DCS.4133", "111400133", ""]),
)
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_ROW = st.dictionaries(
    st.sampled_from(
        [
            "task_id",
            "id",
            "status",
            "task_name",
            "description",
            "error_message",
            "target_instance",
            "backup_files",
        ]
    ),
    _TEXT | _ANY,
    max_size=6,
)
_BODY = st.one_of(
    _ANY,
    _ROW,
    st.fixed_dictionaries({"count": _ANY, "migration_tasks": st.lists(_ROW, max_size=3) | _ANY}),
    st.dictionaries(
        st.sampled_from(["error_code", "error_msg", "error", "code", "message"]), _ANY, max_size=4
    ),
)
_HEADERS = st.dictionaries(
    st.sampled_from(
        ["Content-Type", "X-Request-Id", "Retry-After", "Location", "Content-Encoding", "Set-Cookie"]
    ),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20),
    max_size=3,
)
_STATUS = st.sampled_from(
    [200, 200, 200, 201, 202, 299, 301, 400, 401, 403, 404, 405, 409, 429, 500, 502, 503]
)


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    operation=st.sampled_from(list(OPERATIONS)),
    bodies=st.lists(st.tuples(_STATUS, _HEADERS, _BODY), min_size=1, max_size=4),
    seed=st.integers(0, 2**16),
)
def test_random_answers_are_survived(
    hostile: Hostile, operation: str, bodies: list[tuple[int, dict[str, str], Any]], seed: int
) -> None:
    """Any sequence of statuses, headers and bodies ends in a result, or in one line that holds no secret."""
    chance = random.Random(seed)

    def any_of_them(handler: Handler) -> None:
        status, headers, body = chance.choice(bodies)
        answer(body, status, headers)(handler)

    _survive(hostile, operation, any_of_them)
