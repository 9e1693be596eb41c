"""The ``MigrationInstance`` resource: the machine on which an online migration runs. No HTTP here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from dcs_migration.names import DELETE_TIMEOUT, DRY_RUN, IDENTITY, OWNER, URN
from dcs_migration.providers.migration_instance import MigrationInstanceProvider
from dcs_migration.resources.arguments import CheckedResource, require_name
from dcs_migration.resources.holders import hold
from dcs_migration.resources.options import custom_timeout, task_options
from dcs_migration.resources.urn import urn_of

TYPE_TOKEN = "pulumi-python:dynamic/dcs:MigrationInstance"  # noqa: S105 (Pulumi's word for the name of a type)

_OUTPUT_ONLY = ("job_id", "status", "created_at", "updated_at", "released_at", "error")


class MigrationInstance(CheckedResource, module="dcs", name="MigrationInstance"):
    """A machine for one online migration (``POST /v2/{project_id}/migration/instance``, CreateOnlineMigrationTask).

    Creating it returns immediately, while the service is still building the machine. Every change replaces the
    machine and ends its migration, because the API can't change an instance. Most programs use an
    ``OnlineMigrationTask`` instead, which combines the machine with its migration.

    Example:
        from dcs_migration import MigrationInstance

        machine = MigrationInstance(
            "mover",
            vpc_id="3c8a5b1e-7d1f-4f5e-9c3b-6a2d8e4f1b70",
            subnet_id="a9d3c6e2-4b8f-4d17-8f3e-5c1b7a9e2d64",
            security_group_id="e4b7f1a8-2c6d-4e39-b5a1-9d8c3f6e7b02",
        )
    """

    name: pulumi.Output[str]
    """Name of the instance, as written or defaulted."""
    description: pulumi.Output[str | None]
    """Description, without the provider's owner mark."""
    vpc_id: pulumi.Output[str]
    """Id of its VPC."""
    subnet_id: pulumi.Output[str]
    """Id of its subnet."""
    security_group_id: pulumi.Output[str]
    """Id of its security group."""
    existing_task_id: pulumi.Output[str | None]
    """Id of the instance that was taken over, or None."""
    region: pulumi.Output[str]
    """Region where it lives."""
    project_id: pulumi.Output[str]
    """Project where it lives."""
    job_id: pulumi.Output[str | None]
    """Id of the job that creates it, if the service returned one; None if the instance was found again."""
    status: pulumi.Output[str]
    """Status as the service spells it, at the last create or refresh; ``GONE`` when its record no longer exists."""
    created_at: pulumi.Output[str | None]
    """When the service created it; known after a refresh."""
    updated_at: pulumi.Output[str | None]
    """When it last changed; known after a refresh."""
    released_at: pulumi.Output[str | None]
    """When the service released it; known after a refresh."""
    error: pulumi.Output[str | None]
    """The service's error text; known after a refresh."""

    def __init__(
        self,
        resource_name: str,
        *,
        vpc_id: pulumi.Input[str],
        subnet_id: pulumi.Input[str],
        security_group_id: pulumi.Input[str],
        name: pulumi.Input[str] | None = None,
        description: pulumi.Input[str] | None = None,
        region: pulumi.Input[str] | None = None,
        project_id: pulumi.Input[str] | None = None,
        existing_task_id: pulumi.Input[str] | None = None,
        _identity: Mapping[str, Any] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a migration instance.

        Args:
            resource_name: Pulumi's name of the resource.
            vpc_id: VPC of the machine.
            subnet_id: Subnet (its network id); the machine takes one of its addresses.
            security_group_id: Security group; it must let the machine reach the source and the target.
            name: Default ``<resource name>-<7 hex digits>``.
            description: Free text, up to 976 characters.
            region: Default ``huaweicloud:region``, then HW_REGION_NAME.
            project_id: Default ``huaweicloud:projectId``, then HW_PROJECT_ID, then a look-up in IAM.
            existing_task_id: Take over this instance instead of creating one. It must match the other inputs, and the
                provider never stops or deletes it.
            opts: Resource options. ``custom_timeouts.delete`` limits a delete (default 10 minutes).

        Raises:
            ValueError: an option can't work (see :func:`checked_options`).
        """
        require_name(type(self), resource_name)
        options, owner = task_options(opts, TYPE_TOKEN)
        super().__init__(
            MigrationInstanceProvider(),
            resource_name,
            {
                "name": name,
                "description": description,
                "vpc_id": vpc_id,
                "subnet_id": subnet_id,
                "security_group_id": security_group_id,
                "region": region,
                "project_id": project_id,
                "existing_task_id": existing_task_id,
                URN: urn_of(resource_name, TYPE_TOKEN, options.parent),
                OWNER: owner,
                IDENTITY: _identity,
                DRY_RUN: pulumi.runtime.is_dry_run(),
                DELETE_TIMEOUT: custom_timeout(options, "delete"),
                **dict.fromkeys(_OUTPUT_ONLY),
            },
            options,
        )
        if existing_task_id is None:
            hold(self, TYPE_TOKEN, options)
