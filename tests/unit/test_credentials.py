"""Where credentials come from, and how temporary keys are renewed."""

from __future__ import annotations

import json
import pwd
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NoReturn

import pytest
from requests import Request

from dcs_migration.credentials import official_sdk
from dcs_migration.credentials.access import RenewedKeysAuth
from dcs_migration.credentials.keys import Keys, RenewedKeys
from dcs_migration.dcs.errors import ConfigurationError, CredentialsUnavailable
from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.settings_check import problems
from dcs_migration.names import EXPLICIT, EXPLICIT_AGENCY
from dcs_migration.native.settings import settings_of as native_settings

NOON = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
LOCAL = {"HW_DCS_ENDPOINT": "http://127.0.0.1:8788"}
STATIC = {"HW_ACCESS_KEY": "ak", "HW_SECRET_KEY": "sk-secret"}
OIDC = {
    "HUAWEICLOUD_OIDC_PROVIDER_URN": "iam::1:oidcProvider:ci",
    "HUAWEICLOUD_OIDC_AGENCY_URN": "iam::1:agency:deploy",
    "HUAWEICLOUD_OIDC_TOKEN_FILE": "/var/run/token",
}
IDP = {"HUAWEICLOUD_SDK_IDP_ID": "ci", "HUAWEICLOUD_SDK_ID_TOKEN_FILE": "/var/run/token"}
TERRAFORM_IDP = {"HW_ASSUME_ROLE_IDP_ID": "ci", "HW_ASSUME_ROLE_ID_TOKEN_FILE": "/var/run/token"}
SDK = {"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "sk-secret"}
POD = {
    "HC_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1/pod",
    "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/var/run/pod",
}
STACK = {"huaweicloud:accessKey": "ak", "huaweicloud:secretKey": "sk-secret"}
BY_ID = {"HW_ASSUME_ROLE_AGENCY_NAME": "spoke", "HW_ASSUME_ROLE_DOMAIN_ID": "d1"}
AGENCY = {"HW_ASSUME_ROLE_AGENCY_NAME": "deploy", "HW_ASSUME_ROLE_DOMAIN_NAME": "acme"}


def _settings(environ: dict[str, str], config: dict[str, str] | None = None) -> Settings:
    return Settings((config or {}).get, {**LOCAL, **environ}, lambda: config or {})


class _Time:
    """A wall clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)


class _Service:
    """Issues keys of a lifetime, and refuses or breaks down on request."""

    def __init__(self, time: _Time, minutes: float = 60) -> None:
        self.time, self.minutes = time, minutes
        self.issued = 0
        self.asked = 0
        self.failure: CredentialsUnavailable | None = None

    def __call__(self) -> Keys:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        self.issued += 1
        return Keys(f"key-{self.issued}", "secret", "token", self.time.now + timedelta(minutes=self.minutes))


def test_keys_are_fetched_once_and_renewed_twenty_minutes_before_they_expire() -> None:
    """A long wait continues with new keys."""
    time = _Time()
    service = _Service(time, minutes=120)
    keys = RenewedKeys("somewhere", service, time)
    assert [keys().access_key for _ in range(3)] == ["key-1"] * 3
    time.pass_by(99)
    assert keys().access_key == "key-1"
    time.pass_by(1)
    assert keys().access_key == "key-2"
    assert service.issued == 2


def test_short_lived_keys_are_renewed_when_a_third_of_their_life_is_left() -> None:
    """Keys of less than half an hour are not renewed at every call."""
    time = _Time()
    service = _Service(time, minutes=3)
    keys = RenewedKeys("somewhere", service, time)
    keys()
    time.pass_by(1.9)
    assert keys().access_key == "key-1"
    time.pass_by(0.2)
    assert keys().access_key == "key-2"


def test_a_renewal_that_fails_is_tried_again_a_minute_later_while_the_old_keys_are_good() -> None:
    """An id token of a pipeline is good for minutes, the keys that it brought for an hour."""
    time = _Time()
    service = _Service(time)
    keys = RenewedKeys("somewhere", service, time)
    keys()
    service.failure = CredentialsUnavailable("somewhere", "the id token has expired")
    time.pass_by(55)
    assert keys().access_key == keys().access_key == "key-1"
    assert service.asked == 2
    time.pass_by(1)
    assert keys().access_key == "key-1"
    assert service.asked == 3
    time.pass_by(10)
    with pytest.raises(CredentialsUnavailable, match="the id token has expired"):
        keys()


def test_keys_that_have_expired_are_not_used_until_the_next_try() -> None:
    """The cloud would refuse them, and a key that is refused is not used again in the whole run."""
    time = _Time()
    service = _Service(time)
    keys = RenewedKeys("somewhere", service, time)
    keys()
    service.failure = CredentialsUnavailable("somewhere", "no connection", permanent=False)
    time.pass_by(59.5)
    assert keys().access_key == "key-1"
    time.pass_by(0.5)
    with pytest.raises(CredentialsUnavailable, match="no connection"):
        keys()
    service.failure = None
    assert keys().access_key == "key-2"


@pytest.mark.parametrize("minutes", [-1, -15, -60 * 24 * 365 * 56])
def test_keys_that_have_expired_already_sign_nothing(minutes: float) -> None:
    """This machine's clock is ahead, or the service is wrong: DCS would count each request as a refusal of the key."""
    service = _Service(_Time(), minutes)
    keys = RenewedKeys("somewhere", service, service.time)
    for _ in range(2):
        with pytest.raises(
            CredentialsUnavailable,
            match=r"from somewhere: the new keys expired at .*Z; check this machine's clock$",
        ):
            keys()
    assert service.asked == 1


def test_keys_are_renewed_on_a_machine_whose_clock_is_fourteen_minutes_behind() -> None:
    """Its signatures are accepted, so the keys must be renewed before the service drops them."""
    time = _Time()
    service = _Service(time)
    service.minutes += 14
    keys = RenewedKeys("somewhere", service, time)
    keys()
    time.pass_by(60)
    assert keys().access_key == "key-2"


def test_keys_of_the_year_9999_are_kept() -> None:
    """No date overflows."""
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
    keys = RenewedKeys("somewhere", lambda: Keys("key", "secret", "token", last), lambda: NOON)
    assert keys() is keys()


def test_a_refusal_is_not_asked_for_again_and_a_breakdown_is() -> None:
    """What cannot change is not sent twice; what may pass is."""
    service = _Service(_Time())
    keys = RenewedKeys("somewhere", service, service.time)
    service.failure = CredentialsUnavailable("somewhere", "no connection", permanent=False)
    for _ in range(2):
        with pytest.raises(CredentialsUnavailable):
            keys()
    assert service.asked == 2
    service.failure = CredentialsUnavailable("somewhere", "refused")
    for _ in range(3):
        with pytest.raises(CredentialsUnavailable, match="can't get temporary keys from somewhere: refused"):
            keys()
    assert service.asked == 3


def test_nobody_waits_for_a_renewal_while_the_old_keys_are_good() -> None:
    """One thread renews; the others sign with what there is."""
    time = _Time()
    service = _Service(time)
    renewing, go_on = threading.Event(), threading.Event()

    def fetch() -> Keys:
        if service.issued:
            renewing.set()
            assert go_on.wait(10)
        return service()

    keys = RenewedKeys("somewhere", fetch, time)
    keys()
    time.pass_by(55)
    thread = threading.Thread(target=keys)
    thread.start()
    try:
        assert renewing.wait(10)
        assert keys().access_key == "key-1"
    finally:
        go_on.set()
        thread.join(10)
    assert keys().access_key == "key-2"


def test_threads_that_wait_for_keys_share_a_failure() -> None:
    """A service that hangs would be asked by one thread after another, for minutes each."""
    service = _Service(_Time())
    service.failure = CredentialsUnavailable("somewhere", "timed out", permanent=False)
    asked, go_on = threading.Event(), threading.Event()

    def fetch() -> Keys:
        asked.set()
        assert go_on.wait(10)
        return service()

    keys = RenewedKeys("somewhere", fetch, service.time)
    started = threading.Semaphore(0)

    def call() -> str:
        started.release()
        with pytest.raises(CredentialsUnavailable, match="timed out") as caught:
            keys()
        return str(caught.value)

    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(call)
        assert asked.wait(10)
        others = [pool.submit(call) for _ in range(5)]
        for _ in range(6):
            assert started.acquire(timeout=10)
        time.sleep(0.2)  # until they wait for the lock
        go_on.set()
        assert len({call.result(10) for call in (first, *others)}) == 1
    assert service.asked == 1
    service.failure = None
    assert keys().access_key == "key-1"


def test_each_request_is_signed_with_the_keys_of_the_moment() -> None:
    """The key, its token and the project are in the request."""
    time = _Time()
    auth = RenewedKeysAuth(RenewedKeys("somewhere", _Service(time), time), "p0")
    first = Request("GET", "https://h/", auth=auth).prepare().headers
    time.pass_by(55)
    second = Request("GET", "https://h/", auth=auth).prepare().headers
    assert "Access=key-1" in first["Authorization"]
    assert "Access=key-2" in second["Authorization"]
    assert (second["X-Security-Token"], second["X-Project-Id"]) == ("token", "p0")
    assert repr(auth) == "RenewedKeysAuth(***)"


def test_keys_show_no_secret() -> None:
    """Neither a traceback nor a log gives them away."""
    assert "hidden" not in repr(Keys("ak", "hidden-secret", "hidden-token"))


# Of each row everything that comes later in the order is set, too.
ORDER: list[tuple[str, dict[str, str]]] = [
    ("the environment (HW_*)", STATIC),
    ("the environment (HW_AUTH_TOKEN)", {"HW_AUTH_TOKEN": "t"}),
    ("OpenID Connect (HUAWEICLOUD_OIDC_*)", OIDC),
    ("OpenID Connect (HUAWEICLOUD_SDK_IDP_ID)", IDP),
    ("OpenID Connect (HW_ASSUME_ROLE_IDP_ID)", TERRAFORM_IDP),
    ("the environment (HUAWEICLOUD_SDK_*)", SDK),
    ("pod identity (HC_CONTAINER_*)", POD),
]


@pytest.mark.parametrize("place", range(len(ORDER)), ids=[name for name, _ in ORDER])
def test_sources_have_an_order(place: int) -> None:
    """The environment goes before the stack's configuration, and static keys of ours before all others."""
    environ = {name: value for _, names in ORDER[place:] for name, value in names.items()}
    assert _settings(environ, STACK).credentials().source == ORDER[place][0]


def test_the_stack_comes_after_the_environment_and_before_files(tmp_path: Path) -> None:
    """A profile is for those who set nothing else."""
    environ = {"HW_SHARED_CONFIG_FILE": str(_profiles(tmp_path))}
    assert _settings(environ, STACK).credentials().source == "the stack's configuration"
    assert "profile default" in _settings(environ).credentials().source


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({**OIDC, "HUAWEICLOUD_OIDC_AGENCY_URN": ""}, "HUAWEICLOUD_OIDC_AGENCY_URN"),
        (
            {**OIDC, "HUAWEICLOUD_OIDC_TOKEN_FILE": " "},
            "HUAWEICLOUD_OIDC_TOKEN_FILE or HUAWEICLOUD_OIDC_ID_TOKEN",
        ),
        ({"HUAWEICLOUD_SDK_IDP_ID": "ci"}, "HUAWEICLOUD_SDK_ID_TOKEN_FILE"),
        ({"HC_CONTAINER_CREDENTIALS_FULL_URI": "http://h"}, "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
        (
            {**STATIC, "HW_ASSUME_ROLE_AGENCY_NAME": "", "HW_ASSUME_ROLE_DOMAIN_NAME": "acme"},
            "HW_ASSUME_ROLE_AGENCY_NAME is missing",
        ),
        ({**STATIC, "HW_ASSUME_ROLE_DOMAIN_ID": "d-1"}, "HW_ASSUME_ROLE_AGENCY_NAME is missing"),
        (
            {"HW_SHARED_CONFIG_FILE": "~nobody-here/config.json"},
            "the profile file ~nobody-here/config.json can't be read: No such file",
        ),
        ({"HW_ASSUME_ROLE_AGENCY_NAME": "deploy"}, "HW_ASSUME_ROLE_DOMAIN_NAME or HW_ASSUME_ROLE_DOMAIN_ID"),
        (
            {**AGENCY, "HW_ASSUME_ROLE_DURATION": "60"},
            "HW_ASSUME_ROLE_DURATION must be a whole number of seconds",
        ),
        *(
            (
                {**OIDC, "HUAWEICLOUD_OIDC_DURATION_SECONDS": text},
                "must be a whole number of seconds from 900 to 43200",
            )
            for text in ("1h", "899", "43201")
        ),
        (
            OIDC,
            "OpenID Connect (HUAWEICLOUD_OIDC_*): HUAWEICLOUD_OIDC_TOKEN_FILE names /var/run/token, which can't be read: No such",
        ),
        (IDP, "HUAWEICLOUD_SDK_ID_TOKEN_FILE names /var/run/token, which can't be read"),
        (TERRAFORM_IDP, "HW_ASSUME_ROLE_ID_TOKEN_FILE names /var/run/token, which can't be read"),
        (POD, "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE names /var/run/pod, which can't be read"),
        (
            {**STATIC, **BY_ID, "HW_ASSUME_ROLE_DURATION": "43201"},
            "HW_ASSUME_ROLE_DURATION must be a whole number of seconds from 900 to 43200",
        ),
        *(
            (
                {**keys, **BY_ID, "HW_ASSUME_ROLE_DURATION": "3601"},
                "the duration of agency spoke of d1 must be at most 3600 seconds",
            )
            for keys in ({**STATIC, "HW_SECURITY_TOKEN": "t"}, OIDC)
        ),
        (
            {"HW_PROFILE": "a", "HW_SHARED_CONFIG_FILE": "/nowhere.json"},
            "the profile file /nowhere.json can't be read: No such file",
        ),
        ({**STATIC, "HW_PROFILE": "a"}, "HW_PROFILE: other tools prefer a profile to other credentials"),
        ({"HW_AUTH_TOKEN": "t", **AGENCY}, "agency deploy of acme can only be assumed with an access key"),
        ({"HW_ASSUME_ROLE_ID_TOKEN": "jwt"}, "an id token is only read from a file"),
    ],
)
def test_a_preview_says_what_is_missing(environ: dict[str, str], missing: str) -> None:
    """Offline, in one line, with the names to set."""
    (line,) = problems(_settings(environ))
    assert missing in line


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("deploy", "huaweicloud:assumeRole must be a map"),
        ('{"agency": "deploy"}', "has an unknown key agency; valid keys: agencyName, domainName"),
        ('{"domainName": "acme"}', "huaweicloud:assumeRole.agencyName is missing"),
        (
            '{"agencyName": "deploy"}',
            "set huaweicloud:assumeRole.domainName or huaweicloud:assumeRole.domainId",
        ),
        (
            '{"agencyName": "a", "domainName": "b", "duration": 1.5}',
            "assumeRole.duration must be a whole number",
        ),
    ],
)
def test_an_agency_of_the_configuration_is_checked(value: str, words: str) -> None:
    """The line names the key as it is written."""
    (line,) = problems(_settings(STATIC, {"huaweicloud:assumeRole": value}))
    assert words in line


def test_agencies_go_on_top_of_any_keys_and_can_be_chained() -> None:
    """As in Huawei's Terraform provider; the environment goes before the configuration."""
    chain = '[{"agencyName": "hub", "domainName": "acme"}, {"agencyName": "spoke", "domainId": "d1", "duration": 900}]'
    config = {"huaweicloud:assumeRole": chain}
    found = _settings(OIDC, config).credentials()
    assert [str(agency) for agency in found.agencies] == ["agency hub of acme", "agency spoke of d1"]
    assert found.agencies[1].duration == 900
    assert (
        "OpenID Connect (HUAWEICLOUD_OIDC_*), then agency hub of acme, then agency spoke of d1"
        in found.provenance
    )
    (agency,) = _settings({**STATIC, **AGENCY}, config).credentials().agencies
    assert str(agency) == "agency deploy of acme"
    both = {**STATIC, **AGENCY, "HW_ASSUME_ROLE_DOMAIN_ID": "d-1"}
    assert str(*_settings(both).credentials().agencies) == "agency deploy of d-1", (
        "of the one that is asked for"
    )


def test_a_link_of_a_chain_lasts_an_hour_at_most_where_sts_is_asked() -> None:
    """STS gives no more to temporary keys; to static ones it does, and IAM to both."""

    def last(first: str, second: str) -> list[str]:
        chain = f'[{{"agencyName": "a", {first}, "duration": 7200}}, {{"agencyName": "b", {second}, "duration": 7200}}]'
        return problems(_settings(STATIC, {"huaweicloud:assumeRole": chain}))

    assert last('"domainId": "d1"', '"domainName": "n"') == []
    (line,) = last('"domainName": "n"', '"domainId": "d1"')
    assert line.startswith("the duration of agency b of d1 must be at most 3600 seconds, the limit of STS")


@pytest.mark.parametrize("native", [False, True], ids=["dynamic", "native"])
def test_an_agency_that_a_program_writes_goes_before_the_environment(native: bool) -> None:
    """Tasks of the program's account would land in another one."""
    role = {"agencyName": "spoke", "domainId": "d1"}
    environ = {**LOCAL, **STATIC, **AGENCY}
    if native:
        found = native_settings({"assumeRole": role}, "production", environ)
        of_stack = native_settings({"assumeRole": role}, "default_1_0_0", environ)
    else:
        config = {"huaweicloud:assumeRole": json.dumps(role)}
        found = _settings(environ, {**config, EXPLICIT_AGENCY: "production"})
        of_stack = _settings(environ, config)
    assert [str(each) for each in found.credentials().agencies] == ["agency spoke of d1"]
    assert found.credentials().access_key == "ak"
    assert [str(each) for each in of_stack.credentials().agencies] == ["agency deploy of acme"]


def test_a_provider_with_credentials_of_its_own_takes_nothing_from_the_environment() -> None:
    """One set is never mixed with another."""
    environ = {**STATIC, **AGENCY, **OIDC, "HW_PROFILE": "nobody"}
    own = {EXPLICIT: "hub", **STACK}
    found = _settings(environ, own).credentials()
    assert (found.source, found.access_key, found.agencies) == ("Provider 'hub'", "ak", ())


@pytest.mark.parametrize("environ", [OIDC, IDP, TERRAFORM_IDP], ids=lambda environ: next(iter(environ)))
def test_a_missing_extra_is_one_line_with_the_command(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A preview says it, because `up` would fail."""
    monkeypatch.setattr(official_sdk, "is_installed", lambda: False)
    (line,) = problems(_settings(environ))
    assert line.endswith(" needs Huawei's SDK: run `pip install 'pulumi-dcs-migration[credentials]'`")


def test_nothing_configured_is_no_mistake_in_a_preview_and_one_line_in_a_run() -> None:
    """A preview job has no key at all. An emulator's caller is not sent to a metadata service."""
    assert problems(_settings({})) == []
    with pytest.raises(ConfigurationError, match="no credentials; set HW_ACCESS_KEY"):
        _settings({}).credentials()


def test_the_metadata_service_is_asked_last_and_only_where_the_extra_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without it a machine without credentials is told so at once."""
    cloud = Settings(environ={"HW_REGION_NAME": "eu-west-101"})
    assert cloud.credentials().source == "the instance metadata service"
    monkeypatch.setattr(official_sdk, "is_installed", lambda: False)
    with pytest.raises(ConfigurationError, match="no credentials"):
        cloud.credentials()


@pytest.mark.parametrize("home", [None, "/nowhere", "/proc/1/root/root"])
def test_a_preview_needs_no_home(monkeypatch: pytest.MonkeyPatch, home: str | None) -> None:
    """A container may run as a user that no one knows, or with the home of another one."""

    def unknown(uid: int) -> NoReturn:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(Path, "is_file", _denied)
    if home is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", home)
    assert problems(_settings({})) == []


def _denied(path: Path) -> NoReturn:
    raise PermissionError(path)


def test_empty_credentials_of_the_program_are_not_replaced_by_a_file_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program has said that this provider has an account of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".huaweicloud").mkdir()
    (tmp_path / ".huaweicloud" / "credentials").write_text("[basic]\nak = AKFILE\nsk = skfile\n")
    own = {EXPLICIT: "hub", "huaweicloud:accessKey": "", "huaweicloud:secretKey": ""}
    with pytest.raises(ConfigurationError, match="no credentials"):
        _settings({}, own).credentials()


def _profiles(folder: Path, **more: object) -> Path:
    path = folder / "config.json"
    default = {"name": "default", "mode": "AKSK", "accessKeyId": "AKDEF", "secretAccessKey": "skdef"}
    other = {
        **default,
        "name": "other",
        "accessKeyId": "AKOTHER",
        "region": "eu-west-101",
        "projectId": "p-other",
        **more,
    }
    path.write_text(json.dumps({"current": "default", "profiles": [default, other]}))
    return path


def test_a_profile_gives_keys_and_where_nothing_else_says_it_region_and_project(tmp_path: Path) -> None:
    """A project belongs to a region: it is not taken to another one."""
    environ = {"HW_SHARED_CONFIG_FILE": str(_profiles(tmp_path)), "HW_PROFILE": "other"}
    settings = _settings(environ)
    assert problems(settings) == []
    assert settings.credentials().access_key == "AKOTHER"
    assert (settings.region, settings.project_id) == ("eu-west-101", "p-other")
    elsewhere = _settings({**environ, "HW_REGION_NAME": "la-south-2"})
    assert (elsewhere.region, elsewhere.project_id) == ("la-south-2", None)
    assert _settings({**environ, "HW_PROFILE": ""}).credentials().access_key == "AKDEF"


def test_a_profile_may_name_an_agency_and_have_keys_of_a_single_sign_on(tmp_path: Path) -> None:
    """KooCLI's modes: SSO keeps temporary keys, and an agency is added to them."""
    sso = {"stsToken": {"accessKeyId": "AKSSO", "secretAccessKey": "sksso", "securityToken": "tsso"}}
    path = _profiles(
        tmp_path,
        accessKeyId="",
        secretAccessKey="",
        ssoAuth=sso,
        agencyName="deploy",
        agencyDomainName="acme",
    )
    found = _settings({"HW_SHARED_CONFIG_FILE": str(path), "HW_PROFILE": "other"}).credentials()
    assert (found.access_key, found.security_token) == ("AKSSO", "tsso")
    assert [str(agency) for agency in found.agencies] == ["agency deploy of acme"]


@pytest.mark.parametrize("temporary", [False, True])
def test_an_agency_of_a_profile_with_temporary_keys_lasts_an_hour_at_most(
    tmp_path: Path, temporary: bool
) -> None:
    """STS gives no more to them."""
    path = _profiles(tmp_path, **({"securityToken": "tsso"} if temporary else {}))
    environ = {"HW_SHARED_CONFIG_FILE": str(path), "HW_PROFILE": "other"}
    role = '{"agencyName": "a", "domainId": "d1", "duration": 7200}'
    lines = problems(_settings(environ, {"huaweicloud:assumeRole": role}))
    assert [line[:44] for line in lines] == ["the duration of agency a of d1 must be at mo"] * temporary


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "isn't valid KooCLI JSON"),
        ("[]", "has no profile"),
        ('{"profiles": 3}', "has no profile"),
        ('{"profiles": [{"name": "b"}], "current": "a"}', "has no profile a; available: b"),
        ('{"profiles": [{"name": "a", "mode": "ecsAgency"}], "current": "a"}', "(mode: ecsAgency)"),
        (
            '{"profiles": [{"name": "a", "accessKeyId": "x+/=", "secretAccessKey": "y"}], "current": "a"}',
            "hcloud configure set --cli-auth-encrypt=false",
        ),
    ],
)
def test_a_profile_that_cannot_be_used_is_one_line(tmp_path: Path, content: str, words: str) -> None:
    """With the file, and what to do."""
    path = tmp_path / "config.json"
    path.write_text(content)
    lines = problems(_settings({"HW_SHARED_CONFIG_FILE": str(path)}))
    assert len(lines) == 1
    assert words in lines[0]
    assert str(path) in lines[0]


def test_a_file_of_credentials_of_the_sdk_is_read_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the usual place, if nothing else is set. Static keys in it don't take the extra."""
    monkeypatch.setattr(official_sdk, "is_installed", lambda: False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert problems(_settings({})) == []
    (tmp_path / ".huaweicloud").mkdir()
    (tmp_path / ".huaweicloud" / "credentials").write_text("[basic]\nak = AKFILE\nsk = skfile\n")
    assert _settings({}).credentials().source == "the SDK's credentials file"
