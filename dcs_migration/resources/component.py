"""The component that a resource is in, if the process of a component package declares it.

Pulumi calls such a process once for each of its components. The calls don't know of each other, so a provider without a
parent would be registered twice with the same URN. In a program, all resources share the same providers.
"""

from __future__ import annotations

import pulumi
from pulumi.runtime.settings import get_root_resource


class Child:
    """A resource of this package; it keeps its parent, which Pulumi's SDK doesn't."""

    _declared_in: pulumi.Resource | None

    def note_parent(self, options: pulumi.ResourceOptions | None) -> None:
        """Keep the parent."""
        self._declared_in = options.parent if options is not None else None


def enclosing_component(resource: pulumi.Resource | None) -> pulumi.Resource | None:
    """Return the nearest resource around that isn't this package's; None in a program, which has a stack.

    Args:
        resource: A resource of this package, or the parent of one.
    """
    if get_root_resource() is not None:
        return None
    while isinstance(resource, Child):
        resource = resource._declared_in
    return resource


def name_in(component: pulumi.Resource | None, name: str) -> str:
    """Return the name of a provider that this package declares: a URN has the types of the parents, but not their names."""
    return name if component is None else f"{component._name}-{name}"
