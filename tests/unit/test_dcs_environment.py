"""Proxies and certificate authorities of this machine: what is taken from the environment, and mistakes in it."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
import requests
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError

from dcs_migration.dcs import environment
from dcs_migration.dcs.auth import TokenAuth
from dcs_migration.dcs.errors import NotSent, TransportError
from dcs_migration.dcs.failures import explain
from dcs_migration.dcs.transport import Transport
from tests.unit.dcs_server import Answer, FakeClock, StandIn, answer, error, free_port, tls_context

OK = answer({"ok": True})
SECRET = "pr0xy-pass"
ELSEWHERE = "https://dcs.example.com"


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what this machine itself sets."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in environment.CA_BUNDLES:
        monkeypatch.delenv(name, raising=False)


def transport(url: str, clock: FakeClock | None = None) -> Transport:
    """A transport with short timeouts."""
    return Transport(url, TokenAuth("t0ken"), clock=clock or FakeClock(), timeouts=(0.3, 0.3))


def refused(url: str) -> str:
    """The words of a call that cannot be sent: a read gives up at once, and a write says the same."""
    clock = FakeClock()
    with pytest.raises(NotSent) as caught:
        transport(url, clock).read("ListMigrationTask", "/x")
    assert clock.slept == []
    with pytest.raises(NotSent) as again:
        transport(url).write("ListMigrationTask", "POST", "/x", {})
    assert str(again.value) == str(caught.value)
    line = str(caught.value)
    assert line.startswith("ListMigrationTask wasn't sent: ")
    assert "check the network" not in line
    assert SECRET not in f"{line} {caught.value!r}"
    return line


# Authorities ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", environment.CA_BUNDLES)
def test_a_bundle_of_authorities_counts_on_this_machine_too(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An emulator behind TLS is trusted by the bundle in the environment, with any proxies."""
    with StandIn(OK, tls=tls_context(tmp_path)) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
        monkeypatch.setenv(variable, str(tmp_path / "cert.pem"))
        assert transport(server.url).read("ListMigrationTask", "/x") == {"ok": True}


def test_an_unknown_authority_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tools take SSL_CERT_FILE, and it looks as if that were enough here."""
    with StandIn(OK, tls=tls_context(tmp_path)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        line = refused(server.url)
        assert re.search(
            r"the certificate of 127\.0\.0\.1:\d+ isn't trusted \(self.signed certificate\); ", line
        )
        assert line.endswith(
            "set REQUESTS_CA_BUNDLE to a file with its CA certificate (SSL_CERT_FILE isn't used)"
        )


def test_a_certificate_of_another_host_is_not_a_matter_of_authorities() -> None:
    """No file would fix it: the endpoint is to be checked."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = 62, "Hostname mismatch"
    failure, words = explain(error, "dcs.example.com")
    assert words == "the certificate of dcs.example.com isn't trusted (Hostname mismatch)"
    assert not failure.local


@pytest.mark.parametrize(
    ("raised", "proves"),
    [
        (requests.exceptions.InvalidProxyURL(), "not sent, permanent, local"),
        (requests.exceptions.ProxyError(), "not sent, local"),
        (
            OSError("Tunnel connection failed: 407 Proxy Authentication Required"),
            "not sent, permanent, local",
        ),
        (OSError("Tunnel connection failed: 403 Forbidden"), "not sent, permanent, local"),
        (OSError("Tunnel connection failed: 503 Service Unavailable"), "not sent, local"),
        (socket.gaierror(), "not sent"),
        (ConnectionRefusedError(), "not sent"),
        (NewConnectionError(HTTPConnection("127.0.0.1"), "unreachable"), "not sent"),
        (requests.exceptions.ConnectTimeout(), "not sent"),
        (requests.exceptions.InvalidURL(), "not sent, permanent"),
        (UnicodeEncodeError("latin-1", "\u65e5", 0, 1, "no"), "not sent, permanent, local"),
        (requests.exceptions.ReadTimeout(), "sent"),
        (http.client.IncompleteRead(b""), "sent"),
        (ConnectionResetError(), "sent"),
        (ValueError(), "sent"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_what_a_failure_proves(raised: Exception, proves: str) -> None:
    """Whether the request may have arrived, whether a retry can help, and whether the mistake is on this machine."""
    failure, _ = explain(raised, "dcs.example.com")
    flags = {"sent": failure.sent, "not sent": not failure.sent}
    flags |= {"permanent": failure.permanent, "local": failure.local}
    assert ", ".join(name for name, holds in flags.items() if holds) == proves


@pytest.mark.parametrize("variable", environment.CA_BUNDLES)
def test_a_bundle_that_is_not_there_is_named(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable and the path, and that it is this machine's mistake."""
    monkeypatch.setenv(variable, str(tmp_path / "none.pem"))
    assert f"{variable} names {tmp_path}/none.pem, which can't be read (No such file" in refused(ELSEWHERE)


@pytest.mark.parametrize(
    "content", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"]
)
def test_a_bundle_that_is_no_pem_is_named(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And fixed under the same name it is read again."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with StandIn(OK, tls=tls_context(tmp_path)) as server:
        assert f"REQUESTS_CA_BUNDLE names {bundle}, which contains no PEM certificates" in refused(server.url)
        assert server.requests == []
        bundle.write_text((tmp_path / "cert.pem").read_text())
        assert transport(server.url).read("ListMigrationTask", "/x") == {"ok": True}


def test_a_folder_of_authorities_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL takes a folder, too; that the server is not in it is the certificate's matter."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    with (
        StandIn(OK, tls=tls_context(tmp_path)) as server,
        pytest.raises(NotSent, match=r"the certificate of .* isn't trusted"),
    ):
        transport(server.url).read("ListMigrationTask", "/x")


def test_a_bundle_does_not_matter_without_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain emulator is called, with any value of a variable that it doesn't need."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with StandIn(OK) as server:
        assert transport(server.url).read("ListMigrationTask", "/x") == {"ok": True}


def test_a_bundle_that_vanishes_under_way_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write whose answer was lost stays unclear, though the next call cannot be sent any more."""
    context = tls_context(tmp_path)
    bundle = tmp_path / "bundle.pem"
    bundle.write_text((tmp_path / "cert.pem").read_text())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))

    def vanish(handler: Any) -> None:
        bundle.unlink()
        handler.close_connection = True

    with StandIn(vanish, tls=context) as server:
        with pytest.raises(TransportError) as caught:
            transport(server.url).write("CreateMigrationTask", "POST", "/x", {})
        assert "may or may not have been carried out" in str(caught.value)


# Proxies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "socks5://127.0.0.1:1", "no proxy at all"])
def test_no_proxy_gets_calls_to_this_machine(name: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loopback endpoint is called directly, in any environment and any spelling."""
    monkeypatch.setenv(name, proxy)
    with StandIn(OK) as server:
        assert transport(server.url).read("ListMigrationTask", "/x") == {"ok": True}


def test_a_working_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint elsewhere is called through the proxy of the environment."""
    with StandIn(OK) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert transport("http://dcs.example.com").read("ListMigrationTask", "/x") == {"ok": True}
        assert proxy.requests[0].target == "http://dcs.example.com/x"


def test_a_proxy_that_cannot_be_reached_is_named_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may just be starting; nothing was sent."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{SECRET}@127.0.0.1:{free_port()}")
    clock = FakeClock()
    with pytest.raises(
        NotSent, match=r"can't reach dcs\.example\.com through the proxy in HTTPS_PROXY"
    ) as caught:
        transport(ELSEWHERE, clock).read("ListMigrationTask", "/x")
    assert len(clock.slept) == 5
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    "proxy",
    [
        "http://",
        "https://",
        "http://:3128",
        ":3128",
        f"http://{SECRET} host:1",
        f"http://user:{SECRET}@host:port",
        "http://host:99999",
        "http://[::1",
        "http:/127.0.0.1:1",
        "ftp://host:1",
        "://",
    ],
)
def test_a_malformed_proxy_is_named(variable: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its variable, not as the service's address, and without its value."""
    monkeypatch.setenv(variable, proxy)
    assert f": {variable} isn't a valid proxy address; set it to http://host:port or unset it" in refused(
        ELSEWHERE
    )


@pytest.mark.parametrize("scheme", ["socks4", "socks5", "socks5h"])
def test_a_socks_proxy_without_its_package_is_named(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of ours brings PySocks; the line says what to install, or how to do without."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://user:{SECRET}@127.0.0.1:1080")
    line = refused(ELSEWHERE)
    assert "ALL_PROXY names a SOCKS proxy" in line
    assert "pip install PySocks" in line
    assert "dcs.example.com to NO_PROXY" in line


def test_a_host_in_no_proxy_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is exempt is not judged."""
    monkeypatch.setenv("HTTPS_PROXY", "http://")
    monkeypatch.setenv("NO_PROXY", "localhost.invalid")
    with pytest.raises(NotSent, match=r"can't resolve the host name of .*localhost\.invalid"):
        transport("https://localhost.invalid").read("ListMigrationTask", "/x")


REFUSALS: list[tuple[Answer, str, bool]] = [
    (error(407, ""), "the proxy in HTTPS_PROXY requires a user name and password (407)", True),
    (error(403, ""), "the proxy in HTTPS_PROXY refused to connect to dcs.example.com (HTTP 403)", True),
    (error(503, ""), "the proxy in HTTPS_PROXY refused to connect to dcs.example.com (HTTP 503)", False),
]


@pytest.mark.parametrize(("reply", "words", "permanent"), REFUSALS, ids=["407", "403", "503"])
def test_a_proxy_that_refuses_the_tunnel_is_named(
    reply: Answer, words: str, permanent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing reached the service; what can pass is tried again."""
    clock = FakeClock()
    with StandIn(reply) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(NotSent) as caught:
            transport(ELSEWHERE, clock).read("ListMigrationTask", "/x")
        assert words in str(caught.value)
        assert all(request.method == "CONNECT" for request in proxy.requests)
    assert len(clock.slept) == (0 if permanent else 5)


def test_a_proxy_of_plain_http_that_asks_for_a_password_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """There its refusal looks like an answer of the service."""
    with StandIn(error(407, "")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert "the proxy in HTTP_PROXY requires a user name and password (407)" in refused(
            "http://dcs.example.com"
        )
        assert len(proxy.requests) == 2
