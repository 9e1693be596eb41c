"""Pages in two languages: ``page.md`` in English, and ``page.zh-CN.md`` in Chinese with the same headings in the same order.

``python -m tools.translations`` changes links in Chinese pages to link to Chinese pages, if they exist. It then lists the
English sections that changed after they were translated. After you have updated their translations, run
``python -m tools.translations --translated``, which records the text of the English sections.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRANSLATED = ".zh-CN.md"
RECORD = ROOT / "tools" / "translated.json"  # the hash of each English section when it was last translated

FENCE = re.compile(r"^(`{3,})(\w*)(?: +(\S+))?\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


def anchor(title: str, separator: str = "-") -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", re.sub(r"<[^>]+>", "", title).strip().lower()).replace(" ", separator)


def anchors(text: str) -> list[str]:
    """Return the anchors of the headings of a page, in order."""
    return [anchor(title) for _, title in HEADING.findall(FENCE.sub("", text))]


def translation_of(page: Path) -> Path:
    """Return the path of a page's translation, whether it exists or not."""
    return page.with_name(page.name.removesuffix(".md") + TRANSLATED)


def localized(link: str, page: Path) -> str:
    """Return a page's link for its translation: it links to the target's translation, if there is one."""
    file, _, name = link.partition("#")
    target = (page.parent / file).resolve() if file else page
    translation = translation_of(target)
    if ":" in file or target.suffix != ".md" or not translation.is_file():
        return link
    if name:
        names = anchors(target.read_text("utf-8"))
        name = anchors(translation.read_text("utf-8"))[names.index(name)]
    return (file.removesuffix(".md") + TRANSLATED if file else "") + (f"#{name}" if name else "")


def translations(root: Path = ROOT) -> list[Path]:
    """Return the pages in Chinese."""
    found = [*root.glob(f"*{TRANSLATED}"), *(root / "docs").rglob(f"*{TRANSLATED}")]
    return sorted([*found, *(root / "examples").glob(f"*/*{TRANSLATED}")])


def sections(text: str) -> dict[str, str]:
    """Return the hash of the prose of each section of a page, by the section's anchor."""
    found: dict[str, str] = {}
    prose = FENCE.sub("", text)
    starts = [*HEADING.finditer(prose)]
    ends = [*(start.start() for start in starts[1:]), len(prose)]
    for start, end in zip(starts, ends, strict=True):
        words = " ".join(prose[start.start() : end].split())  # a line that is broken elsewhere says the same
        name = anchor(start[2])
        same = sum(each.rpartition("-")[0] == name or each == name for each in found)
        found[f"{name}-{same}" if same else name] = hashlib.sha256(words.encode()).hexdigest()[:12]
    return found


def english() -> dict[str, dict[str, str]]:
    """Return the sections of each English page that has a translation, by its path."""
    pages = (page.with_name(page.name.removesuffix(TRANSLATED) + ".md") for page in translations())
    return {page.relative_to(ROOT).as_posix(): sections(page.read_text("utf-8")) for page in pages}


def outdated() -> list[str]:
    """Return the English sections, as ``page.md#anchor``, that changed after they were translated."""
    recorded = json.loads(RECORD.read_text("utf-8"))
    return [
        f"{page}#{name}"
        for page, found in english().items()
        for name, digest in found.items()
        if recorded.get(page, {}).get(name) != digest
    ]


def main(arguments: list[str] | None = None) -> int:
    """Rewrite the links, then list what must be translated again, or record that it was; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.translations", description=__doc__)
    parser.add_argument(
        "--translated", action="store_true", help="record that the translations are up to date"
    )
    point_to_translations()
    if parser.parse_args(arguments).translated:
        RECORD.write_text(json.dumps(english(), indent=2) + "\n", "utf-8")
    for place in (found := outdated()):
        print(f"changed after it was translated: {place}")
    return 1 if found else 0


def point_to_translations() -> None:
    """Rewrite the links in the Chinese pages, except those to the English version of the same page."""
    for page in translations():
        original = page.with_name(page.name.removesuffix(TRANSLATED) + ".md")

        def rewritten(link: re.Match[str], page: Path = page, original: Path = original) -> str:
            same = (page.parent / link[1]).resolve() == original
            return link[0] if same else f"]({localized(link[1], page)})"

        text = page.read_text("utf-8")
        page.write_text(LINK.sub(rewritten, text), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
