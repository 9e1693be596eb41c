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
from dcs_emulator.errors import REFUSAL_CODES
from dcs_emulator.journal import CAPACITY
from tools import emulator_tables, reference
from tools.emulator_tables import names
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


def test_operations_name_questions_that_there_are() -> None:
    """The cells that someone writes say something, and the numbers in the last one are those of questions."""
    for row in table("Operations"):
        assert len(row) == 6, row[0]
        assert row[2], row[0]
        numbers = [int(number) for number in re.findall(r"\b\d+\b", row[5])]
        assert all(number <= QUESTIONS for number in numbers), row[0]


def test_every_code_of_a_refusal_is_named() -> None:
    """The text below the quirks has the values of CODE."""
    assert all(f"`{code}`" in section("Quirks") for code in REFUSAL_CODES)


def test_every_open_question_is_a_quirk() -> None:
    """Each question has a quirk, and both tables agree on each question's quirk."""
    questions = {int(row[0]): names(row[3]) for row in table("What nobody knows")}
    assert list(questions) == list(range(1, QUESTIONS + 1))
    assert all(questions.values())
    told = {name: number for number, quirks in questions.items() for name in quirks}
    assert told == {names(row[0])[0]: int(row[3]) for row in table("Quirks") if row[3]}


def test_every_option_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    """The table of options has what ``--help`` has, no more and no less."""
    with pytest.raises(SystemExit):
        main(["--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out.partition("options:")[2]))
    assert {name for row in table("Command line") for name in names(row[0])} == known


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ("| `--duration` | `5` |", "| `--duration` | `6` |"),
        ("| `delay` | wait, then do it |", "| `delay` | do it |"),
        ("| `retry-after` | a 429 says Retry-After: SECONDS | `3` | 9 |", "| `retry-after` | | `4` | 8 |"),
        ("`DELETE /v2/{project_id}/migration-tasks/delete`", "`DELETE /v1`"),
        ("\n| `DELETE requests` |", "\n| `PUT requests` | sends them |\n| `DELETE requests` |"),
    ],
)
def test_what_the_code_knows_is_written_anew(told: str, wrong: str) -> None:
    """A cell or a row that the code contradicts is fixed, and the words next to it stay."""
    assert told in PAGE
    assert emulator_tables.rewritten(PAGE.replace(told, wrong)) == PAGE


def test_words_that_nobody_wrote_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An operation that is new in the code gets a row, and the check fails until it has words."""
    page = tmp_path / "emulator.md"
    page.write_text(re.sub(r"^\| `ShowJobInfo` \| `GET.*\n", "", PAGE, flags=re.MULTILINE), "utf-8")
    monkeypatch.setattr(emulator_tables, "PAGE", page)
    monkeypatch.setattr(reference, "PAGE", tmp_path / "reference.md")
    assert reference.main(["--check"]) == 1
    assert "docs/emulator.md is not up to date" in capsys.readouterr().err
    for arguments in ([], ["--check"]):
        assert reference.main(arguments) == 1
        assert capsys.readouterr().err == "docs/emulator.md: write the words for `ShowJobInfo`\n"


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
    """The journal's size is in the page."""
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
