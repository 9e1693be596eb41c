"""An online migration as Pulumi drives it: an instance, and the migration on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.unit.life_cycle_world import PASSWORD, Resource, World

INSTANCE: dict[str, Any] = {
    "vpc_id": "vpc-1",
    "subnet_id": "subnet-1",
    "security_group_id": "group-1",
}
MIGRATION: dict[str, Any] = {
    "migration_method": "incremental_migration",
    "source_instance": {"id": "shop", "password": PASSWORD},
    "target_instance": {"id": "orders", "password": PASSWORD},
}
FULL: dict[str, Any] = {**MIGRATION, "migration_method": "full_amount_migration"}

CREATE, SET = "CreateOnlineMigrationTask", "SetOnlineMigrationTask"
STOP, RESTART, DELETE = "BatchStopMigrationTasks", "BatchRestartOnlineMigrationTasks", "DeleteMigrationTask"
EXCHANGE, ROLLBACK = "ExchangeInstanceIp", "RollbackExchangeInstanceIp"


class Migration:
    """The two resources of one online migration; the second has the id of the first."""

    def __init__(self, world: World, name: str = "orders") -> None:
        self.world = world
        self.instance = world.resource(name, kind="MigrationInstance")
        self.online = world.resource(name, kind="OnlineMigration")

    @property
    def id(self) -> str:
        """Id of both in the service."""
        return self.instance.id

    @property
    def task(self) -> dict[str, Any]:
        """The task as the cloud has it."""
        return self.world.task(self.id)

    def inputs(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs of the migration on the instance."""
        job = self.instance.outputs.get("job_id")
        return {**MIGRATION, "task_id": self.id, **({"job_id": job} if job else {}), **changes}

    def up(self, **changes: Any) -> Resource:
        """Bring both up, the migration with changed inputs; return the migration."""
        if self.instance.state is None:
            self.instance.up(INSTANCE)
        self.online.up(self.inputs(changes))
        return self.online

    def preview(self, **changes: Any) -> str:
        """Return the step that a preview shows for the migration."""
        return self.online.preview(self.inputs(changes)).step

    def in_a_later_run(self) -> Migration:
        """Continue in another plugin process, an hour later, and forget the requests so far."""
        plugin = self.world.plugin = self.world.new_plugin()
        self.instance.plugin = self.online.plugin = plugin
        self.world.clock.advance(3600)
        self.world.engine.clear()
        self.world.cloud.clear_requests()
        self.world.clock.sleeps.clear()
        return self
