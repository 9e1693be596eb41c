"""The ownership mark: how a task on the server is known to be the one of a definition."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from dcs_migration.plugin.tasks.props import without_password

_MARK = re.compile(r"(?:^|\s)\[pulumi:([0-9a-f]{12})\]\s*$")


def mark_of(urn: str, inputs: Mapping[str, Any], keys: Iterable[str]) -> str:
    """Return the mark of a definition: a hash of its URN and of the inputs under ``keys``, but no passwords.

    Region and project stay out of it: a mark is only ever looked for inside one project of one region, and
    a project that is configured today and was looked up yesterday is the same place.
    """
    definition = {key: _canonical(without_password(inputs[key])) for key in keys if key in inputs}
    text = json.dumps([urn, definition], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _canonical(value: Any) -> Any:
    """Spell equal values alike: Pulumi hands over 1 as 1.0, and drops keys without a value."""
    if isinstance(value, Mapping):
        return {key: _canonical(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def marked(description: str | None, mark: str) -> str:
    """Return the description to send."""
    return f"{description} [pulumi:{mark}]" if description else f"[pulumi:{mark}]"


def split(description: str | None) -> tuple[str | None, str | None]:
    """Split a description from the server into what its author wrote, and the mark."""
    if not description:
        return None, None
    found = _MARK.search(description)
    if found is None:
        return description, None
    return description[: found.start()].rstrip() or None, found[1]
