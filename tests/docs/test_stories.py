"""What the guides tell to type does what they say, with the real CLI and an emulator.

A line below a command is expected in what it prints, in this order; ``...`` stands for anything, and names in
angle brackets are filled in.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dcs_migration.emulator import Emulator
from tests.docs.pages import ROOT, Page
from tests.e2e.stack import Stack, calls, require_cli

GUIDES = ROOT / "docs" / "guides"
NOT_RUN = ("pip ", "python -m dcs_migration.emulator", "pulumi login", "pulumi stack init", "export ")
TARGET = "4cd5dbb8-aacd-4603-b817-3e97d48c7a20"


class Shell:
    """A shell in the folder of a stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.environ = dict(stack.environ)

    def run(self, command: str) -> str:
        """Run a command, which must succeed; return what it printed."""
        if command.startswith("unset "):
            for name in command.split()[1:]:
                self.environ.pop(name, None)
            return ""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.stack.work,
            env={**self.environ, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """An emulator whose tasks are done at the first look."""
    with Emulator(progression="immediate", stop_seconds=0.2) as running:
        yield running


@pytest.fixture
def stack(tmp_path: Path, cloud: Emulator) -> Stack:
    """The stack that the guides speak of: `dev` of the project `shop`."""
    require_cli()
    made = Stack(tmp_path, cloud)
    (made.work / "Pulumi.yaml").write_text(Page(GUIDES / "first-migration.md").block("Pulumi.yaml").text)
    made.run("stack", "init", "dev")  # the one that was made belongs to another project
    made.environ["PULUMI_OPTION_SKIP_PREVIEW"] = "true"  # which only does the same work before
    return made


def tell(stack: Stack, guide: str, **placeholders: str) -> Shell:
    """Do what a guide says, from its first block to its last."""
    page = Page(GUIDES / guide)
    for block in page.blocks():
        if block.name:
            (stack.work / block.name).write_text(block.text, "utf-8")
    shell = Shell(stack)
    for block in page.blocks("console"):
        text = block.text
        for name, value in placeholders.items():
            text = text.replace(f"<{name.replace('_', ' ')}>", value)
        for command, expected in steps(text):
            if not command.startswith(NOT_RUN):
                require_lines(shell.run(command), expected, command)
    return shell


def steps(text: str) -> list[tuple[str, list[str]]]:
    """The commands of a console block, each with the lines expected of it."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line.strip())
    return found


def require_lines(printed: str, expected: list[str], command: str) -> None:
    """Each expected line is in the output, in order."""
    at = 0
    for line in expected:
        match = re.compile(".*?".join(map(re.escape, line.split("...")))).search(printed, at)
        assert match, f"{command}\nexpected: {line}\n{printed}"
        at = match.end()


def test_the_first_migration(stack: Stack, cloud: Emulator) -> None:
    """From the first `up` to `destroy`: one task is made, and is gone in the end."""
    tell(stack, "first-migration.md")
    assert calls(cloud)["CreateMigrationTask"] == 1
    assert cloud.tasks() == []


def test_waiting(stack: Stack, cloud: Emulator) -> None:
    """The program comes up with its completion: the data is there when `up` ends."""
    tell(stack, "waiting.md")
    assert stack.outputs() == {"status": "SUCCESS"}
    assert [task["status"] for task in cloud.tasks()] == ["SUCCESS"]


def test_a_rotated_password(stack: Stack, cloud: Emulator) -> None:
    """A new password is an update that runs no migration again, and that the state holds encrypted."""
    tell(stack, "secrets.md")
    assert calls(cloud)["CreateMigrationTask"] == 1
    for password in (b"correct-horse-battery", b"rotated-last-night"):
        assert password not in stack.everything_written()


def test_taking_over(stack: Stack, cloud: Emulator) -> None:
    """A task from elsewhere is managed without a second run, and only forgotten in the end."""
    id_ = another_task(stack, cloud)
    cloud.clear_requests()
    tell(stack, "take-over.md", task_id=id_)
    assert calls(cloud)["CreateMigrationTask"] == 0
    assert [task["id"] for task in cloud.tasks()] == [id_]


def another_task(stack: Stack, cloud: Emulator) -> str:
    """Start a task that no stack knows: that of a program whose state forgets it."""
    stack.program(f'MigrationTask("elsewhere", **BACKUP, target_instance={{"id": "{TARGET}"}})\n').up()
    urn = "urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:MigrationTask::elsewhere"
    stack.run("state", "delete", "--yes", urn)
    ((id_,),) = [[task["id"] for task in cloud.tasks()]]
    return str(id_)


def test_running_again(stack: Stack, cloud: Emulator) -> None:
    """Changed triggers and `--replace` each run the migration once more, and leave one task."""
    tell(stack, "run-again.md")
    assert calls(cloud)["CreateMigrationTask"] == 3
    assert len(cloud.tasks()) == 1


def test_previews_without_credentials(stack: Stack, cloud: Emulator) -> None:
    """The preview of a pull request makes no call."""
    page = Page(GUIDES / "pull-requests.md")
    (first, _) = page.blocks("console")
    (stack.work / "__main__.py").write_text(page.block("__main__.py").text)
    shell = Shell(stack)
    del shell.environ["HW_DCS_ENDPOINT"]
    for command, expected in steps(first.text):
        require_lines(shell.run(command), expected, command)
    assert "HW_SECRET_KEY" not in shell.environ
    assert cloud.requests() == []


def test_the_alarm_rings(stack: Stack, cloud: Emulator) -> None:
    """The alarm is silent while all is well, and rings for a task that failed since."""
    shell = tell(stack, "drift.md")
    (task, *_) = cloud.tasks()
    cloud.set_status(task["id"], "FAILED", "the file is broken")
    stack.refresh()
    with pytest.raises(AssertionError, match="is FAILED"):
        shell.run("python alarm.py")


def test_recovery(stack: Stack, cloud: Emulator) -> None:
    """After a create that was killed, the commands of the guide lead to one task and a clean state."""
    stack.program(f'MigrationTask("orders", **BACKUP, target_instance={{"id": "{TARGET}"}})\n').up()
    (id_,) = (task["id"] for task in cloud.tasks())
    forget_the_end_of_the_create(stack)
    tell(stack, "interrupted-runs.md")
    assert [task["id"] for task in cloud.tasks()] == [id_]
    state = json.loads(stack.run("stack", "export").text)["deployment"]
    assert not state.get("pending_operations")


def forget_the_end_of_the_create(stack: Stack) -> None:
    """Leave the state as a killed CLI leaves it: a create that began, and no word of its end."""
    file = Path(stack.work, "killed.json")
    stack.run("stack", "export", "--file", str(file))
    state: dict[str, Any] = json.loads(file.read_text())
    resources = state["deployment"]["resources"]
    (task,) = (entry for entry in resources if entry["type"].endswith("MigrationTask"))
    resources.remove(task)
    begun = {key: value for key, value in task.items() if key not in ("id", "outputs")}
    state["deployment"]["pending_operations"] = [{"resource": begun, "type": "creating"}]
    file.write_text(json.dumps(state))
    stack.run("stack", "import", "--file", str(file))
