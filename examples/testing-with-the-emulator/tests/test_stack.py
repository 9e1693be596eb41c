"""Test the whole stack against the emulator, as a pipeline would use it."""

from __future__ import annotations

from pulumi import automation as auto

from dcs_emulator import Emulator


def test_one_task_each_and_nothing_left_to_do(stack: auto.Stack, dcs_emulator: Emulator) -> None:
    """Each service gets one task, the next preview is empty, and `destroy` leaves no task behind."""
    outputs = stack.up().outputs
    assert outputs["statuses"].value == {"orders": "MIGRATING", "carts": "MIGRATING"}
    assert len(dcs_emulator.tasks()) == 2
    assert set(stack.preview().change_summary) == {auto.OpType.SAME}
    stack.destroy()
    assert dcs_emulator.tasks() == []


def test_a_lost_answer_starts_no_second_import(stack: auto.Stack, dcs_emulator: Emulator) -> None:
    """The service creates the task, but the connection drops before the response: the task is found again."""
    dcs_emulator.fault("CreateMigrationTask", "drop_after")
    stack.up()
    assert len(dcs_emulator.tasks()) == 2


def test_a_failure_shows_after_a_refresh(stack: auto.Stack, dcs_emulator: Emulator) -> None:
    """If a task fails at night, the refresh in the morning shows it."""
    stack.up()
    for task in dcs_emulator.tasks():
        failed = task["name"].startswith("carts")
        dcs_emulator.set_status(task["id"], "FAILED" if failed else "SUCCESS")
    stack.refresh(run_program=True)
    assert stack.outputs()["statuses"].value == {"orders": "SUCCESS", "carts": "FAILED"}
