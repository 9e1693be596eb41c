"""The owner mark: who started a task, for which resource, and for which definition.

It is at the end of the description: ``[pulumi:OWNER.RESOURCE.DEFINITION]``, three hashes. The owner is the
id of the provider resource, which Pulumi generates at random and keeps in the state before any task is
started. The resource is its URN. The definition is the data, the source, the target and the
triggers.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from dcs_migration.dcs.errors import TaskError
from dcs_migration.life_cycles.tasks.props import without_password

_DIGITS = 12
_HASH = rf"([0-9a-f]{{{_DIGITS}}})"
_MARK = re.compile(rf"(?:^|\s)\[pulumi:(?:{_HASH}\.{_HASH}\.)?{_HASH}\]\s*$")


@dataclass(frozen=True)
class Mark:
    """A task's origin, from its description.

    owner: hash of the owner's id; resource: hash of the resource's URN; definition: hash of what it does. Release
    0.1.0 wrote one hash of the URN and all inputs; here it is the definition of an owner mark without owner and
    resource.
    """

    owner: str
    resource: str
    definition: str

    def __str__(self) -> str:
        if not self.owner:
            return f"[pulumi:{self.definition}]"
        return f"[pulumi:{self.owner}.{self.resource}.{self.definition}]"


def mark_of(owner: str, urn: str, identity: Mapping[str, Any]) -> Mark:
    """Return the owner mark of a resource.

    It includes the URN, because `pulumi state move` copies the provider resource, and with it the owner, to
    another stack: the URN has the stack's name. It doesn't include the region and the project, because tasks are
    only looked up within one project of one region.

    Args:
        owner: Id of the provider resource.
        urn: The resource's URN.
        identity: What the task does, without passwords.
    """
    return Mark(_hash(owner), _hash(urn), _hash(_canonical(identity)))


def mark_of_0_1_0(urn: str, inputs: Mapping[str, Any], keys: Iterable[str]) -> str:
    """Return the owner mark that release 0.1.0 wrote: one hash of the URN and of the inputs under ``keys``."""
    definition = {key: _canonical(without_password(inputs[key])) for key in keys if key in inputs}
    return _hash([urn, definition])


def hashed(id_or_urn: str) -> str:
    """Return the hash of an owner or a resource, as in an owner mark."""
    return _hash(id_or_urn)


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def _canonical(value: Any) -> Any:
    """Normalize equal values: Pulumi passes 1 as 1.0, and removes keys without a value."""
    if isinstance(value, Mapping):
        return {key: _canonical(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def marked(description: str | None, mark: Mark) -> str:
    """Return the description to send."""
    return f"{description} {mark}" if description else str(mark)


def news_of(olds: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description to check against the schema: an unchanged one isn't sent again.

    Release 0.1.0 had a shorter owner mark and allowed longer descriptions.
    """
    stays = "description" in written and olds.get("description") == written["description"]
    return {key: value for key, value in written.items() if not (stays and key == "description")}


@lru_cache(maxsize=16_384)
def split(description: str | None) -> tuple[str | None, Mark | None]:
    """Split a description from the server into the author's text and the owner mark.

    Each create looks at every task of the project, so results are kept.
    """
    if not description:
        return None, None
    found = _MARK.search(description)
    if found is None:
        return description, None
    return description[: found.start()].rstrip() or None, Mark(found[1] or "", found[2] or "", found[3])


def require_own(id_: str, description: str | None, sent: str | None) -> None:
    """Check that a task has the owner mark that the state has. A lost owner mark doesn't count.

    They differ only if someone has edited the state: a task keeps its description.

    Args:
        id_: Id of the task in the state.
        description: The task's description, from the service.
        sent: The owner mark in the state, if there is one.

    Raises:
        TaskError: it has another one.
    """
    mark = split(description)[1]
    if not sent or mark is None or str(mark) == sent:
        return
    raise TaskError(
        f"the stack's state is damaged: it has the owner mark {sent} for task {id_}, but the task has the owner "
        f"mark {mark}, so another resource or another stack started it; nothing was changed; correct the id in "
        "the state, or remove the resource with `pulumi state delete` and its URN"
    )


def same_text(one: str | None, other: str | None) -> bool:
    """Whether two descriptions are the same, even if the service escapes them for web pages."""
    return html.unescape(one or "") == html.unescape(other or "")
