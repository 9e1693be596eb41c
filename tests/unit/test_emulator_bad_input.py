"""What the emulator makes of input that no client should send: its own errors, and then the next request."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPResponse, RemoteDisconnected
from typing import Any

import pytest
from werkzeug.test import create_environ
from werkzeug.wrappers import Request

from dcs_emulator import Emulator
from dcs_emulator.app import MAX_BODY_BYTES, OPERATIONS
from dcs_emulator.control import Control
from dcs_emulator.faults import FaultQueue
from dcs_emulator.journal import CAPACITY, LONGEST_PATH, Journal
from dcs_emulator.options import Options
from dcs_emulator.progression import Manual
from dcs_emulator.quirks import QuirkSet
from dcs_emulator.store import TaskStore
from tests.signing import PROJECT, SignedClient, import_request, sign

ABSENT = "0" * 32
BASE = f"/v2/{PROJECT}"
WITH_BODY = [
    ("POST", f"{BASE}/migration-task"),
    ("POST", f"{BASE}/migration-task/batch-stop"),
    ("PUT", f"{BASE}/migration-task/{ABSENT}"),
    ("DELETE", f"{BASE}/migration-tasks/delete"),
]
SHAPES = ({"error_msg", "error_code", "error_ext_msg"}, {"error_msg", "error_code", "request_id"})
TOKEN = "let-me-in"
ROUNDS = 400


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """One emulator for all, which has to survive."""
    with Emulator(progression="manual", auth_token=TOKEN) as it:
        yield it


@pytest.fixture(autouse=True)
def _still_serving(emulator: Emulator, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """After each test the emulator answers, has made no task, and has written nothing anywhere."""
    yield
    assert SignedClient(emulator.url).rows() == []
    assert capfd.readouterr() == ("", "")


def raw(emulator: Emulator, data: bytes, method: str = "GET") -> tuple[int, bytes]:
    """Send bytes on a connection of their own and return the status and the body of the answer."""
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=30) as connection:
        connection.sendall(data)
        answer = HTTPResponse(connection, method=method)
        answer.begin()
        return answer.status, answer.read()


def message(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Return a request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def signed(emulator: Emulator, method: str, path: str, body: bytes = b"") -> dict[str, str]:
    """Return the headers of a request that would be let in."""
    headers = {"Content-Type": "application/json"} if body else {}
    return {**sign(method, emulator.url + path, headers, body), "Content-Length": str(len(body))}


def code(answer: tuple[int, bytes]) -> tuple[int, str]:
    """Return the status and the code of a refusal in the service's shape or the gateway's."""
    body = json.loads(answer[1])
    assert set(body) in SHAPES
    return answer[0], body["error_code"]


class TestBodies:
    """Bodies of all operations that take one."""

    @pytest.mark.parametrize(("method", "path"), WITH_BODY)
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            (b"", "DCS.4004"),
            (b"{", "DCS.4005"),
            (b"null", "DCS.4005"),
            (b"[]", "DCS.4005"),
            (b'"text"', "DCS.4005"),
            (b"\xff\xfe{}", "DCS.4005"),
            (b'{"a": 1} {', "DCS.4005"),
            (b'{"a": ' * 50_000, "DCS.4005"),
            (b'{"task_name": Infinity}', "DCS.4005"),
            (b'{"a": ' + b"9" * 5_000 + b"e1}", "DCS.4800"),
            (b'{"a\\u0000": "\\ud800"}', "DCS.4800"),
            (b"{}", "DCS.4800"),
        ],
    )
    def test_bodies_that_are_no_request(
        self, emulator: Emulator, method: str, path: str, body: bytes, expected: str
    ) -> None:
        """Empty, broken, deep and senseless bodies are refused with a 400 and the code for it."""
        data = message(method, path, signed(emulator, method, path, body), body)
        assert code(raw(emulator, data)) == (400, expected)

    @pytest.mark.parametrize(("method", "path"), WITH_BODY)
    def test_bodies_that_are_too_large(self, emulator: Emulator, method: str, path: str) -> None:
        """A body of more than 12 MB is refused by the gateway, after it has been read."""
        body = b" " * (MAX_BODY_BYTES + 1)
        data = message(method, path, signed(emulator, method, path), b"").replace(
            b"Content-Length: 0", f"Content-Length: {len(body)}".encode()
        )
        assert code(raw(emulator, data + body)) == (413, "APIGW.0201")

    @pytest.mark.parametrize("path", [f"{BASE}/migration-task", "/_emulator/quirks"])
    def test_a_length_that_nobody_waits_for(self, emulator: Emulator, path: str) -> None:
        """A promise of a terabyte is refused before the first byte of it."""
        headers = {"Host": f"127.0.0.1:{emulator.port}", "Content-Length": str(10**12)}
        assert raw(emulator, message("POST", path, headers))[0] in (400, 413)

    @pytest.mark.parametrize(
        "headers",
        [
            {"Content-Length": "9" * 5_000},
            {"Content-Length": "+5"},
            {"Content-Length": "5,5"},
            {"Content-Length": "\u0665"},
            {"Transfer-Encoding": "gzip"},
            {"Transfer-Encoding": "gzip", "Content-Length": "5"},
        ],
    )
    def test_framing_that_means_nothing(self, emulator: Emulator, headers: dict[str, str]) -> None:
        """A length that isn't a number and an unknown coding are refused, and the connection ends."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        data = (
            f"POST {BASE}/migration-task HTTP/1.1\r\nHost: h\r\n{lines}\r\n".encode()
            + b"GET / HTTP/1.1\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", emulator.port), timeout=30) as connection:
            connection.sendall(data)
            answer = HTTPResponse(connection)
            answer.begin()
            body = answer.read()
            assert code((answer.status, body)) == (400, "DCS.4005")
            assert answer.getheader("Connection") == "close"

    def test_a_client_that_stops_half_way(self, emulator: Emulator) -> None:
        """A body that does not come on holds up no one else, and its end makes no task."""
        body = json.dumps(import_request()).encode()
        path = f"{BASE}/migration-task"
        data = message("POST", path, signed(emulator, "POST", path, body), body)
        with socket.create_connection(("127.0.0.1", emulator.port), timeout=30) as connection:
            connection.sendall(data[:-5])
            assert SignedClient(emulator.url).rows() == []
            connection.shutdown(socket.SHUT_WR)
            with pytest.raises((RemoteDisconnected, ConnectionResetError)):
                HTTPResponse(connection).begin()


class TestHeads:
    """Request lines and headers."""

    @pytest.mark.parametrize(
        ("method", "path", "expected"),
        [
            ("BREW", f"{BASE}/migration-tasks", (405, "DCS.5001")),
            ("PATCH", f"{BASE}/migration-task/{ABSENT}", (405, "DCS.5001")),
            ("OPTIONS", f"{BASE}/migration-tasks", (405, "DCS.5001")),
            ("GET", f"{BASE}/migration-tasks/%2e%2e/secret", (404, "APIGW.0101")),
            ("GET", "/%5Femulator/health", (404, "APIGW.0101")),
            ("GET", "http://127.0.0.1/_emulator/health", (404, "APIGW.0101")),
            ("GET", "/v2/%ff%00/migration-tasks", (400, "DCS.4002")),
            ("GET", f"{BASE}/migration-task/%F0%9F%A6%86", (400, "DCS.4070")),
            ("GET", f"{BASE}/migration-tasks?limit=%ff", (400, "DCS.4800")),
            ("GET", f"{BASE}/migration-tasks?limit={'9' * 5_000}", (400, "DCS.4800")),
            ("GET", f"{BASE}/migration-tasks?offset=%D9%A3", (400, "DCS.4800")),
            ("POST", f"{BASE}/migration-task/{ABSENT}/exchange-name", (404, "APIGW.0101")),
        ],
    )
    def test_routes_and_methods_that_are_not_there(
        self, emulator: Emulator, method: str, path: str, expected: tuple[int, str]
    ) -> None:
        """What isn't there is refused in the service's shape, with any name."""
        headers = {"Host": "h", "X-Auth-Token": TOKEN}
        assert code(raw(emulator, message(method, path, headers))) == expected

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": "\xff\xfe"},
            {"Authorization": "SDK-HMAC-SHA256 Access=, SignedHeaders=, Signature="},
            {"Authorization": f"SDK-HMAC-SHA256 Access=a, SignedHeaders=;;;, Signature={'0' * 64}"},
            {"Authorization": f"SDK-HMAC-SHA256 Access=\xe9, SignedHeaders=host, Signature={'0' * 64}"},
            {"Authorization": "V11-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0"},
            {"Authorization": "SDK-HMAC-SHA256 " + "a" * 60_000},
            {"X-Auth-Token": "\xff" * 100},
            {"X-Auth-Token": ""},
        ],
    )
    def test_credentials_that_are_none(self, emulator: Emulator, headers: dict[str, str]) -> None:
        """Without a signature or a token, any bytes are a 401 of the gateway."""
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        everything = {"Host": f"127.0.0.1:{emulator.port}", "X-Sdk-Date": date, **headers}
        data = message("GET", f"{BASE}/migration-tasks", everything)
        assert code(raw(emulator, data)) == (401, "APIGW.0301")

    @pytest.mark.parametrize("date", ["", "0", "20200101T000000Z", "99991231T235959Z", "٢٠٢٠", "2020-01-01"])
    def test_dates_that_are_not_now(self, emulator: Emulator, date: str) -> None:
        """A request of another time is refused, signed as it may be."""
        headers = signed(emulator, "GET", f"{BASE}/migration-tasks")
        headers["X-Sdk-Date"] = date.encode().decode("latin-1")
        data = message("GET", f"{BASE}/migration-tasks", headers)
        assert code(raw(emulator, data)) == (401, "APIGW.0301")

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
            (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
            (b"GET / HTTP/1.1\r\na: " + b"b" * 70_000 + b"\r\n\r\n", 431),
            (b"GET / HTTP/9.9\r\n\r\n", 505),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        ],
    )
    def test_what_is_hardly_http(self, emulator: Emulator, data: bytes, status: int) -> None:
        """Lines that are too long, too many of them, another protocol: an HTTP error without a traceback."""
        with socket.create_connection(("127.0.0.1", emulator.port), timeout=30) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as stream:
                answer = stream.read()
        assert str(status).encode() in answer
        assert b"Traceback" not in answer

    def test_no_mutation_of_a_request_is_too_much(self, emulator: Emulator) -> None:
        """Requests with random bytes changed, cut or doubled are refused, never with an internal error."""
        chance = random.Random(4)
        for _ in range(ROUNDS):
            method, path = chance.choice([("GET", f"{BASE}/migration-tasks?name=a%20b"), *WITH_BODY])
            body = b"" if method == "GET" else b'{"task_name": "orders", "task_id_list": []}'
            data = bytearray(message(method, path, signed(emulator, method, path, body), body))
            for _ in range(chance.randint(1, 4)):
                start = chance.randrange(len(data))
                if chance.random() < 0.7:
                    data[start] = chance.randrange(256)
                else:
                    data[start : start + chance.randint(1, 30)] = data[start : start + 5] * chance.randint(
                        0, 3
                    )
            with socket.create_connection(("127.0.0.1", emulator.port), timeout=30) as connection:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                with connection.makefile("rb") as stream:
                    answer = stream.read()
            assert b"DCS.5" not in answer.replace(b"DCS.5001", b""), bytes(data)
            assert b"Traceback" not in answer


class TestControl:
    """The calls under ``/_emulator/``, which no one but this machine may make."""

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ("Host: 127.0.0.1\r\n", 200),
            ("Host: LOCALHOST:1\r\n", 200),
            ("Host: 127.9.9.9\r\n", 200),
            ("", 403),
            ("Host:\r\n", 403),
            ("Host: [\r\n", 403),
            ("Host: 127.0.0.1@example.com\r\n", 403),
            ("Host: example.com:80@127.0.0.1.example.com\r\n", 403),
            ("Host: 0.0.0.0\r\n", 403),
            ("Host: 2130706433\r\n", 403),
            ("Host: localhost.example.com\r\n", 403),
            ("Host: localhost\r\nOrigin: http://[\r\n", 403),
            ("Host: localhost\r\nOrigin:\r\n", 403),
            ("Host: localhost\r\nOrigin: http://example.com\r\n", 403),
            ("Host: localhost\r\nOrigin: http://localhost.example.com\r\n", 403),
            ("Host: localhost\r\nOrigin: file://\r\n", 403),
            ("Host: localhost\r\nOrigin: http://127.0.0.1:3000\r\n", 200),
        ],
    )
    @pytest.mark.parametrize(("method", "rest"), [("GET", "health"), ("DELETE", "requests")])
    def test_web_pages_and_strange_hosts(
        self, emulator: Emulator, method: str, rest: str, headers: str, status: int
    ) -> None:
        """Only a Host and an Origin that mean this machine are let in, reading as well as changing."""
        done = {"GET": 200, "DELETE": 204}[method]
        answer = raw(emulator, f"{method} /_emulator/{rest} HTTP/1.1\r\n{headers}\r\n".encode(), method)
        assert answer[0] == (done if status == 200 else 403)
        assert status == 200 or list(json.loads(answer[1])) == ["error"]

    @pytest.mark.parametrize(
        ("peer", "status"),
        [("127.0.0.1", 200), ("::1", 200), ("10.1.2.3", 403), ("::ffff:10.1.2.3", 403), ("", 403)],
    )
    def test_other_machines(self, peer: str, status: int) -> None:
        """A peer that isn't this machine is refused, with any Host header."""
        quirks = QuirkSet()
        store = TaskStore(Manual(), quirks, Options())
        control = Control(store, quirks, FaultQueue(), Journal(), OPERATIONS, {})
        environ = create_environ("/_emulator/health", "http://localhost", environ_base={"REMOTE_ADDR": peer})
        assert control.answer(Request(environ), "/_emulator/health", b"").status_code == status

    @pytest.mark.parametrize(
        "body", [b"{", b"\xff", b"[]", b'{"a":' * 50_000, b'"x"', b"1", b" " * (MAX_BODY_BYTES + 1)]
    )
    @pytest.mark.parametrize("rest", ["faults", "quirks", f"tasks/{ABSENT}"])
    def test_bodies_that_say_nothing(self, emulator: Emulator, rest: str, body: bytes) -> None:
        """A broken control call is a 400 with a JSON object that has an error."""
        headers = {"Host": "localhost", "Content-Length": str(len(body))}
        status, text = raw(emulator, message("POST", f"/_emulator/{rest}", headers, body))
        assert (status, list(json.loads(text))) == (400, ["error"])

    @pytest.mark.parametrize("field", ["operation", "fault", "status", "times", "seconds", "message"])
    @pytest.mark.parametrize("value", [None, True, -1, 1.5, "x", [], {}, pytest.param(10**400, id="googol")])
    def test_orders_of_every_type(self, emulator: Emulator, field: str, value: Any) -> None:
        """A field of a fault that has the wrong type is named in a 400, never an internal error."""
        order = {"operation": "ListMigrationTask", "fault": "delay", "seconds": 0, field: value}
        body = json.dumps(order).encode()
        headers = {"Host": "localhost", "Content-Length": str(len(body))}
        status, text = raw(emulator, message("POST", "/_emulator/faults", headers, body), "POST")
        emulator.clear_faults()
        assert status in (204, 400), text


class TestJournal:
    """The journal under a flood."""

    def test_it_stays_bounded_and_says_what_it_dropped(self) -> None:
        """More requests than it holds: the first entry counts those that are missing, the rest are the newest."""
        journal = Journal()
        for number in range(CAPACITY + 25):
            journal.record(float(number), "op", "GET", "/", 200, [])
        first, *rows = journal.entries()
        assert first == {"operation": "_dropped", "count": 25}
        assert len(rows) == CAPACITY
        assert (rows[0]["time"], rows[-1]["time"]) == (25.0, CAPACITY + 24.0)

    def test_the_control_call_says_it_too(self) -> None:
        """What ``GET requests`` answers after a flood starts with the count, and clearing forgets it."""
        with Emulator(progression="manual") as emulator:
            threads = [threading.Thread(target=_flood, args=[emulator, CAPACITY // 8 + 2]) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            client = SignedClient(emulator.url)
            rows = client.control("GET", "requests").json()
            assert rows[0] == {"operation": "_dropped", "count": 16}
            assert len(rows) == CAPACITY + 1
            emulator.clear_requests()
            assert client.control("GET", "requests").json() == []

    def test_an_entry_is_bounded_too(self, emulator: Emulator) -> None:
        """A path and a method of any length take a bounded place in the journal."""
        emulator.clear_requests()
        path = "/" + "a" * 60_000
        raw(emulator, message("B" * 500, path, signed(emulator, "GET", path)))
        (entry,) = emulator.requests()
        assert (len(entry["path"]), len(entry["method"])) == (LONGEST_PATH, 16)


def _flood(emulator: Emulator, times: int) -> None:
    """Send requests that are not let in, on one connection."""
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=60) as connection:
        for _ in range(times):
            connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            answer = HTTPResponse(connection)
            answer.begin()
            answer.read()
