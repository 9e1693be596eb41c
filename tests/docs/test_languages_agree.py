"""A Chinese page matches the English page: same structure, code, numbers and links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.docs.pages import ROOT, Page
from tools import translations as module
from tools.translations import (
    FENCE,
    HEADING,
    LINK,
    TRANSLATED,
    localized,
    outdated,
    translation_of,
    translations,
)

TRANSLATIONS = [Page(file) for file in translations()]
GLOSSARY = (ROOT / "tools" / "glossary.zh-CN.md").read_text("utf-8")
AVOIDED = {
    word
    for row in re.findall(r"^\|.*\| ([^|]+) \|$", GLOSSARY, re.MULTILINE)
    for word in row.split("，")
    if word not in ("不用", "")
}

_CODE = re.compile(r"`[^`\n]+`")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_BROKEN = re.compile(r"[\u3000-\u9fff\uff00-\uffef]\n(?!\d+\. )[\u3000-\u9fff`*\[\w\uff00-\uffef].*")
_TAG = re.compile(r"<[^>]+>")
_CHINESE = "[\u4e00-\u9fff]"
_MISPRINT = re.compile(
    rf"{_CHINESE} +[\w`]|[\w`] +{_CHINESE}|{_CHINESE}[,;:!?()]|[,;:!?()]{_CHINESE}|[（，。；：、] (?!\|)| [），。；：、]"
)

each_translation = pytest.mark.parametrize("page", TRANSLATIONS, ids=lambda page: page.name)


def original(page: Page) -> Page:
    """The page in English."""
    return Page(page.path.with_name(page.path.name.removesuffix(TRANSLATED) + ".md"))


def prose(page: Page) -> str:
    """The text without code blocks, and without the line with the link to the other language."""
    counterpart = {translation_of(page.path), original(page).path}
    lines = FENCE.sub("", page.text).splitlines()
    return "\n".join(
        line
        for line in lines
        if not any((page.path.parent / link).resolve() in counterpart for link in LINK.findall(line))
    )


def rows(page: Page) -> list[list[int]]:
    """The number of cells in each row of each table."""
    tables: list[list[int]] = []
    before = ""
    for line in prose(page).splitlines():
        if line.startswith("|"):
            if not before.startswith("|"):
                tables.append([])
            tables[-1].append(len(re.findall(r"(?<!\\)\|", line)))
        before = line
    return tables


def code(page: Page) -> set[str]:
    """The inline code in the text."""
    return set(_CODE.findall(prose(page)))


def numbers(page: Page) -> set[str]:
    """The numbers in the text; a number written as a word must be written in characters (three: 三)."""
    return set(_NUMBER.findall(LINK.sub("]", _CODE.sub("", _TAG.sub("", prose(page))))))


def test_there_are_translations() -> None:
    """The translated pages and the words to avoid are found."""
    assert ROOT / "docs" / "reference.zh-CN.md" in [page.path for page in TRANSLATIONS]
    assert {"密匙", "目的Redis", "堆栈"} <= AVOIDED


@each_translation
def test_headings_are_the_same(page: Page) -> None:
    """Same number and levels, so that an English anchor identifies a Chinese heading."""
    levels, expected = (
        [marks for marks, _ in HEADING.findall(prose(each))] for each in (page, original(page))
    )
    assert levels == expected


@each_translation
def test_blocks_are_the_same(page: Page) -> None:
    """Every block is identical, so the tests of the English page cover it."""
    assert FENCE.findall(page.text) == FENCE.findall(original(page).text)


@each_translation
def test_tables_are_the_same(page: Page) -> None:
    """Same number of tables, rows and cells."""
    assert rows(page) == rows(original(page))


@each_translation
def test_code_and_numbers_are_the_same(page: Page) -> None:
    """If a command, a name or a number changes in English, the Chinese page must change."""
    assert not code(page) ^ code(original(page))
    assert not numbers(page) ^ numbers(original(page))


@each_translation
def test_links_lead_to_the_same_places(page: Page) -> None:
    """Links lead to the translation, if there is one."""
    english = original(page)
    expected = [localized(link, english.path) for link in LINK.findall(prose(english))]
    assert sorted(LINK.findall(prose(page))) == sorted(expected)


@each_translation
def test_terms_are_those_of_the_glossary(page: Page) -> None:
    """No page has a word that the glossary says to avoid."""
    assert not [word for word in sorted(AVOIDED) if word in page.text]


@each_translation
def test_a_paragraph_is_one_line(page: Page) -> None:
    """A line break between Chinese characters is shown as a space."""
    text = "\n".join("" if line.startswith("|") else line for line in prose(page).splitlines())
    assert not (found := _BROKEN.search(text)), found


@each_translation
def test_punctuation_is_chinese(page: Page) -> None:
    """Punctuation has full width, and no space separates Chinese from letters, digits or code."""
    text = LINK.sub("]", _CODE.sub("`x`", prose(page)))
    assert not (found := _MISPRINT.search(text)), text[max(0, found.start() - 20) : found.end() + 20]


@each_translation
def test_bold_text_is_bold_on_github(page: Page) -> None:
    """CommonMark doesn't close bold between punctuation or code and a Chinese character."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page.text)
    texts = [child.content for token in tokens for child in token.children or () if child.type == "text"]
    assert not [text for text in texts if "**" in text]


def test_links_are_pointed_at_translations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m tools.translations` does this, except for the link to the English page."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in {
        "a.md": "# A\n\n## Two\n",
        "a.zh-CN.md": "# 甲\n\n## 二\n",
        "b.md": "# B\n",
        "b.zh-CN.md": "# 乙\n\n[English](b.md)\n\n[二](a.md#two) [丙](c.md) [网](https://example.com/a.md)\n",
        "c.md": "# C\n",
    }.items():
        (folder / name).write_text(text, "utf-8")
    monkeypatch.setattr(module, "translations", lambda: translations(tmp_path))
    for _ in range(2):
        module.point_to_translations()
        links = LINK.findall((folder / "b.zh-CN.md").read_text("utf-8"))
        assert links == ["b.md", "a.zh-CN.md#二", "c.md", "https://example.com/a.md"]


def test_each_section_was_translated_after_it_last_changed() -> None:
    """A sentence can change without its code and numbers: then, too, someone looks at the translation."""
    assert not outdated(), "update these sections, then run: python -m tools.translations --translated"


def test_a_changed_sentence_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is, until the translation is recorded as up to date; other line breaks aren't a change."""
    page = tmp_path / "a.md"
    (tmp_path / "a.zh-CN.md").write_text("# 甲\n", "utf-8")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "RECORD", tmp_path / "translated.json")
    monkeypatch.setattr(module, "translations", lambda: translations(tmp_path))
    text = "# A\n\n## Two\n\nOne thing.\n\n## Two\n\nAnother\nthing.\n\n```sh\nrun\n```\n"
    page.write_text(text)
    assert module.main(["--translated"]) == 0
    page.write_text(text.replace("Another\nthing", "Another thing").replace("run", "run it"))
    assert module.main([]) == 0
    page.write_text(text.replace("Another", "One more"))
    assert module.main([]) == 1
    assert capsys.readouterr().out == "changed after it was translated: a.md#two-1\n"
    assert module.main(["--translated"]) == 0


def test_a_stale_translation_is_found(tmp_path: Path) -> None:
    """Each check fails for a page with that difference."""
    english = "# A\n\n[B](b.md#two)\n\n| x | y |\n|---|---|\n| `a` | 10 |\n\n```sh\nrun\n```\n\n## C\n"
    chinese = (
        "# 甲\n\n[乙](b.zh-CN.md#二)\n\n| x | y |\n|---|---|\n| `a` | 10 |\n\n```sh\nrun\n```\n\n## 丙\n"
    )
    (tmp_path / "b.md").write_text("# B\n\n## Two\n")
    (tmp_path / "b.zh-CN.md").write_text("# 乙\n\n## 二\n")
    (tmp_path / "a.md").write_text(english)
    page = Page(tmp_path / "a.zh-CN.md")
    checks = {
        "## 丙": test_headings_are_the_same,
        "run": test_blocks_are_the_same,
        "| `a` | 10 |\n": test_tables_are_the_same,
        "10": test_code_and_numbers_are_the_same,
        "`a`": test_code_and_numbers_are_the_same,
        "b.zh-CN.md#二": test_links_lead_to_the_same_places,
        "[乙]": test_a_paragraph_is_one_line,
        "| `a` | 10 |": test_bold_text_is_bold_on_github,
        "甲": test_terms_are_those_of_the_glossary,
        "# 甲": test_punctuation_is_chinese,
        "丙": test_punctuation_is_chinese,
    }
    wrong = {
        "| `a` | 10 |": "**甲。**乙",
        "[乙]": "见下\n[乙]",
        "甲": "密匙",
        "# 甲": "# 甲 `a`",
        "丙": "丙:",
    }
    for part, check in checks.items():
        page.path.write_text(chinese)
        check(page)
        page.path.write_text(chinese.replace(part, wrong.get(part, "")))
        with pytest.raises(AssertionError):
            check(page)
