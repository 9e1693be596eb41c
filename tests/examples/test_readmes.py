"""Each README's commands print what it shows, bring the example up, and end in an empty preview."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from dcs_emulator import Emulator
from tests.docs.pages import Page
from tests.docs.test_stories import Shell
from tests.e2e.stack import calls
from tests.examples.conftest import NewExample
from tests.examples.example import EXAMPLES, Example, told

HERE = Path(__file__).parent
FILES = {  # of a program, by its runtime
    "python": ("requirements.txt", "__main__.py"),
    "yaml": (),
    "nodejs": ("package.json", "tsconfig.json", "index.ts"),
    "go": ("go.mod", "go.sum", "main.go"),
}
FOLDERS = sorted(path for path in EXAMPLES.iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_is_a_whole_project(folder: Path) -> None:
    """It has all that a project needs, its README links to what is there, and the index names it."""
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text("utf-8"))
    runtime = project["runtime"] if isinstance(project["runtime"], str) else project["runtime"]["name"]
    for name in ("README.md", *FILES[runtime]):
        assert (folder / name).is_file(), name
    if runtime == "python":
        assert "pulumi-dcs-migration" in (folder / "requirements.txt").read_text("utf-8")
    readme = Page(folder / "README.md")
    for link in readme.links():
        path, _, anchor = link.partition("#")
        target = (folder / path).resolve()
        assert target.exists(), link
        assert not anchor or anchor in Page(target).anchors(), link
    assert f"({folder.name})" in (EXAMPLES / "README.md").read_text("utf-8")
    typed = readme.commands()
    if "pip install -r requirements.txt" in typed:  # it finds the package, published or not
        environment, activate, package = typed[: typed.index("pip install -r requirements.txt")]
        assert (environment, activate) == ("python3 -m venv venv", ". venv/bin/activate")
        (path,) = re.findall(r"^pip install '?([./]+)", package)
        assert (folder / path / "pyproject.toml").is_file()


def test_a_backup_import(example: NewExample, cloud: Emulator) -> None:
    """One import; a rotated password runs nothing again, and is nowhere readable."""
    project = example("backup-import")
    project.tell()
    assert calls(cloud)["CreateMigrationTask"] == 1
    assert cloud.tasks() == []
    for password in (b"correct-horse-battery", b"rotated-last-night"):
        assert password not in project.everything_written()


def test_a_backup_import_in_yaml(example: NewExample, cloud: Emulator) -> None:
    """The same, by the native plugin: one import, and its password is nowhere readable."""
    project = example("native-yaml")
    project.tell()
    assert calls(cloud)["CreateMigrationTask"] == 1
    assert cloud.tasks() == []
    assert b"correct-horse-battery" not in project.everything_written()


@pytest.mark.long
def test_a_fleet(tmp_path: Path) -> None:
    """Forty tasks and one wait in one `up`; a changed file changes what it says, and no more."""
    with Emulator(progression="timed", duration=0.02, stop_seconds=0.2) as cloud:
        project = Example("fleet", tmp_path, cloud)
        names = yaml.safe_load((project.work / "fleet.yaml").read_text("utf-8"))
        assert len(names) == 40
        project.tell("Run it")
        assert project.outputs()["statuses"] == dict.fromkeys(names, "SUCCESS")
        first = set(project.ids().values())
        assert calls(cloud)["CreateMigrationTask"] == len(first) == 40

        project.tell("Add and remove a task")
        assert calls(cloud)["CreateMigrationTask"] == 41
        assert cloud.tasks() == []


@pytest.mark.long
def test_migrate_wait_report(example: NewExample, cloud: Emulator) -> None:
    """`migrate.py` ends with 0 when the data is there; its stack is one that the CLI knows."""
    example("automation-api").tell("Run it")
    assert calls(cloud)["CreateMigrationTask"] == 1


def test_a_failed_migration_is_reported(tmp_path: Path) -> None:
    """`migrate.py` ends with 1 and tells the task's status and the service's reason."""
    with Emulator(progression="manual", stop_seconds=0.2) as cloud:
        project = Example("automation-api", tmp_path, cloud)
        script = threading.Thread(target=_fail_the_first_task, args=[cloud], daemon=True)
        script.start()
        shell = Shell(project)
        (command, *_) = (line for line, _ in told(project.readme, "Run it") if "migrate" in line)
        printed = shell.run(f"{command} && exit 9 || echo ended with $?")
        script.join()
    assert "ended with 1" in printed
    assert "| status | FAILED |" in printed
    assert "| error | the file is broken |" in printed


def _fail_the_first_task(cloud: Emulator) -> None:
    """Let the first task that is made fail at once."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for task in cloud.tasks():
            cloud.set_status(task["id"], "FAILED", "the file is broken")
            return
        time.sleep(0.01)


def mocked(folder: Path) -> dict[str, Any]:
    """Run the program of an example with Pulumi's mocks, in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(HERE / "mocked.py")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(HERE / "stand_in"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_with_an_instance_of_pulumi_huaweicloud() -> None:
    """The task gets the new instance's id and password, and the address is shown when the data is there."""
    found = mocked(EXAMPLES / "with-pulumi-huaweicloud")
    by_type = {entry["type"].rpartition(":")[2]: entry["inputs"] for entry in found["registered"]}
    target = by_type["MigrationTask"]["target_instance"]["value"]
    assert target == {"id": "orders-id", "password": by_type["Instance"]["password"]["value"]}
    assert by_type["MigrationCompletion"]["task_ids"] == ["orders-id"]
    assert found["exported"] == {"address": "192.168.0.7:6379"}


def test_the_suite_of_testing_with_the_emulator(example: NewExample) -> None:
    """The example's own suite (`up`, an empty preview, `destroy`) passes as its README says, without credentials."""
    project = example("testing-with-the-emulator")
    for name in [name for name in project.environ if name.startswith("HW_")]:
        del project.environ[name]
    for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE"):
        del project.environ[name]
    project.shell = Shell(project)
    project.tell("Run it")
