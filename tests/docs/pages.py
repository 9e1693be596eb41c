"""The pages of the documentation in parts: their blocks, headings and links.

A Python block of a page continues where the one before it ended, as a reader reads it. One with a file name
(```` ```python alarm.py ````) is a file of its own; ``__main__.py`` starts a new program.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OF_OTHERS = {"emulator.md", "safety.md", "bench.md"}  # pages with tests of their own for what they hold
TRANSLATED = ".zh-CN.md"

_BLOCK = re.compile(r"^```(\w*)(?: +(\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page; ``name`` is a file's, or empty."""

    language: str
    name: str
    text: str


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path below the root."""
        return str(self.path.relative_to(ROOT))

    @property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text("utf-8")

    def blocks(self, *languages: str) -> list[Block]:
        """The blocks in these languages, or all."""
        found = [Block(*match) for match in _BLOCK.findall(self.text)]
        return [block for block in found if not languages or block.language in languages]

    def block(self, name: str) -> Block:
        """The block that is a file of this name."""
        return next(block for block in self.blocks() if block.name == name)

    def programs(self) -> list[str]:
        """The programs that the Python blocks make, each with the blocks that continue it."""
        programs: list[str] = []
        for block in self.blocks("python"):
            if "import pulumi_dcs" in block.text:
                continue  # of the native provider's SDK, which is generated: `make languages`
            if block.name in ("", "__main__.py"):
                if block.name or not programs:
                    programs.append("")
                programs[-1] += block.text
        return programs

    def files(self) -> list[Block]:
        """The Python blocks that are files of their own."""
        return [block for block in self.blocks("python") if block.name not in ("", "__main__.py")]

    def commands(self) -> list[str]:
        """The commands of the console blocks."""
        return [
            line[2:]
            for block in self.blocks("console")
            for line in block.text.splitlines()
            if line.startswith("$ ")
        ]

    def anchors(self) -> set[str]:
        """What a link may name after ``#``."""
        lines = _CODE.sub("", self.text).splitlines()
        titles = [line.lstrip("# ").lower() for line in lines if line.startswith("#")]
        return {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}

    def links(self) -> list[str]:
        """The targets of its links, but those to the web."""
        found = re.findall(r"\]\(([^)\s]+)\)", _CODE.sub("", self.text))
        return [link for link in found if not link.startswith("https://")]


def all_pages() -> list[Page]:
    """The README and everything in docs/, in both languages."""
    own = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))
    return [Page(file) for file in own if file.name != "CHANGELOG.md"]


def own_pages() -> list[Page]:
    """The pages with blocks that these tests run; a translation has the same blocks."""
    return [
        page
        for page in all_pages()
        if page.path.name not in OF_OTHERS and not page.path.name.endswith(TRANSLATED)
    ]
