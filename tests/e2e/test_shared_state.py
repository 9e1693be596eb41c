"""State in a database and in a bucket, in brief; `make shared` runs all other tests of shared state."""

from __future__ import annotations

from pathlib import Path

import pytest

from dcs_emulator import Emulator
from tests.e2e.stack import Stack, live
from tests.e2e.stores import locks_of
from tests.shared.servers import SERVERS

PROGRAM = """
task = MigrationTask("orders", **BACKUP, target_instance=target(0, password="hunter2hunter2"))
"""


@pytest.mark.parametrize("server", [pytest.param("s3", marks=pytest.mark.long), "postgres"])
def test_up_and_destroy(server: str, tmp_path: Path, emulator: Emulator) -> None:
    """A task comes up, isn't changed and goes; its password is nowhere, and no lock is left."""
    with SERVERS[server]() as store:
        stack = Stack(tmp_path, emulator, store=store).program(PROGRAM)
        stack.up()
        stack.require_no_changes()
        assert list(live(emulator)) == list(stack.ids().values())
        assert b"hunter2hunter2" not in stack.everything_written()
        stack.destroy()
        assert live(emulator) == {}
        assert locks_of(store) == []
