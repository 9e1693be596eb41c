"""Append-only files and archives: what the service takes besides .rdb, read by a real server, within bounds."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dcs_emulator.real_data import archives
from dcs_emulator.real_data.programs import Program, programs
from dcs_emulator.real_data.servers import local_redis
from tests.redis.programs import installed
from tests.redis.servers import TARGET_ID, Server, World, everything, until, world_of, write_everything

Files = Mapping[str, bytes]
MAGIC = b"REDIS0009"


def append_only(**settings: Any) -> tuple[bytes, dict[tuple[int, bytes], Any]]:
    """Return the append-only file of a server that has everything, and what that is."""
    with local_redis(appendonly="yes", appendfsync="always", **settings) as (place, process):
        server = Server(place, process)
        write_everything(server)
        server.client.delete("stream")  # what is pending of a deleted entry Redis itself does not write
        server.client.bgrewriteaof()
        until(lambda: not server.client.info("persistence")["aof_rewrite_in_progress"])
        server.client.set("last", "written after the rewrite")
        folder = process.dump.parent
        parts = [folder / "appendonly.aof"]
        if not parts[0].is_file():  # from Redis 7 on it has parts, which one after the other are the same
            parts = sorted((folder / "appendonlydir").glob("*.base.*"))[-1:]
            parts += sorted((folder / "appendonlydir").glob("*.incr.*"))[-1:]
        return b"".join(part.read_bytes() for part in parts), everything(server)


def zipped(files: Files) -> bytes:
    """Return a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(files: Files, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """Return a packed tar archive, whose members are of a kind."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


PACKED: dict[str, Callable[[Files], bytes]] = {".zip": zipped, ".tar.gz": tarred}


@pytest.fixture
def dump(world: World, tmp_path: Path) -> bytes:
    """A backup of three keys of the source."""
    world.source.fill(3)
    world.source.save(tmp_path / "dump")
    return (tmp_path / "dump").read_bytes()


def arrived(world: World, *files: str) -> list[str]:
    """Import files and return the log, without what every task has."""
    with world.emulator() as runner:
        task_id = runner.start_import(*files)
        runner.wait(task_id, "SUCCESS")
        return runner.log(task_id)


def refused(world: World, content: bytes, name: str) -> str:
    """Return why a file cannot be imported; the target stays empty."""
    (world.bucket / name).write_bytes(content)
    with world.emulator() as runner:
        reason = runner.failed(runner.start_import(name))
    assert world.target.client.dbsize() == 0
    assert ".." not in reason.replace("../", "")
    return reason


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_an_append_only_file(world: World, preamble: str) -> None:
    """With and without an RDB preamble everything arrives, and the file isn't changed."""
    content, all_of_it = append_only(aof_use_rdb_preamble=preamble)
    assert content.startswith((b"REDIS", b"VALKEY") if preamble == "yes" else b"*")
    file = world.bucket / "orders.AOF"
    file.write_bytes(content)
    assert "Imported 17 keys from orders.AOF." in arrived(world, "orders.AOF")
    assert everything(world.target) == all_of_it
    assert file.read_bytes() == content


def test_an_append_only_file_that_is_cut(world: World) -> None:
    """Its broken end is cut off, as Redis does after a crash, in a copy; the log warns of it."""
    file = world.bucket / "orders.aof"
    file.write_bytes(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1")
    before = file.read_bytes()
    assert "Backup file orders.aof is truncated; it is imported up to that point." in arrived(
        world, "orders.aof"
    )
    assert world.target.client.keys() == [b"a"]
    assert file.read_bytes() == before


def test_a_command_that_no_reader_knows(world: World) -> None:
    """The reason shows which server reads the file, and where to go with it; of what is forbidden it does not."""
    reason = refused(world, b"*2\r\n$8\r\nNEWTHING\r\n$1\r\na\r\n", "orders.aof")
    version = world.target.client.info("server")["redis_version"]
    assert (
        f"it runs Redis {version} to match the target; import into a version that supports the command."
        in reason
    )
    assert "import into" not in refused(world, b"*1\r\n$8\r\nSHUTDOWN\r\n", "other.aof")


@pytest.mark.parametrize("name", ["orders.aof.2.incr.aof", "n.zip"])
def test_the_last_part_of_an_append_only_file(world: World, name: str) -> None:
    """Without the parts before it, it would leave a state that never was."""
    content = b"*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n"
    reason = refused(world, zipped({"orders.aof.2.incr.aof": content}) if name == "n.zip" else content, name)
    assert "orders.aof.2.incr.aof is only the last part of an append-only file" in reason
    assert "pack the whole folder, with its manifest, as .zip or .tar.gz." in reason


@pytest.mark.parametrize("name", installed())
@pytest.mark.parametrize("command", ["MODULE", "CONFIG"])
def test_what_a_file_may_not_run(world: World, tmp_path: Path, name: str, command: str) -> None:
    """An append-only file doesn't lead any server that reads it elsewhere."""
    words = ["LOAD", "/x.so"] if command == "MODULE" else ["SET", "dir", str(tmp_path)]
    text = f"*{len(words) + 1}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in [command, *words])
    (world.bucket / "orders.aof").write_bytes(f"{text}*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n".encode())
    with local_redis("target-secret", program=installed()[name]) as target:
        here = world_of((world.source.place, world.source.process), target)
        here.bucket = world.bucket
        with here.emulator() as runner:
            task_id = runner.start_import("orders.aof")
            runner.wait(task_id, "SUCCESS", "FAILED")
            said = runner.log(task_id, "ERROR")
    assert list(tmp_path.iterdir()) == [world.bucket]
    if command == "MODULE" or name == "redis 6.2":
        assert f"nknown command '{command}'" in said[0]
        assert "/x.so" not in said[0]


def test_an_append_only_file_with_timestamps(world: World) -> None:
    """A server from 7.0 on reads it."""
    (world.bucket / "orders.aof").write_bytes(b"#TS:1700000000\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n")
    with local_redis("target-secret", program=newest()) as target:
        here = world_of((world.source.place, world.source.process), target)
        here.bucket = world.bucket
        arrived(here, "orders.aof")
        assert here.target.client.get("a") == b"1"


@pytest.mark.parametrize("name", [name for name in installed() if name == "redis 6.2"])
def test_timestamps_and_an_older_target(world: World, name: str) -> None:
    """A server that reads them is newer than the target, which is told."""
    (world.bucket / "orders.aof").write_bytes(b"#TS:1700000000\r\n*1\r\n$8\r\nFLUSHALL\r\n")
    with (
        local_redis("target-secret", program=installed()[name]) as target,
        world.emulator({TARGET_ID: str(target[0])}) as runner,
    ):
        assert "whose keys the target" in runner.failed(runner.start_import("orders.aof"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty."),
        (b"SET a 1\r\n", "doesn't start like an append-only file."),
        (b"*0\r\n", "ended: Bad file format"),
    ],
)
def test_bad_append_only_files(world: World, content: bytes, said: str) -> None:
    """A file that isn't one, or is broken, fails with the reason."""
    assert said in refused(world, content, "orders.aof")


@pytest.mark.parametrize("suffix", PACKED)
def test_an_archive(world: World, dump: bytes, suffix: str) -> None:
    """All backups in it arrive, in any folder; other files are named, except a system's own files."""
    files = {
        "nightly/dump.rdb": dump,
        "b.aof": b"*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n",
        "README.txt": b"hello",
        "__MACOSX/nightly/._dump.rdb": b"junk",
        "nightly/._dump.rdb": b"junk",
        "empty/": b"",
    }
    if suffix == ".tar.gz":
        del files["empty/"]
    (world.bucket / f"n{suffix}").write_bytes(PACKED[suffix](files))
    log = arrived(world, f"n{suffix}")
    assert f"Imported 3 keys from n{suffix}: nightly/dump.rdb." in log
    assert f"Imported 1 keys from n{suffix}: b.aof." in log
    assert f"Skipped in n{suffix} (not a backup): README.txt." in log
    assert sorted(world.target.client.keys()) == [b"b", b"key:0", b"key:1", b"key:2"]


ESCAPES = [
    "../../../outside.rdb",
    "/etc/outside.rdb",
    "a/../../outside.rdb",
    "..\\outside.rdb",
    "C:\\outside.rdb",
]


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("name", ESCAPES)
def test_names_that_lead_out(world: World, dump: bytes, suffix: str, name: str) -> None:
    """A member's name is told and never used: its data is imported, and no file appears anywhere."""
    (world.bucket / f"n{suffix}").write_bytes(PACKED[suffix]({name: dump}))
    before = set(world.bucket.parent.rglob("*"))
    arrived(world, f"n{suffix}")
    assert world.target.client.dbsize() == 3
    assert set(world.bucket.parent.rglob("*")) == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_no_backups(world: World, tmp_path: Path, dump: bytes, kind: bytes) -> None:
    """Of an archive only its own regular files are read, and the others are named."""
    (tmp_path / "secret.rdb").write_bytes(dump)
    content = tarred({"link.rdb": b""}, kind, str(tmp_path / "secret.rdb"))
    reason = refused(world, content, "n.tar.gz")
    assert "contains no .rdb or .aof file, only link.rdb (not a regular file)." in reason


def with_links(suffix: str, dump: bytes) -> bytes:
    """Return an archive of a backup and a link to it, as tar and zip -y make it."""
    out = io.BytesIO()
    if suffix == ".zip":
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("dump.rdb", dump)
            link = zipfile.ZipInfo("latest.rdb")
            link.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "dump.rdb")
    else:
        with tarfile.open(fileobj=out, mode="w:gz") as packed:
            info = tarfile.TarInfo("dump.rdb")
            info.size = len(dump)
            packed.addfile(info, io.BytesIO(dump))
            second = tarfile.TarInfo("latest.rdb")
            second.type, second.linkname = tarfile.LNKTYPE, "dump.rdb"
            packed.addfile(second)
    return out.getvalue()


@pytest.mark.parametrize("suffix", PACKED)
def test_links_beside_a_backup(world: World, dump: bytes, suffix: str) -> None:
    """A link is left out, which is told, and the backup arrives."""
    (world.bucket / f"n{suffix}").write_bytes(with_links(suffix, dump))
    log = arrived(world, f"n{suffix}")
    assert f"Skipped in n{suffix} (not a backup): latest.rdb (not a regular file)." in log
    assert world.target.client.dbsize() == 3


def sparse(size: int) -> bytes:
    """Return a packed tar archive with a sparse file, which is nearly all hole, in the form of GNU tar."""
    header = f"1\n0\n{len(MAGIC)}\n".encode().ljust(512, b"\0")
    info = tarfile.TarInfo("GNUSparseFile.0/dump.rdb")
    info.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "dump.rdb",
        "GNU.sparse.realsize": str(size),
    }
    content = header + MAGIC
    info.size = len(content)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def claiming(size: int, pax: bool) -> bytes:
    """Return a packed tar archive whose only member says that it is so large, and ends."""
    info = tarfile.TarInfo("README")
    if pax:
        info.pax_headers = {"size": str(size)}
    else:
        info.size = size
    header = info.tobuf(tarfile.PAX_FORMAT) if pax else info.tobuf(tarfile.GNU_FORMAT)
    return gzip.compress(header + bytes(1024))


@pytest.mark.parametrize("pax", [False, True])
def test_a_member_that_claims_to_be_huge(world: World, pax: bool) -> None:
    """The way to the next member, which leads forever through a file that has ended, is not started."""
    assert "which is too large." in refused(world, claiming(2**60, pax), "n.tar.gz")


def test_a_bomb_of_holes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The holes of a sparse file, which no archive holds and a disk would, count as what they become."""
    monkeypatch.setattr(archives, "FREE_BYTES", 1024**2)
    reason = refused(world, sparse(3 * 1024**2), "n.tar.gz")
    assert "contains more than 1,048,576 bytes, which is too large." in reason


def bomb(size: int = 3 * 1024**2) -> bytes:
    """Return a dump's beginning, and then nothing for long."""
    return MAGIC + bytes(size)


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("name", ["dump.rdb", "README"])
def test_a_bomb(world: World, monkeypatch: pytest.MonkeyPatch, suffix: str, name: str) -> None:
    """An archive that holds far more than its size is given up as soon as that is seen."""
    monkeypatch.setattr(archives, "FREE_BYTES", 1024**2)
    content = PACKED[suffix]({name: bomb(), "z.rdb": MAGIC})
    reason = refused(world, content, f"n{suffix}")
    if (suffix, name) == (".zip", "README"):  # a zip has an index: what is left out is never unpacked
        assert "The server reading" in reason
    else:
        assert "contains more than 1,048,576 bytes, which is too large." in reason


@pytest.mark.parametrize("suffix", PACKED)
def test_too_many_members(world: World, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """There is a bound for the files of an archive, and one for the backups in it."""
    monkeypatch.setattr(archives, "MOST_MEMBERS", 10)
    monkeypatch.setattr(archives, "MOST_BACKUPS", 5)
    many = {f"{number}.txt": b"" for number in range(11)}
    assert "contains more than 10 files." in refused(world, PACKED[suffix](many), f"n{suffix}")
    many = {f"{number}.rdb": MAGIC for number in range(6)}
    assert "contains more than 5 backups." in refused(world, PACKED[suffix](many), f"m{suffix}")


def test_a_header_that_would_fill_the_memory(world: World) -> None:
    """The extended header of a tar's member is read whole, so that it has a bound of its own."""
    out = io.BytesIO()
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2 * 1024**2
    with gzip.open(out, "wb") as packed:
        packed.write(info.tobuf(tarfile.GNU_FORMAT) + bytes(info.size))
    assert "is corrupt: it can't be unpacked." in refused(world, out.getvalue(), "n.tar.gz")


def test_a_full_disk(world: World, monkeypatch: pytest.MonkeyPatch, dump: bytes) -> None:
    """A copy leaves space on the disk, and says so."""
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    assert "Can't unpack the backup" in refused(world, zipped({"dump.rdb": dump}), "n.zip")


def encrypted() -> bytes:
    """Return a zip archive whose member says that it is encrypted."""
    content = bytearray(zipped({"dump.rdb": MAGIC}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


BROKEN: dict[str, tuple[bytes, str]] = {
    "no.zip": (b"nothing of a zip", "is corrupt: it can't be unpacked."),
    "no.tar.gz": (b"nothing of a tar", "is corrupt: it can't be unpacked."),
    "inner.tar.gz": (gzip.compress(b"no tar" * 1000), "is corrupt: it can't be unpacked."),
    "cut.tar.gz": (
        tarred({"dump.rdb": MAGIC + os.urandom(90_000)})[:50_000],
        "is corrupt: it can't be unpacked.",
    ),
    "cut.zip": (
        zipped({"dump.rdb": MAGIC + os.urandom(90_000)})[:50_000],
        "is corrupt: it can't be unpacked.",
    ),
    "empty.zip": (zipped({}), "contains no .rdb or .aof file."),
    "empty.tar.gz": (tarred({}), "contains no .rdb or .aof file."),
    "other.zip": (
        zipped({"a.txt": b"", "inner.zip": zipped({"a.rdb": MAGIC})}),
        "contains no .rdb or .aof file, only a.txt, inner.zip.",
    ),
    "nameless.zip": (zipped({"x": MAGIC}).replace(b"x", b"\0"), "nameless.zip"),  # in words of this Python's
    "nothing.zip": (b"", "is empty."),
    "nothing.tar.gz": (b"", "is empty."),
    "a_tar.zip": (tarred({"dump.rdb": MAGIC}), "can't be unpacked (it looks like a .gz file)."),
    "a_zip.tar.gz": (zipped({"dump.rdb": MAGIC}), "can't be unpacked (it looks like a .zip archive)."),
    "packed.rdb": (gzip.compress(MAGIC), "doesn't start like an RDB file (it looks like a .gz file)."),
    "pointer.aof": (b"version https://git-lfs.github.com/spec/v1\n", " (it looks like a Git LFS pointer)."),
    "encrypted.zip": (encrypted(), "is encrypted; pack it without a password."),
    "none.rdb.zip": (
        zipped({"dump.rdb": b"text"}),
        "none.rdb.zip: dump.rdb is corrupt: it doesn't start like an RDB",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_archives(world: World, name: str) -> None:
    """Each fails with a reason that names the file."""
    content, said = BROKEN[name]
    reason = refused(world, content, name)
    assert said in reason
    assert reason.startswith(f"Backup file {name}")


@pytest.fixture
def parts(world: World) -> Files:
    """The folder of an append-only file of several parts, and a source that has the same."""
    with local_redis(program=newest(), appendonly="yes", appendfsync="always") as (place, process):
        server = Server(place, process)
        server.fill(10)
        server.client.bgrewriteaof()
        until(lambda: not server.client.info("persistence")["aof_rewrite_in_progress"])
        server.client.set("last", "1")
        until(lambda: not server.client.info("persistence")["aof_rewrite_scheduled"])
        world.source.fill(10)
        world.source.client.set("last", "1")
        return {path.name: path.read_bytes() for path in (process.dump.parent / "appendonlydir").iterdir()}


@pytest.mark.parametrize("suffix", PACKED)
def test_an_append_only_file_of_several_parts(world: World, parts: Files, suffix: str) -> None:
    """The folder that Redis 7 and later write is one backup, read by a server that knows it."""
    files = {f"redis/appendonlydir/{name}": content for name, content in parts.items()}
    (world.bucket / f"n{suffix}").write_bytes(PACKED[suffix](files))
    with local_redis("target-secret", program=newest()) as target:
        here = world_of((world.source.place, world.source.process), target)
        here.bucket = world.bucket
        log = arrived(here, f"n{suffix}")
        assert everything(here.target) == everything(world.source)
    (name,) = (name for name in parts if name.endswith(".manifest"))
    assert [row for row in log if row.startswith("Imported")] == [
        f"Imported {world.source.client.dbsize()} keys from n{suffix}: redis/appendonlydir/{name}."
    ]


def newest() -> Program:
    """Return a program that knows append-only files of several parts."""
    return max(programs(), key=lambda program: program.version.number)


ODD_NAMES = ['a "b\\ c', "a\udcff", "x" * 280]


@pytest.mark.parametrize("odd", ODD_NAMES, ids=ascii)
def test_a_manifest_with_an_odd_name(world: World, parts: Files, odd: str) -> None:
    """Its name is told and never used."""
    (name,) = (name for name in parts if name.endswith(".manifest"))
    files = {f"{odd}.manifest" if part == name else part: content for part, content in parts.items()}
    (world.bucket / "n.tar.gz").write_bytes(tarred(files))
    with local_redis("target-secret", program=newest()) as target:
        here = world_of((world.source.place, world.source.process), target)
        here.bucket = world.bucket
        arrived(here, "n.tar.gz")
        assert everything(here.target) == everything(world.source)


def test_old_parts_beside_new_ones(world: World, parts: Files) -> None:
    """History files, and files that aren't in the manifest, aren't backups: newer data stays."""
    (name,) = (name for name in parts if name.endswith(".manifest"))
    stem = name.removesuffix(".manifest")
    command = b"*3\r\n$3\r\nSET\r\n$4\r\nlast\r\n$3\r\nold\r\n"
    old, older = f"{stem}.9.incr.aof", f"{stem}.8.base.aof"
    files = {
        **parts,
        name: parts[name] + f"file {old} seq 9 type h\n".encode(),
        old: command,
        older: command,
    }
    (world.bucket / "n.zip").write_bytes(zipped({f"d/{part}": content for part, content in files.items()}))
    with local_redis("target-secret", program=newest()) as target:
        here = world_of((world.source.place, world.source.process), target)
        here.bucket = world.bucket
        log = arrived(here, "n.zip")
        assert f"Skipped in n.zip (not a backup): d/{older}, d/{old}." in log
        assert everything(here.target) == everything(world.source)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (b"file a.aof seq 1 type b\n", "lists files that aren't in the archive."),
        (b"file ../a.aof seq 1 type b\n", "contains a path instead of a file name."),
        (b'file "" seq 1 type b\n', "contains a path instead of a file name."),
        (b"nonsense\n", "is corrupt: it isn't a manifest."),
        (b"file a.aof seq 1 type x\n", "is corrupt: it isn't a manifest."),
        (b"", "is corrupt: it isn't a manifest."),
        (b"\xff\xfe", "is corrupt: it isn't a manifest."),
    ],
)
def test_bad_manifests(world: World, manifest: bytes, said: str) -> None:
    """A manifest with missing files, or with anything but files in its folder, fails."""
    reason = refused(world, zipped({"d/appendonly.aof.manifest": manifest}), "n.zip")
    assert said in reason
    assert "d/appendonly.aof.manifest" in reason


def test_all_archives_are_looked_at_first(world: World, dump: bytes) -> None:
    """When one is broken, nothing is imported."""
    (world.bucket / "good.rdb").write_bytes(dump)
    (world.bucket / "bad.zip").write_bytes(b"nothing")
    with world.emulator() as runner:
        assert "bad.zip" in runner.failed(runner.start_import("good.rdb", "bad.zip"))
    assert world.target.client.dbsize() == 0
