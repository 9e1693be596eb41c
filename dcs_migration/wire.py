"""What both front ends send to the engine: properties in which every password is marked as a secret."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pulumi.runtime import rpc

from dcs_migration.life_cycles.inputs import has_unknown
from dcs_migration.names import PASSWORD


def with_secrets(value: Any, names: Collection[str] = (PASSWORD,)) -> Any:
    """Mark what stands under these names as a secret, at any depth, also where a program has not marked it.

    The dynamic host drops the mark of an ``Output.secret`` that a provider returns, but not this form, which is
    the engine's own. What is known later is marked then.
    """
    if isinstance(value, Mapping):
        return {
            key: rpc.wrap_rpc_secret(item)
            if key in names and item is not None and not has_unknown(item)
            else with_secrets(item, names)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [with_secrets(item, names) for item in value]
    return value
