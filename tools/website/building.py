"""Builds the site: collects the pages, completes the navigation and runs MkDocs. Every warning is an error."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import jieba
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from tools.translations import TRANSLATED
from tools.website.pages import Pages

HERE = Path(__file__).resolve().parent

# The group of a page that mkdocs.yml doesn't list: the first entry that the path starts with. Of the files outside docs/,
# only READMEs are in the navigation.
GROUPS = {"guides/": "Guides", "repository/examples/": "Examples", "repository/": "About", "": "Reference"}

WORDS = ("割接", "委托", "备份", "续传", "主备", "回切")  # Chinese words that jieba would split


def navigation(listed: list[Any], pages: set[str]) -> list[Any]:
    """Return the navigation with the existing pages: the listed ones, then the others at the end of their groups."""
    left = set(pages)
    groups: dict[str, list[Any]] = {}

    def existing(entries: list[Any]) -> list[Any]:
        found: list[Any] = []
        for entry in entries:
            if isinstance(entry, dict):
                ((title, below),) = entry.items()
                groups[title] = existing(below)
                found.append({title: groups[title]})
            elif entry in left:
                found.append(entry)
                left.remove(entry)
        return found

    result = existing(listed)
    for page in sorted(left):
        if not page.startswith("repository/") or page.endswith("README.md"):
            groups[next(group for start, group in GROUPS.items() if page.startswith(start))].append(page)
    return _without_empty(result)


def _without_empty(entries: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for entry in entries:
        if isinstance(entry, dict):
            ((title, below),) = entry.items()
            if below := _without_empty(below):
                kept.append({title: below})
        else:
            kept.append(entry)
    return kept


def build_site(root: Path, site: Path) -> str:
    """Build the site of a repository into a folder; return the error, or an empty string.

    The pages that MkDocs reads are collected in the folder ``website`` next to it.
    """
    gathered = site.with_name("website")
    Pages(root, gathered).gather()
    shutil.copy(HERE / "website.css", gathered)
    jieba.setLogLevel(logging.WARNING)
    for word in WORDS:
        jieba.add_word(word)
    config = load_config(str(HERE / "mkdocs.yml"), site_dir=str(site), docs_dir=str(gathered))
    pages = {file.relative_to(gathered).as_posix() for file in gathered.rglob("*.md")}
    config.nav = navigation(config.nav or [], {page for page in pages if not page.endswith(TRANSLATED)})
    try:
        build(config)
    except Abort as error:
        return str(error)
    return ""
