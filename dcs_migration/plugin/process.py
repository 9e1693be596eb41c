"""What a front end hands to the life cycles of one plugin process."""

from __future__ import annotations

from dataclasses import dataclass, field

from dcs_migration.plugin.account import Accounts
from dcs_migration.plugin.engine import Engine
from dcs_migration.plugin.tasks.held import Held


@dataclass
class Phase:
    """What the engine is about. A dynamic provider serves one phase, a preview or an update, in each process."""

    preview: bool = False


@dataclass(frozen=True)
class Process:
    """What the life cycles of one plugin process share.

    accounts: the service, by region and project; they hold the clock. engine: who called, whether it is still there,
    and where lines are shown. phase: what the engine is about. heard: which resource of the state holds what, by kinds of
    what is held.
    """

    accounts: Accounts
    engine: Engine
    phase: Phase = field(default_factory=Phase)
    heard: dict[str, Held] = field(default_factory=dict)

    def held(self, what: str) -> Held:
        """Return what was heard of who holds which things of a kind."""
        return self.heard.setdefault(what, Held())
