"""The life of an online migration with each open question of the cloud answered the other way."""

from __future__ import annotations

import pytest

from dcs_emulator.quirks import QUIRKS
from dcs_migration.life_cycles.reporting import ProviderError
from tests.unit.life_cycle_world import World
from tests.unit.online_world import Migration

# What each of these refuses is an error of one line, after which the next `up` continues; the rest changes nothing.
REFUSING = {
    "job-fails": "couldn't be created",
    "set-answers-error": "didn't start the migration",
    "set-while-running-refused": "SetOnlineMigrationTask failed: HTTP 400 DCS.4957",
    "restart-refused": "BatchRestartOnlineMigrationTasks failed: HTTP 200 DCS.4957",
    "exchange-fails": "ended as EXCHANGE_FAILED: the addresses are unchanged",
    "rollback-fails": "ended as ROLLBACK_FAILED",
}


def live(world: World, migration: Migration) -> None:
    """Start, change, stop, continue, switch, switch back, and end."""
    migration.up()
    follow(world, migration)
    migration.up(bandwidth_limit_mb=7)
    follow(world, migration)
    migration.up(bandwidth_limit_mb=7, state="stopped")
    migration.up(bandwidth_limit_mb=7, state="running")
    follow(world, migration)
    migration.online.refresh()
    migration.instance.refresh()
    migration.up(bandwidth_limit_mb=7, state="switched")
    migration.up(bandwidth_limit_mb=7, state="stopped")
    assert migration.preview(bandwidth_limit_mb=7, state="stopped") == "same"
    migration.online.destroy()
    migration.instance.destroy()


def follow(world: World, migration: Migration) -> None:
    """The target catches up; a minute passes."""
    world.cloud.set_status(migration.id, "INCRMIGEATING", offset=0)
    world.clock.advance(61)


@pytest.mark.parametrize("quirk", sorted(set(QUIRKS) - set(REFUSING)))
def test_a_life_with_each_quirk(world: World, quirk: str) -> None:
    """It goes as it does without, and leaves nothing."""
    world.cloud.set_quirks([quirk])
    live(world, Migration(world))
    assert world.ids() == []


@pytest.mark.parametrize("quirk", REFUSING)
def test_a_refusal_is_one_line(world: World, quirk: str) -> None:
    """It says what was refused, and once the service takes it the same `up` continues to the end."""
    migration = Migration(world)
    world.cloud.set_quirks([quirk])
    with pytest.raises(ProviderError) as caught:
        live(world, migration)
    assert REFUSING[quirk] in str(caught.value)
    assert "\n" not in str(caught.value)
