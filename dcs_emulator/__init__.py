"""A DCS for one machine: the cloud's migration operations, as strict as the real ones.

Run it with ``python -m dcs_emulator``, or in process as a context manager::

    with Emulator() as cloud:
        print(cloud.url)

It doesn't depend on `dcs_migration` or load Pulumi. It needs Werkzeug, from the extra ``emulator``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dcs_emulator.server import Emulator

__all__ = ["Emulator"]


def __getattr__(name: str) -> Any:
    """Import the server on first use, so that the command line can say when Werkzeug is missing."""
    if name == "Emulator":
        from dcs_emulator.server import Emulator

        return Emulator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
