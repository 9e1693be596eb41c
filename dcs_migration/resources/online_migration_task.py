"""The ``OnlineMigrationTask`` component: a migration instance together with its migration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pulumi

from dcs_migration.resources.arguments import require_name
from dcs_migration.resources.component import Child
from dcs_migration.resources.migration_completion import MigrationCompletion
from dcs_migration.resources.migration_instance import MigrationInstance
from dcs_migration.resources.online_migration import OnlineMigration
from dcs_migration.resources.options import checked_options
from dcs_migration.resources.secrets import reusable, without_password
from dcs_migration.resources.types import (
    MigrationMethod,
    OnlineMigrationState,
    RedisInstance,
    ResumeMode,
    Until,
)
from dcs_migration.resources.watched import Watched

TYPE_TOKEN = "dcs:index:OnlineMigrationTask"  # noqa: S105 (Pulumi's word for the name of a type)


class OnlineMigrationTask(Child, pulumi.ComponentResource):
    """An online migration: its instance (CreateOnlineMigrationTask) and the migration on it.

    Use it for most online migrations. ``instance`` and ``migration`` are the two resources in it.

    Example:
        from dcs_migration import OnlineMigrationTask

        shop = OnlineMigrationTask(
            "shop",
            vpc_id="3c8a5b1e-7d1f-4f5e-9c3b-6a2d8e4f1b70",
            subnet_id="a9d3c6e2-4b8f-4d17-8f3e-5c1b7a9e2d64",
            security_group_id="e4b7f1a8-2c6d-4e39-b5a1-9d8c3f6e7b02",
            migration_method="incremental_migration",
            source_instance={"addrs": "192.168.1.135:6379"},
            target_instance={"id": "4cd5dbb8-aacd-4603-b817-3e97d48c7a20"},
        )
    """

    instance: MigrationInstance
    """The machine that runs the migration."""
    migration: OnlineMigration
    """The migration on it."""
    task_id: pulumi.Output[str]
    """Id that the service uses for both."""
    status: pulumi.Output[str]
    """Status of the migration as the service spells it, at the last create, update or refresh."""
    state: pulumi.Output[str]
    """``running``, ``stopped`` or ``switched``."""

    def __init__(
        self,
        resource_name: str,
        *,
        vpc_id: pulumi.Input[str],
        subnet_id: pulumi.Input[str],
        security_group_id: pulumi.Input[str],
        migration_method: pulumi.Input[MigrationMethod],
        source_instance: pulumi.Input[RedisInstance],
        target_instance: pulumi.Input[RedisInstance],
        name: pulumi.Input[str] | None = None,
        description: pulumi.Input[str] | None = None,
        resume_mode: pulumi.Input[ResumeMode] | None = None,
        bandwidth_limit_mb: pulumi.Input[int] | None = None,
        state: pulumi.Input[OnlineMigrationState] | None = None,
        triggers: pulumi.Input[Sequence[Any]] | None = None,
        region: pulumi.Input[str] | None = None,
        project_id: pulumi.Input[str] | None = None,
        existing_task_id: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare an online migration with its instance.

        Args:
            resource_name: Pulumi's name of the component and of the two resources in it.
            vpc_id: As for :class:`MigrationInstance`.
            subnet_id: As for :class:`MigrationInstance`.
            security_group_id: As for :class:`MigrationInstance`.
            migration_method: As for :class:`OnlineMigration`.
            source_instance: As for :class:`OnlineMigration`.
            target_instance: As for :class:`OnlineMigration`.
            name: As for :class:`MigrationInstance`.
            description: As for :class:`MigrationInstance`.
            resume_mode: As for :class:`OnlineMigration`.
            bandwidth_limit_mb: As for :class:`OnlineMigration`.
            state: As for :class:`OnlineMigration`.
            triggers: As for :class:`OnlineMigration`.
            region: As for :class:`MigrationInstance`, for both.
            project_id: As for :class:`MigrationInstance`, for both.
            existing_task_id: Take over this migration with its instance, in its current state. Both must match
                the other inputs, and the provider never stops or deletes them.
            opts: Options of the component; ``custom_timeouts`` are passed to the two resources in it.

        Raises:
            ValueError: an option can't work (see :func:`checked_options`).
        """
        require_name(type(self), resource_name)
        checked_options(opts)
        self.note_parent(opts)
        super().__init__(TYPE_TOKEN, resource_name, None, opts)
        inside = pulumi.ResourceOptions(
            parent=self, custom_timeouts=opts.custom_timeouts if opts is not None else None
        )
        source_instance, target_instance = reusable(source_instance), reusable(target_instance)
        self.instance = MigrationInstance(
            resource_name,
            name=name,
            description=description,
            vpc_id=vpc_id,
            subnet_id=subnet_id,
            security_group_id=security_group_id,
            region=region,
            project_id=project_id,
            existing_task_id=existing_task_id,
            _identity={
                "migration_method": migration_method,
                "source_instance": without_password(source_instance),
                "target_instance": without_password(target_instance),
                "triggers": triggers,
            },
            opts=inside,
        )
        self.migration = OnlineMigration(
            resource_name,
            task_id=self.instance.id,
            job_id=self.instance.job_id,
            migration_method=migration_method,
            resume_mode=resume_mode,
            bandwidth_limit_mb=bandwidth_limit_mb,
            source_instance=source_instance,
            target_instance=target_instance,
            state=state,
            triggers=triggers,
            region=self.instance.region,
            project_id=self.instance.project_id,
            existing_task_id=existing_task_id,
            opts=inside,
        )
        self.task_id = self.migration.task_id
        self.status = self.migration.status
        self.state = self.migration.state
        self.register_outputs({"task_id": self.task_id, "status": self.status, "state": self.state})

    def completion(
        self,
        *,
        timeout: pulumi.Input[str | float] | timedelta | None = None,
        interval: pulumi.Input[str | float] | timedelta | None = None,
        until: pulumi.Input[Until] | None = None,
        max_lag_bytes: pulumi.Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> MigrationCompletion:
        """Wait for this migration only: see :meth:`OnlineMigration.completion`.

        Args:
            timeout: As for :class:`MigrationCompletion`.
            interval: As for :class:`MigrationCompletion`.
            until: As for :class:`MigrationCompletion`.
            max_lag_bytes: As for :class:`MigrationCompletion`.
            opts: Options of the completion.
        """
        return self.migration.completion(
            timeout=timeout, interval=interval, until=until, max_lag_bytes=max_lag_bytes, opts=opts
        )

    def _watched(self) -> Watched:
        return self.migration._watched()
