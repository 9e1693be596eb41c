"""The core of the lifecycle again, with each open question of the cloud answered the other way."""

from __future__ import annotations

import pytest

from dcs_emulator import Emulator
from dcs_emulator.quirks import QUIRKS
from tests.e2e.stack import Stack, live

PROGRAM = """
    for name, base in (("import", BACKUP), ("second", BACKUP | {"triggers": ["monday"]})):
        MigrationTask(name, **base, target_instance=target(ord(name[0]), password="hunter2hunter2"))
"""

# These refuse what the others accept: they have tests of their own.
REFUSING = {"create-answers-error"}

# Those of online migrations on an instance (test_online_migration_quirks).
OTHERS = {"no-job-id", "stats-as-numbers"} | {
    name for name in QUIRKS if name.startswith(("job-", "set-", "restart-", "exchange-", "rollback-"))
}

# Some at a time, because a run takes ten seconds; each alone is run in process (test_life_cycle_quirks).
RUNS = 7
_NAMES = sorted(set(QUIRKS) - REFUSING - OTHERS)


@pytest.mark.long
@pytest.mark.parametrize("quirks", [_NAMES[run::RUNS] for run in range(RUNS)], ids="+".join)
def test_core_with_each_quirk(stack: Stack, emulator: Emulator, quirks: list[str]) -> None:
    """Up, empty preview, refresh, a replacement and destroy work with every behavior of the cloud."""
    stops_slowly = not {"stop-of-import-refused", "stop-is-slow"}.isdisjoint(quirks)
    emulator.set_quirks(quirks)
    stack.program(PROGRAM).up()
    before = stack.ids()
    emulator.set_status(before["import"], "SUCCESS")
    if stops_slowly:
        emulator.set_status(before["second"], "SUCCESS")  # their waits are tested with an injected clock
    stack.program(PROGRAM.replace("monday", "tuesday")).up("--refresh")
    after = stack.ids()
    assert after["import"] == before["import"]
    assert after["second"] != before["second"]
    stack.require_no_changes()
    assert b"hunter2hunter2" not in stack.everything_written()
    if stops_slowly:
        emulator.set_status(after["second"], "SUCCESS")
    stack.destroy()
    # A record that has expired is not the provider's to delete: the service no longer lists it.
    expires = any(quirk.startswith("records-expire") for quirk in quirks)
    ended = {after["import"], before["second"], after["second"]} if stops_slowly else {after["import"]}
    assert set(live(emulator)) <= (ended if expires else set())


def test_a_task_that_fails_at_once_leaves_nothing(stack: Stack, emulator: Emulator) -> None:
    """A 200 with an error is a failed create: one line with the reason, no record, no state."""
    emulator.set_quirks(["create-answers-error"])
    text = stack.program('MigrationTask("orders", **BACKUP, target_instance=target())').up(ok=False).text
    assert "which failed at once" in text
    assert "its record was removed" in text
    assert live(emulator) == {}
    assert stack.resources() == {}
