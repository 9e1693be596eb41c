"""What the campaign has found, each as small as it gets, with its seed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from tests.chaos import kills
from tests.chaos.blows import BLOWS, Service
from tests.chaos.leaks import FIRST_PASSWORD, leaked, told_by_server
from tests.chaos.neighbour import Neighbour
from tests.chaos.plan import Fault, Schedule, Step
from tests.chaos.schedules import Machine
from tests.chaos.struck_online import DELETE
from tests.e2e.running import Running
from tests.e2e.stack import Stack, live
from tests.fakes import FakeClock, FakeEngine
from tests.unit.life_cycle_world import (
    BACKUP_IMPORT,
    ONLINE,
    CheckFailed,
    Resource,
    environment,
    start_plugin,
)

BOTH = "kill -9 of both"
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
        resource = Resource(start_plugin(environment(cloud.url), FakeClock(), FakeEngine()))
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


def test_the_debug_log_hides_what_is_json_within_json(caplog: pytest.LogCaptureFixture) -> None:
    """An answer whose message quotes a request leaks no password into the debug log (tests/e2e/test_secrets.py)."""
    caplog.set_level(logging.DEBUG, "dcs_migration")
    inputs = {**BACKUP_IMPORT, "target_instance": {"id": "instance-1", "password": FIRST_PASSWORD}}
    with Emulator() as cloud:
        resource = Resource(start_plugin(environment(cloud.url), FakeClock(), FakeEngine()))
        resource.up(inputs)
        quoted = json.dumps({"password": FIRST_PASSWORD})
        cloud.set_status(resource.id, "FAILED", f"refused: {quoted} {told_by_server(FIRST_PASSWORD)}")
        resource.refresh()
    assert "refused: " in caplog.text
    for text in (caplog.text, json.dumps(resource.outputs["error"])):
        assert leaked(text, [FIRST_PASSWORD, json.dumps(FIRST_PASSWORD)[1:-1]]) is None


@pytest.mark.long
def test_a_state_file_that_was_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, neighbour: Callable[[str, str], Neighbour]
) -> None:
    """`kill -9` may leave the attributes of the CLI's state file empty: without them everything works (kills 13 and
    19)."""

    def kill_while_it_writes(command: Running, service: Service, stack: Stack) -> None:
        kill_both(command, service, stack)
        stack.store.write(kills.attributes_of(stack), b"")
        assert "failed to load checkpoint: EOF" in stack.run("stack", "export", ok=False).text

    kill_both = BLOWS[BOTH]
    monkeypatch.setitem(BLOWS, BOTH, kill_while_it_writes)
    drawn = kills.draw(10)
    assert drawn.command == "replace"
    outcome = kills.strike(
        replace(drawn, blow=BOTH, recovery="up alone"), tmp_path, neighbour("tasks", "dynamic")
    )
    assert outcome.restored


@pytest.mark.long
def test_instances_that_are_gone_while_the_state_holds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, neighbour: Callable[[str, str], Neighbour]
) -> None:
    """A struck destroy may leave these: `up` runs nothing on them, and the command that it names makes others."""

    def kill_while_it_deletes(command: Running, service: Service, stack: Stack) -> None:
        ours = {entry.get("id") for entry in kills.entries_of(stack)}
        command.until(lambda: not live(service.emulator).keys() & ours)
        kill_both(command, service, stack)

    kill_both = BLOWS[BOTH]
    monkeypatch.setitem(BLOWS, BOTH, kill_while_it_deletes)
    drawn = kills.draw(7, "online")
    assert drawn.command == "destroy"
    struck = replace(drawn, blow=BOTH, after=0, pause=0.0, slow=DELETE, how_slow="delay_after")
    assert kills.strike(struck, tmp_path, neighbour("online", "dynamic")).replaced == 2
