"""The ``MigrationTask`` resource: what a user writes and what the stack exports. No HTTP here."""

# Annotations aren't strings here: Pulumi would evaluate those of the outputs again for each task.
import inspect
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pulumi

from dcs_migration.names import DELETE_TIMEOUT, DRY_RUN, OWNER, URN
from dcs_migration.providers.migration_task import MigrationTaskProvider
from dcs_migration.resources.arguments import CheckedResource, argument, described, require_name
from dcs_migration.resources.holders import hold
from dcs_migration.resources.migration_completion import MigrationCompletion
from dcs_migration.resources.options import custom_timeout, resource_options, task_options
from dcs_migration.resources.provider import used_provider
from dcs_migration.resources.secrets import passwords_of, with_secret_password
from dcs_migration.resources.types import (
    BackupFiles,
    MigrationMethod,
    MigrationType,
    NetworkType,
    SourceInstance,
    TargetInstance,
    Until,
)
from dcs_migration.resources.urn import urn_of
from dcs_migration.resources.watched import Watched

TYPE_TOKEN = "pulumi-python:dynamic/dcs:MigrationTask"  # noqa: S105 (Pulumi's word for the name of a type)

# Declared without a value, so that the outputs exist as attributes before the provider fills them.
_OUTPUT_ONLY = ("name", "status", "created_at", "updated_at", "released_at", "error")
_READ_FROM_THE_SERVICE = (
    *("task_name", "description", "migration_type", "migration_method", "backup_files"),
    *("network_type", "source_instance", "target_instance", "existing_task_id", "triggers"),
)


class MigrationTask(CheckedResource, module="dcs", name="MigrationTask"):
    """A DCS data-migration task (``POST /v2/{project_id}/migration-task``, CreateMigrationTask).

    Creating it starts the migration and returns as soon as the service returns an id; it never waits
    for the data. A change of any input replaces the task, which runs the migration again. The only exception is a
    changed password: it updates the state without a call.

    Example:
        from dcs_migration import MigrationTask

        orders = MigrationTask(
            "orders",
            migration_type="backupfile_import",
            migration_method="full_amount_migration",
            backup_files={"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]},
            target_instance={"id": "4cd5dbb8-aacd-4603-b817-3e97d48c7a20"},
        )
    """

    task_name: pulumi.Output[str]
    """Name of the task, as written or defaulted."""
    description: pulumi.Output[str | None]
    """Description, without the provider's owner mark."""
    migration_type: pulumi.Output[str]
    """``backupfile_import`` or ``online_migration``."""
    migration_method: pulumi.Output[str]
    """``full_amount_migration`` or ``incremental_migration``."""
    backup_files: pulumi.Output[Any]
    """What a backup import loads (:class:`BackupFiles`)."""
    network_type: pulumi.Output[str | None]
    """``vpc``, ``vpn`` or None."""
    source_instance: pulumi.Output[Any]
    """The source of an online migration (:class:`SourceInstance`); its password is a secret."""
    target_instance: pulumi.Output[Any]
    """The DCS instance that receives the data (:class:`TargetInstance`); its password is a secret."""
    region: pulumi.Output[str]
    """Region where the task lives."""
    project_id: pulumi.Output[str]
    """Project where the task lives."""
    existing_task_id: pulumi.Output[str | None]
    """Id of the task that was taken over, or None."""
    triggers: pulumi.Output[Any]
    """What runs the migration again when it changes."""
    name: pulumi.Output[str]
    """Name as the service returned it."""
    status: pulumi.Output[str]
    """Status as the service spells it, at the last create or refresh; ``GONE`` when its record no longer exists."""
    created_at: pulumi.Output[str | None]
    """When the service created the task; known after a refresh."""
    updated_at: pulumi.Output[str | None]
    """When the task last changed or ended; known after a refresh."""
    released_at: pulumi.Output[str | None]
    """When the service released the task's resources; known after a refresh."""
    error: pulumi.Output[str | None]
    """The service's error text of a failed task; known after a refresh."""

    managed: bool = True
    """Whether this stack manages the task; False for a task from :meth:`get`, which is only read."""

    def __init__(
        self,
        resource_name: str,
        *,
        migration_type: pulumi.Input[MigrationType],
        migration_method: pulumi.Input[MigrationMethod],
        target_instance: pulumi.Input[TargetInstance],
        task_name: pulumi.Input[str] | None = None,
        description: pulumi.Input[str] | None = None,
        backup_files: pulumi.Input[BackupFiles] | None = None,
        network_type: pulumi.Input[NetworkType] | None = None,
        source_instance: pulumi.Input[SourceInstance] | None = None,
        region: pulumi.Input[str] | None = None,
        project_id: pulumi.Input[str] | None = None,
        existing_task_id: pulumi.Input[str] | None = None,
        triggers: pulumi.Input[Sequence[Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a migration task.

        Args:
            resource_name: Pulumi's name of the resource.
            migration_type: ``backupfile_import`` loads backup files; ``online_migration`` copies from a running
                Redis (withdrawn in most regions).
            migration_method: ``full_amount_migration`` copies once; ``incremental_migration`` keeps following
                the source (online only).
            target_instance: ``id`` (required), ``name`` and ``password`` of the DCS instance that receives the
                data. Changing only the password doesn't run the migration again.
            task_name: Default ``<resource name>-<7 hex digits>``; a rename doesn't change it.
            description: Free text, up to 976 characters.
            backup_files: Required for a backup import: ``bucket_name`` and ``files``, or ``backup_id``.
            network_type: ``vpc`` or ``vpn``, only for an online migration.
            source_instance: Required for an online migration: ``addrs`` (required) and ``password``.
            region: Default ``huaweicloud:region``, then HW_REGION_NAME.
            project_id: Default ``huaweicloud:projectId``, then HW_PROJECT_ID, then a look-up in IAM.
            existing_task_id: Take over this task instead of creating one. It must match the other inputs, and the
                provider never stops or deletes it.
            triggers: List of any values; a change runs the migration again.
            opts: Resource options. ``custom_timeouts.delete`` limits a delete (default 10 minutes).

        Raises:
            ValueError: an option can't work (see :func:`checked_options`).
        """
        require_name(type(self), resource_name)
        options, owner = task_options(opts, TYPE_TOKEN)
        super().__init__(
            MigrationTaskProvider(),
            resource_name,
            {
                "task_name": task_name,
                "description": description,
                "migration_type": migration_type,
                "migration_method": migration_method,
                "backup_files": backup_files,
                "network_type": network_type,
                "source_instance": with_secret_password(
                    argument(type(self), resource_name, "source_instance"), source_instance
                ),
                "target_instance": with_secret_password(
                    argument(type(self), resource_name, "target_instance"), target_instance
                ),
                "region": region,
                "project_id": project_id,
                "existing_task_id": existing_task_id,
                "triggers": triggers,
                URN: urn_of(resource_name, TYPE_TOKEN, options.parent),
                OWNER: owner,
                DRY_RUN: pulumi.runtime.is_dry_run(),
                DELETE_TIMEOUT: custom_timeout(options, "delete"),
                **dict.fromkeys(_OUTPUT_ONLY),
            },
            options,
        )
        if existing_task_id is None:
            hold(self, TYPE_TOKEN, options)

    @classmethod
    def get(
        cls,
        resource_name: str,
        id: pulumi.Input[str],
        region: pulumi.Input[str] | None = None,
        project_id: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> "MigrationTask":
        """Read an existing task without managing it (ListMigrationTask, then ShowMigrationTask).

        If the task's record no longer exists, ``status`` is ``GONE`` and there is a warning. Inputs that the
        service doesn't return (passwords, addresses) have the value None.

        Args:
            resource_name: Pulumi's name of the resource.
            id: Id of the task.
            region: Same default as for a new task.
            project_id: Same default as for a new task.
            opts: Resource options.

        Raises:
            TypeError: ``id`` isn't an id.
            ValueError: ``id`` is empty, or an option can't work (see :func:`checked_options`).
        """
        require_name(cls, resource_name)
        if not isinstance(id, (str, pulumi.Output)) and not inspect.isawaitable(id):
            raise TypeError(
                f"MigrationTask.get('{resource_name}'): id: is {described(id)}; use the id of a task"
            )
        if id == "":
            raise ValueError(f"MigrationTask.get('{resource_name}'): id: is empty; use the id of a task")
        task = cls.__new__(cls)
        task.managed = False
        options, _ = task_options(opts, TYPE_TOKEN)
        options = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(id=id))
        CheckedResource.__init__(
            task,
            MigrationTaskProvider(),
            resource_name,
            {
                **dict.fromkeys(_READ_FROM_THE_SERVICE),
                "region": region,
                "project_id": project_id,
                URN: urn_of(resource_name, TYPE_TOKEN, options.parent),
                **dict.fromkeys(_OUTPUT_ONLY),
            },
            options,
        )
        return task

    def completion(
        self,
        *,
        timeout: pulumi.Input[str | float] | timedelta | None = None,
        interval: pulumi.Input[str | float] | timedelta | None = None,
        until: pulumi.Input[Until] | None = None,
        max_lag_bytes: pulumi.Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> MigrationCompletion:
        """Wait for this task only: returns a :class:`MigrationCompletion` named ``<name>-completion``, as its child.

        Args:
            timeout: As for :class:`MigrationCompletion`.
            interval: As for :class:`MigrationCompletion`.
            until: As for :class:`MigrationCompletion`.
            max_lag_bytes: As for :class:`MigrationCompletion`.
            opts: Options of the completion.
        """
        name = f"{self._name}-completion"
        options = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(parent=self), resource_options(opts))
        return MigrationCompletion(
            name,
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
            urn=self.urn if self.managed else None,
            name=self.name,
            taken_over=self.existing_task_id,
            passwords=passwords_of(self),
        )
