"""Who takes part in a course of online migrations: whose they are, what is written of them, what they share."""

from __future__ import annotations

import json
from typing import Any

from dcs_migration.life_cycles.tasks.defaults import default_name
from tests.unit.life_cycle_world import PASSWORD, Resource, World
from tests.unit.online_world import INSTANCE, MIGRATION, Migration

# The migrations of a course, by name, target and owner. The first two have one URN, in two backends; the third does
# what they do under another name; the last one has a target of its own.
MIGRATIONS = (
    ("orders", "orders", "the first backend"),
    ("orders", "orders", "another backend"),
    ("orders-again", "orders", "the first backend"),
    ("users", "users", "the first backend"),
)
FIRST, TWIN, NAMESAKE, NEIGHBOUR = range(len(MIGRATIONS))


class Owned(Migration):
    """One online migration of one owner.

    component: whether an ``OnlineMigrationTask`` declares it, so that the instance's owner mark shows what runs on it.
    wanted: what its user has written, in addition to source and target. existing: what `existing_task_id` says.
    written: whether the program declares it. leaving: whether it no longer does, so that the next command deletes what
    the state holds. replaces: whether the command under way asks for another instance. triggered: whether its triggers
    changed while it was stopped, so that it runs again when it starts.
    """

    def __init__(self, world: World, number: int, *, component: bool) -> None:
        name, target, owner = MIGRATIONS[number]
        super().__init__(world, name)
        self.number = number
        self.component = component
        self.target = target
        self.wanted: dict[str, Any] = {}
        self.existing: str | None = None
        self.written = False
        self.replaces = False
        self.leaving = False
        self.triggered = False
        self.renames = 0
        self.refusal = ""
        self.stack = "dev"
        for resource in self.resources:
            resource.owner = owner

    @property
    def resources(self) -> tuple[Resource, Resource]:
        """The two resources, in the order in which they are made."""
        return self.instance, self.online

    @property
    def owner(self) -> str:
        """The id of the provider resource."""
        return self.instance.owner

    @property
    def process(self) -> tuple[str, str]:
        """What is brought up by one command: a stack of one backend."""
        return self.owner, self.stack

    @property
    def held(self) -> set[str]:
        """The ids in the state."""
        return {resource.state.id for resource in self.resources if resource.state is not None}

    @property
    def has_taken_over(self) -> bool:
        """Whether its instance was someone else's."""
        return any(each.state and each.state.outputs.get("__taken_over") for each in self.resources)

    @property
    def default_name(self) -> str:
        """The name that its instance has in the service."""
        return default_name(self.instance.urn)

    def become(self, urn: str, stack: str | None = None) -> None:
        """Take another URN, that of its instance; the state stays."""
        self.stack = stack or self.stack
        self.instance.urn = urn
        self.online.urn = urn.replace("MigrationInstance", "OnlineMigration")

    def inherit(self, other: Owned, urn: str) -> None:
        """Be declared in the program of another one, for what that one does."""
        self.become(urn, other.stack)
        for ours, theirs in zip(self.resources, other.resources, strict=True):
            ours.owner = theirs.owner
        self.wanted, self.existing = dict(other.wanted), None

    def sides(self) -> dict[str, Any]:
        """Return source and target as they are written."""
        return {
            "source_instance": MIGRATION["source_instance"],
            "target_instance": {"id": self.target, "password": PASSWORD},
        }

    @property
    def definition(self) -> str | None:
        """What an ``OnlineMigrationTask`` does, to compare it with anyone's; None for an instance alone."""
        if not self.component:
            return None
        triggers = self.wanted.get("triggers") or None
        return definition_of(MIGRATION["source_instance"]["id"], self.target, triggers)

    @property
    def key(self) -> tuple[str, str, str | None]:
        """The identity in its owner mark: two instances with the same key would be one too many."""
        return self.owner, self.instance.urn, self.definition

    def instance_inputs(self) -> dict[str, Any]:
        """Return what the program says about the instance."""
        inputs = dict(INSTANCE)
        if self.component:
            inputs["__identity"] = {
                "migration_method": MIGRATION["migration_method"],
                **{key: {"id": side["id"]} for key, side in self.sides().items()},
                "triggers": self.wanted.get("triggers"),
            }
        return inputs | self._taken_over()

    def inputs(self, changes: Any) -> dict[str, Any]:
        """Return what the program says about the migration."""
        return {**super().inputs({}), **self.sides(), **self._taken_over(), **changes}

    def _taken_over(self) -> dict[str, Any]:
        return {} if self.existing is None else {"existing_task_id": self.existing}

    def declare(self) -> None:
        """Let Pulumi ask for the differences, as it does when the program starts."""
        if self.instance.state is not None:
            self.instance.declare(self.instance_inputs())
        if self.instance.state is not None and self.online.state is not None:
            self.online.declare(self.inputs(self.wanted))


def definition_of(source: str, target: str, triggers: Any = None) -> str:
    """Spell what a migration does."""
    return json.dumps([source, target, triggers])
