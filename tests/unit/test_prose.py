"""The check of the prose: what counts as prose, what is found in it, and where."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools import prose, prose_words

Reader = Callable[[str], Iterator[prose.Paragraph]]

# A sentence for each pattern of the table, in its order.
PLANTED = [
    "It shall work.",
    "Mend the file.",
    "Ask anew.",
    "It is full, hence slow.",
    "It is nevertheless fast.",
    "Look first, lest it run twice.",
    "Go whence it came.",
    "The file and what is therein.",
    "Wait till the end.",
    "It seldom fails.",
    "It is very slow.",
    "It is deemed done.",
    "Nobody names it.",
    "Any owner, whoever it is.",
    "Wait an hour at the most.",
    "Wait as far as you can.",
    "Decide as to whether it runs.",
    "The import has begun.",
    "Two strangers call it.",
    "One task is unfinished.",
    "An unasked import.",
    "The rooms of the package.",
    "The life cycle of a task.",
    "The file beside it.",
    "It waits in vain.",
    "Run it in order to test.",
    "You need not wait.",
    "The import goes on.",
    "It makes up an id.",
    "There are two ways on.",
    "The error speaks of a port.",
    "It tells whether it works.",
    "It bears a name.",
    "The task is gone.",
    "It stands in the state.",
    "It stays as it was.",
    "It hands over the task.",
    "The provider knows no region.",
    "That is no address.",
    "Three tasks, two of which failed.",
    "This is a task of yours.",
    "The task has the mark.",
    "It behaves otherwise than before.",
    "It waits. Does it not show up, the run fails.",
]


@pytest.mark.parametrize(
    ("sentence", "instead"),
    list(zip(PLANTED, [instead for _, instead in prose_words.PATTERNS], strict=True)),
)
def test_each_pattern_finds_its_sentence(sentence: str, instead: str) -> None:
    """And no other pattern does."""
    (found,) = prose.check("page.md", prose.of_markdown(sentence))
    assert found.rule == "words"
    assert found.message.endswith(f"write {instead}")


@pytest.mark.parametrize(
    "sentence",
    [
        "There is no task, and it is no longer shown.",
        "Make up for lost time.",
        "It has its owner mark and the Pulumi engine.",
        "Is it done?",
        "The heading has the mark of a page.",
        "Write `shall` as code.",
        "Follow [the link](https://example.com/shall-anew).",
    ],
)
def test_plain_english_and_code_are_left_alone(sentence: str) -> None:
    """Patterns have exceptions where English does."""
    assert prose.check("page.md", prose.of_markdown(sentence)) == []


def test_proselint_is_asked_too() -> None:
    """One of its rules, and one that is switched off."""
    (found,) = prose.check("page.md", prose.of_markdown("It said 'to be' for ever, (c) 2026."))
    assert str(found) == "page.md:1: proselint archaism: 'for ever' is archaic."


MARKDOWN = """# It shall be a heading

Text that is
wrapped and is
gone.

| a | b |
|---|---|
| it begins | yes |
| yes | yes |

```python
nobody = "shall"
```
"""
PYTHON = '''"""It shall be a docstring.

Wrapped text that is
gone.

Example:
    nobody = "shall"

Returns:
    It begins here.
"""

name: str = "nobody"
"""The name of ``nobody``, which goes on."""

# A comment that is
# gone.
print("it shall", "goes on")  # noqa: T201 and nobody
'''
MESSAGES = '''"""It shall be a docstring."""

NAME = "it begins here"
fail("it begins" " here and " f"{NAME} shall end")
fail(f"{NAME} knows `shall` and is gone")
fail("half a pair, \\ud83d, shall not stop it")
'''
JSON = """{
  "description": "It shall be one.",
  "properties": {
    "description": {"type": "string", "description": "It \\"begins\\" here."}
  }
}
"""


@pytest.mark.parametrize(
    ("reader", "text", "lines"),
    [
        (prose.of_markdown, MARKDOWN, [1, 4, 9]),
        (prose.of_python, PYTHON, [1, 3, 10, 14, 16]),
        (prose.of_json, JSON, [2, 4]),
        (prose.of_messages, MESSAGES, [4, 4, 5, 6]),
    ],
)
def test_findings_have_the_line_where_they_start(reader: Reader, text: str, lines: list[int]) -> None:
    """Across line breaks, too; examples and code blocks are not prose, and neither are strings of three words."""
    assert [found.line for found in prose.check("file", reader(text))] == lines


def test_the_exit_code_says_whether_there_are_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each finding is a line on standard output."""
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "clean.md").write_text("Plain words.\n", "utf-8")
    (tmp_path / "docs" / "data.json").write_text(json.dumps({"description": "It shall be data."}), "utf-8")
    assert prose.main(["docs"]) == 0
    assert capsys.readouterr().out == ""
    (tmp_path / "docs" / "page.md").write_text("Two lines.\nIt is gone, and it begins.\n", "utf-8")
    assert prose.main(["docs"]) == 1
    assert capsys.readouterr().out == (
        "docs/page.md:2: words: 'begins': write start, starts, started\n"
        "docs/page.md:2: words: 'is gone': write no longer exists\n"
    )
    (tmp_path / "docs" / "code.py").write_text('fail("the last task is gone")\n', "utf-8")
    assert prose.main(["docs/code.py"]) == 0
    assert prose.main(["docs/code.py", "--messages"]) == 1
    assert capsys.readouterr().out == "docs/code.py:1: words: 'is gone': write no longer exists\n"
    assert prose.main(["--all", "--counts"]) == 1
    assert capsys.readouterr().out == "    2 docs/page.md\n    2 in all\n"


def test_without_paths_the_clean_ones_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Except the files that come later."""
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    monkeypatch.setattr(prose, "CLEAN", ("docs",))
    monkeypatch.setattr(prose, "LATER", ("docs/later.md",))
    (tmp_path / "docs").mkdir()
    for name in ("later.md", "page.md"):
        (tmp_path / "docs" / name).write_text("It is gone.\n", "utf-8")
    (tmp_path / "README.md").write_text("It is gone.\n", "utf-8")
    assert prose.main([]) == 1
    assert capsys.readouterr().out == "docs/page.md:1: words: 'is gone': write no longer exists\n"


def test_the_clean_paths_exist() -> None:
    """A path that was renamed would no longer be checked."""
    assert all(list(prose.files_of([path])) for path in (*prose_words.CLEAN, *prose_words.LATER))


def test_messages_use_contractions() -> None:
    """Only messages: the texts of the service in the emulator are spelled as the service spells them."""
    message = 'fail("the region is not a valid region")'
    (found,) = prose.check("module.py", prose.of_messages(message), messages=True)
    assert found.message == "'is not': write isn't, doesn't, can't"
    assert prose.check("module.py", prose.of_messages(message)) == []
    assert prose.check(prose_words.SERVICE_TEXTS[0], prose.of_messages(message), messages=True) == []
    assert (
        prose.check("module.py", prose.of_messages('fail("it is not only slow but full")'), messages=True)
        == []
    )
