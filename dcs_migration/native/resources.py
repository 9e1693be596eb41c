"""The table of resources: their tokens, contracts and lifecycles, and which inputs can be unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dcs_migration.life_cycles.inputs import has_unknown, schema
from dcs_migration.life_cycles.migration_completion.life_cycle import MigrationCompletionLifeCycle
from dcs_migration.life_cycles.migration_instance.definition import SPEC as INSTANCE
from dcs_migration.life_cycles.migration_instance.life_cycle import MigrationInstanceLifeCycle
from dcs_migration.life_cycles.migration_task.inputs import SPEC as TASK
from dcs_migration.life_cycles.migration_task.life_cycle import MigrationTaskLifeCycle
from dcs_migration.life_cycles.online_migration.inputs import SPEC as ONLINE
from dcs_migration.life_cycles.online_migration.life_cycle import OnlineMigrationLifeCycle
from dcs_migration.life_cycles.process import LifeCycle, Process
from dcs_migration.life_cycles.tasks.props import OnChange, Props, without_password
from dcs_migration.life_cycles.tasks.spec import Spec
from dcs_migration.names import summary
from dcs_migration.native import names

PACKAGE = "dcs"


@dataclass(frozen=True)
class Resource:
    """A resource type.

    contract: name of its JSON Schema. life_cycle: creates its lifecycle. outputs: known after create, in addition to
    the inputs. spec: the table of a task's changes; None for a wait. retries: whether its reads are retried. derived:
    returns more outputs, which a Python program computes itself.
    """

    contract: str
    life_cycle: Callable[[Process], LifeCycle]
    outputs: tuple[str, ...]
    spec: Spec | None = None
    retries: bool = True
    derived: Callable[[dict[str, Any]], dict[str, Any]] = lambda outputs: {}

    def replacing_if_changed(self, news: Props) -> Iterator[str]:
        """Yield the unknown inputs that would replace the resource if they changed."""
        for key, rule in (self.spec.inputs if self.spec else {}).items():
            if rule in (OnChange.REPLACE, OnChange.REPLACE_IF_GIVEN) and has_unknown(
                without_password(news.get(key))
            ):
                yield key

    def shown(self, outputs: dict[str, Any]) -> dict[str, Any]:
        """Return outputs in the protocol's form."""
        return names.shown(self.contract, {**outputs, **self.derived(outputs)})

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return tuple(schema(self.contract)["properties"])


def _status_of_a_wait(outputs: dict[str, Any]) -> dict[str, Any]:
    by_id = outputs.get("statuses") or {}
    return {"status": summary([by_id[id_] for id_ in outputs.get("task_ids", ()) if id_ in by_id])}


RESOURCES: dict[str, Resource] = {
    f"{PACKAGE}:index:MigrationTask": Resource(
        "migration_task",
        MigrationTaskLifeCycle,
        ("name", "status", "created_at", "updated_at", "released_at", "error"),
        TASK,
    ),
    f"{PACKAGE}:index:MigrationInstance": Resource(
        "migration_instance",
        MigrationInstanceLifeCycle,
        ("status", "job_id", "created_at", "updated_at", "released_at", "error"),
        INSTANCE,
    ),
    f"{PACKAGE}:index:OnlineMigration": Resource(
        "online_migration", OnlineMigrationLifeCycle, ("status", "task_status", "error"), ONLINE
    ),
    f"{PACKAGE}:index:MigrationCompletion": Resource(
        "migration_completion",
        MigrationCompletionLifeCycle,
        ("statuses", "status"),
        retries=False,
        derived=_status_of_a_wait,
    ),
}


def planned(resource: Resource, news: dict[str, Any], unknown: Any) -> dict[str, Any]:
    """Return the outputs that a preview shows for a new resource."""
    return {**dict.fromkeys(resource.outputs, unknown), **news}
