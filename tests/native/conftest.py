"""Stacks whose programs are YAML, with the plugin from the environment's ``bin``."""

from __future__ import annotations

import itertools
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dcs_emulator import Emulator
from tests.e2e.stack import PROJECT, Stack, processes_of, require_cli

PLUGINS = {"providers": [{"name": "dcs", "path": str(Path(sys.executable).parent)}]}
PASSWORD = "correct-horse-battery"


def task(number: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a task into the target of a number."""
    properties = {
        "migrationType": "backupfile_import",
        "migrationMethod": "full_amount_migration",
        "backupFiles": {"bucketName": "backups", "files": [{"fileName": "orders.rdb"}]},
        "targetInstance": {"id": f"target-{number}", "password": PASSWORD},
    }
    return {"type": "dcs:MigrationTask", "properties": {**properties, **changes}}


def wait(*names: str, **properties: Any) -> dict[str, Any]:
    """Return a wait for tasks."""
    ids = [f"${{{name}.id}}" for name in names]
    return {"type": "dcs:MigrationCompletion", "properties": {"taskIds": ids, "interval": "1s", **properties}}


class YamlStack(Stack):
    """A stack of a YAML program."""

    def resources_are(self, _outputs: dict[str, str] | None = None, /, **resources: Any) -> YamlStack:
        """Write the program."""
        program = {"name": PROJECT, "runtime": "yaml", "plugins": PLUGINS, "resources": resources}
        (self.work / "Pulumi.yaml").write_text(yaml.safe_dump({**program, "outputs": _outputs or {}}))
        return self

    def python(self, text: str) -> YamlStack:
        """Write a Python program instead, with `Native`, which declares resources of the plugin without an SDK."""
        (self.work / "Pulumi.yaml").write_text(
            yaml.safe_dump({"name": PROJECT, "runtime": "python", "plugins": PLUGINS})
        )
        (self.work / "__main__.py").write_text(_NATIVE + textwrap.dedent(text))
        return self

    def in_state(self) -> dict[str, dict[str, Any]]:
        """The resources in the state, by kind and name: ``MigrationTask orders``."""
        import json

        found = json.loads(self.run("stack", "export").text)["deployment"].get("resources", [])
        return {f"{each['type'].rpartition(':')[2]} {each['urn'].split('::')[-1]}": each for each in found}

    def plugins(self) -> list[int]:
        """The processes of the native plugin."""
        return [
            id_
            for id_, command in processes_of(self).items()
            if any(part.endswith(b"pulumi-resource-dcs") for part in command)
        ]


_NATIVE = """
import pulumi
from pulumi import Alias, ResourceOptions

class Native(pulumi.CustomResource):
    def __init__(self, kind, name, opts=None, **properties):
        super().__init__(f"dcs:index:{kind}", name, {**properties, "status": None}, opts)

class Component(pulumi.ComponentResource):
    def __init__(self, name, opts=None, **properties):
        super().__init__("dcs:index:OnlineMigrationTask", name, {**properties, "taskId": None}, opts, remote=True)
"""


@pytest.fixture(scope="session", autouse=True)
def _cli() -> None:
    require_cli()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator whose tasks move only when a test says so."""
    with Emulator(progression="manual", stop_seconds=0.2, job_seconds=0.2, exchange_seconds=0.2) as running:
        yield running


NewStack = Callable[..., YamlStack]


@pytest.fixture
def new_stack(tmp_path: Path, emulator: Emulator) -> NewStack:
    """Make stacks, each with a backend and a project directory of its own."""
    numbers = itertools.count()
    return lambda name="dev": YamlStack(tmp_path / f"stack{next(numbers)}", emulator, name)


@pytest.fixture
def stack(new_stack: NewStack) -> YamlStack:
    """One stack."""
    return new_stack()
