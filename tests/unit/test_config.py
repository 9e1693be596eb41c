"""Where settings come from, which of them are refused, and that none of them is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from dcs_migration.dcs.auth import KeyPairAuth, TokenAuth
from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.life_cycles.accounts import Accounts
from dcs_migration.life_cycles.config import LOCATION_SETTINGS, Settings
from dcs_migration.life_cycles.secrets import scrub
from tests.fakes import FakeClock

SECRET = "S3cret-Value-9"


def _settings(
    config: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    named = {f"huaweicloud:{key}": value for key, value in (config or {}).items()}
    return Settings(named.get, environ or {})


# Where ----------------------------------------------------------------------------------------------------

SOURCES = [(key, variable) for key, variables in LOCATION_SETTINGS.items() for variable in variables]
VALUES = {
    "region": ("eu-west-101", "cn-north-4"),
    "projectId": ("p0", "p9"),
    "projectName": ("eu-west-101_shop", "cn-north-4_shop"),
    "cloud": ("a.example", "b.example"),
    "insecure": ("true", "false"),
    "maxRetries": ("3", "7"),
}


def _read(key: str, settings: Settings) -> str:
    shown = {
        "region": lambda: str(settings.region),
        "projectId": lambda: str(settings.project_id),
        "projectName": lambda: str(settings.project_name),
        "cloud": lambda: settings.dcs_url("r").removeprefix("https://dcs.r."),
        "insecure": lambda: str(settings.insecure).lower(),
        "maxRetries": lambda: str(settings.max_retries),
    }
    return shown[key]()


@pytest.mark.parametrize(("key", "variable"), SOURCES)
def test_a_place_is_read_from_the_stack_before_the_environment(key: str, variable: str) -> None:
    """Every *where* setting has its variable, and the stack's configuration wins over it."""
    ours, theirs = VALUES[key]
    assert _read(key, _settings(environ={variable: theirs})) == theirs
    assert _read(key, _settings({key: ours}, {variable: theirs})) == ours


@pytest.mark.parametrize(("key", "variable"), SOURCES)
@pytest.mark.parametrize("blank", ["", "  ", "\n"], ids=repr)
def test_a_blank_setting_is_no_setting(key: str, variable: str, blank: str) -> None:
    """An empty value, as CI systems leave behind, does not hide the next source."""
    assert _read(key, _settings({key: blank}, {variable: VALUES[key][1]})) == VALUES[key][1]
    assert _read(key, _settings({}, {variable: blank})) == _read(key, _settings())


def test_white_space_around_a_value_is_dropped() -> None:
    """A line break that came with a pasted value does no harm."""
    assert _settings({"region": " eu-west-101\n"}).region == "eu-west-101"


def test_variables_are_asked_in_their_order() -> None:
    """Our first variable of a setting wins over its second."""
    environ = {"HUAWEICLOUD_SDK_PROJECT_ID": "sdk", "HW_PROJECT_ID": "hw"}
    assert _settings(environ=environ).project_id == "hw"


@pytest.mark.parametrize(
    ("config", "environ"),
    [
        ({"projectId": "p0", "projectName": "shop"}, {}),
        ({}, {"HW_PROJECT_ID": "p0", "HW_PROJECT_NAME": "shop"}),
        ({"projectId": "p0"}, {"HW_PROJECT_NAME": "shop"}),
    ],
    ids=["stack", "environment", "id in the stack"],
)
def test_the_id_of_a_project_goes_before_its_name(config: dict[str, str], environ: dict[str, str]) -> None:
    """Who has both set, as files of the console have it, need no look-up."""
    settings = _settings(config, environ)
    assert (settings.project_id, settings.project_name) == ("p0", None)


def test_a_name_in_the_stack_and_an_id_in_the_environment_contradict_each_other() -> None:
    """By the one rule the stack would win, by the other the id: no one but the user can show which is meant."""
    settings = _settings({"projectName": "shop"}, {"HUAWEICLOUD_SDK_PROJECT_ID": "p0"})
    with pytest.raises(ConfigurationError, match="huaweicloud:projectName and HUAWEICLOUD_SDK_PROJECT_ID"):
        _ = settings.project_id


def test_nothing_configured_has_defaults() -> None:
    """Without any setting there is no place, TLS is verified, and the usual cloud is meant."""
    settings = _settings()
    assert settings.region is None
    assert settings.project_id is None
    assert settings.project_name is None
    assert settings.insecure is False
    assert settings.max_retries == 5
    assert settings.dcs_url("eu-west-101") == "https://dcs.eu-west-101.myhuaweicloud.com"
    assert settings.iam_url("eu-west-101") == "https://iam.eu-west-101.myhuaweicloud.com"
    assert settings.accepted_endpoint() is None


@pytest.mark.parametrize(
    "region", ["EU-West", "-a", "a_b", "a.b", "a/b", "a b", "a\nb", "x" * 64, "eu.evil.example#", "é"]
)
def test_a_region_that_cannot_be_one_is_refused(region: str) -> None:
    """A region becomes part of a host name, so it is checked; key and variable are named, no value."""
    with pytest.raises(ConfigurationError) as caught:
        _ = _settings({"region": region}).region
    assert "huaweicloud:region (HW_REGION_NAME)" in str(caught.value)
    assert region not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "variables"),
    [
        ("projectId", "../other", "HW_PROJECT_ID, HUAWEICLOUD_SDK_PROJECT_ID"),
        ("projectName", "../other", "HW_PROJECT_NAME"),
        ("cloud", "evil.example/path", "HW_CLOUD"),
        ("cloud", "user@evil.example", "HW_CLOUD"),
        ("insecure", "maybe", "HW_INSECURE"),
        ("maxRetries", "many", "HW_MAX_RETRIES"),
        ("maxRetries", "-1", "HW_MAX_RETRIES"),
        ("maxRetries", "21", "HW_MAX_RETRIES"),
        ("maxRetries", "2.5", "HW_MAX_RETRIES"),
        ("maxRetries", "-0.5", "HW_MAX_RETRIES"),
        ("maxRetries", "nan", "HW_MAX_RETRIES"),
        ("maxRetries", "1e999", "HW_MAX_RETRIES"),
    ],
)
def test_a_value_that_cannot_be_right_names_key_and_variable(key: str, value: str, variables: str) -> None:
    """A refused setting is named as the user writes it, in both places, and is not repeated."""
    with pytest.raises(ConfigurationError) as caught:
        _read(key, _settings({key: value}))
    assert f"huaweicloud:{key} ({variables})" in str(caught.value)
    assert len(value) < 3 or value not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "meant"),
    [("true", True), ("1", True), ("TRUE", True), (True, True), ("false", False), ("0", False)],
)
def test_insecure_is_read_in_its_usual_forms(value: object, meant: bool) -> None:
    """Booleans arrive as text or as they are."""
    assert _settings({"insecure": value}).insecure is meant


@pytest.mark.parametrize(("value", "meant"), [("0", 0), ("3", 3), ("3.0", 3), (3.0, 3), (20, 20)])
def test_the_number_of_retries_is_read_in_its_usual_forms(value: object, meant: int) -> None:
    """Numbers arrive as text, and whole ones perhaps as fractions."""
    assert _settings({"maxRetries": value}).max_retries == meant


# Endpoints ------------------------------------------------------------------------------------------------

VALID_URLS = [
    ("https://dcs.example", "https://dcs.example"),
    ("https://dcs.example/", "https://dcs.example"),
    ("https://DCS.example:8443", "https://dcs.example:8443"),
    ("HTTPS://dcs.example", "https://dcs.example"),
    ("https://dcs.example:443", "https://dcs.example"),
    ("https://dcs.example:80", "https://dcs.example:80"),
    ("http://localhost:80", "http://localhost"),
    ("dcs.example", "https://dcs.example"),
    ("dcs.example:8443", "https://dcs.example:8443"),
    ("http://127.0.0.1:8788", "http://127.0.0.1:8788"),
    ("http://localhost:8788/", "http://localhost:8788"),
    ("http://[::1]:8788", "http://[::1]:8788"),
    ("http://127.0.0.2:8788", "http://127.0.0.2:8788"),
    ("https://[2001:db8::1]", "https://[2001:db8::1]"),
    ("https://dcs_test.example", "https://dcs_test.example"),
]
INVALID_URLS = [
    "https://",
    "https://:443",
    "ftp://dcs.example",
    "https://dcs.example/v2",
    "https://dcs.example?x=1",
    "https://dcs.example#x",
    f"https://user:{SECRET}@dcs.example",
    f"https://{SECRET}@dcs.example",
    "https://@dcs.example",
    "https://dcs.example:99999",
    "https://dcs.example:port",
    "https://dcs.example:0",
    "https://[::1",
    "https://dcs example",
    "https://dcs.example\\@evil.example",
    "https://a,b",
    "https://<host>",
    "127.0.0.1:8788",
    "localhost:8788",
    "127.0.0.2:8788",
    "http://dcs.localhost:8788",
]


@pytest.mark.parametrize(("written", "meant"), VALID_URLS)
def test_an_endpoint_is_a_host_and_perhaps_a_port(written: str, meant: str) -> None:
    """What names a host is accepted, from each of the places where an endpoint may be written."""
    endpoints = json.dumps({"dcs": written, "iam": written})
    assert _settings(environ={"HW_DCS_ENDPOINT": written}).dcs_url("r") == meant
    assert _settings({"endpoints": endpoints}).dcs_url("r") == meant
    assert _settings({"endpoints": endpoints}).iam_url("r") == meant
    assert _settings(environ={"HUAWEICLOUD_SDK_IAM_ENDPOINT": written}).iam_url("r") == meant


@pytest.mark.parametrize("written", INVALID_URLS)
def test_an_endpoint_that_is_more_or_less_than_a_host_is_refused(written: str) -> None:
    """Paths, credentials and nonsense are refused by a line that names both settings, without secrets."""
    with pytest.raises(ConfigurationError) as caught:
        _settings(environ={"HW_DCS_ENDPOINT": written}).dcs_url("r")
    message = str(caught.value)
    assert "HW_DCS_ENDPOINT" in message
    assert "huaweicloud:endpoints" in message
    assert SECRET not in message
    assert message.splitlines() == [message]


@pytest.mark.parametrize(
    "written",
    [
        "http://dcs.example",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1\n.evil.example",
        "http://2130706433",
        "http://dcs.localhost",
        "http://[::2]",
    ],
    ids=repr,
)
def test_plain_http_beyond_this_machine_is_refused_unless_insecure(written: str) -> None:
    """Requests go unprotected to no other machine, however it is spelled, unless someone insists."""
    environ = {"HW_DCS_ENDPOINT": written}
    with pytest.raises(ConfigurationError, match=r"plain http.*huaweicloud:insecure"):
        _settings(environ=environ).dcs_url("r")
    assert _settings({"insecure": "true"}, environ).dcs_url("r").startswith("http://")


def test_the_variable_of_an_endpoint_overrides_the_stack() -> None:
    """An emulator's address in the environment wins, so that nothing else need be changed for it."""
    settings = _settings({"endpoints": '{"dcs": "https://a"}'}, {"HW_DCS_ENDPOINT": "https://b"})
    assert settings.dcs_url("r") == "https://b"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8788",
        "http://127.0.0.2:8788",
        "http://[::1]:8788",
        "http://[0:0:0:0:0:0:0:1]:8788",
        "http://localhost:8788",
    ],
)
def test_an_emulator_answers_for_iam_too(url: str) -> None:
    """With DCS on this machine, IAM is there as well, unless it is written where else."""
    emulator = {"HW_DCS_ENDPOINT": url}
    assert _settings(environ=emulator).iam_url("r") == url
    assert _settings(environ=emulator).on_loopback("r")
    elsewhere = {**emulator, "HUAWEICLOUD_SDK_IAM_ENDPOINT": "https://iam.example"}
    assert _settings(environ=elsewhere).iam_url("r") == "https://iam.example"
    assert _settings(environ={"HW_DCS_ENDPOINT": "https://dcs.example"}).iam_url("r") == (
        "https://iam.r.myhuaweicloud.com"
    )


@pytest.mark.parametrize("text", ["https://a", "[]", "7", '{"dcs": 7}', '{"dcs": null}', "{", "[" * 100_000])
def test_endpoints_that_are_no_map_of_texts_are_refused(text: str) -> None:
    """A malformed map is answered with the command that writes a good one."""
    with pytest.raises(
        ConfigurationError, match=r"huaweicloud:endpoints must be a map.*pulumi config set --path"
    ):
        _settings({"endpoints": text}).dcs_url("r")


@pytest.mark.parametrize("key", ["DCS", "Dcs", " dcs ", "IAM"])
def test_an_endpoint_under_a_misspelt_service_is_refused(key: str) -> None:
    """It would be passed over, and the real cloud be called in its place."""
    with pytest.raises(
        ConfigurationError, match=rf"huaweicloud:endpoints has the key {key.strip()}; use [a-z]+$"
    ):
        _settings({"endpoints": json.dumps({key: "https://own"})}).dcs_url("r")


def test_an_emulator_s_endpoint_needs_a_scheme() -> None:
    """An address on this machine without one would be asked for TLS, which an emulator does not speak."""
    with pytest.raises(ConfigurationError, match=r"HW_DCS_ENDPOINT .*use http://127\.0\.0\.1:8788"):
        _settings(environ={"HW_DCS_ENDPOINT": "127.0.0.1:8788"}).dcs_url("r")


@pytest.mark.parametrize("text", ["{}", '{"dcs": ""}', '{"obs": "https://obs.example"}'])
def test_endpoints_of_other_services_leave_ours(text: str) -> None:
    """A map without our service, or with a blank for it, means the region's own address."""
    assert _settings({"endpoints": text}).dcs_url("r") == "https://dcs.r.myhuaweicloud.com"


def test_the_host_that_is_accepted_comes_from_the_environment() -> None:
    """Who moved an endpoint says so for one run, not forever."""
    assert (
        _settings(environ={"DCS_MIGRATION_ACCEPT_ENDPOINT": " https://b "}).accepted_endpoint() == "https://b"
    )


# Who ------------------------------------------------------------------------------------------------------

HW = {"HW_ACCESS_KEY": "hw-ak", "HW_SECRET_KEY": "hw-secret", "HW_SECURITY_TOKEN": "hw-token"}
TOKEN = {"HW_AUTH_TOKEN": "auth-token"}
SDK = {
    "HUAWEICLOUD_SDK_AK": "sdk-ak",
    "HUAWEICLOUD_SDK_SK": "sdk-secret",
    "HUAWEICLOUD_SDK_SECURITY_TOKEN": "sdk-token",
}
STACK = {"accessKey": "cfg-ak", "secretKey": "cfg-secret", "securityToken": "cfg-token"}


@pytest.mark.parametrize(
    ("config", "environ", "source", "parts"),
    [
        (STACK, {**HW, **TOKEN, **SDK}, "the environment (HW_*)", ("hw-ak", "hw-secret", "hw-token", "")),
        (STACK, {**TOKEN, **SDK}, "the environment (HW_AUTH_TOKEN)", ("", "", None, "auth-token")),
        (STACK, SDK, "the environment (HUAWEICLOUD_SDK_*)", ("sdk-ak", "sdk-secret", "sdk-token", "")),
        (STACK, {}, "the stack's configuration", ("cfg-ak", "cfg-secret", "cfg-token", "")),
    ],
    ids=["HW", "token", "SDK", "stack"],
)
def test_credentials_come_from_the_environment_first_and_in_whole_sets(
    config: dict[str, str], environ: dict[str, str], source: str, parts: tuple[str, str, str | None, str]
) -> None:
    """A rotated key in the environment fixes a destroy that still sees the configuration of the last `up`."""
    found = _settings(config, environ).credentials()
    assert found.source == source
    assert (found.access_key, found.secret_key, found.security_token, found.auth_token) == parts


@pytest.mark.parametrize(
    ("config", "environ"),
    [
        (STACK, {key: value for key, value in HW.items() if "TOKEN" not in key}),
        ({}, {"HW_ACCESS_KEY": "a", "HW_SECRET_KEY": "b", "HUAWEICLOUD_SDK_SECURITY_TOKEN": "sdk-token"}),
        ({"accessKey": "a", "secretKey": "b"}, {"HW_SECURITY_TOKEN": "hw-token"}),
    ],
)
def test_a_security_token_is_never_borrowed_from_another_source(
    config: dict[str, str], environ: dict[str, str]
) -> None:
    """Keys of one source with a token of another would be refused by the service."""
    assert _settings(config, environ).credentials().security_token is None


@pytest.mark.parametrize(
    ("config", "environ", "names"),
    [
        ({}, {"HW_ACCESS_KEY": SECRET}, ("HW_ACCESS_KEY", "HW_SECRET_KEY")),
        (STACK, {"HW_SECRET_KEY": SECRET}, ("HW_ACCESS_KEY", "HW_SECRET_KEY")),
        ({}, {"HUAWEICLOUD_SDK_SK": SECRET}, ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK")),
        ({"secretKey": SECRET}, {}, ("huaweicloud:accessKey", "huaweicloud:secretKey")),
        ({"secretKey": SECRET, "accessKey": " "}, {}, ("huaweicloud:accessKey", "huaweicloud:secretKey")),
    ],
)
def test_half_a_set_is_refused(
    config: dict[str, str], environ: dict[str, str], names: tuple[str, str]
) -> None:
    """A key without its secret is a mistake to be told, not a reason to use other credentials."""
    with pytest.raises(ConfigurationError) as caught:
        _settings(config, environ).credentials()
    assert all(name in str(caught.value) for name in names)
    assert SECRET not in str(caught.value)


def test_no_credentials_name_every_way_to_give_them() -> None:
    """The line names variables and keys, and what is not supported."""
    with pytest.raises(ConfigurationError) as caught:
        _settings(environ={"HW_DCS_ENDPOINT": "http://127.0.0.1:1"}).credentials()
    for word in ("HW_ACCESS_KEY", "HW_AUTH_TOKEN", "huaweicloud:accessKey", "--secret", "isn't supported"):
        assert word in str(caught.value)


@pytest.mark.parametrize(("config", "environ"), [({}, HW), ({}, TOKEN), ({}, SDK), (STACK, {})])
def test_credentials_show_no_secret_and_are_scrubbed_from_then_on(
    config: dict[str, str], environ: dict[str, str]
) -> None:
    """Neither their text nor any text that follows shows a secret part."""
    found = _settings(config, environ).credentials()
    secrets = [value for value in (found.secret_key, found.security_token, found.auth_token) if value]
    assert secrets
    for secret in secrets:
        assert secret not in repr(found) + str(found)
        assert secret not in scrub(f"the service said {secret}")


def test_settings_show_nothing_of_what_they_hold() -> None:
    """A settings object in a traceback gives nothing away."""
    assert "cfg-secret" not in repr(_settings(STACK, HW))


def test_a_key_pair_signs_and_a_token_is_sent() -> None:
    """Each kind of credentials has its way to authorise a request."""
    for environ, kind in ((SDK, KeyPairAuth), (TOKEN, TokenAuth)):
        settings = _settings(environ={**environ, "HW_REGION_NAME": "emulator-1"})
        assert isinstance(Accounts(settings, FakeClock()).access("emulator-1").auth("p0"), kind)


def test_settings_are_read_when_they_are_asked_for() -> None:
    """Building settings reads nothing: a preview without configuration works."""

    def refuse(key: str) -> object:
        raise AssertionError(key)

    Settings(refuse, {})
