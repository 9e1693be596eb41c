"""How calls are sent, repeated and judged, on real sockets."""

from __future__ import annotations

import gzip
import json
import logging
import os
import socket
import ssl
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dcs_migration.dcs.auth import KeyPairAuth, TokenAuth
from dcs_migration.dcs.breaker import CredentialBreaker
from dcs_migration.dcs.errors import (
    ApiError,
    Busy,
    CredentialsRefused,
    DcsMigrationError,
    NotSent,
    OutcomeUnknown,
    ServerFault,
    Throttled,
    TransportError,
    WrongEndpoint,
)
from dcs_migration.dcs.hosts import is_loopback
from dcs_migration.dcs.transport import Transport
from tests.unit.dcs_server import (
    Answer,
    FakeClock,
    Handler,
    StandIn,
    answer,
    dribble_body,
    dribble_headers,
    drop,
    elapsed,
    endless,
    error,
    free_port,
    silent,
    tls_context,
    truncated,
)

OK = answer({"ok": True})
PAGE = answer(
    raw=b"<!DOCTYPE html><html><title>Sign in</title></html>", headers={"Content-Type": "text/html"}
)
DEEP = answer(raw=b'{"a":' * 100_000 + b"1" + b"}" * 100_000)


def _raw(text: bytes) -> Answer:
    """Answer with these bytes and close."""

    def send(handler: Handler) -> None:
        handler.wfile.write(text)
        handler.close_connection = True

    return send


def _plain_text_after_a_handshake(handler: Handler) -> None:
    """Answer on a TLS connection without TLS, as a middlebox may."""
    with socket.socket(fileno=os.dup(handler.connection.fileno())) as beneath:
        beneath.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    handler.close_connection = True


def _tunnel(context: ssl.SSLContext, inside: list[bytes]) -> Answer:
    """A proxy whose tunnel leads to a server that takes a request and closes the connection."""

    def connect(handler: Handler) -> None:
        handler.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with context.wrap_socket(handler.connection, server_side=True) as server:
            inside.append(server.recv(65536))
        handler.close_connection = True

    return connect


def _no_proxy_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def _transport(url: str, clock: FakeClock | None = None, **options: Any) -> Transport:
    options.setdefault("timeouts", (0.3, 0.3))
    return Transport(url, TokenAuth("t0ken"), clock=clock or FakeClock(), **options)


# Unusable answers ----------------------------------------------------------------------------------------

UNUSABLE: list[tuple[str, Answer]] = [
    ("never answers", silent),
    ("drops", drop),
    ("truncates", truncated),
    ("garbage", answer(raw=b"\x00\x01garbage")),
    ("not UTF-8", answer(raw=b'\xff{"a": 1}')),
    ("empty", answer(raw=b"")),
    ("a list", answer([1])),
    ("null", answer(None)),
    ("a number", answer(7)),
    ("too deep", DEEP),
    ("dribbles headers", dribble_headers),
    ("dribbles a body", dribble_body),
    ("endless", endless),
    ("an interim answer", _raw(b"HTTP/1.1 103 Early Hints\r\n\r\n")),
    ("two lengths", _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n{}")),
    ("long header", _raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n")),
    ("broken gzip", answer(raw=b"\x1f\x8bx", headers={"Content-Encoding": "gzip"})),
]


@pytest.mark.parametrize("bad", [bad for _, bad in UNUSABLE], ids=[name for name, _ in UNUSABLE])
def test_a_write_without_a_usable_answer_has_an_unknown_outcome(bad: Answer) -> None:
    """After any failure after the connection, a write is sent once and its outcome is unknown."""
    clock = FakeClock()
    with StandIn(bad) as server:
        transport = _transport(server.url, clock, max_answer_bytes=1_000_000)
        with pytest.raises(OutcomeUnknown):
            transport.write("CreateMigrationTask", "POST", "/v2/p/migration-task", {"a": 1})
        assert len(server.requests) == 1
    assert clock.slept == []


@pytest.mark.parametrize("bad", [bad for _, bad in UNUSABLE], ids=[name for name, _ in UNUSABLE])
def test_a_read_without_a_usable_answer_is_repeated(bad: Answer) -> None:
    """After any failure after the connection, a read is sent again and can succeed."""
    clock = FakeClock()
    with StandIn(bad, OK) as server:
        transport = _transport(server.url, clock, max_answer_bytes=1_000_000)
        assert transport.read("ListMigrationTask", "/x") == {"ok": True}
        assert len(server.requests) == 2
    assert len(clock.slept) == 1


@pytest.mark.parametrize("bad", [bad for _, bad in UNUSABLE[1:10]], ids=[name for name, _ in UNUSABLE[1:10]])
def test_a_read_that_never_succeeds_ends(bad: Answer) -> None:
    """After the retries the last failure is raised, as a transport error without a statement about the outcome."""
    with StandIn(bad) as server:
        with pytest.raises(TransportError) as caught:
            _transport(server.url, max_retries=2).read("ListMigrationTask", "/x")
        assert len(server.requests) == 3
    assert type(caught.value) is TransportError
    assert len(str(caught.value).splitlines()) == 1


def test_the_words_for_garbage() -> None:
    """A read that gets no DCS answer says so, and quotes a little of what it got."""
    with (
        StandIn(answer(raw=b"hello\nthere")) as server,
        pytest.raises(TransportError, match=r"didn't send a DCS response \(11 bytes: hello there\)"),
    ):
        _transport(server.url, max_retries=0).read("ListMigrationTask", "/x")


@pytest.mark.parametrize("slow", [dribble_headers, dribble_body])
def test_a_server_that_dribbles_is_left_after_twice_the_read_timeout(slow: Answer) -> None:
    """Bytes that arrive within the read timeout each do not prolong a call forever."""
    with StandIn(slow) as server:
        transport = _transport(server.url)

        def call() -> None:
            with pytest.raises(OutcomeUnknown, match="timed out while waiting for the complete response"):
                transport.write("StopMigrationTask", "POST", "/x")

        assert 0.5 < elapsed(call) < 3


def test_an_endless_answer_is_left_at_the_limit() -> None:
    """No more than the limit of bytes is read, and the message says the limit."""
    with StandIn(endless) as server:
        transport = _transport(server.url, max_answer_bytes=200_000)
        with pytest.raises(OutcomeUnknown, match="more than 200000 bytes"):
            transport.write("StopMigrationTask", "POST", "/x")


def test_a_refusal_whose_body_breaks_off_is_still_a_refusal() -> None:
    """An error status is an answer, even if its body cannot be read to the end."""

    def broken_refusal(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 500\r\n\r\n{")
        handler.close_connection = True

    with StandIn(broken_refusal) as server, pytest.raises(ApiError) as caught:
        _transport(server.url).write("CreateMigrationTask", "POST", "/x", {})
    assert caught.value.status == 400


def test_no_content_is_an_empty_object() -> None:
    """A 204 is a success without a body."""
    with StandIn(answer(raw=b"", status=204)) as server:
        assert _transport(server.url).write("StopMigrationTaskSync", "POST", "/x") == {}


def test_an_answer_compressed_against_our_wish_is_read() -> None:
    """A proxy that compresses although we ask for identity does not break a call."""
    packed = answer(raw=gzip.compress(b'{"ok": true}'), headers={"Content-Encoding": "gzip"})
    with StandIn(packed) as server:
        assert _transport(server.url).read("ListMigrationTask", "/x") == {"ok": True}
        assert server.requests[0].headers["Accept-Encoding"] == "identity"


# Not sent ---------------------------------------------------------------------------------------------------


def test_a_refused_port_means_not_sent() -> None:
    """Where nothing listens, a write was certainly not sent."""
    with pytest.raises(NotSent, match=r"127\.0\.0\.1:\d+ refused the connection"):
        _transport(f"http://127.0.0.1:{free_port()}").write("CreateMigrationTask", "POST", "/x", {})


def test_an_unresolvable_name_means_not_sent() -> None:
    """A host name that does not exist is named, and nothing was sent."""
    with pytest.raises(NotSent, match=r"can't resolve the host name of nowhere\.localhost\.invalid"):
        _transport("http://nowhere.localhost.invalid").write("CreateMigrationTask", "POST", "/x", {})


def test_a_connection_that_times_out_means_not_sent() -> None:
    """A handshake of TCP that gets no answer is a connection that never was."""
    # A full backlog: the kernel leaves further connections unanswered.
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(address)
            waiting.append(client)
        with pytest.raises(NotSent, match="timed out while connecting to"):
            _transport(f"http://127.0.0.1:{address[1]}").write("CreateMigrationTask", "POST", "/x", {})
        for client in waiting:
            client.close()


def test_an_untrusted_certificate_means_not_sent_and_is_not_retried(tmp_path: Path) -> None:
    """A certificate that does not verify stops a read at once, with the reason."""
    clock = FakeClock()
    with StandIn(OK, tls=tls_context(tmp_path)) as server:
        with pytest.raises(NotSent, match=r"the certificate of .* isn't trusted \(self.signed certificate\)"):
            _transport(server.url, clock).read("ListMigrationTask", "/x")
        assert server.requests == []
    assert clock.slept == []


def test_a_given_certificate_authority_is_trusted(tmp_path: Path) -> None:
    """With its CA bundle the same server is read."""
    with StandIn(OK, tls=tls_context(tmp_path)) as server:
        transport = _transport(server.url, verify=str(tmp_path / "cert.pem"))
        assert transport.read("ListMigrationTask", "/x") == {"ok": True}


def test_insecure_means_insecure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """verify=False holds against a CA bundle in the environment."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with StandIn(OK, tls=tls_context(tmp_path)) as server, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert _transport(server.url, verify=False).read("ListMigrationTask", "/x") == {"ok": True}


@pytest.mark.parametrize("slow", [dribble_headers, dribble_body])
def test_the_deadline_holds_under_tls(slow: Answer, tmp_path: Path) -> None:
    """A server that dribbles is left in time over TLS, too."""
    with StandIn(slow, tls=tls_context(tmp_path)) as server:
        transport = _transport(server.url, verify=str(tmp_path / "cert.pem"))
        with pytest.raises(OutcomeUnknown, match="timed out while waiting for the complete response"):
            transport.write("StopMigrationTask", "POST", "/x")


def test_the_answer_after_an_interim_one_is_not_taken_for_the_next() -> None:
    """It belongs to the request before, and may arrive late."""
    late = threading.Event()

    def interim(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        assert late.wait(10)
        handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"of": "first"}')

    with StandIn(interim, answer({"of": "second"})) as server:
        transport = _transport(server.url)
        with pytest.raises(OutcomeUnknown, match="sent a malformed response"):
            transport.write("CreateTask", "POST", "/x", {})
        late.set()
        assert transport.write("CreateTask", "POST", "/x", {}) == {"of": "second"}


def test_what_breaks_under_tls_after_the_request_is_an_unknown_outcome(tmp_path: Path) -> None:
    """The same error in a handshake proves that nothing was sent."""
    with StandIn(_plain_text_after_a_handshake, tls=tls_context(tmp_path)) as server:
        transport = _transport(server.url, verify=str(tmp_path / "cert.pem"))
        with pytest.raises(OutcomeUnknown):
            transport.write("CreateTask", "POST", "/x", {})
        assert len(server.requests) == 1


def test_a_proxy_that_drops_a_request_leaves_the_outcome_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have forwarded the request; urllib3 calls that unable to connect to the proxy."""
    _no_proxy_settings(monkeypatch)
    with StandIn(drop) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with pytest.raises(OutcomeUnknown, match=r"dcs.cloud.test dropped the connection"):
            _transport("http://dcs.cloud.test").write("CreateTask", "POST", "/x", {})
        assert len(proxy.requests) == 1


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_server_that_drops_a_request_behind_a_tunnel_leaves_the_outcome_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service has the request, though the connection goes through a proxy."""
    _no_proxy_settings(monkeypatch)
    inside: list[bytes] = []
    with StandIn(_tunnel(tls_context(tmp_path), inside)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(OutcomeUnknown, match=r"dcs.cloud.test dropped the connection"):
            _transport("https://dcs.cloud.test", verify=False).write("CreateTask", "POST", "/x", {})
    assert len(inside) == 1
    assert inside[0].startswith(b"POST /x ")


def test_https_to_a_server_without_tls_means_not_sent() -> None:
    """Where plain HTTP answers a TLS handshake, nothing was sent."""

    def call() -> None:
        with StandIn(OK) as server:
            _transport(server.url.replace("http:", "https:")).write("CreateMigrationTask", "POST", "/x", {})

    with pytest.raises(NotSent, match="may not use https"):
        call()


def test_a_token_that_http_does_not_allow_means_not_sent_and_stays_secret() -> None:
    """A line end or a foreign letter in a token is refused before sending, and never quoted."""
    with StandIn(OK) as server:
        for auth in (TokenAuth("sec\nret"), TokenAuth("secrèret"), KeyPairAuth("AK", "SK", "sec\u4e2dret")):
            with pytest.raises(NotSent) as caught:
                Transport(server.url, auth, clock=FakeClock()).read("ListMigrationTask", "/x")
            assert "ret" not in f"{caught.value} {caught.value!r}"
        assert server.requests == []


def test_an_earlier_failure_does_not_colour_a_later_one() -> None:
    """A write inside the handling of a refused connection is judged by its own failure."""
    with StandIn(drop) as server:
        try:
            raise ConnectionRefusedError("earlier")
        except ConnectionRefusedError:
            with pytest.raises(OutcomeUnknown):
                _transport(server.url).write("CreateMigrationTask", "POST", "/x", {})


# Retries ----------------------------------------------------------------------------------------------------


def test_throttling_waits_as_asked() -> None:
    """Retry-After is kept, but for no longer than a minute."""
    clock = FakeClock()
    with StandIn(error(429, "APIGW.0308", Retry_After="7"), error(429, "", Retry_After="999"), OK) as server:
        assert _transport(server.url, clock).read("ListMigrationTask", "/x") == {"ok": True}
    assert clock.slept == [7.0, 60.0]


def test_throttling_without_a_time_waits_longer_and_longer() -> None:
    """Without Retry-After the waits are 10, 20 and 30 seconds, and the whole call is bounded."""
    clock = FakeClock()
    with StandIn(error(429, "APIGW.0308")) as server, pytest.raises(Throttled):
        _transport(server.url, clock, max_retries=50).read("ListMigrationTask", "/x")
    assert clock.slept == [10, 20, 30, 30, 30]
    assert clock.seconds <= 120


def test_faults_are_waited_out() -> None:
    """After 5xx the waits double from half a second, with jitter, up to eight seconds."""
    clock = FakeClock()
    with StandIn(*[error(503, "DCS.5000")] * 6, OK) as server:
        assert _transport(server.url, clock, max_retries=6).read("ListMigrationTask", "/x") == {"ok": True}
    for wait, longest in zip(clock.slept, [0.5, 1, 2, 4, 8, 8], strict=True):
        assert longest / 2 <= wait <= longest


def test_a_fault_that_lasts_is_raised() -> None:
    """After the retries the service's own words are raised."""
    with StandIn(error(500, "DCS.5000", "Internal service error.")) as server:
        with pytest.raises(ServerFault, match=r"HTTP 500 DCS\.5000: Internal service error\."):
            _transport(server.url, max_retries=2).read("ListMigrationTask", "/x")
        assert len(server.requests) == 3


def test_a_refused_port_is_tried_again_by_a_read() -> None:
    """A read keeps trying a service that is just starting, as often as it may."""
    clock = FakeClock()
    with pytest.raises(NotSent):
        _transport(f"http://127.0.0.1:{free_port()}", clock, max_retries=3).read("ListMigrationTask", "/x")
    assert len(clock.slept) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 302])
def test_refusals_are_not_repeated(status: int) -> None:
    """A read that is refused is sent once."""
    with StandIn(error(status, "")) as server:
        with pytest.raises(ApiError):
            _transport(server.url).read("ListMigrationTask", "/x")
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (error(400, "DCS.4017"), Busy),
        (error(429, "APIGW.0308"), Throttled),
        (error(500, "DCS.5000"), ServerFault),
        (error(503, ""), ServerFault),
    ],
)
def test_writes_are_never_repeated(refusal: Answer, kind: type[ApiError]) -> None:
    """A write is sent exactly once, for any answer."""
    with StandIn(refusal, OK) as server:
        with pytest.raises(kind):
            _transport(server.url).write("CreateMigrationTask", "POST", "/x", {})
        assert len(server.requests) == 1


def test_each_attempt_is_signed_afresh() -> None:
    """A repetition after a wait carries the date and the signature of its own moment."""
    clock = FakeClock()
    with StandIn(error(429, ""), OK) as server:
        auth = KeyPairAuth("AK", "SK", project_id="p", now=clock.now)
        Transport(server.url, auth, clock=clock).read("ListMigrationTask", "/x", {"name": "a b+c"})
        first, second = server.requests
    assert (first.headers["X-Sdk-Date"], second.headers["X-Sdk-Date"]) == (
        "20260101T000000Z",
        "20260101T000010Z",
    )
    assert first.headers["Authorization"] != second.headers["Authorization"]
    assert first.target == "/x?name=a%20b%2Bc"


# Endpoints --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_credentials_do_not_follow_a_redirect(status: int) -> None:
    """A redirect to another host is an error, and that host hears nothing."""
    with StandIn(OK) as other, StandIn(answer({}, status, {"Location": other.url + "/steal"})) as server:
        transport = _transport(server.url)
        with pytest.raises(WrongEndpoint, match="redirected to"):
            transport.read("ListMigrationTask", "/x")
        with pytest.raises(WrongEndpoint):
            transport.write("CreateMigrationTask", "POST", "/x", {})
        assert other.requests == []


def test_a_redirect_to_nonsense_is_not_called_unsent() -> None:
    """An address that cannot be read in a redirect is not taken for an address that we could not send to."""
    with StandIn(answer({}, 302, {"Location": "http://[::1"})) as server, pytest.raises(WrongEndpoint):
        _transport(server.url).write("CreateMigrationTask", "POST", "/x", {})


def test_a_web_page_is_a_wrong_endpoint_for_a_read() -> None:
    """A sign-in page with status 200 is not DCS, and the message says what it is and what to check."""
    with StandIn(PAGE) as server, pytest.raises(WrongEndpoint, match="a web page: Sign in; check the region"):
        _transport(server.url, max_retries=1).read("ListMigrationTask", "/x")


def test_a_web_page_leaves_the_outcome_of_a_write_open() -> None:
    """A page in the place of an answer doesn't prove that nothing was done."""
    with StandIn(PAGE) as server, pytest.raises(OutcomeUnknown, match="a web page: Sign in"):
        _transport(server.url).write("CreateMigrationTask", "POST", "/x", {})


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8788", True),
        ("http://127.3.2.1", True),
        ("http://[::1]:8788", True),
        ("http://localhost", True),
        ("http://dcs.localhost:1", False),
        ("http://10.0.0.1", False),
        ("https://localhost.example.com", False),
    ],
)
def test_what_counts_as_this_machine(url: str, loopback: bool) -> None:
    """Loopback is the loopback addresses and localhost; other names under localhost may be resolved by a DNS server."""
    assert is_loopback(url) is loopback


def test_cookies_are_neither_kept_nor_sent() -> None:
    """A cookie of the server does not come back to it."""
    with StandIn(answer({}, headers={"Set-Cookie": "a=b; Path=/"})) as server:
        transport = _transport(server.url)
        transport.read("ListMigrationTask", "/x")
        transport.read("ListMigrationTask", "/x")
        assert server.requests[1].headers["Cookie"] is None


# Credentials ------------------------------------------------------------------------------------------------


def _in_threads(work: Callable[[], object], count: int = 8) -> list[DcsMigrationError | None]:
    outcomes: list[DcsMigrationError | None] = []
    start = threading.Barrier(count)

    def run() -> None:
        start.wait()
        try:
            work()
            outcomes.append(None)
        except DcsMigrationError as problem:
            outcomes.append(problem)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_refused_credentials_are_sent_once_by_eight_threads() -> None:
    """Eight threads with a bad key make one request, and each gets the same error."""
    with StandIn(error(401, "APIGW.0301", "Incorrect IAM authentication information")) as server:
        transport = _transport(server.url)
        outcomes = _in_threads(lambda: transport.read("ListMigrationTask", "/x"))
        assert len(server.requests) == 1
    assert [type(outcome) for outcome in outcomes] == [CredentialsRefused] * 8
    assert len({str(outcome) for outcome in outcomes}) == 1
    assert len({id(outcome) for outcome in outcomes}) == 8


def test_the_breaker_is_shared_by_transports() -> None:
    """A refusal by one endpoint keeps the same credentials from being sent to another."""
    breaker = CredentialBreaker()
    with StandIn(error(401, "")) as iam, StandIn(OK) as dcs:
        with pytest.raises(CredentialsRefused):
            _transport(iam.url, breaker=breaker).read("KeystoneListProjects", "/v3/projects")
        with pytest.raises(CredentialsRefused):
            _transport(dcs.url, breaker=breaker).write("CreateMigrationTask", "POST", "/x", {})
        assert dcs.requests == []


def test_a_refusal_after_a_success_opens_the_breaker() -> None:
    """Credentials that expire during a run are not sent again."""
    with StandIn(OK, error(401, "DCS.1001"), OK) as server:
        transport = _transport(server.url)
        transport.read("ListMigrationTask", "/x")
        for _ in range(3):
            with pytest.raises(CredentialsRefused):
                transport.read("ListMigrationTask", "/x")
        assert len(server.requests) == 2


def test_accepted_credentials_are_used_in_parallel() -> None:
    """After the first success, requests do not wait for each other: eight are answered only together."""
    together = threading.Barrier(8, timeout=20)

    def meet(handler: Any) -> None:
        together.wait()
        OK(handler)

    with StandIn(OK, meet) as server:
        transport = _transport(server.url, timeouts=(5.0, 20.0))
        transport.read("ListMigrationTask", "/x")
        assert _in_threads(lambda: transport.read("ListMigrationTask", "/x")) == [None] * 8


def test_before_the_first_success_one_request_is_under_way() -> None:
    """Untried credentials are in one request at a time; an error of DCS itself counts as accepted."""
    busy = threading.Semaphore(1)
    overlaps: list[int] = []

    def alone(handler: Any) -> None:
        if not busy.acquire(blocking=False):
            overlaps.append(1)
        handler.stand_in.closing.wait(0.02)
        error(400, "APIGW.9999")(handler)
        busy.release()

    with StandIn(alone) as server:
        transport = _transport(server.url, timeouts=(5.0, 20.0))
        outcomes = _in_threads(lambda: transport.read("ListMigrationTask", "/x"))
        assert len(server.requests) == 8
    assert overlaps == []
    assert all(isinstance(outcome, ApiError) for outcome in outcomes)


# Secrets ----------------------------------------------------------------------------------------------------


def _logged(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(record.getMessage() for record in caplog.records)


def test_logs_show_requests_and_answers_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG the log has method, path, status, request id and bodies, but no password and no key."""
    body = {
        "task_name": "m",
        "target_instance": {"id": "i", "password": "pa55w0rd"},
        "addrs": "redis://u:pa55w0rd@h",
    }
    reply = answer(
        {"id": "1", "source": {"password": "pa55w0rd", "x": "scrub-me"}}, headers={"X-Request-Id": "rid-7"}
    )
    with StandIn(reply) as server, caplog.at_level(logging.DEBUG, logger="dcs_migration"):
        auth = KeyPairAuth("AKAKAK", "SKSKSK", "TKTKTK", "p")
        transport = Transport(
            server.url, auth, clock=FakeClock(), scrub=lambda text: text.replace("scrub-me", "***")
        )
        transport.write("CreateMigrationTask", "POST", "/v2/p/migration-task", body)
    text = _logged(caplog)
    for shown in (
        "CreateMigrationTask",
        "POST /v2/p/migration-task",
        "HTTP 200",
        "rid-7",
        '"task_name": "m"',
        "***",
    ):
        assert shown in text
    for hidden in ("pa55w0rd", "SKSKSK", "TKTKTK", "AKAKAK", "scrub-me", "Signature"):
        assert hidden not in text


def test_the_log_is_silent_by_default(capfd: pytest.CaptureFixture[str]) -> None:
    """Without configuration nothing is printed."""
    with StandIn(error(400, "DCS.4063")) as server, pytest.raises(ApiError):
        _transport(server.url).read("ListMigrationTask", "/x")
    assert capfd.readouterr() == ("", "")


def test_what_is_not_json_is_logged_by_its_size(caplog: pytest.LogCaptureFixture) -> None:
    """A body in which passwords cannot be found is not logged at all."""
    with (
        StandIn(answer(raw=b"password=pa55w0rd")) as server,
        caplog.at_level(logging.DEBUG, logger="dcs_migration"),
        pytest.raises(TransportError),
    ):
        _transport(server.url, max_retries=0).read("ListMigrationTask", "/x")
    assert "(17 bytes, not JSON)" in _logged(caplog)
    assert "pa55w0rd" not in _logged(caplog)


@pytest.mark.parametrize(
    "reply",
    [
        error(400, "DCS.4063", "Invalid pa55w0rd parameter", X_Request_Id="pa55w0rd"),
        answer(raw=b"oops pa55w0rd"),
        answer({}, 302, {"Location": "http://u:pa55w0rd@h/"}),
        answer(raw=b"<html>pa55w0rd</html>"),
    ],
)
@pytest.mark.parametrize("write", [True, False])
def test_no_secret_of_the_servers_text_enters_an_error(
    reply: Answer, write: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Every part of an answer that an error quotes is scrubbed, in its text, its repr and the log."""
    with StandIn(reply) as server, caplog.at_level(logging.DEBUG, logger="dcs_migration"):
        transport = _transport(server.url, max_retries=0, scrub=lambda text: text.replace("pa55w0rd", "***"))
        with pytest.raises(DcsMigrationError) as caught:
            transport.write("Op", "POST", "/x", {}) if write else transport.read("Op", "/x")
    problem = caught.value
    assert "pa55w0rd" not in f"{problem} {problem!r} {vars(problem)} {_logged(caplog)}"


def test_errors_carry_no_request() -> None:
    """No exception that a caller sees leads to the request and its signature."""
    with StandIn(drop) as server, pytest.raises(OutcomeUnknown) as caught:
        _transport(server.url).write("Op", "POST", "/x", {})
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_the_body_is_sent_as_json() -> None:
    """A body arrives as JSON, and a call without one has an empty body."""
    with StandIn(OK) as server:
        transport = _transport(server.url + "/prefix/")
        transport.write("Op", "DELETE", "/x", {"a": "\u4e2d"})
        transport.write("Op", "POST", "/x")
        first, second = server.requests
    assert (first.method, first.target, json.loads(first.body)) == ("DELETE", "/prefix/x", {"a": "\u4e2d"})
    assert first.headers["Content-Type"] == "application/json"
    assert (second.body, second.headers["Content-Length"]) == (b"", "0")
