"""The core of the life cycle again, with each open question of the cloud answered the other way."""

from __future__ import annotations

import pytest

from dcs_migration.emulator import Emulator
from dcs_migration.emulator.quirks import QUIRKS
from tests.e2e.stack import Stack, live

PROGRAM = """
    for name, base in (("import", BACKUP), ("second", BACKUP | {"triggers": ["monday"]})):
        MigrationTask(name, **base, target_instance=target(ord(name[0]), password="hunter2hunter2"))
"""

# These refuse what the others accept: they have tests of their own.
REFUSING = {"create-answers-error"}


@pytest.mark.parametrize("quirk", sorted(set(QUIRKS) - REFUSING))
def test_core_with_each_quirk(stack: Stack, emulator: Emulator, quirk: str) -> None:
    """Up, empty preview, refresh, a replacement and destroy hold whichever way the cloud behaves."""
    emulator.set_quirks([quirk])
    stack.program(PROGRAM).up()
    before = stack.ids()
    emulator.set_status(before["import"], "SUCCESS")
    if quirk in ("stop-of-import-refused", "stop-is-slow"):
        emulator.set_status(before["second"], "SUCCESS")  # their waits are tested with an injected clock
    stack.program(PROGRAM.replace("monday", "tuesday")).up("--refresh")
    after = stack.ids()
    assert after["import"] == before["import"]
    assert after["second"] != before["second"]
    stack.require_no_changes()
    assert b"hunter2hunter2" not in stack.everything_written()
    if quirk in ("stop-of-import-refused", "stop-is-slow"):
        emulator.set_status(after["second"], "SUCCESS")
    stack.destroy()
    # A record that has expired is not the provider's to delete: the service no longer lists it.
    expired = {after["import"]} if quirk.startswith("records-expire") else set()
    assert set(live(emulator)) <= expired


def test_a_task_that_fails_at_once_leaves_nothing(stack: Stack, emulator: Emulator) -> None:
    """A 200 with an error is a failed create: one line with the reason, no record, no state."""
    emulator.set_quirks(["create-answers-error"])
    text = stack.program('MigrationTask("orders", **BACKUP, target_instance=target())').up(ok=False).text
    assert "which failed at once" in text
    assert "its record was removed" in text
    assert live(emulator) == {}
    assert stack.resources() == {}
