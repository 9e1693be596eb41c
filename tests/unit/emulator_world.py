"""What the emulator's tests share: a clock that is turned by hand, and an emulator with a client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dcs_migration.emulator import Emulator
from tests.signing import SignedClient

START = 1_700_000_000.0


class HandClock:
    """A clock that stands still until it is turned."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time it stands at."""
        return self.now

    def turn(self, seconds: float) -> None:
        """Let seconds pass."""
        self.now += seconds


class World:
    """An emulator, its clock, and a client of it."""

    def __init__(self, cloud: Emulator, clock: HandClock) -> None:
        self.cloud = cloud
        self.clock = clock
        self.client = SignedClient(cloud.url)


@contextmanager
def world(**options: Any) -> Iterator[World]:
    """Run an emulator by a clock of its own."""
    clock = HandClock()
    with Emulator(clock=clock, **options) as cloud:
        yield World(cloud, clock)
