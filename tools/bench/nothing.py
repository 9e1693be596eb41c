"""A dynamic provider that does nothing, in the same thin shape as ours: a stateless class that can be imported."""

from __future__ import annotations

from typing import Any

from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class NothingProvider(ResourceProvider):
    """Makes an id and keeps the inputs."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Return the same id for everybody."""
        return CreateResult("nothing", props)


class Nothing(Resource, module="bench", name="Nothing"):
    """Takes the inputs of a task."""

    def __init__(self, name: str, **props: Any) -> None:
        """Declare it."""
        super().__init__(NothingProvider(), name, props)


# What a task has beside the inputs of the program that is measured.
MORE = (
    *("task_name", "description", "network_type", "source_instance", "region", "project_id", "triggers"),
    *("existing_task_id", "name", "status", "created_at", "updated_at", "released_at", "error"),
)


class Alike(Resource, module="bench", name="Alike"):
    """Does nothing either, with as many properties as a task: each costs the SDK and Pulumi some time."""

    def __init__(self, name: str, **props: Any) -> None:
        """Declare it."""
        super().__init__(NothingProvider(), name, {**dict.fromkeys(MORE), **props})
