"""Values that a preview does not know, from resources of another provider."""

from __future__ import annotations

import pytest

from dcs_emulator import Emulator
from tests.e2e.stack import calls, live
from tests.native.conftest import PASSWORD, YamlStack

PROGRAM = """
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

class Upstream(ResourceProvider):
    def create(self, props):
        return CreateResult(props["seed"], {{**props, "instance": props["tells"]}})
    def diff(self, id_, olds, news):
        return DiffResult(changes=olds["seed"] != news["seed"], replaces=["seed"], delete_before_replace={first})

class Instance(Resource):
    def __init__(self, seed, tells):
        self.instance = None
        super().__init__(Upstream(), "instance", {{"seed": seed, "tells": tells, "instance": None}})

instance = Instance("{seed}", "{tells}")
Native("MigrationTask", "orders", migrationType="backupfile_import", migrationMethod="full_amount_migration",
       backupFiles={{"bucketName": "backups", "files": [{{"fileName": "orders.rdb"}}]}},
       targetInstance={{"id": instance.instance, "password": "{password}"}})
"""


def written(stack: YamlStack, seed: str, tells: str, *, first: bool = False) -> YamlStack:
    """Write the program."""
    return stack.python(PROGRAM.format(seed=seed, tells=tells, first=first, password=PASSWORD))


@pytest.mark.parametrize("first", [False, True], ids=["replaced after", "deleted first"])
def test_an_unknown_value_that_turns_out_unchanged_runs_nothing(
    stack: YamlStack, emulator: Emulator, first: bool
) -> None:
    """The preview warns, and `up` starts nothing."""
    written(stack, "one", "target-0", first=first).up()
    before = live(emulator)
    for each in emulator.tasks():
        emulator.set_status(each["id"], "SUCCESS")
    preview = written(stack, "two", "target-0", first=first).preview().text
    assert (
        "targetInstance: not known yet; if the value turns out to have changed, the resource is replaced"
        in preview
    )
    stack.up()
    assert live(emulator) == before
    assert calls(emulator)["CreateMigrationTask"] == 1


def test_an_unknown_value_that_turns_out_changed_replaces(stack: YamlStack, emulator: Emulator) -> None:
    """Once it is known."""
    written(stack, "one", "target-0").up()
    before = live(emulator)
    written(stack, "two", "target-1")
    assert "RUNS THE IMPORT AGAIN into instance target-1" in stack.up().text
    assert len(live(emulator)) == 1
    assert set(live(emulator)) != set(before)
