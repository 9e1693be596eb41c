"""Tables from a schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

TYPES = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false"}


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


def type_of(described: Schema) -> str:
    """Return a type's text."""
    if "properties" in described:
        return "map, see below"
    kind = described.get("type")
    if isinstance(kind, list):
        return " or ".join(TYPES[each] for each in kind)
    if kind == "array":
        items = described.get("items", {})
        return f"list of {'maps, see below' if 'properties' in items else 'texts' if items else 'anything'}"
    return "text" if "enum" in described else TYPES.get(str(kind), "")


def allowed(described: Schema) -> str:
    """Return a text with the allowed values."""
    if "enum" in described:
        return ", ".join(f"`{value}`" for value in described["enum"])
    for unit, least, most in (("characters", "minLength", "maxLength"), ("items", "minItems", "maxItems")):
        if most in described:
            return f"{described.get(least, 0)} to {described[most]:,} {unit}"
    examples = described.get("examples", ())
    return f"such as `{json.dumps(examples[0])}`" if examples and "pattern" in described else ""


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield a table and an empty line; nothing without rows."""
    lines = [" | ".join(cell.replace("|", r"\|") for cell in row) for row in rows]
    if lines:
        body = "\n".join(f"| {line} |" for line in lines)
        yield f"| {' | '.join(head)} |\n{'|---' * len(head)}|\n{body}\n"
