"""The pytest plugin under its former name: it is `dcs_emulator.pytest_plugin`."""

from __future__ import annotations

from dcs_emulator.pytest_plugin import dcs_emulator, dcs_emulator_options

__all__ = ["dcs_emulator", "dcs_emulator_options"]
