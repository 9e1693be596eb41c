"""What can be struck, as data: the programs before it, the command, and who judges what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dcs_emulator import Emulator

Entries = Sequence[Mapping[str, Any]]

UP = ("up", "--yes", "--skip-preview")
REFRESH = ("refresh", "--yes", "--skip-preview")
DESTROY = ("destroy", "--yes", "--skip-preview")


@dataclass(frozen=True)
class Scenario:
    """One command that is struck.

    ``before`` are programs that are brought up first, ``program`` is the one that the command meets. A moment is
    told by what was asked so far, of ``most_requests``; one of the operations in ``slow`` is slow meanwhile.
    """

    command: tuple[str, ...]
    before: tuple[str, ...]
    program: str
    most_requests: int
    slow: tuple[str, ...]


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

    ``ever`` are the records of all tasks that the service has had, ``replaced`` are ids of the tasks that `up` itself
    told to replace.
    """

    kill: Kill
    recorded: Entries
    entries: Entries
    there: Mapping[str, Mapping[str, Any]]
    ever: Entries
    replaced: frozenset[str]

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

    ``settle`` brings the service on between two programs. ``told`` returns the ids that a failed `up` tells to replace.
    """

    scenarios: Mapping[str, Scenario]
    tasks: int
    secrets: tuple[str, ...]
    judge: Callable[[Aftermath], None]
    settle: Callable[[Emulator], None] = lambda emulator: None
    told: Callable[[str], set[str]] = lambda text: set()


def kind_of(entry: Mapping[str, Any]) -> str:
    """The type of a resource in state, without what all types begin with."""
    return str(entry["type"]).rpartition(":")[2]


def name_of(entry: Mapping[str, Any]) -> str:
    """The name of a resource in state."""
    return str(entry["urn"]).rpartition("::")[2]


def ids_of(entries: Entries, kind: str) -> dict[str, str]:
    """The ids of the resources of a kind, by name."""
    return {name_of(entry): entry["id"] for entry in entries if kind_of(entry) == kind}
