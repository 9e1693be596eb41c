"""The life of a stack whose program and plugin come from one environment."""

from __future__ import annotations

import os
from pathlib import Path

from dcs_emulator import Emulator
from tests.e2e.stack import Stack, calls, require_cli
from tests.packaging.building import Environment

PROGRAM = """
    import dcs_migration
    import plugin_side

    task = MigrationTask("orders", **BACKUP, target_instance=target(password="pa ss"))
    done = MigrationCompletion("done", tasks=[task], timeout="1m", interval="1s")
    pulumi.export("id", task.id)
    pulumi.export("statuses", done.statuses)
    pulumi.export("program", dcs_migration.__file__)
    pulumi.export("plugin", plugin_side.Where("where").file)
"""
# A provider of the program's own shows what the plugin process has imported.
PLUGIN_SIDE = """
    import pulumi
    from pulumi.dynamic import CreateResult, Resource, ResourceProvider

    class WhereProvider(ResourceProvider):
        serialize_as_secret_always = False

        def create(self, props):
            import dcs_migration
            return CreateResult("where", {"file": dcs_migration.__file__})

    class Where(Resource):
        file: pulumi.Output[str]

        def __init__(self, name):
            super().__init__(WhereProvider(), name, {"file": None})
"""


def live_from(environment: Environment, folder: Path) -> None:
    """Preview, create, wait, refresh and destroy; fails where a step does, or the package is another's."""
    require_cli()
    with Emulator(progression="timed", duration=0.5) as emulator:
        stack = Stack(folder, emulator).program(PROGRAM).module("plugin_side", PLUGIN_SIDE)
        stack.environ["PATH"] = os.pathsep.join([str(environment.bin), stack.environ["PATH"]])
        stack.environ.pop("PYTHONPATH", None)
        stack.preview()
        assert emulator.requests() == []
        stack.up()
        outputs = stack.outputs()
        assert outputs["statuses"] == {outputs["id"]: "SUCCESS"}
        for process in ("program", "plugin"):
            assert Path(outputs[process]).is_relative_to(environment.root), process
        stack.refresh()
        stack.preview("--expect-no-changes")
        stack.destroy()
        assert emulator.tasks() == []
        assert calls(emulator)["CreateMigrationTask"] == 1
