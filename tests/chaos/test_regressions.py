"""What the campaign has found, each as small as it gets, with its seed."""

from __future__ import annotations

import pytest

from dcs_migration.emulator import Emulator
from tests.chaos.plan import Fault, Schedule, Step
from tests.chaos.schedules import Machine
from tests.fakes import FakeClock, FakeEngine
from tests.unit.life_cycle_world import ONLINE, CheckFailed, Plugin, Resource, environment

ADDRESSES = {
    # found by the fuzzed inputs (derandomised, BY_SCHEMA)
    "a space after the comma": "10.0.0.1:6379, 10.0.0.2:6379",
    "spaces around": " 10.0.0.1:6379 ",
    "a line break at the end": "10.0.0.1:6379\n",
    "white space of Unicode": "\x8510.0.0.1:6379\u2028",
    "an address of IPv6": "[::1]:6380",
}


@pytest.mark.parametrize("kind", ADDRESSES)
def test_addresses_are_refused_by_check_or_accepted_by_the_service(kind: str) -> None:
    """What check lets pass as addresses, the strict service takes; there is no third outcome."""
    inputs = {**ONLINE, "source_instance": {"addrs": ADDRESSES[kind]}}
    with Emulator() as cloud:
        resource = Resource(Plugin(environment(cloud.url), FakeClock(), FakeEngine()))
        try:
            resource.preview(inputs)
            refusal = None
        except CheckFailed as failed:
            refusal = failed.lines[0]
        assert cloud.requests() == []
        if refusal is not None:
            assert refusal.startswith("source_instance.addrs: ")
            return
        resource.up(inputs)
        assert len(cloud.tasks()) == 1


def test_one_listing_without_an_ended_task_is_no_reason_to_leave_it_behind(machine: Machine) -> None:
    """A destroy whose first listing leaves the task out, while Show says SUCCESS, still deletes it (seed 246)."""
    short = Fault("ListMigrationTask", "short")
    steps = (Step("up", 0, value=1), Step("destroy", 0, pause=130.0, faults=(short,)), Step("up", 0, value=2))
    machine.run(Schedule(246, (), steps))
