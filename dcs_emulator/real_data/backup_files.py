"""Backup files: their files in a bucket, their content, and how a server loads them."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from dcs_emulator.real_data.progress import MigrationError, Progress
from dcs_emulator.real_data.servers import AOF, DUMP, Settings
from dcs_emulator.real_data.versions import Version, rdb_of, writer_of

RDB_SUFFIX, AOF_SUFFIX, MANIFEST_SUFFIX = ".rdb", ".aof", ".manifest"
START_BYTES = 256
"""The number of bytes that identify a file's type."""
_KINDS = (
    (b"PK\x03\x04", ".zip", "a .zip archive"),
    (b"\x1f\x8b", ".gz", "a .gz file"),
    (b"version https://git-lfs", ".lfs", "a Git LFS pointer"),
)
"""Starts of other file types, for files with a wrong name or with their content elsewhere."""
_INCREMENT_NAME = re.compile(r"\.\d+\.incr\.aof$", re.IGNORECASE)
_TIMESTAMP = b"#TS:"
_AOF_BEGINS = (b"*", _TIMESTAMP)
AOF_SETTINGS: Settings = {"appendonly": "yes", "appendfsync": "no", "auto-aof-rewrite-percentage": 0}
RESERVE_BYTES = 256 * 1024 * 1024
"""The free disk space that a copy leaves in the temporary folder."""
_CHUNK_BYTES = 1024 * 1024
# File types in a manifest.
_BASE, _INCREMENT, _HISTORY = "b", "i", "h"
_ORDER = (_BASE, _INCREMENT)

Install = Callable[[Path, Progress], Settings]
"""Puts a backup into a server's folder, and returns the settings to load it."""


def find_object(folder: Path, key: str) -> Path:
    """Return the file of an object key in a bucket's folder.

    A key can't lead out of its bucket or to another key's object: ``../a``, ``/a``, ``a/`` and ``a//b`` are
    different keys from ``a`` and ``a/b``, and files can't have them. Raises `MigrationError` if the file doesn't
    exist.
    """
    parts = key.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise MigrationError(
            f"backup file {key} doesn't exist in the bucket: an object key is a name, not a path"
        )
    try:
        file = folder.joinpath(*parts).resolve()
        if not file.is_relative_to(folder):
            raise MigrationError(f"backup file {key} isn't in the bucket")
        if not file.is_file():
            raise MigrationError(f"backup file {key} doesn't exist in the bucket")
        with file.open("rb"):
            return file
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "not a valid name"
        raise MigrationError(f"backup file {key} can't be read: {reason}") from None


@dataclass(frozen=True)
class Backup:
    """One backup: its name for messages, its data, and how to install it.

    ``of_seven`` means that servers before 7.0 can't read it, because it has timestamps or several parts.
    """

    name: str
    rdb: int | None
    writer: Version | None
    install: Install
    of_seven: bool = False


def plain_backup(name: str, file: Path) -> Backup:
    """Return the backup in a file. Raises `MigrationError` if the content doesn't match its name."""
    start = start_of(name, file)
    install = partial(_link, file) if name.lower().endswith(RDB_SUFFIX) else partial(_copy, file)
    return checked_backup(name, start, install)


def start_of(name: str, file: Path) -> bytes:
    """Return the start of a file. Raises `MigrationError` if it is empty or can't be read."""
    try:
        with file.open("rb") as stream:
            start = stream.read(START_BYTES)
    except OSError as error:
        raise MigrationError(f"backup file {name} can't be read: {error.strerror}") from None
    if not start:
        raise MigrationError(f"backup file {name} is empty")
    return start


def checked_backup(name: str, start: bytes, install: Install) -> Backup:
    """Return a backup with this name and start. Raises `MigrationError` if they don't match."""
    rdb = rdb_of(start)
    if not start:
        raise MigrationError(f"backup file {name} is empty")
    if rdb is None and name.lower().endswith(RDB_SUFFIX):
        raise MigrationError(
            f"backup file {name} is corrupt: it doesn't start like an RDB file{as_what(name, start)}"
        )
    if rdb is None and not start.startswith(_AOF_BEGINS):
        raise MigrationError(
            f"backup file {name} is corrupt: it doesn't start like an append-only file{as_what(name, start)}"
        )
    if _INCREMENT_NAME.search(name):
        raise MigrationError(
            f"backup file {name} is only the last part of an append-only file; "
            "pack the whole folder, with its manifest, as .zip or .tar.gz"
        )
    return Backup(name, rdb, writer_of(start), install, of_seven=start.startswith(_TIMESTAMP))


def as_what(name: str, start: bytes) -> str:
    """Return, for the end of a message, the type that a file's start shows."""
    found = (kind for magic, suffix, kind in _KINDS if start.startswith(magic) and not name.endswith(suffix))
    return "".join(f" (it looks like {kind})" for kind in found)


def settings_for(name: str) -> tuple[str, Settings]:
    """Return the name of a file in the server's folder, and the settings to load it."""
    if name.lower().endswith(RDB_SUFFIX):
        return DUMP, {}
    return AOF, {**AOF_SETTINGS, "appendfilename": AOF}


def _link(file: Path, folder: Path, progress: Progress) -> Settings:
    (folder / DUMP).symlink_to(file)
    return {}


def _copy(file: Path, folder: Path, progress: Progress) -> Settings:
    """Copy an append-only file: the server that reads it removes a broken end, and appends."""
    placed, settings = settings_for(AOF_SUFFIX)
    with file.open("rb") as stream:
        copy(stream, folder / placed, progress)
    return settings


def copy(stream: IO[bytes], file: Path, progress: Progress) -> None:
    """Write a stream to a file. Raises `MigrationError` before the disk is full, or `Cancelled`."""
    with file.open("wb") as out:
        while chunk := stream.read(_CHUNK_BYTES):
            progress.check()
            if shutil.disk_usage(file.parent).free < RESERVE_BYTES + len(chunk):
                raise MigrationError(
                    "can't unpack the backup: the disk of the temporary folder is almost full"
                )
            out.write(chunk)


@dataclass(frozen=True)
class Manifest:
    """The manifest of an append-only file in parts, which is a folder since Redis 7.

    It has its name for messages, and its files, starting with the base.
    """

    name: str
    files: tuple[str, ...]


def read_manifest(name: str, text: bytes) -> Manifest:
    """Read ``file NAME seq NUMBER type KIND`` lines; files that are only kept temporarily don't count.

    Raises `MigrationError` for anything else, including names that are paths.
    """
    parts: list[tuple[str, str]] = []
    try:
        for line in text.decode("utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                words = shlex.split(line)
                fields = dict(zip(words[::2], words[1::2], strict=True))
                parts.append((fields["type"], fields["file"]))
    except (ValueError, KeyError):
        raise MigrationError(f"backup file {name} is corrupt: it isn't a manifest") from None
    if any("/" in part or part in ("", ".", "..") for _, part in parts):
        raise MigrationError(f"backup file {name} contains a path instead of a file name")
    kinds = {kind for kind, _ in parts}
    if not kinds & {*_ORDER} or kinds - {*_ORDER, _HISTORY}:
        raise MigrationError(f"backup file {name} is corrupt: it isn't a manifest")
    return Manifest(name, tuple(part for wanted in _ORDER for kind, part in parts if kind == wanted))
