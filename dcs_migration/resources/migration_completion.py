"""The ``MigrationCompletion`` resource: a stack goes on only when the data is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

import pulumi
from pulumi.dynamic import Resource
from pulumi.runtime.settings import get_monitor

from dcs_migration.providers.migration_completion import MigrationCompletionProvider
from dcs_migration.resources.options import checked_options, custom_timeout
from dcs_migration.resources.provider import Provider
from dcs_migration.resources.secrets import passwords_of
from dcs_migration.resources.types import Until
from dcs_migration.resources.urn import urn_of

if TYPE_CHECKING:
    from dcs_migration.resources.migration_task import MigrationTask
    from dcs_migration.resources.online_migration import OnlineMigration
    from dcs_migration.resources.online_migration_task import OnlineMigrationTask

TYPE_TOKEN = "pulumi-python:dynamic/dcs:MigrationCompletion"  # noqa: S105 (Pulumi's word for a type's name)

THREADS = 4  # of one plugin process; a completion that waits occupies one


class MigrationCompletion(Resource, module="dcs", name="MigrationCompletion"):
    """Waits until every one of its tasks is done (ListMigrationTask, one call per interval for all).

    Full migrations are done when they succeed, incremental ones when they have reached the incremental
    phase, or with ``until="in_sync"`` when their targets have caught up, too. A failed task fails the
    completion after the rest has ended. Nothing in the cloud is ever changed by it: not when it is
    interrupted, and not when it is deleted.

    Example:
        from dcs_migration import MigrationCompletion

        done = MigrationCompletion("orders-done", task_ids=["8aa6999e71cb638b0171f485f5266ef0"], timeout="2h")
    """

    task_ids: pulumi.Output[Sequence[str]]
    """Ids of the tasks, in the order of the inputs."""
    statuses: pulumi.Output[Mapping[str, str]]
    """Id of each task and its status when the wait for it ended."""

    def __init__(
        self,
        resource_name: str,
        *,
        tasks: Sequence[MigrationTask | OnlineMigration | OnlineMigrationTask] | None = None,
        task_ids: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        region: pulumi.Input[str] | None = None,
        project_id: pulumi.Input[str] | None = None,
        timeout: pulumi.Input[str | float] | None = None,
        interval: pulumi.Input[str | float] | None = None,
        fail_fast: pulumi.Input[bool] | None = None,
        until: pulumi.Input[Until] | None = None,
        max_lag_bytes: pulumi.Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a wait.

        Args:
            resource_name: Pulumi's name of the resource.
            tasks: Tasks of this program. One at least, here or in ``task_ids``.
            task_ids: Ids of tasks from elsewhere; they come after those of ``tasks``. Their passwords are not known
                here, so that they stay in what the service says.
            region: Region of ``task_ids``; default ``huaweicloud:region``, then HW_REGION_NAME.
            project_id: Project of ``task_ids``; default as for a task.
            timeout: ``"90s"``, ``"30m"``, ``"2h"`` or seconds. Default 1 hour.
            interval: Time between two polls, written as ``timeout`` is. Default and least 10 seconds (1 towards
                an emulator).
            fail_fast: Do not wait for the rest once a task has failed. Default False.
            until: ``done``, or ``in_sync``: each incremental task must also be at most ``max_lag_bytes`` behind
                its source, twice in a row (ShowMigrationTaskStats). Default ``done``.
            max_lag_bytes: Only with ``in_sync``. Default 0.
            opts: Resource options; ``custom_timeouts`` (create, update) bound the wait, too.

        Raises:
            ValueError: an option that cannot work.
        """
        options = checked_options(opts, replaced_by_deleting_first=False)
        if options.provider is None:
            options = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(provider=_process()))
        listed = [_task_of(task) for task in tasks or ()]
        own = [task.id for task in listed]
        ids: pulumi.Input[Sequence[pulumi.Input[str]]] = own
        if task_ids is not None:
            ids = (
                pulumi.Output.from_input(task_ids).apply(lambda others: [*own, *others]) if own else task_ids
            )
        super().__init__(
            MigrationCompletionProvider(),
            resource_name,
            {
                "task_ids": ids,
                "region": region,
                "project_id": project_id,
                "timeout": timeout,
                "interval": interval,
                "fail_fast": fail_fast,
                "until": until,
                "max_lag_bytes": max_lag_bytes,
                "__tasks": [
                    {
                        "urn": task.urn if getattr(task, "managed", True) else None,
                        "taken_over": getattr(task, "existing_task_id", None),
                        "name": getattr(task, "name", None),
                        "status": task.status,
                        "region": task.region,
                        "project_id": task.project_id,
                    }
                    for task in listed
                ],
                # Its process does not have them from the tasks, and the service may quote them.
                "__passwords": [password for task in listed for password in passwords_of(task)],
                "__urn": urn_of(resource_name, TYPE_TOKEN, options.parent),
                "__create_timeout": custom_timeout(options, "create"),
                "__update_timeout": custom_timeout(options, "update"),
                "statuses": None,
            },
            options,
        )


def _task_of(task: MigrationTask | OnlineMigration | OnlineMigrationTask) -> MigrationTask | OnlineMigration:
    """Return what has an id in the service: of a component, the migration in it."""
    inner = getattr(task, "migration", None)
    return cast("MigrationTask | OnlineMigration", task if inner is None else inner)


# The process of each completion so far, for each program: a monitor is the program's line to its engine.
_places: WeakKeyDictionary[object, list[pulumi.ProviderResource]] = WeakKeyDictionary()


def _process() -> pulumi.ProviderResource:
    """Return a plugin process with a free thread: waiting must starve neither creates nor other waits."""
    monitor = get_monitor()
    taken = _places.setdefault(monitor, []) if monitor is not None else []
    if len(taken) % THREADS:
        process = taken[-1]
    else:
        number = len(taken) // THREADS + 1
        process = Provider("dcs-completions" if number == 1 else f"dcs-completions-{number}")
    taken.append(process)
    return process
