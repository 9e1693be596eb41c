"""Archives of backups: read within limits, and never written with their members' names."""

from __future__ import annotations

import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeAlias

from dcs_emulator.real_data.backup_files import (
    AOF_SETTINGS,
    AOF_SUFFIX,
    MANIFEST_SUFFIX,
    RDB_SUFFIX,
    START_BYTES,
    Backup,
    Manifest,
    as_what,
    checked_backup,
    copy,
    read_manifest,
    settings_for,
    start_of,
)
from dcs_emulator.real_data.progress import MigrationError, Progress
from dcs_emulator.real_data.servers import AOF, AOF_FOLDER, Settings

ZIP_SUFFIX, TAR_SUFFIX = ".zip", ".tar.gz"
ARCHIVES = (ZIP_SUFFIX, TAR_SUFFIX)

MOST_MEMBERS = 10_000
MOST_BACKUPS = 100
MOST_BYTES = 10 * 1024**3
"""The maximum unpacked size of an archive; the service accepts 10 GB."""
FREE_BYTES = 256 * 1024**2
"""The unpacked size that is always allowed; above it, `MOST_RATIO` times the archive's size."""
MOST_RATIO = 100
_MOST_HEADER_BYTES = 1024**2
_LONGEST_NAME = 200
_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_JUNK = ("__MACOSX", "._", ".DS_Store")

_Opener: TypeAlias = Callable[[], "IO[bytes]"]
_Item: TypeAlias = "tuple[str, _Opener | None] | None"
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    # Values that the libraries use without checking them.
    ArithmeticError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Member:
    """A file in an archive: its number, its name, and its start (for a manifest, the whole content)."""

    number: int
    name: str
    start: bytes

    @property
    def folder(self) -> str:
        """Its folder, with the slash; empty for none."""
        return self.name.rpartition("/")[0] + "/" if "/" in self.name else ""

    @property
    def stem(self) -> str:
        """The common prefix of the names of the manifest's parts, including old parts that aren't in it any more."""
        return self.name[: -len(MANIFEST_SUFFIX)] + "."


def backups_in(key: str, file: Path, progress: Progress) -> tuple[list[Backup], list[str]]:
    """Return the backups of an archive, in its order, and the names of its other files.

    Raises `MigrationError` if it can't be read, is too large or doesn't have a backup, or `Cancelled`.
    """
    start = start_of(key, file)
    members: list[Member] = []
    left_out: list[str] = []
    with _explained(key, start):
        for number, name, open_ in _each(key, file):
            progress.check()
            if name.startswith(_JUNK) or _base(name).startswith(_JUNK):
                continue
            if open_ is None or not name.lower().endswith((RDB_SUFFIX, AOF_SUFFIX, MANIFEST_SUFFIX)):
                left_out.append(name[:_LONGEST_NAME] + (" (not a regular file)" if open_ is None else ""))
                continue
            manifest = name.lower().endswith(MANIFEST_SUFFIX)
            with open_() as stream:
                start = stream.read(_MOST_HEADER_BYTES if manifest else START_BYTES)
            members.append(Member(number, name, start))
    backups = _backups(key, file, members, left_out)
    if not backups:
        instead = f", only {some(left_out)}" if left_out else ""
        raise MigrationError(f"backup file {key} contains no {RDB_SUFFIX} or {AOF_SUFFIX} file{instead}")
    if len(backups) > MOST_BACKUPS:
        raise MigrationError(f"backup file {key} contains more than {MOST_BACKUPS} backups")
    return backups, left_out


def _backups(key: str, file: Path, members: Sequence[Member], left_out: list[str]) -> list[Backup]:
    named = {member.name: member for member in members}
    backups: list[tuple[int, Backup]] = []
    parts: set[str] = set()
    for member in members:
        if member.name.lower().endswith(MANIFEST_SUFFIX):
            manifest = read_manifest(_label(key, member), member.start)
            found = [named.get(member.folder + name) for name in manifest.files]
            if None in found:
                raise MigrationError(f"backup file {manifest.name} lists files that aren't in the archive")
            pieces = [member, *(part for part in found if part is not None)]
            used = {piece.name for piece in pieces}
            old = {other.name for other in members if other.name.startswith(member.stem)} - used
            left_out.extend(sorted(name[:_LONGEST_NAME] for name in old))
            parts |= used | old
            install = partial(_install_manifest, key, file, manifest, [piece.number for piece in pieces])
            base = found[0] if found else None
            start = base.start if base else b"*"
            known = checked_backup(manifest.name, start, install)
            backups.append(
                (member.number, Backup(known.name, known.rdb, known.writer, install, of_seven=True))
            )
    for member in members:
        if member.name not in parts:
            install = partial(_install_file, key, file, member)
            backups.append((member.number, checked_backup(_label(key, member), member.start, install)))
    return [backup for _, backup in sorted(backups, key=lambda item: item[0])]


def some(names: Sequence[str], most: int = 5) -> str:
    """List the first of these names, and the number of others."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _label(key: str, member: Member) -> str:
    return f"{key}: {member.name[:_LONGEST_NAME]}"


def _install_file(key: str, file: Path, member: Member, folder: Path, progress: Progress) -> Settings:
    placed, settings = settings_for(member.name)
    _extract(key, file, {member.number: folder / placed}, progress)
    return settings


def _install_manifest(
    key: str, file: Path, manifest: Manifest, numbers: Sequence[int], folder: Path, progress: Progress
) -> Settings:
    inner = folder / AOF_FOLDER
    inner.mkdir()
    names = (AOF + MANIFEST_SUFFIX, *manifest.files)
    _extract(key, file, {number: inner / name for number, name in zip(numbers, names, strict=True)}, progress)
    return {**AOF_SETTINGS, "appenddirname": AOF_FOLDER, "appendfilename": AOF}


def _extract(key: str, file: Path, places: dict[int, Path], progress: Progress) -> None:
    """Write members, by number, to our own files."""
    left = dict(places)
    with _explained(key):
        for number, _, open_ in _each(key, file):
            progress.check()
            if number in left and open_ is not None:
                with open_() as stream:
                    copy(stream, left.pop(number), progress)
            if not left:
                return
    raise MigrationError(f"backup file {key} changed while it was being read")


def _each(key: str, file: Path) -> Iterator[tuple[int, str, _Opener | None]]:
    """Yield the number, the name and the opener of each file of an archive; they must be read in order.

    Links and devices don't have an opener, and folders are skipped.
    """
    budget = _Budget(key, min(MOST_BYTES, max(FREE_BYTES, MOST_RATIO * file.stat().st_size)))
    read = _in_zip if key.lower().endswith(ZIP_SUFFIX) else _in_tar
    for number, item in enumerate(read(file, budget)):
        if number >= MOST_MEMBERS:
            raise MigrationError(f"backup file {key} contains more than {MOST_MEMBERS:,} files")
        if item is not None:
            yield number, *item


def _in_zip(file: Path, budget: _Budget) -> Iterator[_Item]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.flag_bits & 1:
                raise MigrationError(f"backup file {budget.key} is encrypted; pack it without a password")
            kind = stat.S_IFMT(info.external_attr >> 16)  # 0 if it wasn't packed on Unix
            regular = kind in (0, stat.S_IFREG)
            opener = partial(_zip_member, archive, info, budget) if regular else None
            yield None if info.is_dir() else (info.filename, opener)


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: _Budget) -> IO[bytes]:
    return _counted(archive.open(info), budget)


def _in_tar(file: Path, budget: _Budget) -> Iterator[_Item]:
    # Read it as a stream, so that everything is unpacked only once and nothing is kept.
    with (
        gzip.open(file) as unpacked,
        _counted(unpacked, budget) as counted,
        tarfile.open(fileobj=counted, mode="r|", tarinfo=_Info) as archive,
    ):
        for info in archive:
            budget.foresee(info.size)  # the next member comes after it, even if the file has ended
            opener = partial(_tar_member, archive, info, budget) if info.isreg() else None
            yield None if info.isdir() else (info.name, opener)


def _tar_member(archive: tarfile.TarFile, info: tarfile.TarInfo, budget: _Budget) -> IO[bytes]:
    stream = archive.extractfile(info)
    assert stream is not None  # it is a regular file
    return _counted(stream, budget) if info.issparse() else stream  # a stream doesn't contain holes


class _Info(tarfile.TarInfo):
    """A member with extended headers, which are read into memory, of limited size."""

    @classmethod
    def frombuf(cls, *arguments: Any, **options: Any) -> Any:
        info = super().frombuf(*arguments, **options)
        if info.type in _EXTENSIONS and info.size > _MOST_HEADER_BYTES:
            raise tarfile.ReadError("a header is too large")
        return info


class _Budget:
    """How many bytes of an archive can still be unpacked."""

    def __init__(self, key: str, limit: int) -> None:
        self.key = key
        self._limit = limit
        self._left = limit

    def spend(self, amount: int) -> None:
        """Count bytes. Raises `MigrationError` above the limit."""
        self.foresee(amount)
        self._left -= amount

    def foresee(self, amount: int) -> None:
        """Raise `MigrationError` if this many bytes would exceed the limit."""
        if amount > self._left:
            raise MigrationError(
                f"backup file {self.key} contains more than {self._limit:,} bytes, which is too large"
            )


class _Counted(io.RawIOBase):
    """A stream that counts its bytes."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, budget: _Budget) -> None:
        super().__init__()
        self._stream = stream
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        self._budget.spend(len(data))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _counted(stream: IO[bytes] | gzip.GzipFile, budget: _Budget) -> io.BufferedReader:
    return io.BufferedReader(_Counted(stream, budget))


@contextmanager
def _explained(key: str, start: bytes = b"") -> Iterator[None]:
    broken = f"is corrupt: it can't be unpacked{as_what(key, start)}"
    try:
        yield
    except NotImplementedError:
        raise MigrationError(f"backup file {key} is compressed in an unsupported way") from None
    except _BROKEN:
        raise MigrationError(f"backup file {key} {broken}") from None
    except OSError as error:
        # gzip's error for broken data has no errno
        reason = f"can't be read: {error.strerror}" if error.errno else broken
        raise MigrationError(f"backup file {key} {reason}") from None
