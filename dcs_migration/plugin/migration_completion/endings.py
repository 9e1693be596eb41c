"""The texts with which a wait fails: one line for each task that failed, and the unfinished by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dcs_migration.dcs.errors import DcsMigrationError, TaskError, WaitTimeout
from dcs_migration.dcs.statuses import lookup
from dcs_migration.dcs.texts import MAX_SERVER_TEXT, worded
from dcs_migration.plugin.migration_completion.judging import FAILED, State, Watched
from dcs_migration.plugin.migration_completion.polling import elapsed
from dcs_migration.plugin.secrets import scrub

MOST_LINES = 50  # of tasks that are named in an error


def failure(tasks: Sequence[Watched]) -> TaskError:
    """Word the end of a wait of whose tasks some failed; reads their logs (ListMigrationTaskLogs)."""
    running, failed = _in(tasks, State.RUNNING), _in(tasks, State.FAILED)
    still = f", {len(running)} still running" if running else ""
    done = f"{len(_in(tasks, State.DONE))} done{still}"
    return TaskError(
        f"{len(failed)} of {len(tasks)} migrations failed ({done}); all stay in state", *_lines(failed)
    )


def timeout(tasks: Sequence[Watched], seconds: float, trouble: str | None) -> WaitTimeout:
    """Word the end of a wait that took too long; those that failed meanwhile have their lines, too."""
    running, failed = _in(tasks, State.RUNNING), _in(tasks, State.FAILED)
    why = f" ({trouble})" if trouble else ""
    also = f"; {len(failed)} failed" if failed else ""
    return WaitTimeout(
        f"after {elapsed(seconds)} {len(running)} of {len(tasks)} migrations are unfinished{why}: "
        f"{_named(running)}; they go on, none was touched; run `pulumi up` again to wait on, or allow more "
        f"time with timeout= (and custom_timeouts, if set){also}",
        *_lines(failed),
    )


def pointless(error: DcsMigrationError) -> TaskError:
    """Word the end of a wait that waiting on would not help."""
    return TaskError(f"{error}; the wait is over, no task was touched; run `pulumi up` again to wait on")


def _in(tasks: Sequence[Watched], state: State) -> list[Watched]:
    return [task for task in tasks if task.state is state]


def _lines(failed: Sequence[Watched]) -> Iterator[str]:
    readable = True
    for task in failed[:MOST_LINES]:
        logged: list[str] = []
        if readable and lookup(task.status).kind in FAILED:
            try:
                logged = task.account.last_errors(task.id)
            except DcsMigrationError:
                readable = False  # the logs only add to what is known: one refusal is enough
        yield _line(task, logged)
    if len(failed) > MOST_LINES:
        yield f"and {len(failed) - MOST_LINES} more: {_named(failed[MOST_LINES:])}"


def _line(task: Watched, logged: Sequence[str]) -> str:
    said = dict.fromkeys(_shown(text) for text in (task.error or "", *logged) if text)
    why = f": {' | '.join(said)}" if said else ""
    if task.urn:
        again = f"`pulumi up --replace {_quoted(task.urn)}`, or change its triggers"
    else:
        again = "do so where it was started"
    return f"{task.title} is {task.status}{why}; to run it again: {again}"


def _shown(text: str) -> str:
    return worded(text, MAX_SERVER_TEXT, scrub)


def _quoted(urn: str) -> str:
    """Quote for a shell, always: a URN of a child holds a dollar sign, and a name may hold anything."""
    return "'" + urn.replace("'", "'\"'\"'") + "'"


def _named(tasks: Sequence[Watched]) -> str:
    names = [f"{task.title} {task.status or 'not seen yet'}{_behind(task)}" for task in tasks[:MOST_LINES]]
    more = len(tasks) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _behind(task: Watched) -> str:
    return f" (behind by {task.lag:.0f} bytes)" if task.lag else ""
