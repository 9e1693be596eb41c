"""What every tier shares: no setting of the developer's shell, no secret of another test, time in hand."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from dcs_emulator import Emulator
from dcs_migration.life_cycles.secrets import Scrubber, scrub
from tests.fakes import FakeClock, FakeEngine

OUR_VARIABLES = ("HW_", "HUAWEICLOUD_", "DCS_MIGRATION_")


def pytest_configure() -> None:
    """Hear interrupts, also as a background job, which inherits that they are ignored.

    Processes that inherit this from the tests would wait: Pulumi gives each plugin 5 seconds to end on an interrupt.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Run half as many tests again as there are cores: many of them wait for the CLI, a stop or a poll."""
    return (os.cpu_count() or 1) * 3 // 2


@pytest.fixture(autouse=True)
def _no_settings_of_this_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away every variable that the package reads."""
    for name in list(os.environ):
        if name.startswith(OUR_VARIABLES):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_secrets_of_other_tests() -> Iterator[None]:
    """Start with an empty scrubber: it is one for the process, and would mask another test's words."""
    vars(scrub).update(vars(Scrubber()))
    yield
    vars(scrub).update(vars(Scrubber()))


@pytest.fixture
def clock() -> FakeClock:
    """A clock that only moves when someone sleeps."""
    return FakeClock()


@pytest.fixture
def engine() -> FakeEngine:
    """An engine that answers."""
    return FakeEngine()


class CloudOfAllTests:
    """An emulated cloud that is started once; each test gets it empty and living by the test's clock."""

    def __init__(self, **options: Any) -> None:
        self._clock = FakeClock()
        self._emulator = Emulator(clock=lambda: self._clock.time(), **options)

    def at(self, clock: FakeClock) -> Emulator:
        """Return the cloud as it was at its start, at the time of a clock."""
        self._clock = clock
        self._emulator.reset()
        return self._emulator

    def close(self) -> None:
        """Stop it."""
        self._emulator.close()


@pytest.fixture(scope="session")
def _manual_cloud() -> Iterator[CloudOfAllTests]:
    clouds = CloudOfAllTests(progression="manual")
    yield clouds
    clouds.close()


@pytest.fixture
def cloud(_manual_cloud: CloudOfAllTests, clock: FakeClock) -> Emulator:
    """An emulated cloud that lives by the test's clock and whose tasks change only when told to.

    It is one server for all tests, emptied for each: a test that closes it, or orders delays that it does not
    wait for, makes an `Emulator` of its own.
    """
    return _manual_cloud.at(clock)
