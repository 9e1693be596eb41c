"""A preview checks the values of the settings that decide who calls, before anything is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from dcs_migration.life_cycles import config
from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.secrets import Scrubber
from dcs_migration.life_cycles.settings_check import problems
from dcs_migration.names import EXPLICIT

LOCAL = {"HW_DCS_ENDPOINT": "http://127.0.0.1:8788"}
KEYS = {"HW_ACCESS_KEY": "ak", "HW_SECRET_KEY": "sk-secret"}
AGENCY = {"HW_ASSUME_ROLE_AGENCY_NAME": "deploy", "HW_ASSUME_ROLE_DOMAIN_NAME": "acme"}
OIDC = {
    "HUAWEICLOUD_OIDC_PROVIDER_URN": "iam::1:oidcProvider:ci",
    "HUAWEICLOUD_OIDC_AGENCY_URN": "iam::1:agency:deploy",
    "HUAWEICLOUD_OIDC_ID_TOKEN": "a.b.c",
}


def found(environ: dict[str, str], config: dict[str, str] | None = None) -> list[str]:
    """What a preview reports for these variables and this configuration."""
    return problems(Settings((config or {}).get, {**LOCAL, **environ}, lambda: config or {}))


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        (
            {**OIDC, "HUAWEICLOUD_OIDC_PROVIDER_URN": "github"},
            "HUAWEICLOUD_OIDC_PROVIDER_URN must be a URN such as iam::ACCOUNT:oidcProvider:NAME",
        ),
        (
            {**OIDC, "HUAWEICLOUD_OIDC_AGENCY_URN": "deploy"},
            "HUAWEICLOUD_OIDC_AGENCY_URN must be a URN such as iam::ACCOUNT:agency:NAME",
        ),
        (
            {**OIDC, "HUAWEICLOUD_OIDC_AGENCY_URN": "${{ vars.AGENCY }}"},
            "HUAWEICLOUD_OIDC_AGENCY_URN must be a URN such as iam::ACCOUNT:agency:NAME",
        ),
        (
            {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": "/nowhere/credentials"},
            "the SDK's credentials file: HUAWEICLOUD_SDK_CREDENTIALS_FILE names /nowhere/credentials, which can't be read: "
            "No such file or directory",
        ),
        (
            {"HW_SECURITY_TOKEN": "hidden"},
            "HW_SECURITY_TOKEN is set without HW_ACCESS_KEY and HW_SECRET_KEY; set all three, or none of them",
        ),
        (
            {"HUAWEICLOUD_SDK_SECURITY_TOKEN": "hidden"},
            "HUAWEICLOUD_SDK_SECURITY_TOKEN is set without HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK; set all three, "
            "or none of them",
        ),
    ],
)
def test_a_value_that_cannot_be_right_is_one_line(environ: dict[str, str], line: str) -> None:
    """The line names the variable and its form, not its value."""
    assert found(environ) == [line]


@pytest.mark.parametrize("prefix", ["HUAWEICLOUD_SDK", "HW_ASSUME_ROLE"])
def test_the_name_of_an_identity_provider_can_be_sent(prefix: str, tmp_path: Path) -> None:
    """It's a header of the request."""
    (tmp_path / "token").write_text("a.b.c")
    settings = {f"{prefix}_IDP_ID": "my provider", f"{prefix}_ID_TOKEN_FILE": str(tmp_path / "token")}
    assert found(settings) == [f"{prefix}_IDP_ID must be the name of an identity provider in IAM"]
    assert found({**settings, f"{prefix}_IDP_ID": "my-provider"}) == []


def test_each_value_has_a_line_of_its_own() -> None:
    """A pipeline often loses several variables at once."""
    lines = found({**OIDC, "HUAWEICLOUD_OIDC_PROVIDER_URN": "ci", "HUAWEICLOUD_OIDC_AGENCY_URN": "deploy"})
    assert [line.partition(" ")[0] for line in lines] == list(OIDC)[:2]


@pytest.mark.parametrize(
    "uri", ["pods", "169.254.1.1/credentials", "ftp://127.0.0.1/x", "http://", "http://h:x/"]
)
def test_the_address_of_pod_identity_is_a_url(uri: str, tmp_path: Path) -> None:
    """The SDK would say that there is no connection."""
    (tmp_path / "token").write_text("t")
    pod = {
        "HC_CONTAINER_CREDENTIALS_FULL_URI": uri,
        "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
    }
    assert found(pod) == ["HC_CONTAINER_CREDENTIALS_FULL_URI must be a URL such as http://HOST[:PORT]/PATH"]
    assert found({**pod, "HC_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.1.1/v1/credentials"}) == []


@pytest.mark.parametrize("value", ['"quoted"', "'quoted'", "two words", "schl\u00fcssel", "line\nline"])
@pytest.mark.parametrize("name", ["HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_SECURITY_TOKEN"])
def test_a_key_that_cannot_be_sent_is_one_line_without_its_value(name: str, value: str) -> None:
    """Files of variables often keep the quotes; the cloud would answer that the key doesn't exist."""
    (line,) = found({**KEYS, name: value})
    assert line == (
        f"{name} has quotes around it, or contains a space or a character that isn't ASCII; set it again"
    )


def test_a_token_with_every_character_of_base64_is_sent() -> None:
    """So are keys with blanks around them, which are cut off."""
    assert found({"HW_AUTH_TOKEN": "MIIC+/=-_.~"}) == []
    assert found({**KEYS, "HW_SECURITY_TOKEN": "Tok+en/1==<&>'%5c"}) == []
    assert found({**KEYS, "HW_SECRET_KEY": " sk-secret\r\n"}) == []


def test_a_token_of_the_stack_without_keys_is_found() -> None:
    """The configuration is judged as the environment is."""
    (line,) = found({}, {"huaweicloud:securityToken": "hidden"})
    assert line.startswith("huaweicloud:securityToken is set without huaweicloud:accessKey and")


@pytest.mark.parametrize(
    "environ",
    [
        OIDC,
        {**OIDC, "HW_SECURITY_TOKEN": "of another source"},
        {**KEYS, "HUAWEICLOUD_SDK_SECURITY_TOKEN": "of another source"},
        {**KEYS, "HUAWEICLOUD_SDK_CREDENTIALS_FILE": "/nowhere/credentials"},
        {},
    ],
)
def test_what_another_source_would_read_is_not_judged(environ: dict[str, str]) -> None:
    """Nor is anything wrong where no credentials are set: a preview needs none."""
    assert found(environ) == []


def test_the_environment_is_not_judged_where_the_program_gives_the_credentials() -> None:
    """A provider with keys of its own reads no variable."""
    stack = {EXPLICIT: "own", "huaweicloud:accessKey": "ak", "huaweicloud:secretKey": "sk"}
    assert found({"HW_SECURITY_TOKEN": "hidden"}, stack) == []


@pytest.mark.parametrize("text", ["1h", "", "soon", "0x384", "inf", "nan", "-900", "900.5"])
def test_a_duration_of_an_agency_that_is_no_number_is_one_line(text: str) -> None:
    """On every version of Python that is supported."""
    lines = found({**KEYS, **AGENCY, "HW_ASSUME_ROLE_DURATION": text})
    words = "HW_ASSUME_ROLE_DURATION must be a whole number of seconds from 900 to 86400"
    assert lines == ([words] if text else [])


def test_a_refusal_names_what_helps_where_the_program_gave_the_keys() -> None:
    """HW_ACCESS_KEY isn't read for such a provider, so the refusal doesn't name it."""
    own = {EXPLICIT: "hub", "huaweicloud:accessKey": "ak", "huaweicloud:secretKey": "sk"}
    said = Settings(own.get, {**LOCAL, **KEYS}).credentials().provenance
    assert said.startswith(
        "the credentials came from Provider 'hub' in the program, as of the last `pulumi up`"
    )
    assert "add --run-program" in said
    assert "set HW_ACCESS_KEY" not in said


def test_a_refused_token_is_to_be_replaced() -> None:
    """A token has no access key to check."""
    said = Settings(environ={**LOCAL, "HW_AUTH_TOKEN": "hidden"}).credentials().provenance
    assert (
        said
        == "the credentials came from the environment (HW_AUTH_TOKEN); a token expires within a day, so get a new one"
    )


@pytest.mark.parametrize(
    ("environ", "hidden"),
    [
        ({"HW_DCS_ENDPOINT": "http://127.0.0.1:1", "HW_REGION_NAME": "emulator-1"}, False),
        ({"HW_DCS_ENDPOINT": "http://127.0.0.1:1", "HW_REGION_NAME": "eu-west-101"}, True),
        ({"HW_DCS_ENDPOINT": "https://dcs.example.com", "HW_REGION_NAME": "emulator-1"}, True),
    ],
)
def test_an_emulator_s_key_does_not_mask_the_name_of_its_region(
    environ: dict[str, str], hidden: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The documented keys of the emulator are a part of the documented region: a command showed ***-1."""
    scrub = Scrubber()
    monkeypatch.setattr(config, "scrub", scrub)
    Settings(environ={**environ, "HW_ACCESS_KEY": "emulator", "HW_SECRET_KEY": "emulator"}).credentials()
    assert scrub("region emulator-1") == ("region ***-1" if hidden else "region emulator-1")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "has no profiles; write one with `hcloud configure set`"),
        (
            '{"profiles": [{"name": "b"}, {"name": "a"}]}',
            "has no current profile; set HW_PROFILE to one of: a, b",
        ),
    ],
)
def test_a_file_without_a_current_profile_says_so(tmp_path: Path, content: str, words: str) -> None:
    """It had "no profile None"."""
    (tmp_path / "config.json").write_text(content)
    (line,) = found({"HW_SHARED_CONFIG_FILE": str(tmp_path / "config.json")})
    assert words in line
