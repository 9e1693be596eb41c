"""Settings that decide where and who, as the real CLI hands them on."""

from __future__ import annotations

import pytest

from dcs_emulator import Emulator
from dcs_emulator.operations import project_id_of
from tests.e2e.stack import REGION, Stack

TASK = 'MigrationTask("orders", **BACKUP, target_instance=target())\n'
WAIT = 'MigrationCompletion("done", task_ids=["0123456789abcdef0123456789abcdef"])\n'
SHARD = 'MigrationTask("orders", **BACKUP, target_instance=target(), opts=pulumi.ResourceOptions(provider=provider_process("own")))\n'


@pytest.mark.parametrize("program", [TASK, WAIT, SHARD], ids=["task", "wait", "process of its own"])
def test_an_endpoint_set_without_path_fails_the_preview(
    stack: Stack, emulator: Emulator, program: str
) -> None:
    """So does a misspelt key, in every plugin process; and the lines say what to type."""
    stack.program(program)
    stack.run("config", "set", "huaweicloud:endpoints.dcs", emulator.url)
    stack.run("config", "set", "huaweicloud:project_id", "p0")
    said = stack.preview(ok=False, HW_DCS_ENDPOINT=None).text
    assert "huaweicloud:endpoints.dcs is a separate key" in said
    assert "huaweicloud:project_id: unknown key; did you mean huaweicloud:projectId?" in said
    stack.run("config", "rm", "huaweicloud:endpoints.dcs")
    stack.run("config", "rm", "huaweicloud:project_id")
    stack.run("config", "set", "--path", "huaweicloud:endpoints.dcs", emulator.url)
    stack.preview(HW_DCS_ENDPOINT=None)
    assert emulator.requests() == []


@pytest.mark.long
def test_a_project_is_looked_up_by_its_name(stack: Stack, emulator: Emulator) -> None:
    """The task lives there, and another name later is told in preview."""
    stack.program(TASK)
    stack.run("config", "set", "huaweicloud:projectName", f"{REGION}_shop")
    stack.up()
    (task,) = emulator.tasks()
    assert task["project_id"] == project_id_of(f"{REGION}_shop")
    stack.refresh()
    stack.require_no_changes()
    stack.run("config", "set", "huaweicloud:projectName", f"{REGION}_office")
    said = stack.preview(ok=False).text
    assert (
        f"this task lives in project {REGION}_shop, but the configuration now names {REGION}_office" in said
    )
    stack.destroy()
    assert emulator.tasks() == []


def test_half_an_agency_in_the_environment_stops_every_command(stack: Stack, emulator: Emulator) -> None:
    """Also those that have no check before them: nothing is done as someone else."""
    stack.program(TASK).up()
    emulator.clear_requests()
    for command in (stack.preview, stack.destroy, stack.refresh):
        assert (
            "HW_ASSUME_ROLE_AGENCY_NAME is set, but the agency's account isn't"
            in command(ok=False, HW_ASSUME_ROLE_AGENCY_NAME="x").text
        )
    assert emulator.requests() == []


def test_an_enterprise_project_is_noted(stack: Stack) -> None:
    """Once for a run, however many tasks there are, and nothing fails."""
    stack.program(TASK + TASK.replace("orders", "carts"))
    said = stack.preview(HW_ENTERPRISE_PROJECT_ID="x").text
    note = "HW_ENTERPRISE_PROJECT_ID has no effect on migration tasks"
    assert said.partition("Diagnostics:")[2].count(note) == 1
