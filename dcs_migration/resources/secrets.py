"""Passwords are secrets, whether or not the user marked them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi


def with_secret_password(instance: Any) -> Any:
    """Mark the password as a secret, also where the whole instance is an output."""

    def mark(value: Any) -> Any:
        if isinstance(value, Mapping) and value.get("password") is not None:
            return {**value, "password": pulumi.Output.secret(value["password"])}
        return value

    return instance.apply(mark) if isinstance(instance, pulumi.Output) else mark(instance)


def without_password(instance: Any) -> Any:
    """Return an instance without its password, which then makes no secret of the rest."""

    def strip(value: Any) -> Any:
        return (
            {key: item for key, item in value.items() if key != "password"}
            if isinstance(value, Mapping)
            else value
        )

    return (
        strip(instance) if isinstance(instance, Mapping) else pulumi.Output.from_input(instance).apply(strip)
    )


def passwords_of(task: Any) -> list[pulumi.Output[str | None]]:
    """Return the passwords of a task as secrets, from its outputs: what the service was told stands there."""

    def password(instance: Any) -> str | None:
        return instance.get("password") if isinstance(instance, Mapping) else None

    return [
        pulumi.Output.secret(side.apply(password)) for side in (task.source_instance, task.target_instance)
    ]
