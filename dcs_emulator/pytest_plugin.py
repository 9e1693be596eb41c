"""A pytest plugin: the fixture ``dcs_emulator``.

pytest loads it in every environment with the package. So it imports nothing that costs time, or must be installed, in
tests that don't use the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dcs_emulator.server import Emulator


@pytest.fixture
def dcs_emulator_options() -> Mapping[str, Any]:
    """Options of the `Emulator` in ``dcs_emulator``; override it to set others.

    A fixture of this name in a module, a class or a ``conftest.py`` returns keyword arguments of
    `Emulator`; so does ``pytest.mark.parametrize("dcs_emulator_options", [...])``.
    """
    return {}


@pytest.fixture
def dcs_emulator(dcs_emulator_options: Mapping[str, Any]) -> Iterator[Emulator]:
    """A fresh DCS on a free port of this machine, for one test.

    Its tasks change only with `Emulator.set_status`, and their ids are always the same, unless
    ``dcs_emulator_options`` has another ``progression`` or ``deterministic_ids``. The test fails if Werkzeug is
    missing.
    """
    try:
        from dcs_emulator.server import Emulator
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "werkzeug":
            raise
        from dcs_emulator.__main__ import MISSING_WERKZEUG

        pytest.fail(f"dcs_emulator: {MISSING_WERKZEUG}", pytrace=False)
    options = {"progression": "manual", "deterministic_ids": True, **dcs_emulator_options}
    with Emulator(**options) as emulator:
        yield emulator
