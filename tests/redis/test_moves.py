"""Data arrives: by backup import, by a full online migration, and by following a source."""

from __future__ import annotations

import pytest

from dcs_emulator.real_data import copying
from tests.redis.servers import TARGET_ID, Runner, World, everything, until, write_everything

LIVES = {(0, b"short lived"): 3_600_000, (0, b"hash"): 7_200_000}
SLACK_MS = 60_000


def move(kind: str, world: World, runner: Runner) -> str:
    """Move the source's data in one of the three ways, and wait until it is there."""
    if kind == "import":
        world.source.save(world.bucket / "orders.rdb")
        task_id = runner.start_import("orders.rdb")
    else:
        task_id = runner.start_online(incremental=kind == "incremental")
    runner.wait(task_id, "INCRMIGEATING" if kind == "incremental" else "SUCCESS")
    return task_id


@pytest.mark.parametrize("kind", ["import", "online", "incremental"])
def test_everything_arrives_intact(world: World, kind: str) -> None:
    """Every type of value, binary names, limited lives and several databases are the same after a move."""
    write_everything(world.source)
    with world.emulator() as runner:
        move(kind, world, runner)
        assert everything(world.target) == everything(world.source)
        assert len(everything(world.target)) == 17
        for (_, key), life in LIVES.items():
            assert life - SLACK_MS < world.target.client.pttl(key) <= life


@pytest.mark.parametrize("kind", ["import", "online"])
def test_keys_of_the_target(world: World, kind: str) -> None:
    """Keys of the same name are overwritten for any type and lifetime; others stay."""
    world.source.client.set("same", "new")
    world.target.client.rpush("same", "old")
    world.target.client.expire("same", 1_000)
    world.target.client.set("other", "kept")
    with world.emulator() as runner:
        move(kind, world, runner)
    assert world.target.client.get("same") == b"new"
    assert world.target.client.ttl("same") == -1
    assert world.target.client.get("other") == b"kept"


def test_following_empties_the_target_first(world: World) -> None:
    """REPLICAOF makes the target equal to the source, where the cloud would keep other keys."""
    world.target.client.set("other", "lost")
    with world.emulator() as runner:
        move("incremental", world, runner)
        assert world.target.client.dbsize() == 0


def test_numbers_of_a_full_move(world: World) -> None:
    """At the end the statistics and the log count the real keys."""
    world.source.fill(2_500)
    world.target.client.set("other", "kept")
    with world.emulator() as runner:
        task_id = move("online", world, runner)
        numbers = runner.statistics(task_id)
        assert numbers == {
            "full_migration_progress": 100,
            "offset": 0,
            "source_dbsize": 2_500,
            "target_dbsize": 2_501,
            "target_input_kbps": 0,
            "target_ops": 0,
            "is_migrating": False,
        }
        assert f"Copied 2500 keys from {world.source.place}." in runner.log(task_id)


def test_progress_is_seen_and_a_stop_ends_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy shows how far it is; after its stop nothing more arrives, and what has arrived stays."""
    monkeypatch.setattr(copying, "FIRST_BATCH", 1)
    monkeypatch.setattr(copying, "LARGEST_BATCH", 1)
    world.source.fill(50_000)
    with world.emulator(stop_seconds=0.0) as runner:
        task_id = runner.start_online()
        until(lambda: runner.statistics(task_id)["full_migration_progress"] > 0)
        numbers = runner.statistics(task_id)
        assert 0 < numbers["full_migration_progress"] < 100
        assert 0 < numbers["target_dbsize"] < numbers["source_dbsize"] == 50_000
        assert numbers["is_migrating"]
        assert runner.client.stop(task_id).json()["status"] == "TERMINATING"
        runner.wait(task_id, "TERMINATED")
        stayed = world.target.client.dbsize()
        assert 0 < stayed < 50_000
        assert "The migration was stopped." in runner.log(task_id)
        assert world.target.client.dbsize() == stayed


def test_changes_follow_until_the_stop(world: World) -> None:
    """New keys arrive with live offsets; after the stop the target keeps all and takes writes again."""
    world.source.fill(1_000)
    with world.emulator() as runner:
        task_id = move("incremental", world, runner)
        world.source.client.set("later", "x" * 100_000)
        world.source.client.delete("key:1")
        until(lambda: bool(world.target.client.exists("later")))
        until(lambda: runner.statistics(task_id)["target_dbsize"] == 1_000)
        until(lambda: runner.statistics(task_id)["offset"] == 0)
        numbers = runner.statistics(task_id)
        assert (numbers["full_migration_progress"], numbers["is_migrating"]) == (100, True)
        runner.client.stop(task_id)
        runner.wait(task_id, "TERMINATED")
        assert runner.statistics(task_id)["is_migrating"] is False
    assert world.target.client.info("replication")["role"] == "master"
    assert world.target.client.config_get("masterauth") == {"masterauth": ""}
    world.source.client.set("after the stop", 1)
    world.target.client.set("own", 1)
    assert world.target.client.dbsize() == 1_001


@pytest.mark.parametrize("how", ["delete", "console", "status", "reset", "close"])
def test_whatever_ends_a_task_ends_the_following(world: World, how: str) -> None:
    """A target isn't a replica after the task was deleted, overruled or reset, or the emulator closed."""
    world.source.fill(10)
    with world.emulator() as runner:
        task_id = move("incremental", world, runner)
        if how == "delete":
            assert runner.client.delete(task_id).status_code == 200
        elif how == "console":
            runner.cloud.remove(task_id)
        elif how == "status":
            runner.cloud.set_status(task_id, "FAILED", "by hand")
        elif how == "reset":
            runner.cloud.reset()
        else:
            runner.cloud.close()
        until(lambda: world.target.client.info("replication")["role"] == "master")
        assert world.target.client.dbsize() == 10


def test_several_files_and_folders(world: World) -> None:
    """Files are imported in the order of the request, later ones over earlier ones, also from folders."""
    (world.bucket / "2026").mkdir()
    for number, name in enumerate(("first.rdb", "2026/second.rdb")):
        world.source.client.flushall()
        world.source.client.mset({"same": number, f"only in {number}": "x"})
        world.source.save(world.bucket / name)
    with world.emulator() as runner:
        runner.wait(runner.start_import("first.rdb", "2026/second.rdb"), "SUCCESS")
    assert world.target.client.get("same") == b"1"
    assert world.target.client.dbsize() == 3


def test_several_sources(world: World) -> None:
    """A full migration copies every address of the source."""
    world.source.client.set("a", 1)
    addresses = f"{world.source.place},localhost:{world.source.place.port}"
    with world.emulator() as runner:
        task_id = runner.start_online(addrs=addresses)
        runner.wait(task_id, "SUCCESS")
        assert sum(message.startswith("Copied 1 keys") for message in runner.log(task_id)) == 2


def test_the_bucket_is_only_read(world: World) -> None:
    """An import leaves the bucket's folder exactly as it was."""
    world.source.fill(10)
    world.source.save(world.bucket / "orders.rdb")
    before = {path: path.stat().st_mtime_ns for path in [world.bucket, *world.bucket.iterdir()]}
    with world.emulator() as runner:
        runner.wait(runner.start_import("orders.rdb"), "SUCCESS")
    assert {path: path.stat().st_mtime_ns for path in [world.bucket, *world.bucket.iterdir()]} == before


def test_passwords_fall_back_to_those_of_the_option(world: World) -> None:
    """Without a password in the request, that of --redis is used, for the source by address or by id."""
    world.source.client.set("a", 1)
    source, target = world.source.place, world.target.place
    redis = {
        TARGET_ID: f"{target}:{target.password}",
        "source-1": f"{source}:{source.password}",
    }
    instances = [
        {"addrs": str(source)},
        {"addrs": f"localhost:{source.port}", "id": "source-1"},
    ]
    with world.emulator(redis=redis) as runner:
        for instance in instances:
            task_id = runner.client.create(
                migration_type="online_migration",
                backup_files=None,
                source_instance=instance,
                target_instance={"id": TARGET_ID},
            )
            runner.wait(task_id, "SUCCESS")
    assert world.target.client.get("a") == b"1"


def test_other_targets_are_as_before(world: World) -> None:
    """A target that isn't a known server has a task that only watches the clock, and plain statistics."""
    with world.emulator(duration=0.0) as runner:
        task_id = runner.start_import("nothing.rdb", id="another")
        assert runner.client.status(task_id) == "SUCCESS"
        assert runner.statistics(task_id)["source_dbsize"] == 1_000
        runner.client.stop(runner.client.create(target_instance={"id": "another"}))
    assert world.target.client.dbsize() == 0
