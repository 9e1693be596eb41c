"""The page about the emulator says all that there is, and its examples run."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from dcs_emulator.__main__ import main
from dcs_emulator.app import ROUTES
from dcs_emulator.control import Control
from dcs_emulator.errors import REFUSAL_CODES
from dcs_emulator.faults import FAULTS
from dcs_emulator.journal import CAPACITY
from dcs_emulator.options import arguments
from dcs_emulator.quirks import QUIRKS
from tools.strangers.pins import pinned

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
QUESTIONS = 15


def section(heading: str) -> str:
    """Return the text below a heading, up to the next one."""
    match = re.search(rf"^#+ {heading}\n(.*?)(?=^#+ |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert match is not None, heading
    return match[1]


def table(heading: str) -> list[list[str]]:
    """Return the cells of the rows of the first table below a heading."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names(cell: str) -> list[str]:
    """Return what is written as code in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def test_every_operation_has_a_row() -> None:
    """The table of operations is the table of routes, and says something in the cells that count."""
    rows = table("Operations")
    routes = [(name, f"{method} {path.replace('<', '{').replace('>', '}')}") for name, method, path in ROUTES]
    assert sorted((*names(row[0]), *names(row[1])) for row in rows) == sorted(routes)
    for row in rows:
        assert len(row) == 6, row[0]
        assert row[2], row[0]
        numbers = [int(number) for number in re.findall(r"\b\d+\b", row[5])]
        assert all(number <= QUESTIONS for number in numbers), row[0]


def test_every_quirk_has_a_row() -> None:
    """The table of quirks is the one of the code, with its descriptions and defaults."""
    rows = {names(row[0])[0]: row[1:] for row in table("Quirks")}
    assert list(rows) == list(QUIRKS)
    for name, quirk in QUIRKS.items():
        description, default, _ = rows[name]
        assert description == quirk.description
        value = f"{quirk.default:g}" if isinstance(quirk.default, float) else quirk.default
        assert names(default) == ([] if value is None else [value]), name
    assert all(f"`{code}`" in section("Quirks") for code in REFUSAL_CODES)


def test_every_open_question_is_a_quirk() -> None:
    """Each question has a quirk, and both tables tell the same of which quirk is whose."""
    questions = {int(row[0]): names(row[3]) for row in table("What nobody knows")}
    assert list(questions) == list(range(1, QUESTIONS + 1))
    assert all(questions.values())
    told = {name: number for number, quirks in questions.items() for name in quirks}
    assert told == {names(row[0])[0]: int(row[3]) for row in table("Quirks") if row[3]}


def test_every_fault_has_a_row() -> None:
    """The table of faults is the one of the code."""
    assert {names(row[0])[0]: row[1] for row in table("Faults")} == FAULTS


def test_every_option_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    """The table of options has what ``--help`` has, no more and no less."""
    with pytest.raises(SystemExit):
        main(["--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out.partition("options:")[2]))
    assert {name for row in table("Command line") for name in names(row[0])} == known


def test_the_defaults_of_options_are_those_of_the_code() -> None:
    """The table of options has the defaults that ``--help`` has."""
    told = {name: names(row[1]) for row in table("Command line") for name in names(row[0])}
    for argument in arguments().values():
        shown = [] if argument.many or argument.shown is None else [argument.shown]
        assert told[argument.flag] == shown, argument.flag


def test_every_control_call_has_a_row() -> None:
    """The table of control calls is the one of the code."""
    known = re.findall(r'\("(GET|POST|DELETE)", "([^"]+)"', inspect.getsource(Control.__init__))
    told = [tuple(names(row[0])[0].split(" ")) for row in table("Control calls")]
    assert told == [(method, path.replace("<task_id>", "{id}")) for method, path in known]


def test_every_argument_and_method_is_named() -> None:
    """The section about use in process names every argument, method and property of `Emulator`."""
    text = section("In process")
    arguments = set(inspect.signature(Emulator).parameters)
    public = {name for name in vars(Emulator) if not name.startswith("_")} - {
        "quirks",
        "addresses",
    }  # no calls
    assert arguments <= set(names(text))
    assert {f"{name}()" for name in public} <= set(names(text))


def test_clients_of_other_languages() -> None:
    """The table has every operation and the pinned versions; what is not ok is said on purpose."""
    text = section("Clients of other languages")
    heading = next(line for line in text.splitlines() if line.startswith("|"))
    assert [cell.strip() for cell in heading.strip("|").split("|")] == ["operation", *pinned().values()]
    rows = table("Clients of other languages")
    assert [names(row[0]) or row[0] for row in rows] == [*([name] for name, _, _ in ROUTES), "a refusal"]
    assert {cell for row in rows for cell in row[1:]} == {"ok"}


def test_numbers_are_those_of_the_code() -> None:
    """The journal's size stands in the page."""
    assert f"newest {CAPACITY:,} requests" in PAGE


def test_links_lead_somewhere() -> None:
    """Every link within the page has its heading."""
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_python_blocks_run(number: int, tmp_path: Path) -> None:
    """Each block runs by itself, one that has tests under pytest."""
    is_suite = "def test_" in BLOCKS[number]
    file = tmp_path / ("test_block.py" if is_suite else "block.py")
    file.write_text(BLOCKS[number], "utf-8")
    command = [
        sys.executable,
        *(["-m", "pytest", "-q", "-p", "no:cacheprovider"] if is_suite else []),
        file.name,
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "NO_PROXY": "127.0.0.1"},  # the SDK writes into the home
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
