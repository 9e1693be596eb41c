"""Secrets in any position, and plugins that die."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from dcs_emulator import Emulator
from tests.e2e.running import running
from tests.e2e.stack import calls, live
from tests.native.conftest import PASSWORD, YamlStack, task, wait
from tests.native.test_life import UP, finish

SECRET = "4dabf18193072939515e22adb298388d"


def secret(value: Any) -> dict[str, Any]:
    """Return a value that the program marks."""
    return {"fn::secret": value}


def test_secret_inputs_are_secret_outputs(stack: YamlStack, emulator: Emulator) -> None:
    """A name, a list, a whole map: in inputs and outputs, also after a refresh; nothing is in plain text."""
    marked = task(
        taskName=secret("hidden-name-1"),
        triggers=secret(["hidden-trigger-2"]),
        description=secret("hidden-words-3"),
        backupFiles=secret({"bucketName": "hidden-bucket-4", "files": [{"fileName": "orders.rdb"}]}),
    )
    stack.resources_are(orders=marked)
    stack.up()
    (stack.work / "Pulumi.yaml").unlink()
    finish(emulator)
    for step in (lambda: None, lambda: stack.resources_are(orders=marked).refresh()):
        step()
        held = stack.resources_are(orders=marked).in_state()["MigrationTask orders"]
        (stack.work / "Pulumi.yaml").unlink()
        for bag in (held["inputs"], held["outputs"]):
            assert all(
                SECRET in bag[key] for key in ("taskName", "triggers", "description", "backupFiles")
            ), bag
            assert SECRET in bag["targetInstance"]["password"]
        written = stack.everything_written()
        for word in (b"hidden-trigger-2", b"hidden-words-3", b"hidden-bucket-4", PASSWORD.encode()):
            assert word not in written
    stack.resources_are(orders=marked).require_no_changes()


def test_a_plugin_that_is_killed_in_a_wait(stack: YamlStack, emulator: Emulator) -> None:
    """`up` fails, the task is in the state, and the next `up` continues the wait."""
    stack.resources_are(orders=task(), done=wait("orders"))
    with running(stack, *UP) as up:
        up.until(lambda: "0 of 1 done" in up.text)
        for plugin in stack.plugins():
            os.kill(plugin, signal.SIGKILL)
        assert up.end() != 0
        assert PASSWORD not in up.text
    before = live(emulator)
    finish(emulator)
    stack.up()
    assert live(emulator) == before
    assert calls(emulator)["CreateMigrationTask"] == 1


def test_a_plugin_that_is_killed_after_it_started_a_task(stack: YamlStack, emulator: Emulator) -> None:
    """The response is lost; the next `up` finds the task by its owner mark."""
    emulator.fault("CreateMigrationTask", "delay_after", seconds=30)
    stack.resources_are(orders=task())
    with running(stack, *UP) as up:
        up.until(lambda: live(emulator))
        for plugin in stack.plugins():
            os.kill(plugin, signal.SIGKILL)
        assert up.end() != 0
    before = live(emulator)
    text = stack.up().text
    assert "adopted task" in text
    assert live(emulator) == before
    assert json.loads(stack.run("stack", "export").text)["deployment"].get("pending_operations") in (None, [])


def test_two_backends_with_equal_names(new_stack: Any, emulator: Emulator) -> None:
    """The provider resource's id is the owner: the second stack starts nothing, and the error says what to do."""
    first, second = new_stack(), new_stack()
    for each in (first, second):
        each.resources_are({"id": "${orders.id}"}, orders=task())
    first.up()
    finish(emulator)
    text = second.up(ok=False).text
    assert "has the same definition and belongs to another owner" in text
    assert f'to take it over, set existingTaskId: "{first.outputs()["id"]}"' in text
    assert len(live(emulator)) == 1
