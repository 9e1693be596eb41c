"""Backup import: our own Redis server reads the file, and sends its data to the target."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dcs_emulator.real_data.archives import ARCHIVES, backups_in, some
from dcs_emulator.real_data.backup_files import AOF_SUFFIX, RDB_SUFFIX, Backup, find_object, plain_backup
from dcs_emulator.real_data.copying import Meter, copy_functions, copy_keys, refuse_cluster
from dcs_emulator.real_data.endpoints import Endpoint
from dcs_emulator.real_data.peer import Peer, connect
from dcs_emulator.real_data.programs import choose
from dcs_emulator.real_data.progress import MigrationError, Progress
from dcs_emulator.real_data.servers import loading
from dcs_emulator.real_data.versions import Version, version_of

SUFFIXES = (RDB_SUFFIX, AOF_SUFFIX, *ARCHIVES)


def import_files(folder: Path, keys: Sequence[str], target: Endpoint, progress: Progress) -> None:
    """Import the backup files of these keys, in this order, from a bucket's folder.

    All files are checked before the first is imported. Raises `MigrationError` or `Cancelled`.
    """
    files = [(key, _checked(folder, key)) for key in keys]
    backups = [backup for key, file in files for backup in _backups(key, file, progress)]
    with connect("target", target) as peer:
        refuse_cluster(peer)
        version = version_of(peer.info())
        for number, backup in enumerate(backups):
            _import(backup, peer, version, progress, (number, len(backups)))


def _checked(folder: Path, key: str) -> Path:
    if not key.lower().endswith(SUFFIXES):
        raise MigrationError(f"backup file {key}: only {', '.join(SUFFIXES)} files can be imported")
    return find_object(folder, key)


def _backups(key: str, file: Path, progress: Progress) -> list[Backup]:
    """Return the backups to import: the file itself, or those in its archive."""
    if not key.lower().endswith(ARCHIVES):
        return [plain_backup(key, file)]
    backups, left_out = backups_in(key, file, progress)
    if left_out:
        progress.log("WARN", f"Skipped in {key} (not a backup): {some(left_out)}.", "left-out")
    return backups


def _import(
    backup: Backup, target: Peer, version: Version, progress: Progress, part: tuple[int, int]
) -> None:
    program = choose(
        f"backup file {backup.name}",
        backup.rdb,
        backup.writer,
        str(target),
        version,
        able=lambda found: found.of_seven or not backup.of_seven,
    )
    progress.log("INFO", f"Reading backup file {backup.name} with {program.version}.", "reading")
    name = f"the server reading {backup.name}"
    with loading(program, lambda folder: backup.install(folder, progress), name, progress.pause) as (
        source,
        cut,
    ):
        if cut:
            progress.log(
                "WARN", f"Backup file {backup.name} is truncated; it is imported up to that point.", "cut"
            )
        meter = Meter(source, target, progress, *part)
        copy_functions(source, target, progress)
        copy_keys(source, target, meter, progress)
    progress.log("INFO", f"Imported {meter.copied} keys from {backup.name}.", "imported")
