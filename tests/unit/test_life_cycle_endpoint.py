"""The endpoint is remembered: an emulator's variable left in a shell must not empty a production state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from dcs_emulator import Emulator
from dcs_migration.life_cycles.accounts import Accounts
from dcs_migration.life_cycles.config import Settings
from tests.fakes import FakeClock
from tests.unit.life_cycle_world import (
    BACKUP_IMPORT,
    REGION,
    CheckFailed,
    Resource,
    World,
    environment,
    failing,
)


@pytest.fixture
def elsewhere(clock: FakeClock) -> Iterator[Emulator]:
    """Another cloud, which doesn't have the task."""
    with Emulator(clock=clock.time, progression="manual") as emulator:
        yield emulator


def host(cloud: Emulator) -> str:
    """Return what state remembers of a cloud."""
    return f"127.0.0.1:{cloud.port}"


@pytest.fixture
def resource(world: World, elsewhere: Emulator) -> Resource:
    """A task of the first cloud, in a shell whose variable points to the other one."""
    resource = world.started()
    resource.plugin = world.new_plugin(environ={"HW_DCS_ENDPOINT": elsewhere.url})
    return resource


@pytest.mark.parametrize("command", ["refresh", "destroy"])
@pytest.mark.parametrize("last", ["MIGRATING", "FAILED"])
def test_another_endpoint_is_refused(
    world: World, elsewhere: Emulator, resource: Resource, command: str, last: str
) -> None:
    """Refresh and destroy name both hosts and the way out; neither cloud is asked, and state stays."""
    resource.outputs["status"] = last
    message = failing(getattr(resource, command))
    for part in (host(world.cloud), host(elsewhere), "HW_DCS_ENDPOINT", "DCS_MIGRATION_ACCEPT_ENDPOINT"):
        assert part in message
    assert elsewhere.requests() == world.requests() == []
    assert resource.state is not None
    assert resource.outputs["status"] == last


@pytest.mark.parametrize("command", ["refresh", "destroy"])
def test_a_moved_endpoint_is_accepted_by_an_explicit_variable(
    world: World, elsewhere: Emulator, resource: Resource, command: str
) -> None:
    """A user who sets the new host can continue there."""
    resource.plugin = world.new_plugin(
        environ={"HW_DCS_ENDPOINT": elsewhere.url, "DCS_MIGRATION_ACCEPT_ENDPOINT": host(elsewhere)}
    )
    getattr(resource, command)()
    assert elsewhere.requests() != []
    assert world.requests() == []


CLOUD = f"dcs.{REGION}.myhuaweicloud.com"


@dataclass(frozen=True)
class Case:
    """Where state says that a task lives, how the settings name another host, and the advice that fits."""

    lives_at: str
    points_to: str
    advice: str
    environ: dict[str, str] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The whole line."""
        return (
            f"this task lives at {self.lives_at}, but the settings now point to {self.points_to} "
            f"{self.advice}, or set DCS_MIGRATION_ACCEPT_ENDPOINT={self.points_to} if the service has moved "
            "there"
        )


HERE, THERE = "127.0.0.1:8788", "127.0.0.1:9999"
TO_HERE = f"set HW_DCS_ENDPOINT=http://{HERE} to continue there"
ENDPOINTS = {"huaweicloud:endpoints": f'{{"dcs": "http://{THERE}"}}'}
CASES = {
    "a variable left over": Case(
        CLOUD,
        THERE,
        "(set in HW_DCS_ENDPOINT); unset it if it is left over from something else",
        {"HW_DCS_ENDPOINT": f"http://{THERE}"},
    ),
    "a variable of another emulator": Case(
        HERE, THERE, f"(set in HW_DCS_ENDPOINT); {TO_HERE}", {"HW_DCS_ENDPOINT": f"http://{THERE}"}
    ),
    "no variable, an emulator's state": Case(HERE, CLOUD, f"(HW_DCS_ENDPOINT isn't set); {TO_HERE}"),
    "no variable, a private cloud's state": Case(
        "dcs.example.com",
        CLOUD,
        "(HW_DCS_ENDPOINT isn't set); set HW_DCS_ENDPOINT=https://dcs.example.com to continue there",
    ),
    "the stack's configuration": Case(
        HERE, THERE, f"(set in huaweicloud:endpoints); {TO_HERE}", config=ENDPOINTS
    ),
    "another domain": Case(
        CLOUD,
        f"dcs.{REGION}.example.com",
        f"(HW_DCS_ENDPOINT isn't set); set HW_DCS_ENDPOINT=https://{CLOUD} to continue there",
        {"HW_CLOUD": "example.com"},
    ),
}


def elsewhere_in(world: World, case: Case, **environ: str) -> Resource:
    """A task whose state says that it lives where a case says."""
    resource = world.started()
    resource.outputs["__endpoint"] = case.lives_at
    resource.plugin = world.new_plugin(
        environ={"HW_DCS_ENDPOINT": "", **case.environ, **environ}, config=case.config
    )
    return resource


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_advice_fits_the_case(world: World, case: Case) -> None:
    """A variable that isn't set is not left over; a host that decides by configuration is named so."""
    resource = elsewhere_in(world, case)
    assert failing(resource.refresh) == failing(resource.destroy) == case.line


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_preview_says_it_too(world: World, case: Case) -> None:
    """Once for a stack, as a warning, and without a call: the run that follows may have other settings."""
    resource = elsewhere_in(world, case)
    for inputs in (BACKUP_IMPORT, BACKUP_IMPORT, {**BACKUP_IMPORT, "target_instance": {"id": "instance-1"}}):
        resource.preview(inputs)
    (warning,) = world.engine.warnings
    assert warning == f"{case.line}; until then, refresh, destroy and every change that needs a call fail"
    assert world.requests() == []


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_preview_of_an_accepted_move_is_silent(world: World, case: Case) -> None:
    """Who has named the new host needs no advice."""
    elsewhere_in(world, case, DCS_MIGRATION_ACCEPT_ENDPOINT=case.points_to).preview(BACKUP_IMPORT)
    assert world.engine.warnings == []


def test_an_accepted_host_that_is_another_one_is_named(world: World) -> None:
    """A move that was accepted once does not explain the next."""
    case = CASES["no variable, an emulator's state"]
    resource = elsewhere_in(world, case, DCS_MIGRATION_ACCEPT_ENDPOINT="dcs.old.example.com")
    assert failing(resource.refresh) == f"{case.line} (currently dcs.old.example.com)"


def test_an_endpoint_that_is_no_url_is_said_in_preview(world: World) -> None:
    """The check of the settings says so, so that no other warning is needed."""
    resource = world.started()
    resource.plugin = world.new_plugin(environ={"HW_DCS_ENDPOINT": "http://:x"})
    with pytest.raises(CheckFailed, match="HW_DCS_ENDPOINT"):
        resource.preview(BACKUP_IMPORT)
    assert world.engine.warnings == []


def test_the_variable_accepts_that_one_host_only(
    world: World, elsewhere: Emulator, resource: Resource
) -> None:
    """It doesn't turn the guard off."""
    resource.plugin = world.new_plugin(
        environ={"HW_DCS_ENDPOINT": elsewhere.url, "DCS_MIGRATION_ACCEPT_ENDPOINT": "dcs.example.com"}
    )
    failing(resource.destroy)
    assert elsewhere.requests() == []


def test_the_remembered_host_needs_no_variable(world: World, resource: Resource) -> None:
    """A stale acceptance does no harm to a task that lives where the settings point."""
    resource.plugin = world.new_plugin(environ={"DCS_MIGRATION_ACCEPT_ENDPOINT": "dcs.example.com"})
    resource.destroy()
    assert world.ids() == []


def test_a_replacement_does_not_start_elsewhere(
    world: World, elsewhere: Emulator, resource: Resource
) -> None:
    """The delete of the old task is refused, so that no new one is started at the wrong place."""
    failing(lambda: resource.up({**BACKUP_IMPORT, "triggers": ["again"]}))
    assert elsewhere.tasks() == []
    assert world.ids() == [resource.id]


def test_a_preview_and_a_password_need_no_endpoint(world: World, resource: Resource) -> None:
    """What makes no call cares for no endpoint."""
    assert resource.preview(BACKUP_IMPORT).step == "same"
    resource.up({**BACKUP_IMPORT, "target_instance": {"id": "instance-1", "password": "rotated-Passw0rd"}})
    assert resource.outputs["__endpoint"] == host(world.cloud)


def test_it_survives_refresh_and_update(world: World) -> None:
    """The hidden output is not lost on the way."""
    resource = world.started()
    resource.refresh()
    resource.up({**BACKUP_IMPORT, "target_instance": {"id": "instance-1"}})
    resource.refresh()
    assert resource.outputs["__endpoint"] == host(world.cloud)


@pytest.mark.parametrize(
    "spelled",
    [
        "",
        f"https://dcs.{REGION}.myhuaweicloud.com",
        f"https://DCS.{REGION}.MyHuaweiCloud.com/",
        f"dcs.{REGION}.myhuaweicloud.com",
        f"https://dcs.{REGION}.myhuaweicloud.com:443",
    ],
    ids=["not set", "with the scheme", "in capitals", "without the scheme", "with the port"],
)
def test_one_host_spelled_differently_is_the_same(clock: FakeClock, spelled: str) -> None:
    """The guard compares hosts, not spellings."""
    accounts = Accounts(Settings(environ=environment(spelled)), clock)
    assert accounts.at(REGION, "project-7").endpoint == f"dcs.{REGION}.myhuaweicloud.com"


def test_the_region_in_state_decides_where_is_asked(world: World) -> None:
    """A shell configured for another region reads and deletes the task where state says it lives."""
    resource = world.started()
    resource.plugin = world.new_plugin(environ={"HW_REGION_NAME": "eu-north-7", "HW_PROJECT_ID": "elsewhere"})
    resource.refresh()
    assert resource.outputs["region"] == REGION
    resource.destroy()
    assert world.ids() == []
