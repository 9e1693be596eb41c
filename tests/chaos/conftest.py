"""What the chaos tier shares: one machine for all schedules of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.schedules import Machine


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """A machine with its emulator."""
    with Machine() as machine:
        yield machine
