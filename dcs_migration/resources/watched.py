"""What a completion watches, as each task resource describes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import pulumi

from dcs_migration.resources.arguments import described
from dcs_migration.resources.migration_instance import MigrationInstance


@dataclass(frozen=True)
class Watched:
    """One task, as the program knows it. Its outputs resolve only later."""

    resource_name: str
    """Pulumi's name, the key of its status."""
    id: pulumi.Output[str]
    status: pulumi.Output[str]
    region: pulumi.Output[str]
    project_id: pulumi.Output[str]
    provider: pulumi.ProviderResource
    """The provider whose settings see it."""
    urn: pulumi.Output[str] | None
    """For `pulumi up --replace`; None if a replacement wouldn't run it again."""
    name: pulumi.Output[str] | None = None
    """The service's name of it."""
    taken_over: pulumi.Output[str | None] | None = None
    """Id of a task that was taken over."""
    passwords: list[pulumi.Output[str | None]] = field(default_factory=list)
    """As secrets: the service may quote them in its answers to the wait's process."""

    @property
    def hidden(self) -> dict[str, Any]:
        """What the provider gets in addition to its id."""
        return {
            "urn": self.urn,
            "taken_over": self.taken_over,
            "name": self.name,
            "status": self.status,
            "region": self.region,
            "project_id": self.project_id,
        }


@runtime_checkable
class Watchable(Protocol):
    """A resource that a completion can wait for."""

    def _watched(self) -> Watched:
        """Return what to watch."""


def watched_tasks(resource_name: str, tasks: Any) -> list[Watched]:
    """Return the tasks of a completion's ``tasks`` argument, in its order.

    Raises:
        TypeError: it isn't a list, or it contains something that isn't a task.
        ValueError: it contains a task twice.
    """
    where = f"MigrationCompletion '{resource_name}': tasks"
    first: dict[int, int] = {}
    listed = []
    for index, task in enumerate(_listed(where, tasks)):
        # An output seems to have every attribute, so the protocol doesn't identify it.
        if not isinstance(task, pulumi.Resource) or not isinstance(task, Watchable):
            raise TypeError(f"{where}[{index}]: is {described(task)}; {_instead(task)}")
        watched = task._watched()
        same = first.setdefault(id(watched.id), index)
        if same != index:
            raise ValueError(f"{where}[{index}]: is the same as tasks[{same}]; list each task once")
        listed.append(watched)
    return listed


def _listed(where: str, tasks: Any) -> Iterator[Any]:
    if tasks is None:
        return iter(())
    if isinstance(tasks, pulumi.Resource):
        raise TypeError(f"{where}: is {described(tasks)}; use a list: tasks=[...]")
    if isinstance(tasks, Mapping):
        raise TypeError(f"{where}: is a map; use a list of its values")
    if isinstance(tasks, (set, frozenset)):
        raise TypeError(f"{where}: is a set, which has no order; use a list")
    if isinstance(tasks, (str, bytes, pulumi.Output)) or not isinstance(tasks, Iterable):
        raise TypeError(f"{where}: is {described(tasks)}; {_instead(tasks)}")
    return iter(tasks)


def _instead(task: Any) -> str:
    if isinstance(task, (str, pulumi.Output)):
        return "use the task itself, or its id in task_ids=[...]"
    if isinstance(task, MigrationInstance):
        return "use the OnlineMigration that runs on it"
    return "use a MigrationTask, an OnlineMigration or an OnlineMigrationTask"
