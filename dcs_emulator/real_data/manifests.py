"""Append-only files of several parts: the folder that Redis 7 writes, described by a manifest."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from dcs_emulator.real_data.backup_files import AOF_SETTINGS
from dcs_emulator.real_data.progress import MoveError
from dcs_emulator.real_data.servers import AOF_FOLDER, Settings

MANIFEST_SUFFIX = ".manifest"
_BASE, _INCREMENT, _HISTORY = "b", "i", "h"
_ORDER = (_BASE, _INCREMENT)


@dataclass(frozen=True)
class Manifest:
    """A manifest: its name for messages, that of its file, and the files that it names, the base first."""

    name: str
    file: str
    files: tuple[str, ...]

    @property
    def settings(self) -> Settings:
        """The settings with which a server loads it."""
        return {
            **AOF_SETTINGS,
            "appenddirname": AOF_FOLDER,
            "appendfilename": self.file.removesuffix(MANIFEST_SUFFIX),
        }


def read_manifest(name: str, file: str, text: bytes) -> Manifest:
    """Read ``file NAME seq NUMBER type KIND`` lines; files that are only kept for a while do not count.

    Raises `MoveError` for anything else, names that are paths among it.
    """
    parts: list[tuple[str, str]] = []
    try:
        for line in text.decode("utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                words = shlex.split(line)
                fields = dict(zip(words[::2], words[1::2], strict=True))
                parts.append((fields["type"], fields["file"]))
    except (ValueError, KeyError):
        raise MoveError(f"backup file {name} is corrupt: it is no manifest") from None
    if any("/" in part or part in ("", ".", "..") for _, part in parts):
        raise MoveError(f"backup file {name} names a path where a file's name must stand")
    kinds = {kind for kind, _ in parts}
    if file == MANIFEST_SUFFIX or not kinds & {*_ORDER} or kinds - {*_ORDER, _HISTORY}:
        raise MoveError(f"backup file {name} is corrupt: it is no manifest")
    return Manifest(name, file, tuple(part for wanted in _ORDER for kind, part in parts if kind == wanted))
