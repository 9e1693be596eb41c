"""A package of components in Python, used from YAML: Pulumi calls its process once for each component."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from dcs_emulator import Emulator
from tests.e2e.stack import PROJECT, Stack

PROGRAM = """
    from typing import Optional, TypedDict

    import pulumi
    from dcs_migration import MigrationTask
    from pulumi.provider.experimental import component_provider_host

    class LoaderArgs(TypedDict):
        target: pulumi.Input[str]

    class Loader(pulumi.ComponentResource):
        status: pulumi.Output[Optional[str]]

        def __init__(self, name: str, args: LoaderArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
            super().__init__("shop:index:Loader", name, {}, opts)
            task = MigrationTask(
                f"{name}-orders",
                migration_type="backupfile_import",
                migration_method="full_amount_migration",
                backup_files={"bucket_name": "backups", "files": [{"file_name": f"{name}.rdb"}]},
                target_instance={"id": args["target"]},
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.status = task.completion(interval="1s").status
            self.register_outputs({"status": self.status})

    component_provider_host(name="shop", components=[Loader])
"""


@pytest.mark.long
def test_two_components_of_a_package(tmp_path: Path) -> None:
    """Each has its own providers, a second preview shows no change, and a destroy leaves nothing."""
    with Emulator(progression="immediate") as emulator:
        lives(Stack(tmp_path, emulator), emulator)


def lives(stack: Stack, emulator: Emulator) -> None:
    """Declare two components, wait for their tasks, and remove them."""
    package = stack.root / "package"
    package.mkdir()
    (package / "loader.py").write_text(textwrap.dedent(PROGRAM))
    plugin = package / "pulumi-resource-shop"
    plugin.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{package}/loader.py" "$@"\n')
    plugin.chmod(0o755)
    loaders = {
        name: {"type": "shop:Loader", "properties": {"target": f"target-{name}"}} for name in ("one", "two")
    }
    program = {
        "name": PROJECT,
        "runtime": "yaml",
        "plugins": {"providers": [{"name": "shop", "path": str(package)}]},
        "resources": loaders,
        "outputs": {"one": "${one.status}", "two": "${two.status}"},
    }
    (stack.work / "Pulumi.yaml").write_text(yaml.safe_dump(program))
    stack.up()
    assert stack.outputs() == {"one": "SUCCESS", "two": "SUCCESS"}
    stack.require_no_changes()
    stack.destroy()
    assert emulator.tasks() == []
