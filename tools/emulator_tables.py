"""The tables of docs/emulator.md: generates the columns from the emulator's code, and keeps the descriptions.

A new name in the code gets a row without a description, which someone must write. The row of a removed name is removed.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from dcs_emulator.app import ROUTES
from dcs_emulator.control import Control
from dcs_emulator.faults import FAULTS
from dcs_emulator.options import arguments
from dcs_emulator.quirks import QUIRKS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "emulator.md"
TO_WRITE = "TO BE WRITTEN"

Row = list[str]


def rewritten(page: str) -> str:
    """Return the page with its tables as the code has them."""
    for heading, rows in TABLES.items():
        start, end = place(page, heading)
        head, rule, *_ = page[start:end].splitlines()
        width = len(_cells(head))
        words = {row[0]: row for row in _rows(page, heading)}
        lines = []
        for row in rows(page):
            # The code's cells come first; the other cells are kept.
            kept = words.get(row[0], [])[len(row) :] or [TO_WRITE] * (width - len(row))
            lines.append("|" + "".join(f" {cell} |" if cell else " |" for cell in [*row, *kept]))
        page = page[:start] + "\n".join([head, rule, *lines, ""]) + page[end:]
    return page


def unwritten(page: str) -> list[str]:
    """Return the names in the tables without a description."""
    rows = (row for heading in TABLES for row in _rows(page, heading))
    return [row[0] for row in rows if TO_WRITE in row]


def _operations(page: str) -> Iterator[Row]:
    for name, method, path in ROUTES:
        yield [_code(name), _code(f"{method} {path.replace('<', '{').replace('>', '}')}")]


def _options(page: str) -> Iterator[Row]:
    yield ["`--allow-remote`", ""]
    for argument in arguments().values():
        is_known = argument.shown is not None and not argument.many
        yield [_code(argument.flag), _code(str(argument.shown)) if is_known else "none"]
    yield ["`--help`", ""]


def _quirks(page: str) -> Iterator[Row]:
    questions = {name: row[0] for row in _rows(page, "What nobody knows") for name in names(row[3])}
    for name, quirk in QUIRKS.items():
        value = quirk.default
        default = "" if value is None else _code(f"{value:g}" if isinstance(value, float) else value)
        yield [_code(name), quirk.description, default, questions.get(name, "")]


def _faults(page: str) -> Iterator[Row]:
    for name, description in FAULTS.items():
        yield [_code(name), description]


def _control_calls(page: str) -> Iterator[Row]:
    for method, path in re.findall(r'\("(GET|POST|DELETE)", "([^"]+)"', inspect.getsource(Control.__init__)):
        yield [_code(f"{method} {path.replace('<task_id>', '{id}')}")]


TABLES: dict[str, Callable[[str], Iterator[Row]]] = {
    "Command line": _options,
    "Control calls": _control_calls,
    "Faults": _faults,
    "Quirks": _quirks,
    "Operations": _operations,
}


def names(cell: str) -> list[str]:
    """Return what is written as code in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def _code(text: str) -> str:
    return f"`{text}`"


def place(page: str, heading: str) -> tuple[int, int]:
    """Return where the first table below a heading starts and ends."""
    found = re.search(rf"^#+ {heading}\n(?:(?!#|\|).*\n)*((?:\|.*\n)+)", page, re.MULTILINE)
    assert found is not None, f"docs/emulator.md has no table below {heading}"
    return found.span(1)


def _rows(page: str, heading: str) -> list[Row]:
    start, end = place(page, heading)
    return [_cells(line) for line in page[start:end].splitlines()[2:]]


def _cells(line: str) -> Row:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", inner)]
