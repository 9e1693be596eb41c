"""A resource's own URN, which Pulumi does not hand to a dynamic provider."""

from __future__ import annotations

from collections.abc import Awaitable

import pulumi
from pulumi.resource import create_urn
from pulumi.runtime.settings import get_root_resource


def urn_of(
    resource_name: str, type_token: str, parent: pulumi.Resource | None
) -> str | Awaitable[str | None]:
    """Return the URN that a resource is about to get.

    As an output it would make the resource depend on its parent, and through a component on itself: the
    bare value has no dependencies. None where a preview does not know the parent's URN.
    """
    if parent is None or parent is get_root_resource():
        # Known at once; `create_urn` would take a fifth of the time that declaring a task takes.
        return f"urn:pulumi:{pulumi.get_stack()}::{pulumi.get_project()}::{type_token}::{resource_name}"
    return create_urn(resource_name, type_token, parent).future()
