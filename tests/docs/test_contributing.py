"""CONTRIBUTING.md leads to files that exist."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import ROOT

TABLE = re.findall(r"^\| .*\? \| (.*) \|$", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
NAMED = sorted({path for row in TABLE for path in re.findall(r"`([\w./*]+\.(?:py|json))`", row)})


@pytest.mark.parametrize("path", NAMED)
def test_a_file_that_is_named_exists(path: str) -> None:
    """From the repository, from the package, or next to the previous file."""
    folders = (ROOT, ROOT / "dcs_migration", ROOT / "dcs_migration" / "life_cycles")
    beside = (ROOT / "dcs_migration" / "life_cycles" / name for name in ("tasks", "online_migration"))
    assert any(list(folder.glob(path)) for folder in (*folders, *beside))


def test_every_question_has_an_answer() -> None:
    """The table is read at all."""
    assert len(NAMED) > 20
