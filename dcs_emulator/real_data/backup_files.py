"""What a backup file holds, as its first bytes tell, and how a server is given it to load."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from dcs_emulator.real_data.progress import MoveError, Progress
from dcs_emulator.real_data.servers import AOF, DUMP, Settings
from dcs_emulator.real_data.versions import Version, rdb_of, writer_of

RDB_SUFFIX, AOF_SUFFIX = ".rdb", ".aof"
START_BYTES = 256
"""How much of a file tells what it is."""
_TIMESTAMP = b"#TS:"
_AOF_BEGINS = (b"*", _TIMESTAMP)
AOF_SETTINGS: Settings = {"appendonly": "yes", "appendfsync": "no", "auto-aof-rewrite-percentage": 0}
RESERVE_BYTES = 256 * 1024 * 1024
"""What a copy leaves free on the disk of the temporary folder."""
_CHUNK_BYTES = 1024 * 1024

Place = Callable[[Path, Progress], Settings]
"""Puts a backup into a server's folder, and returns the settings with which it is loaded."""


@dataclass(frozen=True)
class Backup:
    """One backup: its name for messages, what is known of it, and how it is placed.

    ``of_seven`` says that no server before 7.0 reads it: it has timestamps, or several parts.
    """

    name: str
    rdb: int | None
    writer: Version | None
    place: Place
    of_seven: bool = False


def plain_backup(name: str, file: Path) -> Backup:
    """Return the backup that a file is. Raises `MoveError` when it is not what its name says."""
    try:
        with file.open("rb") as stream:
            start = stream.read(START_BYTES)
    except OSError as error:
        raise MoveError(f"backup file {name} cannot be read: {error.strerror}") from None
    place = partial(_linked, file) if name.lower().endswith(RDB_SUFFIX) else partial(_copied, file)
    return checked_backup(name, start, place)


def checked_backup(name: str, start: bytes, place: Place) -> Backup:
    """Return a backup of this name that begins so. Raises `MoveError` when it is not what its name says."""
    rdb = rdb_of(start)
    if not start:
        raise MoveError(f"backup file {name} is empty")
    if rdb is None and name.lower().endswith(RDB_SUFFIX):
        raise MoveError(f"backup file {name} is corrupt: it does not begin as an RDB file does")
    if rdb is None and not start.startswith(_AOF_BEGINS):
        raise MoveError(f"backup file {name} is corrupt: it does not begin as an append-only file does")
    return Backup(name, rdb, writer_of(start), place, of_seven=start.startswith(_TIMESTAMP))


def settings_for(name: str) -> tuple[str, Settings]:
    """Return as what a file of this name lies in the server's folder, and the settings with which it is loaded."""
    if name.lower().endswith(RDB_SUFFIX):
        return DUMP, {}
    return AOF, {**AOF_SETTINGS, "appendfilename": AOF}


def _linked(file: Path, folder: Path, progress: Progress) -> Settings:
    (folder / DUMP).symlink_to(file)
    return {}


def _copied(file: Path, folder: Path, progress: Progress) -> Settings:
    """Copy an append-only file: the server that reads it cuts a broken end off, and appends."""
    placed, settings = settings_for(AOF_SUFFIX)
    with file.open("rb") as stream:
        copy(stream, folder / placed, progress)
    return settings


def copy(stream: IO[bytes], file: Path, progress: Progress) -> None:
    """Write a stream to a file. Raises `MoveError` before the disk is full, or `Cancelled`."""
    with file.open("wb") as out:
        while chunk := stream.read(_CHUNK_BYTES):
            progress.check()
            if shutil.disk_usage(file.parent).free < RESERVE_BYTES + len(chunk):
                raise MoveError(
                    "there is no room to unpack a backup: the disk of the temporary folder is almost full"
                )
            out.write(chunk)
