"""The real service is met only when asked for, and only when everything that it takes is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from dcs_migration.dcs.errors import CredentialsRefused
from tests.verified.cloud import PLAYED, REAL, played_by, the_cloud
from tests.verified.conftest import VerifiedStack
from tests.verified.settings import NEEDED, OPT_IN, PLACE, Missing, named_in, opted_in, variable

ELSEWHERE = {
    "HW_DCS_ENDPOINT": "http://127.0.0.1:1",
    "HW_REGION_NAME": "region-of-somebody",
    "HW_PROJECT_ID": "project-of-somebody",
    "HW_ACCESS_KEY": "key-of-somebody",
    "HW_SECRET_KEY": "secret-of-somebody",
    variable("TARGET_ID"): "target-of-somebody",
}


@pytest.fixture
def complete(dcs_emulator: Emulator) -> dict[str, str]:
    """An environment that asks for "the real service", which is an emulator here, and names everything."""
    return {OPT_IN: "1", **played_by(dcs_emulator)}


def test_without_the_variable_nothing_real_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of a real account in the shell reach neither our client nor a stack."""
    for name, value in ELSEWHERE.items():
        monkeypatch.setenv(name, value)
    with the_cloud(os.environ) as cloud:
        assert cloud.listing() == {}
        assert not set(ELSEWHERE.values()) & set(cloud.environ.values())
        stack = VerifiedStack(tmp_path, cloud)
        assert not set(ELSEWHERE.values()) & set(stack.environ.values())
        assert stack.environ["HW_DCS_ENDPOINT"] == cloud.environ["HW_DCS_ENDPOINT"]


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_a_variable_that_says_no_is_no(value: str) -> None:
    """Set to nothing, the tier meets an emulator."""
    assert not opted_in({OPT_IN: value})


def test_a_variable_that_says_neither_is_a_mistake() -> None:
    """With any other value, the error says what to write."""
    with pytest.raises(Missing, match=f"^{OPT_IN} must be 1, or not be set$"):
        opted_in({OPT_IN: "perhaps"})


def test_with_the_variable_the_named_service_is_met(complete: dict[str, str], dcs_emulator: Emulator) -> None:
    """The calls go where HW_* say, and what is named is what is used."""
    with the_cloud(complete) as cloud:
        assert cloud.pace is REAL
        assert cloud.listing() == {}
        assert cloud.named.target == {"id": PLAYED["TARGET_ID"], "password": PLAYED["TARGET_PASSWORD"]}
        assert cloud.named.source is not None
    assert [entry["operation"] for entry in dcs_emulator.requests()] == [
        "KeystoneListProjects",
        "ListMigrationTask",  # whether the credentials are good
        "ListMigrationTask",
    ]


def test_refused_credentials_end_it(complete: dict[str, str], dcs_emulator: Emulator) -> None:
    """One call is made with a wrong key, and none after it."""
    complete["HW_SECRET_KEY"] = "wrong"
    with pytest.raises(CredentialsRefused), the_cloud(complete):
        pass
    assert len(dcs_emulator.requests()) == 1


def test_workers_beside_each_other_never_meet_the_real_service(complete: dict[str, str]) -> None:
    """A whole run of the tests, in a shell that asks for the real service, is stopped with one line."""
    complete["PYTEST_XDIST_WORKER"] = "gw0"
    with pytest.raises(Missing, match="run `make verified`"), the_cloud(complete):
        pass


def test_everything_that_is_missing_is_one_line(dcs_emulator: Emulator) -> None:
    """With the opt-in alone, each setting is named at once, and nothing is called."""
    with pytest.raises(Missing) as caught, the_cloud({OPT_IN: "1"}):
        pass
    text = str(caught.value)
    assert "\n" not in text
    names = ["HW_REGION_NAME", "HW_ACCESS_KEY and HW_SECRET_KEY", *map(variable, NEEDED)]
    assert [name for name in names if name not in text] == []


@pytest.mark.parametrize("name", [*map(variable, (*NEEDED, *PLACE)), "HW_REGION_NAME", "HW_SECRET_KEY"])
def test_each_missing_setting_is_named(complete: dict[str, str], dcs_emulator: Emulator, name: str) -> None:
    """One that is left out, or empty, is named, before any call."""
    complete[name] = " "
    with pytest.raises(Missing, match=name), the_cloud(complete):
        pass
    assert dcs_emulator.requests() == []


def test_a_source_has_one_address(complete: dict[str, str]) -> None:
    """A network without a source is half of it, and a source with an id and addresses is two."""
    del complete[variable("SOURCE_ID")]
    with pytest.raises(Missing, match=f"{variable('SOURCE_ID')} or {variable('SOURCE_ADDRS')}$"):
        named_in(complete)
    complete[variable("SOURCE_ADDRS")] = "192.168.1.135:6379"
    source = named_in(complete).source
    assert source is not None
    assert set(source.instance) == {"addrs", "password"}
    complete[variable("SOURCE_ID")] = "shop-1"
    with pytest.raises(Missing, match="are both set"):
        named_in(complete)


def test_without_a_source_there_is_no_online_migration(complete: dict[str, str]) -> None:
    """Only what is named may cost money."""
    for name in [name for name in complete if "SOURCE" in name or name in map(variable, PLACE)]:
        del complete[name]
    assert named_in(complete).source is None


def test_no_password_is_shown(complete: dict[str, str]) -> None:
    """What is named can are in a failure of a test."""
    assert "Tr0ub4dor" not in repr(named_in(complete))
