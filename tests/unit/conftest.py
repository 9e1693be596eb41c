"""Fixtures of the unit tier."""

from __future__ import annotations

import pytest

from dcs_emulator import Emulator
from tests.fakes import FakeClock, FakeEngine
from tests.unit.life_cycle_world import World


@pytest.fixture
def world(cloud: Emulator, clock: FakeClock, engine: FakeEngine) -> World:
    """A cloud, the time, an engine and a plugin process."""
    return World(cloud, clock, engine)
