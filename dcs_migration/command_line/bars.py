"""Progress in a terminal, if `rich` is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dcs_migration.command_line.console import Console, plain
from dcs_migration.dcs.errors import DcsMigrationError
from dcs_migration.dcs.models import Stats
from dcs_migration.life_cycles.migration_completion.judging import State, WatchedTask
from dcs_migration.life_cycles.migration_completion.progress import Shows, Snapshot, statistics_text
from dcs_migration.life_cycles.migration_completion.waiting import MOST_ASKED

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

EXTRA = "pulumi-dcs-migration[cli]"
_WHOLE = 100.0  # percent
_STYLES = {State.RUNNING: "", State.DONE: "green", State.FAILED: "red"}


def are_possible() -> bool:
    """Whether the library is installed."""
    return importlib.util.find_spec("rich") is not None


class Bars:
    """One bar for each task, and problems of the polls below them."""

    def __init__(self, progress: Progress, tasks: Sequence[WatchedTask]) -> None:
        """Draw a bar for each task."""
        self._progress = progress
        self._tasks = tasks
        self._bars: dict[str, TaskID] = {
            task.id: progress.add_task(_title(task), total=None, status="", far="") for task in tasks
        }
        self._trouble: str | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Move the bars."""
        asked = 0
        for task in self._tasks:
            stats = None
            if task.state is State.RUNNING and task.online and asked < MOST_ASKED and not snapshot.trouble:
                asked += 1
                stats = _statistics(task)
            self._move(task, stats)
        if snapshot.trouble and snapshot.trouble != self._trouble:
            self._progress.console.print(
                plain(snapshot.trouble), style="yellow", markup=False, highlight=False
            )
        self._trouble = snapshot.trouble
        self._progress.refresh()

    def _move(self, task: WatchedTask, stats: Stats | None) -> None:
        bar = self._bars[task.id]
        style = _STYLES[task.state]
        status = plain(task.status or "not seen yet")
        shown = f"[{style}]{_escaped(status)}[/]" if style else _escaped(status)
        if task.state is not State.RUNNING:
            # A full bar stops; the bar of a failed task keeps its position.
            done = task.state is State.DONE
            known = self._progress.tasks[self._progress.task_ids.index(bar)].completed
            self._progress.update(
                bar, total=_WHOLE, completed=_WHOLE if done else known, status=shown, far=""
            )
            self._progress.stop_task(bar)
        elif stats is not None and stats.full_progress is not None:
            self._progress.update(
                bar,
                total=_WHOLE,
                completed=stats.full_progress,
                status=shown,
                far=_escaped(statistics_text(stats)),
            )
        else:
            self._progress.update(bar, total=None, status=shown, far="")


def _statistics(task: WatchedTask) -> Stats | None:
    try:
        return task.account.client.show_migration_task_stats(task.id)
    except DcsMigrationError:
        return None  # it is only additional


def _title(task: WatchedTask) -> str:
    return _escaped(plain(task.name or task.id))


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


@contextmanager
def drawn(console: Console, tasks: Sequence[WatchedTask]) -> Iterator[Shows]:
    """Yield an object that draws the bars; afterwards the terminal is always restored."""
    from rich.console import Console as Terminal
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    terminal = Terminal(file=console.out, force_terminal=True, _environ=console.environ)
    progress = Progress(
        TextColumn("{task.description}", table_column=Column(ratio=2, no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=None, table_column=Column(ratio=1)),
        TextColumn("{task.fields[status]}", table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[far]}", table_column=Column(no_wrap=True)),
        TimeElapsedColumn(),
        console=terminal,
        expand=True,
    )
    with progress:
        yield Bars(progress, tasks)
