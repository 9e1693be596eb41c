"""What the guides tell to type does what they say, from an empty folder on, with the real CLI and an emulator.

A line below a command is expected in what it prints, in this order; ``...`` stands for anything, and names in
angle brackets are filled in.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dcs_emulator import Emulator
from tests.docs.pages import ROOT, Page
from tests.e2e.stack import Stack, calls, require_cli
from tests.packaging.building import LEFT_OUT
from tools.translations import TRANSLATED

GUIDES = ROOT / "docs" / "guides"
NOT_RUN = (
    "python -m dcs_emulator",  # the test has one, at an address of its own, with keys of its own
    "export HW_",
    "pulumi login",  # it would write into the tester's home folder
)
TARGET = "4cd5dbb8-aacd-4603-b817-3e97d48c7a20"


class Shell:
    """A shell in the folder of a stack: what a command does to the environment stays."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.environ = {**stack.environ, "NO_COLOR": "1"}

    def run(self, command: str) -> str:
        """Run a command, which must succeed; return what it printed."""
        left = self.stack.root / "environment"
        done = subprocess.run(
            ["bash", "-c", f"{command}\ncode=$?\nenv -0 > '{left}'\nexit $code"],
            cwd=self.stack.work,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        self.environ = dict(entry.split("=", 1) for entry in left.read_text().split("\0") if "=" in entry)
        return done.stdout


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """An emulator whose tasks are done at the first look."""
    with Emulator(progression="immediate", stop_seconds=0.2) as running:
        yield running


@pytest.fixture
def stack(tmp_path: Path, cloud: Emulator) -> Stack:
    """An empty folder, and a shell with the keys of the cloud: `dev` of the project `shop` comes to be in it."""
    require_cli()
    made = Stack(tmp_path, cloud)
    shutil.rmtree(made.work)
    made.work.mkdir()
    del made.environ["HW_REGION_NAME"]
    made.environ["PULUMI_OPTION_SKIP_PREVIEW"] = "true"  # which only does the same work before
    return made


def tell(stack: Stack, guide: str, **placeholders: str) -> Shell:
    """Do what a guide says, from its first block to its last."""
    shell = Shell(stack)
    for block in Page(GUIDES / guide).blocks():
        if block.name:
            (stack.work / block.name).write_text(block.text, "utf-8")
        elif block.language == "console":
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
    """From an empty folder to `destroy`: what was installed there creates one task, and the task no longer exists
    at the end.

    What the package asks for is found in the environment of the tests, so that no network is needed.
    """
    shutil.copytree(ROOT, stack.root / "pulumi-dcs-migration", ignore=LEFT_OUT)
    stack.environ.update(
        PYTHONPATH=next(path for path in sys.path if path.endswith("site-packages")),
        PIP_NO_INDEX="1",
        PIP_NO_BUILD_ISOLATION="0",  # which, by an old mistake of pip, means that there is none
    )
    del stack.environ["PULUMI_CONFIG_PASSPHRASE"]
    shell = tell(stack, "first-migration.md")
    where = shell.run("python -c 'import dcs_migration; print(dcs_migration.__file__)'").strip()
    assert Path(where).is_relative_to(stack.work / "venv")
    assert calls(cloud)["CreateMigrationTask"] == 1
    assert cloud.tasks() == []


def test_waiting(stack: Stack, cloud: Emulator) -> None:
    """The program comes up with its completion: the data is there when `up` ends."""
    tell(stack, "waiting.md")
    assert stack.outputs() == {"status": "SUCCESS"}
    assert [task["status"] for task in cloud.tasks()] == ["SUCCESS"]


def test_one_guide_after_another(stack: Stack, cloud: Emulator) -> None:
    """Guides share a stack's name and a definition: the last commands of the first one make the next one possible."""
    shell = tell(stack, "waiting.md")
    (remove,) = (line for line in Page(GUIDES / "first-migration.md").commands() if "destroy" in line)
    shell.run(remove)
    tell(stack, "secrets.md")
    assert len(cloud.tasks()) == 1
    for guide in sorted(GUIDES.glob("*.md")):
        page = Page(guide)
        if guide.name.endswith(TRANSLATED):
            continue
        if guide.name != "first-migration.md" and "pulumi stack init dev" in page.commands():
            assert "first-migration.md#remove" in page.links(), page.name


def test_a_rotated_password(stack: Stack, cloud: Emulator) -> None:
    """A new password is an update that runs no migration again, and that the state holds encrypted."""
    tell(stack, "secrets.md")
    assert calls(cloud)["CreateMigrationTask"] == 1
    for password in (b"correct-horse-battery", b"rotated-last-night"):
        assert password not in stack.everything_written()


def test_taking_over(stack: Stack, cloud: Emulator) -> None:
    """A task from elsewhere is managed without a second run, and only forgotten in the end."""
    id_ = another_task(Stack(stack.root / "elsewhere", cloud), cloud)
    cloud.clear_requests()
    tell(stack, "take-over.md", task_id=id_)
    assert calls(cloud)["CreateMigrationTask"] == 0
    assert [task["id"] for task in cloud.tasks()] == [id_]


def another_task(stack: Stack, cloud: Emulator) -> str:
    """Start a task that no stack knows: that of a program whose state is lost."""
    program = (
        f'MigrationTask("elsewhere", **BACKUP, target_instance={{"id": "{TARGET}"}}, region="eu-west-101")\n'
    )
    stack.program(program).up()
    ((id_,),) = [[task["id"] for task in cloud.tasks()]]
    return str(id_)


def test_running_again(stack: Stack, cloud: Emulator) -> None:
    """Changed triggers and `--replace` each run the migration again, and leave one task."""
    tell(stack, "run-again.md")
    assert calls(cloud)["CreateMigrationTask"] == 3
    assert len(cloud.tasks()) == 1


def test_previews_without_credentials(stack: Stack, cloud: Emulator) -> None:
    """The previews of pull requests make no call: there are those of the one `up` alone."""
    tell(stack, "pull-requests.md")
    assert calls(cloud) == {"KeystoneListProjects": 1, "ListMigrationTask": 1, "CreateMigrationTask": 1}


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
    (stack.work / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    stack.run("stack", "init", "dev")
    stack.environ["HW_REGION_NAME"] = "eu-west-101"
    stack.program(f'MigrationTask("orders", **BACKUP, target_instance={{"id": "{TARGET}"}})\n').up()
    (id_,) = (task["id"] for task in cloud.tasks())
    forget_the_end_of_the_create(stack)
    tell(stack, "interrupted-runs.md")
    assert [task["id"] for task in cloud.tasks()] == [id_]
    state = json.loads(stack.run("stack", "export").text)["deployment"]
    assert not state.get("pending_operations")


def forget_the_end_of_the_create(stack: Stack) -> None:
    """Leave the state as a killed CLI leaves it: a create that started, and no word of its end."""
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
