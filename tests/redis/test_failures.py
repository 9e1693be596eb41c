"""Moves that cannot be: each task ends FAILED, says why, in time, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dcs_emulator.real_data import copying, peer, programs, replication, servers
from dcs_emulator.real_data.copying import migrate_timeout
from dcs_emulator.real_data.programs import Program
from dcs_emulator.real_data.servers import local_redis
from dcs_emulator.real_data.versions import Version
from tests.redis.servers import TARGET_ID, Server, World, until


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a copy take seconds, key by key."""
    monkeypatch.setattr(copying, "FIRST_BATCH", 1)
    monkeypatch.setattr(copying, "LARGEST_BATCH", 1)


def _corrupt(content: bytes) -> bytes:
    return (
        content[: len(content) // 2]
        + bytes([content[len(content) // 2] ^ 0xFF])
        + content[len(content) // 2 + 1 :]
    )


FILES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda content: b"", "is empty"),
    "something else": (lambda content: b"PK\x03\x04" + content, "doesn't start like an RDB file"),
    "cut": (lambda content: content[: len(content) // 2], "The server reading orders.rdb ended:"),
    "header only": (lambda content: content[:9], "The server reading orders.rdb ended:"),
    "a flipped byte": (_corrupt, "The server reading orders.rdb ended:"),
    "of the future": (lambda content: b"REDIS9999" + content[9:], "(RDB version 9999"),
}


@pytest.mark.parametrize("kind", FILES)
def test_bad_files(world: World, kind: str) -> None:
    """A file that isn't a valid backup fails, with the reason of the server that tried to read it."""
    spoil, said = FILES[kind]
    world.source.fill(1_000, size=100)
    file = world.bucket / "orders.rdb"
    world.source.save(file)
    file.write_bytes(spoil(file.read_bytes()))
    with world.emulator() as runner:
        assert said in runner.failed(runner.start_import("orders.rdb"))


NO_PATH = "doesn't exist in the bucket: an object key is a name, not a path."
ONLY = "only .rdb, .aof, .zip, .tar.gz files can be imported."


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.rdb", "doesn't exist"),
        ("folder.rdb", "doesn't exist"),
        ("../outside.rdb", NO_PATH),
        ("folder.rdb/../../outside.rdb", NO_PATH),
        ("../bucket/orders.rdb", NO_PATH),
        ("./orders.rdb", NO_PATH),
        ("folder.rdb//orders.rdb", NO_PATH),
        ("/etc/passwd.rdb", NO_PATH),
        ("/orders.rdb", NO_PATH),
        ("BUCKET/orders.rdb", NO_PATH),
        ("orders.rdb/", ONLY),
        ("link.rdb", "isn't in the bucket"),
        ("orders.tar", ONLY),
        ("orders.rdb.gz", ONLY),
        ("orders", ONLY),
        (".rdb", "doesn't exist in the bucket."),
        ("a\0b.rdb", "can't be read"),
        ("x" * 5_000 + ".rdb", "can't be read"),
    ],
)
def test_bad_names(world: World, name: str, said: str) -> None:
    """A name that is missing, of another kind, or leads out of the bucket, fails and is named."""
    outside = world.bucket.parent / "outside.rdb"
    world.source.save(outside)
    world.source.save(world.bucket / "orders.rdb")
    name = name.replace("BUCKET", str(world.bucket))
    (world.bucket / "folder.rdb").mkdir()
    (world.bucket / "link.rdb").symlink_to(outside)
    with world.emulator() as runner:
        reason = runner.failed(runner.start_import(name))
        assert said in reason
        assert reason.startswith("Backup file ")
        assert ".." not in reason.replace(name, "")
    assert world.target.client.dbsize() == 0


def test_all_files_are_looked_at_first(world: World) -> None:
    """When one file is missing, none is imported."""
    world.source.fill(10)
    world.source.save(world.bucket / "orders.rdb")
    with world.emulator() as runner:
        assert "gone.rdb" in runner.failed(runner.start_import("orders.rdb", "gone.rdb"))
    assert world.target.client.dbsize() == 0


def test_sources_of_backups_that_are_not_here(world: World) -> None:
    """A bucket that was not given fails, and so does a backup record, instead of seeming to succeed."""
    with world.emulator() as runner:
        target = {"id": TARGET_ID, "password": "target-secret"}
        files = {"bucket_name": "elsewhere", "files": [{"file_name": "orders.rdb"}]}
        task_id = runner.client.create(backup_files=files, target_instance=target)
        assert runner.failed(task_id) == "No bucket elsewhere; add it with --bucket."
        record = {"file_source": "backup_record", "backup_id": "b-1"}
        task_id = runner.client.create(backup_files=record, target_instance=target)
        assert "Backup records contain no data here" in runner.failed(task_id)


@pytest.mark.parametrize("incremental", [False, True])
def test_passwords(world: World, incremental: bool) -> None:
    """A wrong or missing password is said of the side whose it is, and the target isn't touched."""
    world.target.client.set("other", "kept")
    with world.emulator() as runner, local_redis() as (open_place, _):

        def reason(**source: str) -> str:
            return runner.failed(runner.start_online(incremental=incremental, **source))

        assert "The password of the source" in reason(password="wrong-secret")
        given = str(open_place)
        assert f"The source {given} has no password, but one was given." in reason(addrs=given)
        target = {"password": "wrong-secret"}
        task_id = runner.start_online(incremental=incremental, target=target)
        assert "The password of the target" in runner.failed(task_id)
        task_id = runner.client.create(
            migration_type="online_migration",
            backup_files=None,
            source_instance={"addrs": str(world.source.place)},
            target_instance={"id": TARGET_ID, "password": "target-secret"},
        )
        assert "requires a password, but none was given" in runner.failed(task_id)
    assert world.target.client.get("other") == b"kept"


@pytest.mark.parametrize("incremental", [False, True])
def test_sources_out_of_reach(world: World, incremental: bool) -> None:
    """A source that refuses, doesn't exist, isn't a Redis, or has an impossible port fails and says so."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with world.emulator() as runner:
        for addrs, said in [
            (f"127.0.0.1:{port}", "Connection refused"),
            ("no-such-host.invalid:6379", "the host name is unknown"),
            ("127.0.0.1:99999", "not a valid port"),
            (f"{'x' * 70}.example:6379", "not a valid host name"),
        ]:
            reason = runner.failed(runner.start_online(incremental=incremental, addrs=addrs))
            assert said in reason
            assert reason.startswith(f"The source {addrs} can't be reached")


def test_a_source_that_says_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that takes connections and never answers fails after a bounded time."""
    monkeypatch.setattr(peer, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent, world.emulator() as runner:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert "doesn't respond" in runner.failed(runner.start_online(addrs=address))


def test_a_source_that_is_no_redis(world: World) -> None:
    """The emulator's own port, for example, isn't a Redis server."""
    with world.emulator() as runner:
        address = runner.cloud.url.removeprefix("http://")
        assert f"The source {address} " in runner.failed(runner.start_online(addrs=address))


@pytest.mark.parametrize("incremental", [False, True])
def test_the_target_as_its_own_source(world: World, incremental: bool) -> None:
    """A server does not migrate into itself; it would wait for itself."""
    place = world.target.place
    with world.emulator() as runner:
        task_id = runner.start_online(incremental=incremental, addrs=str(place), password="target-secret")
        assert "are the same Redis server" in runner.failed(task_id)


def test_following_several_sources(world: World) -> None:
    """A target can follow one address only."""
    addresses = f"{world.source.place},{world.source.place}"
    with world.emulator() as runner:
        task_id = runner.start_online(incremental=True, addrs=addresses)
        assert "exactly one source address" in runner.failed(task_id)


@pytest.mark.parametrize("kind", ["import", "online"])
def test_a_target_without_memory(world: World, kind: str) -> None:
    """A target that may not take more memory fails with its own words."""
    world.source.fill(2_000, size=10_000)
    world.source.save(world.bucket / "orders.rdb")
    with (
        local_redis(maxmemory="5mb", maxmemory_policy="noeviction") as (place, _),
        world.emulator(redis={"small": str(place)}) as runner,
    ):
        target = {"id": "small"}
        files = {"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]}
        source = {"addrs": str(world.source.place), "password": "source-secret"}
        task_id = (
            runner.client.create(backup_files=files, target_instance=target)
            if kind == "import"
            else runner.client.create(
                migration_type="online_migration",
                backup_files=None,
                source_instance=source,
                target_instance=target,
            )
        )
        assert f"The target {place} is out of memory: OOM" in runner.failed(task_id)


def test_a_target_with_too_few_databases(world: World) -> None:
    """Keys of a database that the target does not have fail with the target's words."""
    world.source.database(500).set("a", 1)
    with (
        local_redis("target-secret", databases=1) as (place, _),
        world.emulator(redis={TARGET_ID: str(place)}) as runner,
    ):
        assert "DB index is out of range" in runner.failed(runner.start_online())


@pytest.mark.parametrize("kind", ["import", "online"])
@pytest.mark.usefixtures("slowly")
def test_a_target_that_dies_half_way(world: World, kind: str) -> None:
    """A target that ends in the middle fails the task."""
    world.source.fill(20_000)
    world.source.save(world.bucket / "orders.rdb")
    with local_redis("target-secret") as (place, process):
        target = Server(place, process)
        with world.emulator(redis={TARGET_ID: str(place)}) as runner:
            task_id = runner.start_import("orders.rdb") if kind == "import" else runner.start_online()
            until(lambda: target.client.dbsize() > 10)
            process.close()
            assert f"The target {place} " in runner.failed(task_id)


@pytest.mark.usefixtures("slowly")
def test_a_target_that_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that stops answering in the middle fails the task after a bounded time."""
    monkeypatch.setattr(copying, "LEAST_SECONDS", 0.2)
    monkeypatch.setattr(peer, "ANSWER_SECONDS", 1.0)
    world.source.fill(20_000)
    with local_redis("target-secret") as (place, process):
        target = Server(place, process)
        with world.emulator(redis={TARGET_ID: str(place)}) as runner:
            task_id = runner.start_online()
            until(lambda: target.client.dbsize() > 10)
            os.kill(process.pid, signal.SIGSTOP)
            began = time.monotonic()
            assert f"The target {place} " in runner.failed(task_id)
            assert time.monotonic() - began < 10


@pytest.mark.parametrize(("slowest", "arrives"), [(100_000_000, False), (1_000_000, True)])
def test_a_target_that_works_long_on_one_key(
    world: World, monkeypatch: pytest.MonkeyPatch, slowest: int, arrives: bool
) -> None:
    """A move waits as long as the largest key there can be may take, however short it waits for small ones."""
    monkeypatch.setattr(copying, "LEAST_SECONDS", 0.2)
    monkeypatch.setattr(copying, "SLOWEST_BYTES", slowest)
    migrate = copying._migrate
    world.source.client.set("huge", "x" * 5_000_000)
    with local_redis("target-secret") as (place, process), world.emulator({TARGET_ID: str(place)}) as runner:

        def slowly(*arguments: Any) -> None:
            os.kill(process.pid, signal.SIGSTOP)
            timer = threading.Timer(1.0, os.kill, (process.pid, signal.SIGCONT))
            timer.start()
            try:
                migrate(*arguments)
            finally:
                timer.cancel()

        monkeypatch.setattr(copying, "_migrate", slowly)
        task_id = runner.start_online()
        if arrives:
            runner.wait(task_id, "SUCCESS")
            assert Server(place, process).client.strlen("huge") == 5_000_000
        else:
            assert f"The target {place} stopped responding: IOERR" in runner.failed(task_id)


def test_how_long_one_key_may_take() -> None:
    """No shorter for a small source, in proportion to its data, and never without a bound."""
    bounds = [migrate_timeout({"used_memory_dataset": size}) for size in (0, 800_000_000, 10**12)]
    assert bounds == [5, 80, 600]


@pytest.mark.usefixtures("slowly")
def test_a_source_that_dies_half_way(world: World) -> None:
    """A source that ends in the middle fails the task; what has arrived stays."""
    with local_redis("source-secret") as (place, process), world.emulator() as runner:
        Server(place, process).fill(20_000)
        task_id = runner.start_online(addrs=str(place))
        until(lambda: world.target.client.dbsize() > 10)
        process.close()
        assert f"The source {place} can't be reached" in runner.failed(task_id)
    assert world.target.client.dbsize() > 10


def test_a_followed_source_that_dies(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that was in step waits a bounded time for its source; then it keeps its data for itself."""
    monkeypatch.setattr(replication, "RECONNECT_SECONDS", 0.5)
    with local_redis("source-secret") as (place, process), world.emulator() as runner:
        Server(place, process).fill(100)
        task_id = runner.start_online(incremental=True, addrs=str(place))
        runner.wait(task_id, "INCRMIGEATING")
        process.close()
        until(lambda: runner.client.status(task_id) == "FAILED")
        assert f"The source {place} can't be reached" in runner.failed(task_id)
        assert "for more than 0.5 seconds" in runner.failed(task_id)
        assert "Replication is interrupted" in runner.log(task_id, "WARN")[0]
        until(lambda: world.target.client.info("replication")["role"] == "master")
    assert world.target.client.dbsize() == 100


def test_a_following_target_that_dies(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that ends while it follows fails the task after a bounded time."""
    monkeypatch.setattr(replication, "RECONNECT_SECONDS", 0.5)
    with (
        local_redis("target-secret") as (place, process),
        world.emulator(redis={TARGET_ID: str(place)}) as runner,
    ):
        task_id = runner.start_online(incremental=True)
        runner.wait(task_id, "INCRMIGEATING")
        process.close()
        until(lambda: runner.client.status(task_id) == "FAILED")
        assert f"The target {place} can't be reached" in runner.failed(task_id)


def test_a_short_interruption(world: World) -> None:
    """A connection that is cut and comes back is two rows of the log, and the task continues."""
    with local_redis("source-secret") as (place, process), world.emulator() as runner:
        source = Server(place, process)
        task_id = runner.start_online(incremental=True, addrs=str(place))
        runner.wait(task_id, "INCRMIGEATING")
        source.client.config_set("requirepass", "for a while")
        source.client.client_kill_filter(_type="replica")
        until(lambda: bool(runner.log(task_id, "WARN")))
        source.client.config_set("requirepass", "source-secret")
        until(lambda: "The target is connected again." in runner.log(task_id))
        assert runner.client.status(task_id) == "INCRMIGEATING"


def test_somebody_else_ends_the_following(world: World) -> None:
    """A target that was made its own master again is no longer migrated into."""
    with world.emulator() as runner:
        task_id = runner.start_online(incremental=True)
        runner.wait(task_id, "INCRMIGEATING")
        world.target.client.replicaof("NO", "ONE")
        until(lambda: runner.client.status(task_id) == "FAILED")
        assert "Another client stopped the replication" in runner.failed(task_id)


def test_two_tasks_that_follow_into_one_target(world: World) -> None:
    """The second task is refused by the data itself, and does not disturb the first."""
    with world.emulator() as runner:
        first = runner.start_online(incremental=True)
        runner.wait(first, "INCRMIGEATING")
        second = runner.start_online(incremental=True)
        assert "is a replica of another server" in runner.failed(second)
        assert runner.client.status(first) == "INCRMIGEATING"


def test_a_replica_as_target_of_an_import(world: World) -> None:
    """A target that takes no writes fails with its own words."""
    world.source.fill(10)
    world.source.save(world.bucket / "orders.rdb")
    with world.emulator() as runner:
        runner.wait(runner.start_online(incremental=True), "INCRMIGEATING")
        assert "READONLY" in runner.failed(runner.start_import("orders.rdb"))


def test_no_redis_server_to_read_a_backup(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no redis-server at all, an import says what to install."""
    monkeypatch.setattr(programs, "_paths", lambda: iter(()))
    world.source.save(world.bucket / "orders.rdb")
    programs.programs.cache_clear()
    try:
        with world.emulator() as runner:
            assert "No redis-server found" in runner.failed(runner.start_import("orders.rdb"))
    finally:
        programs.programs.cache_clear()


def test_a_backup_that_never_loads(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A server that starts and gets no further is given up after a bounded time."""
    mute = tmp_path / "redis-server"
    mute.write_text("#!/bin/sh\nexec sleep 600\n")
    mute.chmod(0o700)
    world.source.save(world.bucket / "orders.rdb")
    program = Program(mute, Version("Redis"))
    monkeypatch.setattr(programs, "programs", lambda: (program,))
    monkeypatch.setattr(servers, "STALL_SECONDS", 0.3)
    with world.emulator() as runner:
        assert "The server reading orders.rdb" in runner.failed(runner.start_import("orders.rdb"))


def test_a_task_of_an_earlier_emulator(world: World, tmp_path: Path) -> None:
    """A task of the state file whose data was still moving is FAILED when the emulator comes back."""
    state = tmp_path / "state.json"
    with world.emulator(state=state) as runner:
        task_id = runner.start_online(incremental=True)
        runner.wait(task_id, "INCRMIGEATING")
    with world.emulator(state=state) as runner:
        assert runner.failed(task_id) == "The emulator stopped while the data was being moved."
    assert world.target.client.info("replication")["role"] == "master"
    assert "secret" not in state.read_text()
