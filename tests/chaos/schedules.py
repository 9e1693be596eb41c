"""The machine: runs random schedules against the real provider, client and emulator, and judges every step."""

from __future__ import annotations

from dcs_emulator import Emulator
from tests.chaos.leaks import SECRET_KEY
from tests.chaos.model import Broken, Figures
from tests.chaos.plan import Schedule, draw
from tests.chaos.steps import Steps
from tests.chaos.tap import Tap, refusable
from tests.fakes import FakeClock

__all__ = ["Broken", "Figures", "Machine"]

DURATION = 120.0  # seconds that a task takes


class Machine:
    """One emulator, used again for each schedule."""

    def __init__(self) -> None:
        self._clock = FakeClock()
        self.cloud = Emulator(
            clock=lambda: self._clock.time(),
            progression="timed",
            duration=DURATION,
            access_key="AK4CHAOS",
            secret_key=SECRET_KEY,
        )
        self.tap = Tap(self.cloud)
        self.figures = Figures()
        self._refusable = refusable(self.tap)
        self._refusable.__enter__()

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *error: object) -> None:
        self._refusable.__exit__(None, None, None)
        self.cloud.close()

    def run(self, schedule: Schedule) -> None:
        """Run one schedule.

        Raises:
            Broken: a promise was broken.
        """
        self._clock = FakeClock()
        self.cloud.reset()
        self.cloud.set_quirks(schedule.quirks)
        self.tap.reset(self._clock)
        course = Steps(self.tap, self.figures, schedule, self._clock)
        self.figures.schedules += 1
        try:
            with course.logged():
                course.go()
        finally:
            self.figures.counts += course.ledger.counts
            self.figures.faults += self.tap.met
            self.tap.met.clear()

    def run_seed(self, seed: int) -> None:
        """Run the schedule of a seed."""
        self.run(draw(seed))

    def shrunk(self, schedule: Schedule) -> Schedule:
        """Return the schedule with every step taken away without which it still breaks a promise."""
        number = len(schedule.steps)
        while number:
            number -= 1
            smaller = schedule.without(number)
            try:
                self.run(smaller)
            except Broken:
                schedule = smaller
        return schedule
