"""One running migration on one target: what the random courses have found, as small as it gets."""

from __future__ import annotations

from typing import Any

import pytest

from dcs_migration.life_cycles import listing
from tests.unit.life_cycle_world import World, failing, into
from tests.unit.online_world import DELETE, INSTANCE, SET, Migration

RESTARTS = "set-while-running-restarts"


def to(target: str) -> dict[str, Any]:
    """Return the change of inputs that leads a migration to another target."""
    return {"target_instance": {"id": target}}


def begin_second_page(world: World, monkeypatch: pytest.MonkeyPatch, migration: Migration) -> None:
    """Bring one up that the next readings of the listing pass over: the oldest of 21 starts the second page."""
    monkeypatch.setattr(listing, "PAGE_SIZE", 20)
    migration.up()
    for number in range(19):
        world.started_elsewhere(f"other-{number}", target_instance={"id": f"other-{number}"})


def two_while_the_listing_lags(world: World) -> tuple[Migration, Migration]:
    """Return a migration that has just started, and one whose instance is made, on one target."""
    one, other = Migration(world, "one"), Migration(world, "other")
    for migration in (one, other):
        migration.instance.up(INSTANCE)
    world.cloud.set_quirks(["listing-lags=30"])
    world.clock.advance(60)
    one.up()
    return one, other


class TestOneTarget:
    """One target takes one running migration of any owner."""

    def test_a_listing_that_passes_over_the_one_that_runs(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It shows fewer than it counts, and is read again."""
        begin_second_page(world, monkeypatch, Migration(world, "first"))
        migration = Migration(world)
        migration.instance.up(INSTANCE)
        migration.in_a_later_run()
        world.cloud.set_quirks(["rows-move"])
        assert "the target is still occupied" in failing(migration.up)
        assert world.count(SET) == 0

    def test_a_listing_that_lags(self, world: World) -> None:
        """What this process has just started is asked for by its id."""
        one, other = two_while_the_listing_lags(world)
        world.clock.at(15, lambda: world.cloud.set_status(one.id, "TERMINATED"))
        other.up()
        assert other.task["runs"] == 1
        assert world.clock.seconds >= 75

    def test_a_listing_that_lags_while_a_run_is_being_stopped(self, world: World) -> None:
        """It still copies until the stop has ended."""
        one, other = two_while_the_listing_lags(world)
        world.cloud.set_quirks(["listing-lags=30", "stop-is-slow"])
        found: list[str] = []
        world.clock.at(5, lambda: found.append(str(other.up() and one.task["status"])))
        one.up(state="stopped")
        assert found == ["TERMINATED"]
        assert other.task["runs"] == 1

    def test_a_listing_that_lags_after_a_run_that_is_over(self, world: World) -> None:
        """No one waits for it."""
        one, other = two_while_the_listing_lags(world)
        world.cloud.set_status(one.id, "FAILED")
        other.up()
        assert other.task["runs"] == 1
        assert world.clock.seconds < 70

    def test_one_that_runs_is_led_to_a_target_that_is_occupied(self, world: World) -> None:
        """A change of the target looks whether that one is free."""
        world.cloud.set_quirks([RESTARTS])
        first, second = Migration(world, "first"), Migration(world, "second")
        first.up(**to("users"))
        second.up()
        second.in_a_later_run()
        message = failing(lambda: second.up(**to("users")))
        assert f"the target is still occupied by task {first.task['name']} ({first.id}" in message
        assert world.count(SET) == 0
        assert second.task["target_instance_id"] == "orders"

    def test_an_import_that_the_program_no_longer_has(self, world: World) -> None:
        """Pulumi deletes a removed resource after the new ones, so another `up` doesn't help."""
        world.started(into("orders"), name="orders")
        message = failing(Migration(world).up)
        assert "delete it first with `pulumi destroy --target` and its URN" in message
        assert world.count(SET) == 0

    def test_one_that_runs_is_led_to_a_free_target(self, world: World) -> None:
        """Its own run is in no one's way."""
        world.cloud.set_quirks([RESTARTS])
        migration = Migration(world)
        migration.up()
        migration.in_a_later_run().up(**to("users"))
        assert migration.task["target_instance_id"] == "users"

    def test_an_import_after_a_listing_that_lags(self, world: World) -> None:
        """The run of an online migration is known to the creates of its process, too."""
        migration = Migration(world)
        migration.instance.up(INSTANCE)
        world.cloud.set_quirks(["listing-lags=30"])
        world.clock.advance(60)
        migration.up()
        world.clock.at(15, lambda: world.cloud.set_status(migration.id, "TERMINATED"))
        world.resource("import").up(into("orders"))
        assert world.clock.seconds >= 75


def test_a_delete_that_the_listing_passes_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing that shows fewer than it counts doesn't prove that an instance no longer exists, however often
    it is read."""
    migration = Migration(world)
    begin_second_page(world, monkeypatch, migration)
    world.started_elsewhere("one-more", target_instance={"id": "one-more"})
    world.cloud.set_status(migration.id, "TERMINATED")
    id_ = migration.in_a_later_run().id
    world.cloud.set_quirks(["rows-move=3"])
    migration.instance.destroy()
    assert id_ not in world.ids()
    assert world.count(DELETE) == 1
