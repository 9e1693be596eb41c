"""The ``MigrationCompletion`` resource: it makes a stack wait until the data is loaded."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

import pulumi
from pulumi.runtime.settings import get_monitor

from dcs_migration.names import CREATE_TIMEOUT, PASSWORDS, TASKS, THREADS, UPDATE_TIMEOUT, URN, summary
from dcs_migration.providers.migration_completion import MigrationCompletionProvider
from dcs_migration.resources.arguments import CheckedResource, require_name, seconds_of
from dcs_migration.resources.component import enclosing_component, name_in
from dcs_migration.resources.options import checked_options, custom_timeout
from dcs_migration.resources.provider import (
    Provider,
    inherited_provider,
    named_provider,
    waiting_provider,
)
from dcs_migration.resources.types import Until
from dcs_migration.resources.urn import urn_of
from dcs_migration.resources.watched import Watchable, Watched, watched_tasks

TYPE_TOKEN = "pulumi-python:dynamic/dcs:MigrationCompletion"  # noqa: S105 (Pulumi's word for a type's name)


class MigrationCompletion(CheckedResource, module="dcs", name="MigrationCompletion"):
    """Waits until all its tasks are done (ListMigrationTask, one call per interval for all of them).

    A full migration is done when it succeeds. An incremental migration is done when it reaches the incremental
    phase, or, with ``until="in_sync"``, when its target has also caught up. If a task fails, the completion fails
    after the remaining tasks have ended. A completion never changes anything in the cloud, even if you
    interrupt or delete it.

    Example:
        from dcs_migration import MigrationCompletion

        done = MigrationCompletion("orders-done", task_ids=["8aa6999e71cb638b0171f485f5266ef0"], timeout="2h")
    """

    task_ids: pulumi.Output[Sequence[str]]
    """Ids of the tasks, in the order of the inputs."""
    statuses: pulumi.Output[Mapping[str, str]]
    """Status of each task, by id, when the wait for it ended."""
    statuses_by_name: pulumi.Output[Mapping[str, str]]
    """The same statuses by the Pulumi names of the resources in ``tasks``. The key is the id for tasks from
    ``task_ids`` and for tasks that share a name."""
    status: pulumi.Output[str | None]
    """The first task status that isn't ``SUCCESS``; ``SUCCESS`` if there is none."""

    def __init__(
        self,
        resource_name: str,
        *,
        tasks: Iterable[Watchable] | None = None,
        task_ids: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        region: pulumi.Input[str] | None = None,
        project_id: pulumi.Input[str] | None = None,
        timeout: pulumi.Input[str | float] | timedelta | None = None,
        interval: pulumi.Input[str | float] | timedelta | None = None,
        fail_fast: pulumi.Input[bool] | None = None,
        until: pulumi.Input[Until] | None = None,
        max_lag_bytes: pulumi.Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a wait.

        Args:
            resource_name: Pulumi's name of the resource.
            tasks: Tasks of this program. List at least one task here or in ``task_ids``. The wait uses the settings
                of their provider, and runs in its own process.
            task_ids: Ids of tasks from elsewhere; they come after those of ``tasks``. Their passwords aren't known
                here, so they aren't removed from the service's error texts.
            region: Region of ``task_ids``; default ``huaweicloud:region``, then HW_REGION_NAME.
            project_id: Project of ``task_ids``; same default as for a task.
            timeout: ``"90s"``, ``"30m"``, ``"2h"`` or seconds. Default 1 hour.
            interval: Time between two polls, written as ``timeout`` is. Default and minimum: 10 seconds (1 second with
                an emulator).
            fail_fast: Fail as soon as one task fails, without waiting for the others. Default False.
            until: ``done``, or ``in_sync``: each incremental task must also be at most ``max_lag_bytes`` behind
                its source, twice in a row (ShowMigrationTaskStats). Default ``done``.
            max_lag_bytes: Only with ``in_sync``. Default 0.
            opts: Resource options; ``custom_timeouts`` (create, update) also limit the wait. A ``provider`` that you
                set here runs the wait itself, on one of its four threads.

        Raises:
            TypeError: ``tasks`` contains something that isn't a task, or an argument has a type that can't be sent.
            ValueError: there is nothing to wait for, no single provider sees all tasks, or an option can't work.
        """
        require_name(type(self), resource_name)
        listed = watched_tasks(resource_name, tasks)
        ids = _ids(resource_name, listed, task_ids)
        options = checked_options(opts, delete_before_replace=False)
        if named_provider(options) is None:
            process = _process(_settings(resource_name, listed, options), enclosing_component(options.parent))
            options = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(provider=process))
        super().__init__(
            MigrationCompletionProvider(),
            resource_name,
            {
                "task_ids": ids,
                "region": region,
                "project_id": project_id,
                "timeout": seconds_of(timeout),
                "interval": seconds_of(interval),
                "fail_fast": fail_fast,
                "until": until,
                "max_lag_bytes": max_lag_bytes,
                TASKS: [task.hidden for task in listed],
                # The wait's process doesn't get them from the tasks, and the service may quote them.
                PASSWORDS: [password for task in listed for password in task.passwords],
                URN: urn_of(resource_name, TYPE_TOKEN, options.parent),
                CREATE_TIMEOUT: custom_timeout(options, "create"),
                UPDATE_TIMEOUT: custom_timeout(options, "update"),
                "statuses": None,
            },
            options,
        )
        # Computed here and not in the provider, so that they are correct for a state that any release wrote.
        names = [task.resource_name for task in listed]
        self.statuses_by_name = pulumi.Output.all(self.task_ids, self.statuses).apply(
            lambda known: _by_name(names, *known)
        )
        self.status = self.statuses_by_name.apply(_summary)


def _ids(resource_name: str, listed: Sequence[Watched], others: Any) -> Any:
    """Return the ids of the program's own tasks, and after them those from elsewhere.

    A value that isn't a list is passed on unchanged, so that the check refuses it.
    """
    if not listed and (others is None or (isinstance(others, (list, tuple)) and not others)):
        raise ValueError(
            f"MigrationCompletion '{resource_name}': waits for nothing; set tasks=[...] or task_ids=[...]"
        )
    own = [task.id for task in listed]
    if others is None:
        return own
    if isinstance(others, (list, tuple)):
        return [*own, *others]
    if own and (isinstance(others, pulumi.Output) or inspect.isawaitable(others)):
        return pulumi.Output.from_input(others).apply(
            lambda known: [*own, *known] if isinstance(known, (list, tuple)) else known
        )
    return others


def _by_name(names: Sequence[str], ids: Sequence[str], statuses: Mapping[str, str] | None) -> dict[str, str]:
    if not statuses:
        return {}  # there are none in a program's unit test
    often = Counter(names)
    keys = [name if often[name] == 1 else id_ for name, id_ in zip(names, ids, strict=False)]
    keys += ids[len(names) :]
    return {key: statuses[id_] for key, id_ in zip(keys, ids, strict=True) if id_ in statuses}


def _summary(by_name: Mapping[str, str]) -> str | None:
    # The state does not keep the order of `statuses`.
    return summary(list(by_name.values()))


def _settings(
    resource_name: str, listed: Sequence[Watched], options: pulumi.ResourceOptions
) -> pulumi.ProviderResource | None:
    """Return the provider whose settings the wait uses: the tasks' own, else the inherited one; None means the
    stack's settings."""
    if listed:
        return waiting_provider(
            f"MigrationCompletion '{resource_name}': tasks", [task.provider for task in listed]
        )
    inherited = inherited_provider(options, TYPE_TOKEN)
    return inherited if not isinstance(inherited, Provider) or inherited._written else None


# The process of each completion so far, for each program (a monitor is the program's connection to Pulumi), for
# each provider whose settings the process uses, and for each component of a component package.
_Place = tuple[pulumi.ProviderResource | None, pulumi.Resource | None]
_Places = dict[_Place, list[pulumi.ProviderResource]]
_places: WeakKeyDictionary[object, _Places] = WeakKeyDictionary()


def _process(
    settings: pulumi.ProviderResource | None, component: pulumi.Resource | None
) -> pulumi.ProviderResource:
    """Return a plugin process with a free thread: a wait must not block creates or other waits."""
    if settings is not None and not isinstance(settings, Provider):
        return settings  # not made by our class, so its settings aren't known here
    monitor = get_monitor()
    places = _places.setdefault(monitor, {}) if monitor is not None else {}
    taken = places.setdefault((settings, component), [])
    number = len(taken) // THREADS + 1
    if len(taken) % THREADS:
        process = taken[-1]
    elif settings is not None:
        process = settings._for_waits(number)
    else:
        name = "dcs-completions" if number == 1 else f"dcs-completions-{number}"
        process = Provider(name_in(component, name), opts=pulumi.ResourceOptions(parent=component))
    taken.append(process)
    return process
