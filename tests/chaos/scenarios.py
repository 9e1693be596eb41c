"""What can be struck, as data: the programs before it, the command, and who judges what became of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dcs_emulator import Emulator
from tests.e2e.stack import Stack
from tests.signing import SignedClient

Entries = Sequence[Mapping[str, Any]]

UP = ("up", "--yes", "--skip-preview")
REFRESH = ("refresh", "--yes", "--skip-preview")
DESTROY = ("destroy", "--yes", "--skip-preview")

# The CLI then writes its state once, at its end: one that is killed leaves none of what it has done.
LOSES_STATE = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}

_REFUSED = re.compile(
    r"task (\w+)-[0-9a-f]{7} \(([\w-]+), [^)]*\) has the same definition and belongs to another owner: .*?"
    r'existing_?[tT]ask_?[iI]d(?:=|: )"([\w-]+)"; .*? triggers(?:=|: )\[\.\.\.\]'
)
_IDLE = re.compile(
    r"existing_?[tT]ask_?[iI]d: migration instance ([\w-]+) has no migration yet [^;]*; remove existing_?[tT]ask_?[iI]d"
)


@dataclass(frozen=True)
class Scenario:
    """One command that is struck.

    ``before`` are programs that are brought up first, and ``arrange`` does more after them. ``program`` is the
    one that the command meets, with ``environ`` in addition to the stack's. A moment is defined by the requests
    so far, out of ``most_requests``; one of the operations in ``slow`` is slow meanwhile. Where `up` may be
    refused because the tasks are there under another owner, ``way_on`` returns the program that its errors tell
    to write, given the ids to take over by names of resources.
    """

    command: tuple[str, ...]
    before: tuple[str, ...]
    program: str
    most_requests: int
    slow: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    arrange: Callable[[Stack, Emulator], None] = field(default=lambda stack, emulator: None, kw_only=True)
    way_on: Callable[[Mapping[str, str]], str] | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Kill:
    """One drawn blow: after so many requests and a pause, while one operation is slow before or after it acts."""

    seed: int
    of: str
    command: str
    blow: str
    recovery: str
    after: int
    pause: float
    slow: str
    how_slow: str


@dataclass(frozen=True)
class Aftermath:
    """What there is when the recovery has ended, and what the state held before it (``recorded``).

    ``ever`` are the records of all tasks that the struck stack has started, ``there`` those of them that the service
    still has, ``first`` the ids of those that were there before the blow. ``replaced`` are ids of the tasks that `up`
    itself told to replace, ``named`` those that it was refused for, by names of resources.
    """

    kill: Kill
    recorded: Entries
    entries: Entries
    there: Mapping[str, Mapping[str, Any]]
    ever: Entries
    first: frozenset[str]
    replaced: frozenset[str]
    named: Mapping[str, str]

    def __str__(self) -> str:
        """What a failure tells."""
        state = {f"{kind_of(entry)} {name_of(entry)}": entry["id"] for entry in self.entries if "id" in entry}
        before = [f"{kind_of(entry)} {name_of(entry)}" for entry in self.recorded if "id" in entry]
        return (
            f"{self.kill}: state holds {state}, before the recovery {before}, "
            f"the service {list(self.there.values())}, {len(self.ever)} were started"
        )


@dataclass(frozen=True)
class Target:
    """What is struck: its commands, how many tasks they are about, the secrets in it, and what must hold.

    ``neighbour`` is the program of the neighbour, whose tasks run but for those that have ``ended``, by
    names of resources. ``copy`` starts a task for someone who uses the name and the description of one of ours.
    ``settle`` brings the service on between two programs. ``told`` returns the ids that a failed `up` tells to replace.
    """

    scenarios: Mapping[str, Scenario]
    tasks: int
    secrets: tuple[str, ...]
    judge: Callable[[Aftermath], None]
    neighbour: str
    ended: Mapping[str, str]
    copy: Callable[[SignedClient, Mapping[str, Any]], None]
    settle: Callable[[Emulator], None] = lambda emulator: None
    told: Callable[[str], set[str]] = lambda text: set()


def kind_of(entry: Mapping[str, Any]) -> str:
    """The type of a resource in state, without what all types start with."""
    return str(entry["type"]).rpartition(":")[2]


def name_of(entry: Mapping[str, Any]) -> str:
    """The name of a resource in state."""
    return str(entry["urn"]).rpartition("::")[2]


def ids_of(entries: Entries, kind: str) -> dict[str, str]:
    """The ids of the resources of a kind, by name."""
    return {name_of(entry): entry["id"] for entry in entries if kind_of(entry) == kind}


def named(text: str) -> dict[str, str]:
    """The ids of the tasks for whose sake an `up` was refused, by the names of the resources."""
    return {name: id_ for name, id_, to_take_over in _REFUSED.findall(text) if id_ == to_take_over}


def idle(text: str) -> set[str]:
    """The ids of the instances that cannot be taken over with a migration, for none was configured on them yet."""
    return set(_IDLE.findall(text))
