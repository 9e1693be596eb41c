"""Resource options: refuses those that Pulumi would ignore or get wrong for a dynamic resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from dcs_migration import durations
from dcs_migration.resources.arguments import described
from dcs_migration.resources.provider import PACKAGE, default_provider, given_provider


def task_options(
    opts: pulumi.ResourceOptions | None, type_token: str
) -> tuple[pulumi.ResourceOptions, pulumi.Output[str]]:
    """Return the options of a task, with ``delete_before_replace`` and a provider, and its owner: the provider's id.

    Raises:
        ValueError: an option would be ignored, or would break a promise.
    """
    options = checked_options(opts)
    provider = given_provider(options, type_token)
    if provider is None:
        provider = default_provider(options.parent)
        options = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(provider=provider))
    return options, provider.id


def checked_options(
    opts: pulumi.ResourceOptions | None, *, delete_before_replace: bool = True
) -> pulumi.ResourceOptions:
    """Return the options, for a task with ``delete_before_replace`` set and ``retain_on_delete`` unset.

    When ``--replace`` or ``pulumi state taint`` asks for a replacement, Pulumi ignores the order in a provider's
    ``diff`` and follows only the option. If the new task were created first, it would run while the old one still
    writes into the same target.

    Raises:
        TypeError: an option has a type that would make Pulumi fail with a traceback.
        ValueError: an option would be ignored, or would break the promise of one task.
    """
    opts = resource_options(opts) or pulumi.ResourceOptions()
    provider = opts.provider
    if provider is not None and provider.package != PACKAGE:
        raise ValueError(
            f"opts.provider is a provider of the package '{provider.package}', which a dynamic resource "
            'ignores; set region="..." (and project_id="...") instead, or pass a '
            "dcs_migration.Provider(...)"
        )
    if delete_before_replace and opts.delete_before_replace is False:
        raise ValueError(
            "opts.delete_before_replace=False would start a second task while the old one still writes to "
            "the same target; leave it out"
        )
    if delete_before_replace:
        refuse_leaving_it(opts)
    if opts.import_ is not None:
        raise ValueError(
            "opts.import_ doesn't work for Pulumi's dynamic resources; set existing_task_id=\"...\" to take "
            "over a task, or use MigrationTask.get(...) to read one"
        )
    if opts.id is not None or opts.urn is not None:
        raise ValueError(
            "opts.id and opts.urn would read a resource instead of creating one; leave them out, and use "
            "MigrationTask.get(...) to read a task"
        )
    if not delete_before_replace:
        return opts
    # If retain_on_delete isn't set, Pulumi takes it from the parent, and the SDK doesn't show it.
    own = pulumi.ResourceOptions(delete_before_replace=True, retain_on_delete=False)
    return pulumi.ResourceOptions.merge(opts, own)


def refuse_leaving_it(opts: pulumi.ResourceOptions) -> None:
    """Refuse options that would remove a task from the state while it keeps running: no one would know about it.

    Raises:
        ValueError: the message has the option and what to do.
    """
    advice = 'leave it out; a task that is taken over with existing_task_id="..." is never stopped or deleted'
    if opts.retain_on_delete:
        raise ValueError(
            "opts.retain_on_delete=True would leave a task running that isn't in any state, and a replacement "
            f"would start a second one; {advice}"
        )
    if opts.deleted_with is not None:
        raise ValueError(f"opts.deleted_with would leave a task running that isn't in any state; {advice}")


def resource_options(opts: Any) -> pulumi.ResourceOptions | None:
    """Return the options, after checking the types of those that are used before Pulumi checks them.

    Raises:
        TypeError: an option has the wrong type.
        ValueError: a timeout isn't a duration.
    """
    if opts is None:
        return None
    if not isinstance(opts, pulumi.ResourceOptions):
        raise TypeError(f"opts: is {described(opts)}; use opts=pulumi.ResourceOptions(...)")
    if opts.parent is not None and not isinstance(opts.parent, pulumi.Resource):
        raise TypeError(f"opts.parent: is {described(opts.parent)}; use the resource itself")
    if opts.provider is not None and not isinstance(opts.provider, pulumi.ProviderResource):
        raise TypeError(f"opts.provider: is {described(opts.provider)}; use a dcs_migration.Provider(...)")
    if opts.providers is not None and not isinstance(opts.providers, (Mapping, Sequence)):
        raise TypeError(
            f"opts.providers: is {described(opts.providers)}; use a list of providers, or provider= for one"
        )
    timeouts = opts.custom_timeouts
    if timeouts is not None and not isinstance(timeouts, (pulumi.CustomTimeouts, dict)):
        raise TypeError(
            f'opts.custom_timeouts: is {described(timeouts)}; use pulumi.CustomTimeouts(delete="30m")'
        )
    for operation in ("create", "update", "delete"):
        text = custom_timeout(opts, operation)
        if text is not None and not isinstance(text, str):
            raise TypeError(
                f'opts.custom_timeouts.{operation}: is {described(text)}; use a string such as "30m"'
            )
        if text:
            try:
                durations.seconds(text)  # otherwise Pulumi refuses it without showing where it is set
            except ValueError as error:
                raise ValueError(f"opts.custom_timeouts.{operation}: {error}") from None
    return opts


def custom_timeout(opts: pulumi.ResourceOptions, operation: str) -> str | None:
    """A value of ``custom_timeouts`` as written ("10m"): Pulumi doesn't pass it to a dynamic provider."""
    timeouts = opts.custom_timeouts
    if timeouts is None:
        return None
    if isinstance(timeouts, pulumi.CustomTimeouts):
        text: str | None = getattr(timeouts, operation)
        return text
    return timeouts.get(operation)  # the SDK also accepts a plain dict
