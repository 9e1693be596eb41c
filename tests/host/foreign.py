"""Dynamic providers that have nothing to do with ours, yet run in the same plugin process."""

from __future__ import annotations

import importlib
import sys
from typing import Any, ClassVar

from pulumi.dynamic import CreateResult, ResourceProvider


class Broken(ResourceProvider):
    """Fails as someone's first dynamic provider does."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Raise, with a cause."""
        try:
            raise KeyError("first trouble")
        except KeyError as error:
            raise RuntimeError("second trouble") from error


class Inspector(ResourceProvider):
    """Return the modules that the plugin process has imported."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Return the names of the imported modules."""
        return CreateResult("modules", {"modules": sorted(sys.modules)})


class Saboteur(ResourceProvider):
    """Makes every HTTP request of the process raise an exception of a given name, until it is deleted."""

    _original: ClassVar[Any] = None

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Put the trap in place: ``module``, ``name`` and ``message`` say which exception."""
        import requests

        trap = getattr(importlib.import_module(props["module"]), props["name"])

        def request(self: Any, *args: Any, **kwargs: Any) -> Any:
            raise trap(props.get("message", "sabotage"))

        type(self)._original = requests.Session.request
        requests.Session.request = request  # type: ignore[method-assign]
        return CreateResult("trap")

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Take the trap away."""
        import requests

        requests.Session.request = type(self)._original  # type: ignore[method-assign]
