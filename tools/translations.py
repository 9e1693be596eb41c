"""Pages in two languages: ``page.md`` in English, and ``page.zh-CN.md`` in Chinese with the same headings in the same order.

``python -m tools.translations`` changes links in Chinese pages to link to Chinese pages, if they exist.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRANSLATED = ".zh-CN.md"

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


def main() -> None:
    """Rewrite the links in the Chinese pages, except those to the English version of the same page."""
    for page in translations():
        original = page.with_name(page.name.removesuffix(TRANSLATED) + ".md")

        def rewritten(link: re.Match[str], page: Path = page, original: Path = original) -> str:
            same = (page.parent / link[1]).resolve() == original
            return link[0] if same else f"]({localized(link[1], page)})"

        text = page.read_text("utf-8")
        page.write_text(LINK.sub(rewritten, text), "utf-8")


if __name__ == "__main__":
    main()
