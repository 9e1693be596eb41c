"""The interface between a front end and the lifecycles: shared objects, operations and results.

The names are Pulumi's. A front end converts each result to its protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from dcs_migration.life_cycles.accounts import Accounts
from dcs_migration.life_cycles.engine import Engine
from dcs_migration.life_cycles.tasks.holders import Holders


@dataclass
class Phase:
    """What Pulumi is doing. A plugin process serves one phase: a preview or an update.

    known: whether Pulumi has said which; until then an update is assumed, where an unknown value isn't a change.
    """

    preview: bool = False
    known: bool = True


@dataclass(frozen=True)
class Process:
    """What the lifecycles of one plugin process share.

    accounts: the service, by region and project; they have the clock. engine: the Pulumi engine that called:
    whether it is still running, and where lines are shown. phase: what Pulumi is doing. holders_by_kind: which resource of
    the state holds what, for each kind of thing that a resource can hold.
    """

    accounts: Accounts
    engine: Engine
    phase: Phase = field(default_factory=Phase)
    holders_by_kind: dict[str, Holders] = field(default_factory=dict)

    def holders(self, what: str) -> Holders:
        """Return which resources hold which things of a kind."""
        return self.holders_by_kind.setdefault(what, Holders())


Props = dict[str, Any]


@dataclass
class CheckResult:
    """Complete inputs, and one line for each problem with them: ``path: what is wrong, what to write``."""

    inputs: Props
    problems: Sequence[str] = ()


@dataclass
class DiffResult:
    """The names of the inputs whose change replaces the resource, and of those that update it."""

    replaces: Sequence[str] = ()
    updates: Sequence[str] = ()
    delete_before_replace: bool = True

    @property
    def changes(self) -> bool:
        """Whether anything differs."""
        return bool(self.replaces or self.updates)


@dataclass
class CreateResult:
    """The id of the new resource, and its outputs."""

    id: str
    outputs: Props


@dataclass
class ReadResult:
    """The current outputs, and the inputs that correspond to them; the id is None if the resource no longer exists."""

    id: str | None
    outputs: Props = field(default_factory=dict)
    inputs: Props | None = None


@dataclass
class UpdateResult:
    """The new outputs."""

    outputs: Props


class LifeCycle(Protocol):
    """The operations of each resource, with Pulumi's names."""

    @property
    def process(self) -> Process:
        """The shared objects of the plugin process."""

    def check(self, olds: Props, news: Props) -> CheckResult:
        """Validate and complete the inputs, offline."""

    def diff(self, id_: str, olds: Props, news: Props) -> DiffResult:
        """Compare the old outputs with the new inputs, offline."""

    def create(self, props: Props) -> CreateResult:
        """Create the resource."""

    def read(self, id_: str, props: Props) -> ReadResult:
        """Read the resource's current state."""

    def imported(self, id_: str, props: Props) -> ReadResult:
        """Read a resource that isn't managed yet; the inputs are those of a program without changes."""

    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        """Update the resource in place."""

    def delete(self, id_: str, props: Props) -> None:
        """Delete the resource."""
