"""The progress line on the completion's own row: on every change, and at intervals."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from dcs_migration.dcs.errors import DcsMigrationError
from dcs_migration.dcs.models import Stats
from dcs_migration.durations import elapsed
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.engine import Engine

# All times in seconds.
ON_A_TERMINAL = 30.0
IN_A_LOG = 300.0
MOST_ONLINE = 3  # more tasks don't fit in one line, and the statistics of each one cost a call


@dataclass(frozen=True)
class Snapshot:
    """The progress of a wait; ``online`` has title, id and account of running online tasks."""

    done: int
    running: int
    failed: int
    seconds: float
    unknown: tuple[str, ...] = ()
    trouble: str | None = None
    online: tuple[tuple[str, str, Account], ...] = ()

    @property
    def news(self) -> tuple[object, ...]:
        """The values whose change prints a line immediately; time alone doesn't."""
        return self.done, self.running, self.failed, self.unknown, self.trouble is not None


class Shows(Protocol):
    """Gets the progress of a wait."""

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot if it is useful. Never raises."""


class Progress:
    """Shows few snapshots, because a log keeps every line forever."""

    def __init__(self, engine: Engine, urn: str | None, *, every: float | None = None) -> None:
        """Set up for a row; ``every`` is the maximum time between lines. Its default depends on whether there is
        a terminal."""
        self._engine = engine
        self._urn = urn
        self._every = every if every is not None else silence()
        self._news: tuple[object, ...] | None = None
        self._shown = float("-inf")

    def show(self, snapshot: Snapshot) -> None:
        """Show a line if something changed or the last line was long ago. Never raises."""
        if snapshot.news == self._news and snapshot.seconds - self._shown < self._every:
            return
        self._news, self._shown = snapshot.news, snapshot.seconds
        self._engine.log("INFO", line(snapshot), self._urn, ephemeral=True)


def line(snapshot: Snapshot) -> str:
    """Format a snapshot: ``37 of 40 done · 2 running · 1 failed · 4m10s``."""
    total = snapshot.done + snapshot.running + snapshot.failed
    parts = [f"{snapshot.done} of {total} done"]
    if snapshot.running:
        parts.append(f"{snapshot.running} running")
    if snapshot.failed:
        parts.append(f"{snapshot.failed} failed")
    parts.append(elapsed(snapshot.seconds))
    parts += [f"unknown status {status}, still waiting" for status in snapshot.unknown]
    if len(snapshot.online) <= MOST_ONLINE and snapshot.trouble is None:
        parts += _statistics(snapshot.online)
    if snapshot.trouble:
        parts.append(snapshot.trouble)
    return " · ".join(parts)


def _statistics(online: Sequence[tuple[str, str, Account]]) -> Iterator[str]:
    for title, id_, account in online:
        try:
            stats = account.client.show_migration_task_stats(id_)
        except DcsMigrationError:
            return  # statistics are only additional: stop after one refusal
        if words := statistics_text(stats):
            yield f"{title} {words}"


def statistics_text(stats: Stats) -> str:
    """Format the progress of an online task: ``50 %, 4 kB behind``; empty if nothing is known."""
    parts = []
    if stats.full_progress is not None:
        parts.append(f"{stats.full_progress:.0f} %")
    if stats.offset:
        parts.append(f"{_bytes(stats.offset)} behind")
    return ", ".join(parts)


def _bytes(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.0f} TB"


_TERMINAL = "CONOUT$" if os.name == "nt" else "/dev/tty"


def silence(environ: Callable[[str], str | None] = os.environ.get) -> float:
    """Return the maximum time between lines: short in a terminal, long in a log.

    The plugin's own streams are always pipes, so this looks for a controlling terminal.
    """
    if environ("CI"):
        return IN_A_LOG
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | getattr(os, "O_NOCTTY", 0)))  # Windows doesn't have the flag
    except OSError:
        return IN_A_LOG
    return ON_A_TERMINAL
