"""The emulator under its former name: it is the package `dcs_emulator`.

``from dcs_migration.emulator import Emulator``, ``python -m dcs_migration.emulator`` and the pytest plugin
``dcs_migration.emulator.pytest_plugin`` keep working. They load Pulumi with the rest of this package,
which `dcs_emulator` doesn't.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dcs_emulator

if TYPE_CHECKING:
    from dcs_emulator import Emulator

__all__ = ["Emulator"]


def __getattr__(name: str) -> Any:
    """Take names from the new package on first use, so that the command line can say when Werkzeug is missing."""
    return getattr(dcs_emulator, name)
