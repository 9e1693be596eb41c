"""The names of the Python package over native resources: programs of the tests run with either front end.

It is copied into a stack's folder as the package ``dcs_migration``, which it hides from the program alone.
"""

# mypy: disable-error-code="no-untyped-def,type-arg,no-untyped-call"
from __future__ import annotations

import re
from typing import Any

import pulumi

_OUTPUTS = ("name", "status", "statuses", "taskId")


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def _wire(value: Any) -> Any:
    if isinstance(value, dict):
        return {_camel(key): _wire(item) for key, item in value.items()}
    return [_wire(item) for item in value] if isinstance(value, list) else value


def _properties(given: dict[str, Any]) -> dict[str, Any]:
    properties = {_camel(key): value if key == "triggers" else _wire(value) for key, value in given.items()}
    return {**dict.fromkeys(_OUTPUTS), **properties}


class _Native(pulumi.CustomResource):
    def __init__(self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **given: Any) -> None:
        super().__init__(f"dcs:index:{type(self).__name__}", resource_name, _properties(given), opts)


class MigrationTask(_Native):
    """See the package."""


class MigrationCompletion(_Native):
    """See the package; it waits for what ``tasks`` names."""

    def __init__(self, resource_name: str, tasks: Any = (), **given: Any) -> None:
        """Declare it."""
        super().__init__(resource_name, task_ids=[task.id for task in tasks], **given)


class OnlineMigrationTask(pulumi.ComponentResource):
    """See the package."""

    def __init__(self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **given: Any) -> None:
        """Declare it."""
        super().__init__(
            "dcs:index:OnlineMigrationTask", resource_name, _properties(given), opts, remote=True
        )


def provider_process(name: str, config: Any = None, opts: Any = None) -> Any:
    """See the package."""
    raise NotImplementedError
