"""Passwords are secrets, even if the program doesn't mark them."""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Awaitable, Mapping
from typing import Any

import pulumi

from dcs_migration.names import PASSWORD
from dcs_migration.resources.arguments import require_plain


def with_secret_password(where: str, instance: Any) -> Any:
    """Make the password of an instance a secret, for any form of input.

    Only the password becomes a secret, so that previews stay readable. A transform that runs later may set another
    password, so the plugin also marks the passwords that it returns.

    A value that can't be sent is refused here, before the secret hides it, or when an awaitable or an output
    resolves. Otherwise Pulumi would print the value, with a traceback.

    Args:
        where: Name of the argument, for messages.
        instance: What the user wrote.

    Raises:
        TypeError: the type can't be sent.
        ValueError: the value can't be sent.
    """
    if isinstance(instance, pulumi.Output):
        return instance.apply(lambda known: with_secret_password(where, known))
    if inspect.isawaitable(instance):
        return asyncio.ensure_future(_resolved(where, instance))
    require_plain(where, instance)
    if isinstance(instance, Mapping):
        if instance.get(PASSWORD) is not None:
            return {**instance, PASSWORD: pulumi.Output.secret(instance[PASSWORD])}
        return instance
    # An instance of an `@pulumi.input_type` class keeps its properties in its `__dict__`.
    if getattr(instance, "__dict__", {}).get(PASSWORD) is not None:
        require_plain(f"{where}.{PASSWORD}", instance.__dict__[PASSWORD])
        instance = copy.copy(instance)
        instance.__dict__[PASSWORD] = pulumi.Output.secret(instance.__dict__[PASSWORD])
    return instance


async def _resolved(where: str, instance: Awaitable[Any]) -> Any:
    return with_secret_password(where, await instance)


def reusable(instance: Any) -> Any:
    """Return an input that can be used twice: a coroutine can be awaited only once."""
    return asyncio.ensure_future(instance) if inspect.isawaitable(instance) else instance


def without_password(instance: Any) -> Any:
    """Return an instance without its password, so that the rest doesn't become a secret."""
    if not isinstance(instance, Mapping):
        return pulumi.Output.from_input(instance).apply(_stripped)
    return _stripped(instance)


def _stripped(value: Any) -> Any:
    return (
        {key: item for key, item in value.items() if key != PASSWORD} if isinstance(value, Mapping) else value
    )


def passwords_of(task: Any) -> list[pulumi.Output[str | None]]:
    """Return the passwords of a task as secrets, from its outputs, which hold what was sent to the service."""

    def password(instance: Any) -> str | None:
        return instance.get(PASSWORD) if isinstance(instance, Mapping) else None

    return [
        pulumi.Output.secret(side.apply(password)) for side in (task.source_instance, task.target_instance)
    ]
