"""Every page is in form: its links lead somewhere, its blocks parse, its commands exist."""

from __future__ import annotations

import ast
import functools
import json
import re
import shlex
import subprocess
from collections.abc import Callable

import pytest
import yaml

from tests.docs.pages import ROOT, TRANSLATED, Page, all_pages, own_pages

PARSERS: dict[str, Callable[[str], object]] = {
    "python": ast.parse,
    "yaml": yaml.safe_load,
    "json": json.loads,
    "console": lambda text: [shlex.split(line) for line in text.splitlines() if line.startswith("$ ")],
    "text": str,
    "typescript": str,  # the compilers of both read them in `make languages`
    "go": str,
    "mermaid": str,
}


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Page) -> None:
    """Every link of a page names a file that is there, and a heading in it."""
    for link in page.links():
        file, _, anchor = link.partition("#")
        target = (page.path.parent / file).resolve() if file else page.path
        assert target.exists(), link
        assert not anchor or anchor in Page(target).anchors(), link


@pytest.mark.parametrize("page", own_pages(), ids=lambda page: page.name)
def test_blocks_are_in_form(page: Page) -> None:
    """Every block says its language, and parses in it."""
    fences = re.findall(r"^```", page.text, re.MULTILINE)
    assert len(fences) == 2 * len(page.blocks())
    for block in page.blocks():
        PARSERS[block.language](block.text)


def test_every_page_is_in_the_index() -> None:
    """docs/README.md links to every other page, but for their translations."""
    index = Page(ROOT / "docs" / "README.md")
    linked = {(index.path.parent / link).resolve() for link in index.links()}
    pages = {page.path for page in all_pages() if not page.name.endswith(TRANSLATED)}
    assert pages <= linked | {index.path, ROOT / "README.md"}


def test_no_line_is_too_wide() -> None:
    """Text is wrapped, but for tables and blocks: a page can be read in a terminal."""
    for page in own_pages():
        text = re.sub(r"^```.*?^```$", "", page.text, flags=re.DOTALL | re.MULTILINE)
        wide = [line for line in text.splitlines() if len(line) > 132 and not line.startswith("|")]
        assert not wide or page.name == "docs/reference.md", (page.name, wide)


@functools.cache
def options_of(*command: str) -> frozenset[str]:
    """The options that a `pulumi` command has, by its own help."""
    shown = subprocess.run(["pulumi", *command, "--help"], capture_output=True, text=True, check=True).stdout
    usage = shown.partition("Usage:")[2].partition("Flags:")[
        0
    ]  # with the aliases; of the parent, if there is none
    assert command[-1] in re.findall(r"[a-z-]+", usage), command
    return frozenset(re.findall(r"(?:^|\s)(--?[a-z][a-z-]*)", shown.partition("Flags:")[2]))


NESTED = {"config", "package", "plugin", "stack", "state"}


@pytest.mark.parametrize("page", own_pages(), ids=lambda page: page.name)
def test_pulumi_commands_exist(page: Page) -> None:
    """Every `pulumi` command in a console block exists, with its options."""
    for line in page.commands():
        words = shlex.split(line)
        if words[0] != "pulumi":
            continue
        nested = words[1] in NESTED and len(words) > 2 and not words[2].startswith("-")
        command = words[1 : 3 if nested else 2]
        given = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert given <= options_of(*command), line


def test_pulumi_commands_in_the_text_exist() -> None:
    """So does every one in a sentence."""
    for page in own_pages():
        text = re.sub(r"^```.*?^```$", "", page.text, flags=re.DOTALL | re.MULTILINE)
        for line in re.findall(r"`(pulumi [^`]+)`", text):
            given = {word.partition("=")[0] for word in line.split() if word.startswith("--")}
            words = line.split()
            nested = words[1] in NESTED and len(words) > 2 and not words[2].startswith("-")
            assert given <= options_of(*words[1 : 3 if nested else 2]), (page.name, line)
