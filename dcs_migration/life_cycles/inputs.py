"""Input checks against a JSON Schema: unknown values pass, and every error says what to write."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from pulumi.output import Unknown

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

Schema = Mapping[str, Any]

_TYPES = {
    "object": "a map",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_LONGEST_KEY = 40
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Texts that must be a mistake, such as a Python object's: nothing fails before the service gets them, and an address in
# one changes every time.
_ACCIDENTS = (
    (
        re.compile(
            r"Calling __str__ on an Output|<pulumi\.output\.Output object at 0x"
            r"|Calling \[to(?:String|JSON)\] on an \[Output"  # TypeScript
            r"|%!\w\(\*internal\.OutputState=|\{(?:OutputState:)?0x[0-9a-f]{6,}\}"  # Go
        ),
        "contains an Output that was converted to a string; use pulumi.Output.concat(...), "
        "pulumi.Output.format(...) or .apply(...)",
    ),
    (
        re.compile(
            r"<\w(?:[^<>]|<\w+>){1,200} at 0x[0-9a-fA-F]{6,}>|<(?:Task|Future) (?:pending|finished|cancelled)\b"
        ),
        "contains a Python object that was converted to a string; use its value (for a function or a "
        "coroutine, its result)",
    ),
    (
        re.compile("\\A\ufeff"),
        'starts with a byte order mark; read the file with encoding="utf-8-sig"',
    ),
)
_PLAIN = (str, int, float, bool, type(None), Unknown)

UNKNOWN: Any = Unknown()  # type: ignore[no-untyped-call]
"""A value that is known only after the update."""


def is_unknown(value: Any) -> bool:
    """Whether the value is known only after the update."""
    return isinstance(value, Unknown)


def certain(props: Mapping[str, Any], key: str) -> bool:
    """Whether a key has a value; an unknown value may still become None."""
    return key in props and not is_unknown(props[key])


def has_unknown(value: Any) -> bool:
    """Whether anything in the value, at any depth, is known only after the update."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return any(has_unknown(item) for item in value)
    return is_unknown(value)


@cache
def schema(name: str) -> Schema:
    """Return a packaged schema with its references replaced by the definitions."""
    text = (resources.files("dcs_migration") / "schemas" / f"{name}.json").read_text("utf-8")
    loaded: Schema = json.loads(text)
    expanded: Schema = _expanded(loaded, loaded.get("$defs", {}))
    return expanded


def _expanded(part: Any, definitions: Schema) -> Any:
    """Replace references by their definitions; keys next to a reference are added to the definition."""
    if isinstance(part, list):
        return [_expanded(item, definitions) for item in part]
    if not isinstance(part, Mapping):
        return part
    if "$ref" in part:
        part = {**definitions[part["$ref"].rsplit("/", 1)[1]], **part}
    return {key: _expanded(item, definitions) for key, item in part.items() if key not in ("$ref", "$defs")}


def problems(name: str, inputs: Mapping[str, Any]) -> list[str]:
    """Check inputs against a schema.

    Returns:
        One line for each problem, ``path: what is wrong, what to write``, in the order of the paths. Lines don't
            show values, because addresses and names may contain passwords. The exception is a choice from a few words:
            without the value, the user couldn't see the result of an expression.
    """
    errors = list(_validator(name).iter_errors(inputs))
    accidents = list(_accidents(inputs, []))
    unmeant = [where for where, _ in accidents]
    found = [
        (list(error.absolute_path), line)
        for error in errors
        if list(error.absolute_path) not in unmeant  # one line for each mistake
        for line in _lines(_Problem(schema(name), error))
    ]
    found += [(where, f"{path(where)}: {words}") for where, words in accidents]
    refused = {tuple(error.absolute_path) for error in errors if error.validator == "type"}
    found += [
        (
            where,
            f"{path(where)}: isn't plain data; use strings, numbers, lists or maps (for a file, its hash)",
        )
        for where in _not_plain(inputs, [])
        if not any(tuple(where[:length]) in refused for length in range(len(where) + 1))
    ]
    return list(dict.fromkeys(line for _, line in sorted(found, key=_place)))


def name_problems(urn: Any) -> list[str]:
    """Check the resource's name in its URN, which the inputs don't contain."""
    return [f"the resource's name {words}" for _, words in _accidents(urn, [])]


def _place(found: tuple[list[Any], str]) -> tuple[list[tuple[bool, Any]], str]:
    """Order by path; numbers and similar keys can be at the same level."""
    where, line = found
    return [(isinstance(part, str), part) for part in where], line


def _not_plain(value: Any, where: list[Any]) -> Iterator[list[Any]]:
    """Find values that aren't JSON. For example, an asset is never equal to itself, so every `up` would show a
    change."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _not_plain(item, [*where, _shown(key)])
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _not_plain(item, [*where, index])
    elif not isinstance(value, _PLAIN) or (isinstance(value, float) and not math.isfinite(value)):
        yield where


def _accidents(value: Any, where: list[Any]) -> Iterator[tuple[list[Any], str]]:
    """Find texts and keys that must be a mistake, and describe what went wrong."""
    if isinstance(value, str):
        words = next((words for accident, words in _ACCIDENTS if accident.search(value)), None)
        if words:
            yield where, words
    elif isinstance(value, Mapping):
        for key, item in value.items():
            inside = [*where, _shown(key)]
            yield from _accidents(str(key), inside)
            yield from _accidents(item, inside)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _accidents(item, [*where, index])


@cache
def _validator(name: str) -> Validator:
    # Loaded at the first check, so that a refresh or destroy doesn't load it.
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    checks = {**Draft202012Validator.VALIDATORS, "pattern": _pattern}
    keywords = {key: _skipping_unknown(check) for key, check in checks.items()}
    tolerant: type[Validator] = extend(Draft202012Validator, keywords)  # type: ignore[no-untyped-call]
    return tolerant(schema(name))


def _pattern(validator: Any, wanted: str, instance: Any, subschema: Any) -> Iterator[ValidationError]:
    from jsonschema.exceptions import ValidationError

    # In JSON Schema `$` is the end of the text; in Python it also matches before a final line break.
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", wanted), instance):
        yield ValidationError("doesn't match")


def _skipping_unknown(check: Callable[..., Any]) -> Callable[..., Iterator[ValidationError]]:
    def skipping(validator: Any, value: Any, instance: Any, subschema: Any) -> Iterator[ValidationError]:
        if not is_unknown(instance):
            yield from check(validator, value, instance, subschema) or ()

    return skipping


def path(parts: Any) -> str:
    """Return a path as users write it: ``backup_files.files[0].file_name``."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _shown(key: Any) -> str:
    """Return a key as the user wrote it."""
    return "".join(char if char.isprintable() else "?" for char in str(key)[:_LONGEST_KEY]).strip() or '""'


class _Problem:
    """One error of the validator, and what the schema says about its place."""

    def __init__(self, described: Schema, error: ValidationError) -> None:
        self.instance: Any = error.instance
        self.wanted: Any = error.validator_value
        self.keyword = str(error.validator)
        self.message = error.message
        self.parts = list(error.absolute_path)
        self.where = path(self.parts)
        self.required = False
        for part in self.parts:
            self.required = part in described.get("required", ())
            described = described["items"] if isinstance(part, int) else described["properties"][part]
        self.described = described
        self.properties: Schema = described.get("properties", {})


def _lines(problem: _Problem) -> Iterator[str]:
    yield from _WORDING.get(problem.keyword, _invalid)(problem)


def _missing(problem: _Problem) -> Iterator[str]:
    # jsonschema reports one error for each missing key, with the key only in the message.
    for key in problem.wanted:
        if problem.message.startswith(repr(key)):
            yield f"{path([*problem.parts, key])}: is required; {_advice(problem.properties[key])}"


def _unexpected(problem: _Problem) -> Iterator[str]:
    known = list(problem.properties)
    for key in sorted(_shown(key) for key in problem.instance if key not in known):
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        advice = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
        yield f"{path([*problem.parts, key])}: unknown key; {advice}"


def _not_allowed(problem: _Problem) -> Iterator[str]:
    value = problem.instance
    near = (
        difflib.get_close_matches(value, problem.wanted, n=1, cutoff=0.5)
        if isinstance(value, str) and len(value) <= _LONGEST_KEY
        else []
    )
    shown = "" if problem.described.get("writeOnly") else _value(value)
    yield f"{problem.where}: {shown}isn't one of the allowed values; {_advice(problem.described)}" + (
        f' (did you mean "{near[0]}"?)' if near else ""
    )


def _value(value: Any) -> str:
    """Return a value that should be one of a few words, for a message. A value that doesn't look like a word may
    be a secret."""
    if isinstance(value, str):
        start = value[:_LONGEST_KEY]
        more = "..." if len(value) > _LONGEST_KEY else ""
        words = re.split(r"[_\s-]+", start)
        return f"{json.dumps(start + more)} " if all(map(_is_word, words)) else ""
    if isinstance(value, (int, float)):
        return f"{json.dumps(value)} "
    return "a map " if isinstance(value, Mapping) else "a list " if isinstance(value, (list, tuple)) else ""


def _is_word(text: str) -> bool:
    one_case = text.islower() or text.isupper() or text.istitle()
    return not text or (text.isascii() and text.isalpha() and one_case)


def _types(wanted: Any) -> str:
    return " or ".join(_TYPES[name] for name in ([wanted] if isinstance(wanted, str) else wanted))


def _wrong_type(problem: _Problem) -> Iterator[str]:
    advice = _advice(problem.described)
    if problem.described.get("writeOnly"):  # don't show an example of a password
        advice = (
            "put it in quotes" if isinstance(problem.instance, (int, float)) else "use the password itself"
        )
    yield f"{problem.where}: must be {_types(problem.wanted)}; {advice}"


def _too_short(problem: _Problem) -> Iterator[str]:
    if problem.required or isinstance(problem.instance, list):  # an optional list can be empty
        yield f"{problem.where}: is empty; {_advice(problem.described)}"
    elif problem.described.get("writeOnly"):
        yield f"{problem.where}: is empty; leave it out if there is none"
    else:
        yield f"{problem.where}: is empty; leave it out, or {_advice(problem.described)}"


def _too_long(problem: _Problem) -> Iterator[str]:
    unit = "characters" if isinstance(problem.instance, str) else "items"
    yield f"{problem.where}: has {len(problem.instance)} {unit}; the maximum is {problem.wanted}"


def _out_of_range(problem: _Problem) -> Iterator[str]:
    least, most = (problem.described.get(bound) for bound in ("minimum", "maximum"))
    span = f"{least} or more" if most is None else f"{least} to {most}"
    yield f"{problem.where}: is out of range; use {span}"


def _malformed(problem: _Problem) -> Iterator[str]:
    if not problem.instance:
        yield from _too_short(problem)
    elif problem.instance.endswith(("\n", "\r")) and not _CONTROL.search(problem.instance.rstrip("\r\n")):
        yield f"{problem.where}: ends in a line break; remove it, for example with .strip()"
    elif _CONTROL.search(problem.instance):
        yield f"{problem.where}: contains control characters; remove them"
    else:
        yield f"{problem.where}: has the wrong format; {_advice(problem.described)}"


def _invalid(problem: _Problem) -> Iterator[str]:
    yield f"{problem.where}: isn't valid; {_advice(problem.described)}"


_WORDING: dict[str, Callable[[_Problem], Iterator[str]]] = {
    "required": _missing,
    "additionalProperties": _unexpected,
    "enum": _not_allowed,
    "type": _wrong_type,
    "minLength": _too_short,
    "minItems": _too_short,
    "maxLength": _too_long,
    "maxItems": _too_long,
    "pattern": _malformed,
    "minimum": _out_of_range,
    "maximum": _out_of_range,
}


def _advice(described: Schema) -> str:
    """Return what to write at a place."""
    if described.get("examples"):
        return f"use a value such as {json.dumps(described['examples'][0])}"
    if described.get("enum"):
        *first, last = (f'"{value}"' for value in described["enum"])
        return f"use {', '.join(first)} or {last}" if first else f"use {last}"
    if described.get("properties"):
        return f"use a map with the keys {', '.join(described['properties'])}"
    return f"use {_TYPES[described['type']]}" if "type" in described else "see the reference"
