"""Refuses two resources of a program that hold the same task through different providers.

Each provider has its own plugin process, which doesn't know the other provider's resources. The program knows all
of them.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import pulumi
from pulumi.runtime.settings import get_monitor

from dcs_migration.resources.provider import given_provider

_Holder = tuple[pulumi.CustomResource, pulumi.ProviderResource | None]

# The key is the program's connection to Pulumi, as in `provider`. A migration and its instance share an id, so
# the type is part of the inner key.
_held: WeakKeyDictionary[object, dict[tuple[str, str], _Holder]] = WeakKeyDictionary()


def hold(resource: pulumi.CustomResource, type_token: str, options: pulumi.ResourceOptions) -> None:
    """Record the task that a resource holds as soon as its id is known.

    Raises (when it is known, which ends the program):
        RunError: a resource with another provider holds the same one.
    """
    monitor = get_monitor()
    if monitor is None:
        return
    held = _held.setdefault(monitor, {})
    provider = given_provider(options, type_token)

    def note(id_: str) -> None:
        other, others = held.setdefault((type_token, id_), (resource, provider))
        if other is not resource and others is not provider:
            raise pulumi.RunError(
                f"two resources of this stack hold task {id_}, '{resource._name}' and '{other._name}', so a "
                "change to one affects the other; remove the newer one from the state with `pulumi state "
                "delete` and its URN, and from the program"
            )

    resource.id.apply(note)
