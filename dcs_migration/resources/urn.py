"""A resource's own URN, which Pulumi does not hand to a dynamic provider."""

from __future__ import annotations

from collections.abc import Awaitable

import pulumi
from pulumi.resource import create_urn


def urn_of(resource_name: str, type_token: str, parent: pulumi.Resource | None) -> Awaitable[str | None]:
    """Return the URN that a resource is about to get.

    As an output it would make the resource depend on its parent, and through a component on itself: the
    bare value has no dependencies. None where a preview does not know the parent's URN.
    """
    return create_urn(resource_name, type_token, parent).future()
