"""Which server can read another server's data. It depends on the version of the RDB format, for files, keys and
replication."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

REDIS, VALKEY = "Redis", "Valkey"

# The first server with each version of the format (RDB_VERSION in src/rdb.h).
_WRITTEN: dict[str, tuple[tuple[tuple[int, int], int], ...]] = {
    REDIS: (
        ((2, 6), 6),
        ((3, 2), 7),
        ((4, 0), 8),
        ((5, 0), 9),
        ((7, 0), 10),
        ((7, 2), 11),
        ((7, 4), 12),
        ((8, 6), 13),
        ((8, 8), 14),
        ((8, 10), 15),
    ),
    VALKEY: (((7, 2), 11), ((9, 0), 80)),
}
_LAST_COMMON = 11
_FIRST_OF_VALKEY = 80
_SEVEN = (7, 0)

_MAGIC = re.compile(rb"REDIS(\d{4})|VALKEY(\d{3})")
_WRITER = re.compile(rb"(redis|valkey)-ver(.)([0-9.]+)", re.DOTALL)
_NUMBER = re.compile(r"(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class Version:
    """A server's product and version; without a number it is unknown, and everything is allowed."""

    product: str
    number: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.product} {'.'.join(map(str, self.number)) or 'of an unknown version'}"

    @property
    def rdb(self) -> int:
        """The version of the format that it writes."""
        written = _WRITTEN[self.product]
        return next((rdb for first, rdb in reversed(written) if self.number >= first), written[0][1])

    @property
    def of_seven(self) -> bool:
        """Whether it reads append-only files with timestamps, and folders with a manifest."""
        return self.number >= _SEVEN

    def takes(self, rdb: int) -> bool:
        """Whether it reads this version of the format."""
        if not self.number:
            return True
        if self.product == VALKEY and _LAST_COMMON < rdb < _FIRST_OF_VALKEY:
            return False  # Redis added these after Valkey's fork
        return rdb <= self.rdb

    def replicates_to(self, replica: Version) -> int:
        """Return the version of the format that it sends to a replica: Valkey writes an old version for other
        products."""
        if self.rdb < _FIRST_OF_VALKEY or replica.rdb >= _FIRST_OF_VALKEY:
            return self.rdb
        return _LAST_COMMON


def needed(rdb: int) -> str:
    """Name the oldest servers that read this version of the format."""
    product = VALKEY if rdb >= _FIRST_OF_VALKEY else REDIS
    for (major, minor), written in _WRITTEN[product]:
        if written >= rdb:
            return f"{product} {major}.{minor} or newer"
    return f"a newer {product}"


def readable(rdb: int, reader: Version) -> str:
    """Name the servers that may have written this version of the format, and whose files a server reads."""
    valkey = rdb >= _FIRST_OF_VALKEY and reader.takes(_WRITTEN[VALKEY][0][1])
    product = VALKEY if valkey else REDIS
    for (major, minor), written in _WRITTEN[product]:
        if not reader.takes(written):
            return f"a {product} older than {major}.{minor}"
    return f"an older {product}"


def version_of(info: Mapping[str, Any]) -> Version:
    """Return the version of the server whose INFO this is."""
    if info.get("server_name") == "valkey":
        return Version(VALKEY, _number(str(info.get("valkey_version"))))
    return Version(REDIS, _number(str(info.get("redis_version"))))


def version_in(said: str) -> Version:
    """Return the version from a server's ``--version``."""
    return Version(VALKEY if said.startswith(VALKEY) else REDIS, _number(said))


def rdb_of(start: bytes) -> int | None:
    """Return the version of the format from a file's start; None if it isn't an RDB file."""
    match = _MAGIC.match(start)
    return None if match is None else int(match[1] or match[2])


def writer_of(start: bytes) -> Version | None:
    """Return the server that wrote a file, if the file's start shows it."""
    match = _WRITER.search(start)
    if match is None:
        return None
    return Version(match[1].decode().capitalize(), _number(match[3][: match[2][0]].decode()))


def listed(versions: Iterable[Version]) -> str:
    """Name these versions without duplicates."""
    *others, last = sorted({str(version) for version in versions})
    return f"{', '.join(others)} and {last}" if others else last


def _number(text: str) -> tuple[int, ...]:
    match = _NUMBER.search(text)
    return tuple(map(int, match.groups())) if match else ()
