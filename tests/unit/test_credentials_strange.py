"""Temporary keys on machines and from services that are unknown here: one line each, and no secret in it."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from dcs_emulator import Emulator
from dcs_migration.clock import SystemClock
from dcs_migration.credentials.keys import UnusableAnswer, keys_in
from dcs_migration.dcs.errors import CredentialsUnavailable, DcsMigrationError
from dcs_migration.life_cycles.accounts import Accounts
from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.settings_check import problems
from tests.id_tokens import AUDIENCE, id_token
from tests.unit.dcs_server import Answer, StandIn, answer, dribble_body, drop, truncated
from tests.unit.test_credentials_services import accounts_of, asked, listed, oidc

POD_TOKEN = "eyJhbGciOiJSUzI1NiJ9.of-the-pod.c2lnbmF0dXJl"
KEYS = {"access": "AK", "secret": "sk-secret", "securitytoken": "token"}
KINDS = ("OIDC", "identity provider", "pod identity", "credentials file")


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """An emulator that trusts a pipeline and a pod."""
    with Emulator(
        progression="manual", audience=AUDIENCE, agencies={"deploy": "acme"}, pod_token=POD_TOKEN
    ) as running:
        yield running


@pytest.fixture
def token(tmp_path: Path) -> Path:
    """A file with a good id token."""
    path = tmp_path / "id-token"
    path.write_text(id_token())
    return path


def refusal(accounts: Accounts) -> DcsMigrationError:
    """Return the error of a call that cannot be signed."""
    with pytest.raises(DcsMigrationError) as caught:
        listed(accounts)
    assert "\n" not in str(caught.value)
    return caught.value


def pod(url: str, file: Path) -> dict[str, str]:
    """The settings of a pod."""
    return {
        "HC_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/pod-identity/credentials",
        "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(file),
    }


def by_file(cloud: Emulator, kind: str, file: Path) -> dict[str, str]:
    """The settings of a source that reads a token from a file."""
    ini = file.parent / "credentials"
    ini.write_bytes(f"\ufeff[basic]\r\nidp_id = ci\r\nid_token_file = {file}\r\n".encode())
    return {
        "OIDC": oidc(file),
        "identity provider": {
            "HUAWEICLOUD_SDK_IDP_ID": "ci",
            "HUAWEICLOUD_SDK_ID_TOKEN_FILE": str(file),
        },
        "pod identity": pod(cloud.url, file),
        "credentials file": {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(ini)},
    }[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_files_may_have_a_byte_order_mark_and_line_ends_of_windows(
    cloud: Emulator, tmp_path: Path, kind: str
) -> None:
    """Editors and shells of Windows write both."""
    file = tmp_path / "token"
    token = POD_TOKEN if kind == "pod identity" else id_token()
    file.write_bytes(b"\xef\xbb\xbf" + token.encode() + b"\r\n")
    listed(accounts_of(cloud, by_file(cloud, kind, file)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"first-secret\nsecond-secret\n", "which doesn't hold one token"),
        ("first-secret-\u00e9".encode(), "which doesn't hold one token"),
        ("first-secret".encode("utf-16"), "which can't be read: it isn't text"),
        (b"first-secret" * 20_000, "which doesn't hold one token"),
    ],
    ids=["lines", "letters", "utf-16", "huge"],
)
def test_a_file_without_a_token_is_neither_sent_nor_quoted(
    cloud: Emulator, tmp_path: Path, kind: str, content: bytes, words: str
) -> None:
    """The line names the variable and the file."""
    file = tmp_path / "token"
    file.write_bytes(content)
    text = str(refusal(accounts_of(cloud, by_file(cloud, kind, file))))
    assert words in text
    assert str(file) in text
    assert "first-secret" not in text
    assert not asked(cloud)


def at(stand_in: StandIn, settings: dict[str, str]) -> Accounts:
    """The accounts of a process whose every service is the stand-in."""
    environ = {"HW_DCS_ENDPOINT": stand_in.url, "HW_REGION_NAME": "r", "HW_MAX_RETRIES": "0", **settings}
    return Accounts(Settings(environ=environ), SystemClock(), timeouts=(1.0, 1.0), max_retries=0)


@pytest.mark.parametrize(
    ("reply", "words", "passes"),
    [
        (answer(raw=b"<html>Sign in to the network</html>"), "the response has no keys", False),
        (answer(raw=b""), "the response has no keys", False),
        (answer({"credentials": {"access_key_id": "AK"}}), "the response has no keys", False),
        (answer({"credentials": {"access_key_id": None}}), "the response has no keys", False),
        (answer({"credentials": ["AK"]}), "the response has no keys", False),
        (answer([1]), "the response has no keys", False),
        (answer({}, 307, {"Location": "http://127.0.0.1:9/elsewhere"}), "HTTP 307: redirected to", False),
        (answer(status=429), "HTTP 429", True),
        (answer(status=503), "HTTP 503", True),
        (drop, "dropped the connection", True),
        (truncated, "was cut off", True),
        (dribble_body, "timed out while waiting for the complete response", True),
    ],
    ids=[
        "html",
        "empty",
        "half",
        "null",
        "list",
        "no map",
        "redirect",
        "429",
        "503",
        "dropped",
        "broken off",
        "slow",
    ],
)
def test_an_answer_without_keys_is_one_line(token: Path, reply: Answer, words: str, passes: bool) -> None:
    """No key is made of it, and only trouble that may pass is asked for again."""
    with StandIn(reply) as there:
        accounts = at(there, oidc(token))
        error = refusal(accounts)
        assert isinstance(error, CredentialsUnavailable)
        assert words in str(error)
        assert error.may_pass == passes
        refusal(accounts)
        assert len(there.requests) == (2 if passes else 1)


def test_the_token_of_a_pod_goes_past_proxies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent runs on the same node, and a proxy must not read the token."""
    file = tmp_path / "token"
    file.write_text(POD_TOKEN)
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    with StandIn(answer(status=404)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        error = refusal(at(proxy, pod("http://192.0.2.1:9", file)))
        assert "192.0.2.1:9" in str(error)
        assert proxy.requests == []


def test_a_netrc_file_adds_nothing(token: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may name the same host for another purpose."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password of-mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with StandIn(answer(status=503)) as there:
        refusal(at(there, oidc(token)))
        assert there.requests[0].headers["Authorization"] is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-26T21:00:00.123000Z", datetime(2026, 11, 26, 21, 0, 0, 123000, timezone.utc)),
        ("2026-11-26T21:00:00Z", datetime(2026, 11, 26, 21, tzinfo=timezone.utc)),
        ("2026-11-26T21:00:00.5Z", datetime(2026, 11, 26, 21, 0, 0, 500000, timezone.utc)),
        ("2026-11-26T21:00:00.123456789Z", datetime(2026, 11, 26, 21, 0, 0, 123456, timezone.utc)),
        ("2026-11-26T21:00:00+08:00", datetime(2026, 11, 26, 13, tzinfo=timezone.utc)),
        ("2026-11-26T21:00:00", datetime(2026, 11, 26, 21, tzinfo=timezone.utc)),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai"])
def test_a_date_may_have_fractions_and_a_zone(
    monkeypatch: pytest.MonkeyPatch, text: str, moment: datetime, zone: str
) -> None:
    """Without a zone it is in UTC, in any time zone of this machine."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert keys_in(answer_of(expires_at=text)).expires_at == moment
    finally:
        monkeypatch.undo()
        time.tzset()


def answer_of(**changed: Any) -> bytes:
    """An answer of IAM."""
    return json.dumps({"credential": {**KEYS, "expires_at": "2026-11-26T21:00:00Z", **changed}}).encode()


@pytest.mark.parametrize(
    "changed",
    [
        {"access": None},
        {"secret": ""},
        {"securitytoken": None},
        {"expires_at": None},
        {"expires_at": "soon"},
        {"expires_at": "0001-01-01T00:00:00+14:00"},
        {"expires_at": "2026-13-26T21:00:00Z"},
        {"access": 7},
        {"access": "AK\r\nX-Other: 1"},
        {"secret": "sk \ud800"},
        {"securitytoken": "t\u00e9"},
        {"securitytoken": "t" * 70_000},
    ],
    ids=lambda changed: repr(changed)[:40],
)
def test_half_an_answer_makes_no_keys(changed: dict[str, Any]) -> None:
    """A request signed with it would be one of the refusals that lock a key."""
    with pytest.raises(UnusableAnswer, match=r"no keys|when the keys expire"):
        keys_in(answer_of(**changed))


@pytest.mark.parametrize("fraction", ["", ".250000"])
def test_keys_expire_when_the_service_says(token: Path, fraction: str) -> None:
    """With fractions or without."""
    expires = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=1)
    credentials = {"access_key_id": "AK", "secret_access_key": "sk", "security_token": "t" * 9000}
    said = {**credentials, "expiration": expires.strftime(f"%Y-%m-%dT%H:%M:%S{fraction}Z")}
    with StandIn(answer({"credentials": said})) as there:
        keys = at(there, oidc(token)).access("r").temporary_keys()
    assert keys is not None
    assert keys.security_token == "t" * 9000
    assert keys.expires_at == expires.replace(microsecond=250_000 if fraction else 0)


SDK_FILES = ("__init__", "auth/__init__", "auth/internal", "http/__init__", "http/http_config")
OTHER_SDKS = {  # the module, its content, and the error
    "no function": ("auth/internal", "class IamHelper: pass", "AttributeError"),
    "no class": ("auth/internal", "", "ImportError"),
    "no dependency": ("auth/internal", "import a_package_that_is_missing", "ModuleNotFoundError"),
    "no system library": ("__init__", "raise OSError('libssl.so.3')", "OSError"),
    "a newer Python": ("auth/internal", "def", "SyntaxError"),
    "other arguments": (
        "auth/internal",
        "class IamHelper:\n def get_assume_agency_with_oidc_request(*, secret): pass",
        "TypeError",
    ),
}


@pytest.mark.parametrize("name", OTHER_SDKS)
def test_an_sdk_that_is_too_old_or_damaged_is_one_line_with_the_command(
    token: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Another package of the environment may have pinned it."""
    module, content, kind = OTHER_SDKS[name]
    for each in SDK_FILES:
        file = tmp_path / "huaweicloudsdkcore" / f"{each}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("class HttpConfig: pass" if each == "http/http_config" else "")
    (tmp_path / "huaweicloudsdkcore" / f"{module}.py").write_text(content)
    for loaded in [each for each in sys.modules if each.partition(".")[0] == "huaweicloudsdkcore"]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.syspath_prepend(tmp_path)
    with StandIn(answer(status=503)) as there:
        text = str(refusal(at(there, oidc(token))))
        assert text.endswith(
            f"Huawei's SDK is too old or damaged ({kind}); run `pip install --upgrade 'pulumi-dcs-migration[credentials]'`"
        )
        assert there.requests == []
    for loaded in [each for each in sys.modules if each.partition(".")[0] == "huaweicloudsdkcore"]:
        monkeypatch.delitem(sys.modules, loaded)


@pytest.mark.parametrize("value", ["$ID_TOKEN", "one two three", "a.b", "'a.b.c'"])
def test_a_variable_without_an_id_token_is_not_sent(cloud: Emulator, token: Path, value: str) -> None:
    """A pipeline may not have replaced it; a preview reports it."""
    environ = {**oidc(token), "HUAWEICLOUD_OIDC_ID_TOKEN": value}
    text = str(refusal(accounts_of(cloud, environ)))
    assert "HUAWEICLOUD_OIDC_ID_TOKEN isn't an id token (a JSON web token)" in text
    assert value not in text
    assert not asked(cloud)


@pytest.mark.parametrize(
    "uri",
    [
        "http://[::1",
        "http://h:99999/x",
        "http://h:x/",
        "http://h ost/x",
        "http://me:hidden@127.0.0.1/x",
        "http:///x",
    ],
)
def test_a_refresh_refuses_the_address_of_a_pod_like_a_preview(token: Path, uri: str) -> None:
    """DCS has no part in it, and a call that isn't signed for DCS (`doctor`) shows no traceback."""
    with StandIn(answer(status=503)) as there:
        accounts = at(there, {**pod(there.url, token), "HC_CONTAINER_CREDENTIALS_FULL_URI": uri})
        with pytest.raises(
            CredentialsUnavailable, match="FULL_URI must be a URL such as http://HOST"
        ) as caught:
            accounts.access("r").temporary_keys()
        assert "hidden" not in str(caught.value)
        assert str(refusal(accounts)) == str(caught.value)
        assert there.requests == []


@pytest.mark.parametrize(
    "endpoint", ["https://[::1", "http://[::1", "https://h:99999", "https://me:hidden@h"]
)
def test_the_iam_endpoint_of_a_file_is_a_url(cloud: Emulator, token: Path, endpoint: str) -> None:
    """Its text isn't shown: it may contain a password."""
    settings = by_file(cloud, "credentials file", token)
    with open(settings["HUAWEICLOUD_SDK_CREDENTIALS_FILE"], "a") as file:
        file.write(f"iam_endpoint = {endpoint}\n")
    text = str(refusal(accounts_of(cloud, settings)))
    assert "iam_endpoint in " in text
    assert "must be https://host[:port]" in text
    assert "hidden" not in text


def credentials(folder: Path, content: str) -> dict[str, str]:
    """The settings of a credentials file."""
    (folder / "credentials").write_text(content)
    return {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(folder / "credentials")}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[basic]\nak = AK\nsk = 'hidden'\n", "sk in .* has quotes around it"),
        ("[basic]\nak = AK\nsk = one\n  hidden\n", "sk in .* contains a space"),
        ("[basic]\nak = AK\nsk = s\nsecurity_token = hidden \u00e9\n", "security_token in .* set it again"),
        ("[basic]\nak = AK\n", "has no ak and sk in its section"),
        ("[global]\nak = AK\nsk = hidden\n", r"isn't a file with a section \[basic\]"),
        ("[basic]\nak = AK\nsk hidden\n", r"isn't a file with a section \[basic\]"),
    ],
)
def test_a_file_of_unusable_keys_is_reported_by_a_preview_and_not_sent(
    cloud: Emulator, tmp_path: Path, content: str, words: str
) -> None:
    """The cloud would count each as a refusal of the key."""
    settings = credentials(tmp_path, content)
    accounts = accounts_of(cloud, settings)
    (line,) = problems(accounts.settings)
    error = refusal(accounts)
    for text in (line, str(error)):
        assert re.search(words, text)
        assert "hidden" not in text
    assert not asked(cloud)


def test_a_credentials_file_that_never_ends_is_not_read(cloud: Emulator, tmp_path: Path) -> None:
    """A refresh has no preview that would find the pipe."""
    os.mkfifo(tmp_path / "pipe")
    accounts = accounts_of(cloud, {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(tmp_path / "pipe")})
    assert "CREDENTIALS_FILE names " in str(error := refusal(accounts))
    assert "which isn't a file" in str(error)


def test_a_file_of_profiles_that_never_ends_is_not_read(cloud: Emulator, tmp_path: Path) -> None:
    """As for the file of the SDK."""
    os.mkfifo(tmp_path / "pipe")
    settings = {"HW_SHARED_CONFIG_FILE": str(tmp_path / "pipe")}
    answers: list[str] = []
    reader = threading.Thread(
        target=lambda: answers.append(str(refusal(accounts_of(cloud, settings)))), daemon=True
    )
    reader.start()
    reader.join(10.0)
    assert answers == [f"the profile file {tmp_path / 'pipe'} isn't a file"]


@pytest.mark.parametrize("kind", ["a token", "keys", "a profile"])
def test_no_exception_that_led_to_an_error_has_a_part_of_a_file(
    cloud: Emulator, tmp_path: Path, kind: str
) -> None:
    """Libraries put the text that they can't read into their errors, and tools for errors record the whole chain."""
    file = tmp_path / "file"
    file.write_bytes(b"[basic]\nak hidden\xff" if kind == "a token" else b'[basic]\n{"hidden\n')
    settings = {
        "a token": oidc(file),
        "keys": {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(file)},
        "a profile": {"HW_SHARED_CONFIG_FILE": str(file)},
    }[kind]
    link: BaseException | None = refusal(accounts_of(cloud, settings))
    while link is not None:
        assert (
            "hidden"
            not in f"{link!r} {vars(link)} {getattr(link, 'object', '')!r} {getattr(link, 'doc', '')}"
        )
        link = link.__cause__ or link.__context__


def metadata(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Accounts:
    """The accounts of a server whose metadata service is the stand-in, as is DCS."""
    for variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("HTTP_PROXY", stand_in.url)
    return at(stand_in, {"HW_DCS_ENDPOINT": "http://dcs.cloud.test", "HW_INSECURE": "true"})


@pytest.mark.parametrize(
    "text", [b"", b"<html>\nSign in</html>", b"first\n second", b"t\xc3\xa9", b"t" * 70_000], ids=repr
)
def test_what_is_no_token_of_the_metadata_service_is_not_sent_back(
    text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy may answer in its place."""
    with StandIn(answer(raw=text)) as there:
        error = refusal(metadata(there, monkeypatch))
        assert "the instance metadata service: the response has no token" in str(error)
        assert len(there.requests) == 1


@pytest.mark.parametrize("token", ["9876543210987654", '"quoted-token"', "null-token"])
def test_no_token_of_the_metadata_service_is_logged(
    token: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Some tokens are JSON."""
    caplog.set_level(logging.DEBUG)
    with StandIn(answer(raw=token.encode()), answer(status=404)) as there:
        refusal(metadata(there, monkeypatch))
        assert there.requests[1].headers["X-Metadata-Token"] == token
    assert "CreateMetadataToken" in caplog.text
    assert token not in caplog.text


@pytest.mark.parametrize("value", ["9" * 5000, "1h", "899"])
def test_a_duration_of_an_oidc_agency_is_a_number_of_seconds(
    cloud: Emulator, token: Path, value: str
) -> None:
    """Python refuses to read the first one, with a traceback."""
    accounts = accounts_of(cloud, {**oidc(token), "HUAWEICLOUD_OIDC_DURATION_SECONDS": value})
    assert "HUAWEICLOUD_OIDC_DURATION_SECONDS must be a whole number of seconds from 900 to 43200" in str(
        refusal(accounts)
    )
