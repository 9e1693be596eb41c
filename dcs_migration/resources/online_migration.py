"""The ``OnlineMigration`` resource: what runs on a migration instance. No HTTP here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pulumi

from dcs_migration.names import CREATE_TIMEOUT, DELETE_TIMEOUT, DRY_RUN, OWNER, UPDATE_TIMEOUT, URN
from dcs_migration.providers.online_migration import OnlineMigrationProvider
from dcs_migration.resources.arguments import CheckedResource, argument, require_name
from dcs_migration.resources.holders import hold
from dcs_migration.resources.migration_completion import MigrationCompletion
from dcs_migration.resources.options import custom_timeout, resource_options, task_options
from dcs_migration.resources.provider import used_provider
from dcs_migration.resources.secrets import passwords_of, with_secret_password
from dcs_migration.resources.types import (
    MigrationMethod,
    OnlineMigrationState,
    RedisInstance,
    ResumeMode,
    Until,
)
from dcs_migration.resources.urn import urn_of
from dcs_migration.resources.watched import Watched

TYPE_TOKEN = "pulumi-python:dynamic/dcs:OnlineMigration"  # noqa: S105 (Pulumi's word for the name of a type)

_OUTPUT_ONLY = ("status", "task_status", "error")


class OnlineMigration(CheckedResource, module="dcs", name="OnlineMigration"):
    """A migration from one running Redis to another (``POST /v2/{project_id}/migration/{task_id}/task``).

    Creating it waits for the migration instance, then configures and starts the migration
    (SetOnlineMigrationTask); it doesn't wait for the data. Changes are made in place, with the same call.
    ``state`` is the state that you want: ``running``, ``stopped`` (BatchStopMigrationTasks,
    BatchRestartOnlineMigrationTasks) or ``switched`` (ExchangeInstanceIp, RollbackExchangeInstanceIp).
    Deleting it stops the replication. Copied data and switched addresses remain.

    Example:
        from dcs_migration import OnlineMigration

        move = OnlineMigration(
            "orders",
            task_id=machine.id,  # of a MigrationInstance
            migration_method="incremental_migration",
            source_instance={"addrs": "192.168.1.135:6379"},
            target_instance={"id": "4cd5dbb8-aacd-4603-b817-3e97d48c7a20"},
        )
    """

    task_id: pulumi.Output[str]
    """Id of the migration instance, which is also the id of this resource."""
    job_id: pulumi.Output[str | None]
    """Id of the job that creates the instance."""
    migration_method: pulumi.Output[str]
    """``full_amount_migration`` or ``incremental_migration``."""
    resume_mode: pulumi.Output[str]
    """``auto`` or ``manual``."""
    bandwidth_limit_mb: pulumi.Output[int | None]
    """Limit of the copy's speed in MB/s, or None."""
    source_instance: pulumi.Output[Any]
    """The Redis to copy from (:class:`RedisInstance`); its password is a secret."""
    target_instance: pulumi.Output[Any]
    """The Redis that receives the data (:class:`RedisInstance`); its password is a secret."""
    state: pulumi.Output[str]
    """``running``, ``stopped`` or ``switched``; after a refresh, what the service reports."""
    triggers: pulumi.Output[Any]
    """What sends the settings again when it changes."""
    existing_task_id: pulumi.Output[str | None]
    """Id of the migration that was taken over, or None."""
    region: pulumi.Output[str]
    """Region where it lives."""
    project_id: pulumi.Output[str]
    """Project where it lives."""
    status: pulumi.Output[str]
    """Status as the service spells it, at the last create, update or refresh."""
    task_status: pulumi.Output[str | None]
    """Status of an exchange of addresses (``EXCHANGE_SUCCESS``, ``ROLLBACK_SUCCESS``), or None."""
    error: pulumi.Output[str | None]
    """The service's error text of a failed migration; known after a refresh."""

    def __init__(
        self,
        resource_name: str,
        *,
        migration_method: pulumi.Input[MigrationMethod],
        source_instance: pulumi.Input[RedisInstance],
        target_instance: pulumi.Input[RedisInstance],
        task_id: pulumi.Input[str] | None = None,
        job_id: pulumi.Input[str | None] | None = None,
        resume_mode: pulumi.Input[ResumeMode] | None = None,
        bandwidth_limit_mb: pulumi.Input[int] | None = None,
        state: pulumi.Input[OnlineMigrationState] | None = None,
        triggers: pulumi.Input[Sequence[Any]] | None = None,
        region: pulumi.Input[str] | None = None,
        project_id: pulumi.Input[str] | None = None,
        existing_task_id: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare an online migration.

        Args:
            resource_name: Pulumi's name of the resource.
            migration_method: ``full_amount_migration`` or ``incremental_migration``.
            source_instance: ``id`` of a DCS instance or ``addrs`` of another Redis, and its ``password``.
            target_instance: The same, for the Redis that receives the data.
            task_id: The migration instance that it runs on (``MigrationInstance.id``). Required without
                ``existing_task_id``.
            job_id: The job that creates the instance (``MigrationInstance.job_id``); the migration waits for it.
            resume_mode: ``auto`` or ``manual``. Default ``auto``.
            bandwidth_limit_mb: 1 to 10,240 MB/s, only for incremental migrations. Default: no limit.
            state: ``running``, ``stopped`` or ``switched``. Default ``running``.
            triggers: List of any values; a change sends the settings again.
            region: Default ``huaweicloud:region``, then HW_REGION_NAME.
            project_id: Default ``huaweicloud:projectId``, then HW_PROJECT_ID, then a look-up in IAM.
            existing_task_id: Take over the migration that is configured on this instance, in its current state. It
                must match the other inputs, and destroying the resource doesn't change it.
            opts: Resource options. ``custom_timeouts`` (create, update, delete) limit the waits (default 10 minutes).

        Raises:
            ValueError: an option can't work (see :func:`checked_options`).
        """
        require_name(type(self), resource_name)
        options, owner = task_options(opts, TYPE_TOKEN)
        super().__init__(
            OnlineMigrationProvider(),
            resource_name,
            {
                "task_id": task_id,
                "job_id": job_id,
                "migration_method": migration_method,
                "resume_mode": resume_mode,
                "bandwidth_limit_mb": bandwidth_limit_mb,
                "source_instance": with_secret_password(
                    argument(type(self), resource_name, "source_instance"), source_instance
                ),
                "target_instance": with_secret_password(
                    argument(type(self), resource_name, "target_instance"), target_instance
                ),
                "state": state,
                "triggers": triggers,
                "region": region,
                "project_id": project_id,
                "existing_task_id": existing_task_id,
                URN: urn_of(resource_name, TYPE_TOKEN, options.parent),
                OWNER: owner,
                DRY_RUN: pulumi.runtime.is_dry_run(),
                CREATE_TIMEOUT: custom_timeout(options, "create"),
                UPDATE_TIMEOUT: custom_timeout(options, "update"),
                DELETE_TIMEOUT: custom_timeout(options, "delete"),
                **dict.fromkeys(_OUTPUT_ONLY),
            },
            options,
        )
        if existing_task_id is None:
            hold(self, TYPE_TOKEN, options)

    def completion(
        self,
        *,
        timeout: pulumi.Input[str | float] | timedelta | None = None,
        interval: pulumi.Input[str | float] | timedelta | None = None,
        until: pulumi.Input[Until] | None = None,
        max_lag_bytes: pulumi.Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> MigrationCompletion:
        """Wait for this migration only: returns a ``MigrationCompletion`` named ``<name>-completion``, as its child.

        Args:
            timeout: As for :class:`MigrationCompletion`.
            interval: As for :class:`MigrationCompletion`.
            until: As for :class:`MigrationCompletion`.
            max_lag_bytes: As for :class:`MigrationCompletion`.
            opts: Options of the completion.
        """
        options = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(parent=self), resource_options(opts))
        return MigrationCompletion(
            f"{self._name}-completion",
            tasks=[self],
            timeout=timeout,
            interval=interval,
            until=until,
            max_lag_bytes=max_lag_bytes,
            opts=options,
        )

    def _watched(self) -> Watched:
        return Watched(
            resource_name=self._name,
            id=self.id,
            status=self.status,
            region=self.region,
            project_id=self.project_id,
            provider=used_provider(self, TYPE_TOKEN),
            urn=self.urn,
            passwords=passwords_of(self),
        )
