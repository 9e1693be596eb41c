"""Stand-ins for the two things that a test must hold in its hand: time, and the Pulumi engine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from dcs_migration.dcs.errors import EngineGone
from dcs_migration.life_cycles.engine import Severity, as_line

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
TICK = 1e-6  # seconds that pass with every reading, so that "after" is always later


class FakeClock:
    """A clock whose `sleep` returns at once, moves it, and notes the seconds; thread-safe.

    Actions that were ordered with `at` are run, in the sleeping thread, when their moment has come.
    """

    def __init__(self) -> None:
        self.sleeps: list[float] = []
        self._seconds = 0.0
        self._lock = threading.Lock()
        self._actions: list[tuple[float, Callable[[], object]]] = []

    @property
    def seconds(self) -> float:
        """The seconds that have passed since the start; looking takes no time."""
        return self._seconds

    def monotonic(self) -> float:
        """Return the seconds that have passed, a tick more with every reading."""
        with self._lock:
            self._seconds += TICK
            return self._seconds

    def sleep(self, seconds: float) -> None:
        """Note the seconds and let them pass."""
        self.sleeps.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let seconds pass that no one slept, and run what was ordered for a moment within them."""
        with self._lock:
            end = self._seconds + seconds
        while True:
            with self._lock:
                due = sorted((action for action in self._actions if action[0] <= end), key=lambda a: a[0])
                if not due:
                    self._seconds = max(self._seconds, end)
                    return
                self._actions.remove(due[0])
                self._seconds = max(self._seconds, due[0][0])
            due[0][1]()

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Order an action for a moment, in seconds from now."""
        with self._lock:
            self._actions.append((self._seconds + seconds, action))

    def now(self) -> datetime:
        """Return the date and time, in UTC."""
        return START + timedelta(seconds=self._seconds)

    def time(self) -> float:
        """Return the Unix time; what `Emulator` takes as its clock."""
        return START.timestamp() + self._seconds


@dataclass(frozen=True)
class LogLine:
    """One line as Pulumi got it."""

    severity: str
    message: str
    urn: str | None
    ephemeral: bool


class FakeEngine:
    """An engine that answers while `alive`, counts how often it was asked, and keeps the log lines.

    As the real one does, it makes each message one line, scrubbed, and a lasting line once per resource.
    """

    def __init__(self) -> None:
        self.alive = True
        self.asked = 0
        self.lines: list[LogLine] = []
        self.on_require: Callable[[], object] = lambda: None
        self._lock = threading.Lock()

    def require(self) -> None:
        """Run `on_require`, then raise EngineGone unless alive."""
        with self._lock:
            self.asked += 1
        self.on_require()
        if not self.alive:
            raise EngineGone("the engine no longer answers")

    def log(self, severity: Severity, message: str, urn: str | None, *, ephemeral: bool = False) -> None:
        """Keep a line."""
        line = LogLine(severity, as_line(message), urn, ephemeral)
        with self._lock:
            if ephemeral or line not in self.lines:
                self.lines.append(line)

    @property
    def warnings(self) -> list[str]:
        """The messages of the warnings, oldest first."""
        return [line.message for line in self.lines if line.severity == "WARNING"]

    @property
    def progress(self) -> list[str]:
        """The messages of the passing lines, oldest first."""
        return [line.message for line in self.lines if line.ephemeral]

    def clear(self) -> None:
        """Forget the lines and the count."""
        self.lines.clear()
        self.asked = 0
