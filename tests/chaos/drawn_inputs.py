"""Inputs that are drawn from the JSON Schema itself: valid by it, or with something wrong somewhere."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from dcs_migration.life_cycles.inputs import schema
from tests.unit.definitions import PLAIN, Path, paths

ROOT = schema("migration_task")
_MOST = 3  # items in a drawn list
_JUNK: st.SearchStrategy[Any] = st.one_of(
    PLAIN.filter(lambda value: value is not None),
    st.sampled_from(["", " ", "\n", "x" * 5000, "\x00", "ü" * 300, float("inf"), "-", "a:b", "é"]),
)


def drawn(where: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return what a part of the schema allows."""
    if "enum" in where:
        return st.sampled_from(where["enum"])
    if where["type"] == "object":
        needed = set(where.get("required", ()))
        parts = {key: drawn(part) for key, part in where["properties"].items()}
        return st.fixed_dictionaries(
            {key: part for key, part in parts.items() if key in needed},
            optional={key: part for key, part in parts.items() if key not in needed},
        )
    if where["type"] == "array":
        items = drawn(where["items"]) if "items" in where else PLAIN
        return st.lists(items, min_size=where.get("minItems", 0), max_size=_MOST)
    return _texts(where)


def _texts(where: Mapping[str, Any]) -> st.SearchStrategy[str]:
    least, most = where.get("minLength", 0), where.get("maxLength", 10_000)
    texts = st.text(min_size=least, max_size=min(most, 60))
    if "pattern" in where:
        texts = st.from_regex(re.sub(r"\$$", r"\\Z", where["pattern"]))
    # A byte order mark at the start is refused: no one meant it.
    return texts.filter(lambda text: least <= len(text) <= most and not text.startswith("\ufeff"))


_BY_TYPE = {
    "backupfile_import": ("source_instance", "network_type"),
    "online_migration": ("backup_files",),
}
_BY_SOURCE = {"self_build_obs": ("backup_id",), "backup_record": ("bucket_name", "files")}


def _consistent(inputs: dict[str, Any]) -> dict[str, Any]:
    """Take away what the other inputs make superfluous, so that more than a few drawn inputs are right."""
    for key in _BY_TYPE[inputs["migration_type"]]:
        inputs.pop(key, None)
    files = inputs.get("backup_files", {})
    for key in _BY_SOURCE.get(files.get("file_source", "self_build_obs"), ()):
        files.pop(key, None)
    return inputs


_PARTS = ROOT["properties"]
_ONLY_NEW = {key: part for key, part in _PARTS.items() if key != "existing_task_id"}
_RIGHT = drawn({**ROOT, "properties": _ONLY_NEW})
_WHOLE = drawn(
    {
        **ROOT,
        "properties": _ONLY_NEW,
        "required": [
            "migration_type",
            "migration_method",
            "target_instance",
            "backup_files",
            "source_instance",
        ],
    }
)

BY_SCHEMA: st.SearchStrategy[dict[str, Any]] = st.one_of(
    _RIGHT, _WHOLE.map(_consistent), _WHOLE.map(_consistent)
)
"""Valid by the schema; often also by the rules across fields."""


@st.composite
def _spoilt(draw: st.DrawFn) -> dict[str, Any]:
    inputs: dict[str, Any] = copy.deepcopy(draw(_WHOLE.map(_consistent)))
    for _ in range(draw(st.integers(1, 2))):
        places = paths(inputs)
        if places:
            _spoil(inputs, draw(st.sampled_from(places)), draw)
    return inputs


def _spoil(inputs: dict[str, Any], where: Path, draw: st.DrawFn) -> None:
    inner: Any = inputs
    for part in where[:-1]:
        inner = inner[part]
    how = draw(st.sampled_from(["other", "away", "beside"]))
    if how == "other":
        inner[where[-1]] = draw(_JUNK)
    elif how == "away":
        del inner[where[-1]]
    elif isinstance(inner, dict):
        inner[draw(st.text(max_size=10))] = draw(_JUNK)


SPOILT: st.SearchStrategy[dict[str, Any]] = _spoilt()
"""Mostly invalid, in one or two places."""
