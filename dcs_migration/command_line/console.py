"""The output of a command: lines that fit the terminal, JSON, errors; everything is scrubbed."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TextIO

from dcs_migration.command_line.words import translated
from dcs_migration.dcs.texts import clean
from dcs_migration.life_cycles.secrets import scrub

PROGRAM = "dcs-migration"
_NARROWEST, _DEFAULT, _WIDEST = 40, 80, 120
_SEPARATOR = " · "


class OutputLost(Exception):
    """Standard output can't be written: a full disk."""


@dataclass
class Console:
    """The streams of a command."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    source: BinaryIO | None = field(
        default_factory=lambda: getattr(sys.stdin, "buffer", None)
    )  # None if it's closed
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def is_terminal(self) -> bool:
        """Whether the output is a terminal: only a terminal gets colors and progress bars."""
        return self.out.isatty() and self.environ.get("TERM") != "dumb"

    @property
    def width(self) -> int:
        """The maximum columns of a line."""
        try:
            columns = int(self.environ.get("COLUMNS") or os.get_terminal_size(self.out.fileno()).columns)
        except (OSError, ValueError, AttributeError):
            columns = _DEFAULT
        return min(max(columns or _DEFAULT, _NARROWEST), _WIDEST)

    def line(self, text: str = "") -> None:
        """Write one line immediately, because someone may be reading from a pipe."""
        self._print(plain(text))

    def wrapped(self, text: str, first: str, rest: str) -> None:
        """Write a text wrapped into lines, each with a prefix."""
        for line in textwrap.wrap(
            plain(text),
            self.width,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        ):
            self.line(line)

    def details(self, parts: Iterable[str], indent: str) -> None:
        """Write short facts, several on each line."""
        line = ""
        for part in map(plain, filter(None, parts)):
            if line and len(indent) + len(line) + len(_SEPARATOR) + len(part) > self.width:
                self.line(f"{indent}{line}")
                line = ""
            line += f"{_SEPARATOR}{part}" if line else part
        if line:
            self.line(f"{indent}{line}")

    def table(self, rows: Sequence[Sequence[str]]) -> list[str]:
        """Return rows as lines with aligned columns; the last column isn't padded or cut."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]

    def json(self, value: Any) -> None:
        """Write a JSON document."""
        self._print(json.dumps(_plain(value), indent=2))

    def _print(self, text: str) -> None:
        try:
            print(text, file=self.out, flush=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(f"can't write to standard output: {error.strerror}") from None

    def error(self, text: str) -> None:
        """Write one or more error lines."""
        for line in text.splitlines():
            self.error_text(f"{PROGRAM}: {plain(line)}")

    def error_text(self, text: str) -> None:
        """Write a text to standard error. If that isn't possible, the exit code still shows what happened."""
        try:
            print(text, file=self.err, flush=True)
        except OSError:
            discard(self.err)


def discard(stream: TextIO) -> None:
    """Keep Python from writing again at its end what could not be written, which would change the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def plain(text: str) -> str:
    """Return a printable text: without secrets and control characters, in this command's words."""
    # Scrubbed first, because a translation could change a secret, which then wouldn't be found.
    return scrub(clean(translated(scrub(text)), scrub))


def _plain(value: Any) -> Any:
    """Return a document with all its texts printable; the keys are ours and aren't changed."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
