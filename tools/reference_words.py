"""The languages of the reference: English from the code, and Chinese from the schemas and a table of translations.

Each text of the reference has a place, such as ``MigrationTask.get(region)``. ``reference.zh-CN.yaml`` has a translation for
each place, except for the descriptions in the schemas: these have an ``x-description-zh`` next to them. The target of a
link in a translation is the number of that link in the English text: ``[凭证](1)``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.translations import LINK, TRANSLATED, localized

Schema = Mapping[str, Any]

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference.md"
TABLE = Path(__file__).with_name("reference.zh-CN.yaml")

_FACT = re.compile(r"`[^`]*`|\d+")  # code and numbers are the same in every language


class Words:
    """The English texts, unchanged from the code."""

    suffix = ".md"

    def __call__(self, place: str, english: str) -> str:
        """Return the text for a place."""
        return english

    def described(self, schema: Schema) -> str:
        """Return the description in a schema."""
        return str(schema.get("description", ""))

    def problems(self) -> list[str]:
        """Return the missing and wrong translations, after the page is written."""
        return []


ENGLISH = Words()


class Chinese(Words):
    """The Chinese texts."""

    suffix = TRANSLATED

    def __init__(self, table: Path = TABLE) -> None:
        """Read the table."""
        self.file = table
        self.table: dict[str, str] = yaml.safe_load(table.read_text("utf-8")) or {}
        self.used: set[str] = set()
        self.found: list[str] = []

    def __call__(self, place: str, english: str) -> str:
        """Return the translation, and record its problems."""
        self.used.add(place)
        return self._checked(place, english, self.table.get(place)) if english else ""

    def described(self, schema: Schema) -> str:
        """Return the Chinese description in a schema."""
        english = super().described(schema)
        return self._checked(f"schema: {english}", english, schema.get("x-description-zh")) if english else ""

    def problems(self) -> list[str]:
        """Return missing and unused translations, and those with different code, numbers or links."""
        unused = [f"{place}: not used" for place in self.table if place not in self.used]
        return list(dict.fromkeys(self.found + unused))

    def _checked(self, place: str, english: str, chinese: Any) -> str:
        if not chinese:
            self.found.append(f"{place}: not translated: {english.splitlines()[0]}")
            return english
        text = str(chinese).strip()
        told, expected = (set(_FACT.findall(LINK.sub("]", each))) for each in (text, english))
        if different := told ^ expected:
            self.found.append(f"{place}: the languages differ: {', '.join(sorted(different))}")
        links = LINK.findall(english)
        if sorted(LINK.findall(text)) != [str(number) for number, _ in enumerate(links, 1)]:
            self.found.append(f"{place}: the languages differ in their links")
            return text
        return LINK.sub(lambda link: f"]({localized(links[int(link[1]) - 1], PAGE)})", text)
