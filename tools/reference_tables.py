"""Tables from a schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from tools.reference_words import ENGLISH, Schema, Words

TYPES = {"string": "string", "number": "number", "integer": "integer", "boolean": "boolean"}
LISTS = {"maps": "list of maps, see below", "strings": "list of strings", "anything": "list of any values"}


def nested_shapes(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield the path and the shape of each map in the inputs, outer ones first."""

    def walk(path: str, described: Schema) -> Iterator[tuple[str, Schema]]:
        if described.get("type") == "array" and "items" in described:
            yield from walk(f"{path}[]", described["items"])
        elif "properties" in described:
            yield path, described
            for key, inner in described["properties"].items():
                yield from walk(f"{path}.{key}", inner)

    for key, described in schema["properties"].items():
        yield from walk(key, described)


def type_of(described: Schema, words: Words = ENGLISH) -> str:
    """Return a type's text."""
    if "properties" in described:
        return words("type map", "map, see below")
    kind = described.get("type")
    if isinstance(kind, list):
        return words("type or", " or ").join(words(f"type {each}", TYPES[each]) for each in kind)
    if kind == "array":
        items = described.get("items", {})
        of = "maps" if "properties" in items else "strings" if items else "anything"
        return words(f"type list of {of}", LISTS[of])
    kind = "string" if "enum" in described else str(kind)
    return words(f"type {kind}", TYPES.get(kind, ""))


def allowed(described: Schema, words: Words = ENGLISH) -> str:
    """Return a text with the allowed values."""
    if "enum" in described:
        return words("separator", ", ").join(f"`{value}`" for value in described["enum"])
    for unit, least, most in (("characters", "minLength", "maxLength"), ("items", "minItems", "maxItems")):
        if most in described:
            text = words(f"allowed {unit}", f"{{}} to {{:,}} {unit}")
            return text.format(described.get(least, 0), described[most])
    examples = described.get("examples", ())
    if examples and "pattern" in described:
        return words("allowed example", "such as {}").format(f"`{json.dumps(examples[0])}`")
    return ""


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield a table and an empty line; nothing without rows."""
    lines = [" | ".join(cell.replace("|", r"\|") for cell in row) for row in rows]
    if lines:
        body = "\n".join(f"| {line} |" for line in lines)
        yield f"| {' | '.join(head)} |\n{'|---' * len(head)}|\n{body}\n"
