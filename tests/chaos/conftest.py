"""What the chaos tier shares: one machine for all schedules of a worker, and one neighbour for its kills of a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import pytest

from tests.chaos.kills import TARGETS
from tests.chaos.neighbour import Neighbour, bring_up
from tests.chaos.schedules import Machine


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """A machine with its emulator."""
    with Machine() as machine:
        yield machine


@pytest.fixture(scope="session")
def neighbour(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Neighbour]:
    """The neighbour of a kind and a front end, which is brought up for the first kill that needs it."""
    return lru_cache(
        lambda of, front_end: bring_up(TARGETS[of], tmp_path_factory.mktemp(f"neighbour-{of}-{front_end}"))
    )
