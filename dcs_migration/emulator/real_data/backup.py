"""Backup import: a Redis server of our own reads the file, and sends what it read to the target."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dcs_migration.emulator.real_data.copying import Meter, copy_all
from dcs_migration.emulator.real_data.peer import reached
from dcs_migration.emulator.real_data.places import Place
from dcs_migration.emulator.real_data.progress import MoveError, Progress
from dcs_migration.emulator.real_data.servers import loading

SUFFIX = ".rdb"
MAGIC = b"REDIS"


def import_files(folder: Path, names: Sequence[str], target: Place, progress: Progress) -> None:
    """Import the backup files of these names, in this order, from a bucket's folder.

    All files are looked at before the first is imported. Raises `MoveError` or `Cancelled`.
    """
    files = [find_file(folder, name) for name in names]
    with reached("target", target) as peer:
        for number, (name, file) in enumerate(zip(names, files, strict=True)):
            progress.log("INFO", f"Reading backup file {name}.", "reading")
            with loading(file, f"the server that reads {name}", progress.pause) as source:
                meter = Meter(source, peer, progress, number, len(files))
                copy_all(source, peer, meter, progress)
            progress.log("INFO", f"Imported {meter.copied} keys from {name}.", "imported")


def find_file(folder: Path, name: str) -> Path:
    """Return the file of an object key in a bucket's folder.

    Raises `MoveError` when it is missing, empty, no RDB file, or not below the folder.
    """
    path = Path(name)
    if path.suffix.lower() != SUFFIX:
        raise MoveError(f"backup file {name}: only {SUFFIX} files can be imported here")
    try:
        file = (folder / path).resolve()
        if not file.is_relative_to(folder):
            raise MoveError(f"backup file {name} is not in the bucket")
        if not file.is_file():
            raise MoveError(f"backup file {name} does not exist in the bucket")
        with file.open("rb") as stream:
            start = stream.read(len(MAGIC))
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "not a usable name"
        raise MoveError(f"backup file {name} cannot be read: {reason}") from None
    if not start:
        raise MoveError(f"backup file {name} is empty")
    if start != MAGIC:
        raise MoveError(f"backup file {name} is corrupt: it does not begin as an RDB file does")
    return file
