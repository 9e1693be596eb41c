"""Ctrl-C: when Pulumi cancels, all waits in this process stop."""

from __future__ import annotations

import threading

from dcs_migration.clock import SystemClock
from dcs_migration.dcs.errors import EngineGone
from dcs_migration.life_cycles.engine import Engine, Severity, as_line
from dcs_migration.native.names import translated


class Cancelled(EngineGone):
    """Pulumi was interrupted. As when Pulumi has ended, nothing more is written."""

    def __init__(self) -> None:
        super().__init__(
            "interrupted: no further changes are made; what was started keeps running; run `pulumi up` again"
        )


class CancellableClock(SystemClock):
    """The machine's clock; a cancellation ends its sleeps."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def sleep(self, seconds: float) -> None:
        """See :class:`SystemClock`. Raises `Cancelled`."""
        if self.cancelled.wait(max(0.0, seconds)):
            raise Cancelled


class NativeEngine:
    """The Pulumi engine: messages are in the words of every language, and after a cancellation it counts as ended."""

    def __init__(self, engine: Engine, clock: CancellableClock) -> None:
        self._engine = engine
        self._clock = clock

    def require(self) -> None:
        """See :class:`Engine`."""
        if self._clock.cancelled.is_set():
            raise Cancelled
        self._engine.require()

    def log(self, severity: Severity, message: str, urn: str | None, *, ephemeral: bool = False) -> None:
        """See :class:`Engine`."""
        # Without secrets first: a translation could change one, which then wouldn't be found.
        self._engine.log(severity, translated(as_line(message)), urn, ephemeral=ephemeral)
