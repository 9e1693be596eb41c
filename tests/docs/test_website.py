"""The site has every page in both languages, has no broken links, and doesn't load anything from another host."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.docs.pages import ROOT, TRANSLATED, Page, all_pages
from tools.translations import anchor
from tools.website.building import build_site, navigation

# What a browser loads with a page, unlike a link that a reader clicks.
LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|embed|object)\b[^>]*?(?:src|srcset|data)=["'](https?:)?//"""
    r"""|<link\b(?![^>]*rel=["']?(?:canonical|alternate|next|prev))[^>]*href=["'](https?:)?//"""
    r"""|@import\s+["'(]?(?:url\()?["']?(https?:)?//|url\(["']?(https?:)?//"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` does."""
    folder = tmp_path_factory.mktemp("built") / "site"
    command = [sys.executable, "-m", "tools.website", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_every_page_is_there_in_both_languages(site: Path) -> None:
    """A page without a translation is in English on the Chinese site."""
    for page in sorted((ROOT / "docs").rglob("*.md")):
        if not page.name.endswith(".zh-CN.md"):
            place = page.relative_to(ROOT / "docs").with_suffix(".html").as_posix().replace("README", "index")
            assert (site / place).is_file(), place
            assert (site / "zh-CN" / place).is_file(), place
    for name in ("index", "CHANGELOG", "CONTRIBUTING", "SECURITY", "examples/fleet/index"):
        assert (site / "repository" / f"{name}.html").is_file(), name


def test_nothing_comes_from_another_host(site: Path) -> None:
    """No page or style sheet loads a script, font or picture from the internet."""
    for file in (*site.rglob("*.html"), *site.rglob("*.css"), *site.rglob("*.svg")):
        assert not (found := LOADED.search(file.read_text("utf-8"))), (file, found)


def test_pages_have_the_parts_that_github_shows(site: Path) -> None:
    """MkDocs' Markdown differs: for example, a list without a blank line before it isn't a list."""
    github = MarkdownIt("commonmark").enable("table")
    for page in all_pages():
        translated = page.name.endswith(TRANSLATED)
        place = page.name.replace(TRANSLATED, ".md")
        place = place.removeprefix("docs/") if place.startswith("docs/") else f"repository/{place}"
        place = place.replace("README", "index").replace(".md", ".html")
        html = (site / ("zh-CN" if translated else "") / place).read_text("utf-8")
        shown = html.partition("<article")[2].partition("</article>")[0]
        expected = github.render(re.sub(r"^```mermaid\n.*?^```$", "", page.text, flags=re.S | re.M))
        for part in ("<li>", "<ol", "<pre", "<strong>", "<table>"):
            assert shown.count(part) == expected.count(part), (page.name, part)


def test_anchors_are_those_of_github(site: Path) -> None:
    """A link to a heading works in both places."""
    html = (site / "guides" / "troubleshooting.html").read_text("utf-8")
    anchors = Page(ROOT / "docs" / "guides" / "troubleshooting.md").anchors()
    assert anchors <= set(re.findall(r'id="([^"]+)"', html))
    assert anchor("Passwords of Redis: `a.b` & c") == "passwords-of-redis-ab--c"
    assert anchor("全量迁移（备份导入）") == "全量迁移备份导入"


def test_the_search_knows_both_languages(site: Path) -> None:
    """The index has the pages, and the scripts for both languages are there."""
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    assert index["config"]["lang"] == ["en", "zh"]
    assert any(entry["location"].startswith("guides/credentials.html") for entry in index["docs"])
    for language in ("multi", "zh"):
        assert list((site / "assets" / "javascripts" / "lunr").rglob(f"lunr.{language}.min.js"))


def written(root: Path, **texts: str) -> Path:
    """Write the pages of a small repository; ``__`` in a name is a folder."""
    for name, text in {"README": "# Index\n", **texts}.items():
        file = root / "docs" / (name.replace("__", "/").replace("_zh", ".zh-CN") + ".md")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return root


def test_a_translation_has_the_anchors_of_its_original(tmp_path: Path) -> None:
    """A link to an English heading works on the Chinese page, and the language line is left out."""
    root = written(
        tmp_path,
        a="# A\n\n[简体中文](a.zh-CN.md)\n\n```sh\n# not a heading\n```\n\n## First steps\n\n[B](guides/b.md#then)\n",
        a_zh="# 甲\n\n[English](a.md)\n\n```sh\n# not a heading\n```\n\n## 第一步：数据迁移\n\n[乙](guides/b.md#then)\n",
        guides__b="# B\n\n## Then\n\n[A](../a.md#first-steps), [code](../../run.py)\n\n```python run.py\nx = 1\n```\n",
    )
    (root / "run.py").write_text("x = 1\n")
    assert build_site(root, root / "build" / "site") == ""
    site = root / "build" / "site"
    chinese = (site / "zh-CN" / "a.html").read_text("utf-8")
    assert 'id="first-steps"' in chinese
    assert 'id="第一步数据迁移"' in chinese
    assert 'href="guides/b.html#then"' in chinese
    assert ">简体中文</a>" not in (site / "a.html").read_text("utf-8").partition("<article")[2]
    assert 'class="filename">run.py<' in (site / "guides" / "b.html").read_text("utf-8")
    assert "x" in (site / "repository" / "run-py.html").read_text("utf-8")
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    assert any("数据\u200b迁移" in entry["title"] for entry in index["docs"])


@pytest.mark.parametrize("link", ["gone.md", "../gone.py", "README.md#gone", "../../outside.md"])
def test_a_broken_link_fails_the_build(link: str, tmp_path: Path) -> None:
    """A warning is an error."""
    root = written(tmp_path / "repository", a=f"# A\n\n[broken]({link})\n")
    assert "warnings in strict mode" in build_site(root, root / "build" / "site")


def test_the_navigation_takes_what_there_is() -> None:
    """Listed pages that don't exist and empty groups are left out; pages that aren't listed come last in their group."""
    listed = [
        "README.md",
        {"Start": [{"Examples": ["repository/examples/README.md"]}]},
        {"Guides": ["guides/b.md", "guides/gone.md"]},
        {"Reference": ["reference.md"]},
        {"About": []},
    ]
    pages = {"README.md", "guides/a.md", "guides/b.md", "reference.md", "new.md", "repository/run-py.md"}
    assert navigation(listed, pages) == [
        "README.md",
        {"Guides": ["guides/b.md", "guides/a.md"]},
        {"Reference": ["reference.md", "new.md"]},
    ]
