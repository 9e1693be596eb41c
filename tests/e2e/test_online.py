"""Online migrations with the real CLI and the real plugin: started, changed in place, steered, killed, destroyed."""

from __future__ import annotations

import base64
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dcs_emulator import Emulator
from tests.e2e.running import running
from tests.e2e.stack import Stack, calls, operations

PASSWORD = "Tr0ub4dor&3/zebra"
PROGRAM = """
    from dcs_migration import OnlineMigrationTask

    orders = OnlineMigrationTask(
        "orders",
        vpc_id="vpc-1",
        subnet_id="subnet-1",
        security_group_id="group-1",
        migration_method="incremental_migration",
        source_instance={"id": "shop", "password": "SECRET"},
        target_instance={"id": "orders"},
        CHANGES
    )
    pulumi.export("state", orders.state)
""".replace("SECRET", PASSWORD)
WRITES = ("Create", "Set", "Batch", "Delete", "Exchange", "Rollback")


def write(stack: Stack, changes: str = "") -> Stack:
    """Write the program with some arguments changed."""
    return stack.program(PROGRAM.replace("CHANGES", changes))


def the_task(emulator: Emulator) -> dict[str, Any]:
    """Return the one task that there is."""
    (task,) = emulator.tasks()
    return task


def writes(emulator: Emulator) -> list[str]:
    """Return the writes in the journal, and forget it."""
    found = [name for name in operations(emulator) if name.startswith(WRITES)]
    emulator.clear_requests()
    return found


def following(stack: Stack, emulator: Emulator) -> str:
    """Bring a migration up that follows its source; return its id."""
    write(stack).up()
    id_ = str(the_task(emulator)["id"])
    emulator.set_status(id_, "INCRMIGEATING", offset=0)
    emulator.clear_requests()
    return id_


def test_life_cycle(stack: Stack, emulator: Emulator) -> None:
    """Started, changed in place, stopped, started in drift, switched, destroyed: messages, calls, and what is left."""
    write(stack).up()
    assert calls(emulator) == Counter(
        KeystoneListProjects=1,
        ListMigrationTask=1,
        CreateOnlineMigrationTask=1,
        ShowJobInfo=calls(emulator)["ShowJobInfo"],
        ShowMigrationTask=3,
        SetOnlineMigrationTask=1,
    )
    stack.require_no_changes()
    written = stack.everything_written()
    assert PASSWORD.encode() not in written
    assert base64.b64encode(PASSWORD.encode()) not in written
    id_ = the_task(emulator)["id"]
    emulator.set_status(id_, "INCRMIGEATING", offset=0)
    emulator.clear_requests()

    write(stack, "bandwidth_limit_mb=7,").up()
    assert writes(emulator) == ["SetOnlineMigrationTask"]
    task = the_task(emulator)
    assert (task["runs"], task["status"], task["bandwidth_limit_mb"]) == (1, "INCRMIGEATING", "7")

    stopped = write(stack, 'state="stopped", bandwidth_limit_mb=7,').up().text
    assert "warning: STOPS the replication into instance orders; copied data remains" in stopped
    assert writes(emulator) == ["BatchStopMigrationTasks"]

    refused = write(stack, 'state="switched", bandwidth_limit_mb=7,').preview(ok=False).text
    assert 'state: a stopped migration can\'t be switched; use "running" first' in refused

    write(stack, "bandwidth_limit_mb=7,").up()
    assert writes(emulator) == ["BatchRestartOnlineMigrationTasks"]
    emulator.set_status(id_, "TERMINATED")
    assert "STARTS" not in stack.refresh().text  # a refresh starts nothing
    assert "STARTS the replication into instance orders again" in stack.up().text
    assert writes(emulator) == ["BatchRestartOnlineMigrationTasks"]
    emulator.set_status(id_, "INCRMIGEATING", offset=0)

    write(stack, 'state="switched", bandwidth_limit_mb=7,')
    assert "SWITCHES the addresses of instance shop and instance orders once" in stack.preview().text
    stack.up()
    assert writes(emulator) == ["ExchangeInstanceIp"]
    assert the_task(emulator)["task_status"] == "EXCHANGE_SUCCESS"
    stack.require_no_changes()

    stack.destroy()
    assert writes(emulator) == ["DeleteMigrationTask"]
    assert emulator.tasks() == []


@pytest.mark.long
@pytest.mark.parametrize("how", [(), ("--run-program",)], ids=str)
def test_a_refresh_after_others_switched_back(stack: Stack, emulator: Emulator, how: tuple[str, ...]) -> None:
    """What the console did is learned; only the program's wish to switch what is stopped is refused."""
    id_ = following(stack, emulator)
    write(stack, 'state="switched",').up()
    emulator.set_status(id_, "TERMINATED", task_status="ROLLBACK_SUCCESS")
    stack.refresh(*how)
    assert "a stopped migration can't be switched" in stack.preview(ok=False).text
    write(stack, 'state="stopped",').preview("--expect-no-changes")


@pytest.mark.long
def test_another_instance_ends_the_migration_first(stack: Stack, emulator: Emulator) -> None:
    """A replaced instance takes its migration with it: stopped and deleted before the new ones start."""
    old = following(stack, emulator)
    write(stack, 'name="another",')
    assert "RUNS THE MIGRATION AGAIN into instance orders" in stack.preview().text
    stack.up()
    assert writes(emulator) == [
        "BatchStopMigrationTasks",
        "DeleteMigrationTask",
        "CreateOnlineMigrationTask",
        "SetOnlineMigrationTask",
    ]
    assert the_task(emulator)["id"] != old
    stack.require_no_changes()


@pytest.mark.parametrize("operation", ["CreateOnlineMigrationTask", "SetOnlineMigrationTask"])
def test_a_cli_killed_while_a_write_is_under_way(
    stack: Stack, emulator: Emulator, operation: str, tmp_path: Path
) -> None:
    """The service has done it, no one got the answer: the next `up` finds it, and starts nothing twice."""
    write(stack)
    emulator.fault(operation, "delay_after", seconds=2)
    with running(stack, "up", "--yes", "--skip-preview") as command:
        command.until_or_end(lambda: bool(emulator.tasks()) and not emulator.faults())
        command.kill()
    stack.run("cancel", "--yes", ok=None)
    stack.up()
    assert the_task(emulator)["runs"] == 1
    stack.preview("--expect-no-changes")
    assert calls(emulator)["CreateOnlineMigrationTask"] == 1  # by now also the one whose answer was delayed


def test_a_kill_during_a_switch(stack: Stack, emulator: Emulator) -> None:
    """The addresses are exchanged once."""
    following(stack, emulator)
    write(stack, 'state="switched",')
    emulator.fault("ExchangeInstanceIp", "delay_after", seconds=2)
    with running(stack, "up", "--yes", "--skip-preview") as command:
        command.until_or_end(lambda: not emulator.faults())
        command.kill()
    stack.run("cancel", "--yes", ok=None)
    stack.up()
    assert the_task(emulator)["task_status"] == "EXCHANGE_SUCCESS"
    stack.preview("--expect-no-changes")
    assert calls(emulator)["ExchangeInstanceIp"] == 1  # by now also the one whose answer was delayed
