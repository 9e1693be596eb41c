"""The page of all messages is what the code says, and the messages are in plain English."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dcs_migration.native.names import translated
from tests.docs.pages import ROOT, Page
from tools import messages

PAGE = Page(ROOT / "docs" / "messages.md")

ARCHAIC = (
    *("shall", "nobody", "whoever", "hence", "lest", "thus", "ought", "bears", "begun", "unfinished"),
    *("mend", "mended"),
)

SOURCE = '''
class Broken(Exception):
    """A docstring is no message."""

NAMESPACE = "huaweicloud"
HINT = f"unset {NAMESPACE}:region, and try it again"

def problems(settings):
    if settings.bad:
        yield f"the region {settings.region} is not known; {HINT}"

def check(settings):
    return CheckResult({}, list(problems(settings)))

def again(rows):
    return f"{', '.join(row.id for row in rows)} runs once more"

class Task:
    def run(self, rows):
        self._engine.log("WARNING", f"adopted a task; {again(rows)}", None)
        self._say("waiting for it to end")
        raise Broken("nothing was started here")
'''


def test_it_is_up_to_date() -> None:
    """`python tools/messages.py` would write nothing new."""
    # A process of its own: Pythons before 3.11.5 may fail to parse while other threads of a worker run (gh-106905).
    subprocess.run([sys.executable, "tools/messages.py", "--check"], cwd=ROOT, check=True)


def test_a_text_is_what_is_done_with_it(tmp_path: Path) -> None:
    """It is followed through a constant, a generator and a function; texts that aren't messages are left out."""
    (tmp_path / "module.py").write_text(SOURCE)
    assert {message.text: message.kind for message in messages.messages(tmp_path)} == {
        "unset huaweicloud:region, and try it again": "error",
        "the region {settings.region} is not known; {hint}": "error",
        "{row.id} runs once more": "warning",
        "adopted a task; {rows}": "warning",
        "waiting for it to end": "progress",
        "nothing was started here": "error",
    }


def test_no_message_has_an_archaic_word() -> None:
    """A user reads them under pressure, in a second language."""
    found = [line for line in PAGE.text.splitlines() if re.search(rf"\b({'|'.join(ARCHAIC)})\b", line, re.I)]
    assert not found


def test_no_language_but_python_is_told_python_s_options() -> None:
    """The native provider rewords what the lifecycles say about resource options, for programs in any language."""
    sections = re.split(r"^## ", PAGE.text, flags=re.M)
    of_life_cycles = [
        part for part in sections if part.startswith(("Inputs", "Waits", "Online", "Tasks", "State"))
    ]
    assert len(of_life_cycles) == 5
    rows = [translated(row) for part in of_life_cycles for row in part.splitlines()]
    assert not [row for row in rows if re.search(r"opts\b|ResourceOptions|custom_timeouts|=True", row)]


def test_an_old_page_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` fails, and says what to do, where the page is another or is missing."""
    monkeypatch.setattr(messages, "PAGE", tmp_path / "messages.md")
    monkeypatch.setattr(messages, "messages", list)
    for text in (None, "old"):
        if text is not None:
            messages.PAGE.write_text(text)
        assert messages.main(["--check"]) == 1
        assert "run `python tools/messages.py`" in capsys.readouterr().err
