"""A dynamic provider that does nothing, with the same thin structure as ours: a stateless class that can be
imported."""

from __future__ import annotations

from typing import Any

from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class NothingProvider(ResourceProvider):
    """Generates an id and keeps the inputs."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Return the same id for every resource."""
        return CreateResult("nothing", props)


class Nothing(Resource, module="bench", name="Nothing"):
    """Takes the inputs of a task."""

    def __init__(self, name: str, **props: Any) -> None:
        """Declare it."""
        super().__init__(NothingProvider(), name, props)


# A task's properties in addition to the inputs of the measured program.
MORE = (
    *("task_name", "description", "network_type", "source_instance", "region", "project_id", "triggers"),
    *("existing_task_id", "name", "status", "created_at", "updated_at", "released_at", "error"),
)


class Alike(Resource, module="bench", name="Alike"):
    """Also does nothing, with as many properties as a task: each property costs the SDK and Pulumi some time."""

    def __init__(self, name: str, **props: Any) -> None:
        """Declare it."""
        super().__init__(NothingProvider(), name, {**dict.fromkeys(MORE), **props})
