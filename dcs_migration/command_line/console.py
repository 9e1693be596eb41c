"""Where a command writes: lines that fit the terminal, JSON, errors; everything is scrubbed."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

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
    """The streams of a run."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    source: TextIO = field(default_factory=lambda: sys.stdin)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at the output: colours and moving bars are for terminals alone."""
        return self.out.isatty() and self.environ.get("TERM") != "dumb"

    @property
    def width(self) -> int:
        """The columns that a line may take."""
        try:
            columns = int(self.environ.get("COLUMNS") or os.get_terminal_size(self.out.fileno()).columns)
        except (OSError, ValueError, AttributeError):
            columns = _DEFAULT
        return min(max(columns or _DEFAULT, _NARROWEST), _WIDEST)

    def line(self, text: str = "") -> None:
        """Write one line, at once: somebody may read along in a pipe."""
        self._print(plain(text))

    def wrapped(self, text: str, first: str, rest: str) -> None:
        """Write a text over as many lines as it takes, with what each begins with."""
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
        """Write short facts, as many on a line as fit."""
        line = ""
        for part in map(plain, filter(None, parts)):
            if line and len(indent) + len(line) + len(_SEPARATOR) + len(part) > self.width:
                self.line(f"{indent}{line}")
                line = ""
            line += f"{_SEPARATOR}{part}" if line else part
        if line:
            self.line(f"{indent}{line}")

    def table(self, rows: Sequence[Sequence[str]]) -> list[str]:
        """Return rows as lines with aligned columns; the last column is as long as it is."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]

    def json(self, value: Any) -> None:
        """Write a document."""
        self._print(json.dumps(_plain(value), indent=2))

    def _print(self, text: str) -> None:
        try:
            print(text, file=self.out, flush=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(f"can't write to standard output: {error.strerror}") from None

    def error(self, text: str) -> None:
        """Write a line, or some, about what went wrong."""
        for line in text.splitlines():
            print(f"{PROGRAM}: {plain(line)}", file=self.err, flush=True)


def plain(text: str) -> str:
    """Return a text as it may be printed: no secret, no control characters, in the words of this command."""
    return scrub(clean(translated(text), scrub))


def _plain(value: Any) -> Any:
    """Return a document with every text in it plain; its keys are ours, whatever the secrets are."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
