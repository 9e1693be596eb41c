"""How far a target is behind, as ShowMigrationTaskStats reports it, compared with what the servers themselves
report."""

from __future__ import annotations

from dcs_emulator.real_data.servers import local_redis
from tests.redis.servers import World, until, world_of
from tests.redis.test_cutover import SHOP, CutOver, Writer, cut_over


def lag(it: CutOver) -> int:
    """Return the service's figure."""
    return int(it.statistics(it.id)["offset"])


def sent(world: World) -> int:
    """Return how many bytes the source has sent to its replicas, written to them or not."""
    return int(world.source.client.info()["master_repl_offset"])


def test_a_target_that_hangs_falls_behind(world: World) -> None:
    """The figure is the bytes written since the target hangs, to the byte; when it continues, they arrive."""
    with cut_over(world) as it:
        it.follow()
        until(lambda: lag(it) == 0)
        with world.target.process.suspended():
            arrived = sent(world)
            world.source.fill(500, size=1_000)
            assert sent(world) - arrived > 500_000
            until(lambda: lag(it) == sent(world) - arrived)
            assert it.client.status(it.id) == "INCRMIGEATING"
        until(lambda: lag(it) == 0)
        assert world.target.client.dbsize() == 500


def test_it_grows_while_writes_go_on(world: World) -> None:
    """As long as the target hangs and an application writes, no look finds less than the one before."""
    with cut_over(world) as it:
        writer = Writer(it.application(SHOP))
        writer.start()
        it.follow()
        with world.target.process.suspended():
            until(lambda: lag(it) > 0)
            seen = [lag(it)]

            def grown() -> bool:
                seen.append(lag(it))
                return seen[-1] > 30_000

            until(grown)
        writer.pause()
        assert seen == sorted(seen)
        until(lambda: lag(it) == 0)


def test_an_earlier_replication_does_not_count() -> None:
    """During a copy the target is behind by what was written since it started, even if it followed another server
    before."""
    with local_redis("source-secret") as source, local_redis("target-secret") as target:
        world = world_of(source, target)
        with cut_over(world) as it:
            it.follow().stop()
            world.source.fill(50_000, size=1_000)
            it.client.call("POST", "migration-tasks/batch-restart", {"migration_tasks": [it.id]})
            seen = []
            while it.client.status(it.id) != "INCRMIGEATING":
                seen.append(lag(it))
            assert seen
            assert max(seen) < 1_000
