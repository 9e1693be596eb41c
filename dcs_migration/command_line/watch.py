"""`watch`: look at tasks until they end. The tasks continue even if the command is stopped."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dcs_migration import durations
from dcs_migration.clock import Clock
from dcs_migration.command_line import bars, exits
from dcs_migration.command_line.comparing import LISTING_AGE, accounts_of
from dcs_migration.command_line.console import Console
from dcs_migration.command_line.session import Session
from dcs_migration.command_line.stack_export import StackState, load
from dcs_migration.command_line.tasks import add_stack
from dcs_migration.dcs.errors import ConfigurationError, TaskError, WaitTimeout
from dcs_migration.dcs.models import TaskRow
from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.engine import NoEngine
from dcs_migration.life_cycles.migration_completion.inputs import least_interval
from dcs_migration.life_cycles.migration_completion.judging import State, WatchedTask
from dcs_migration.life_cycles.migration_completion.progress import Shows, Snapshot, line
from dcs_migration.life_cycles.migration_completion.waiting import Poller, Wait

HELP = "Watch tasks until they end: the ones you name, or all running tasks."
EPILOG = (
    "Exit code: 0 if all succeeded, 1 for an error, 4 if one failed or was stopped, 5 after the timeout, 130 after "
    f"Ctrl-C. Progress bars need the extra {bars.EXTRA}; without it, and in a log, there's a line for each change and one "
    "a minute."
)

END, IN_SYNC = "end", "in-sync"
SILENCE = 60.0  # seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("ids", metavar="ID", nargs="*", help="task ids (default: all running tasks)")
    parser.add_argument(
        "--timeout",
        type=_duration,
        default=3600.0,
        metavar="TIME",
        help="how long to watch, such as 90s or 1h30m (default 1h)",
    )
    parser.add_argument(
        "--until",
        choices=(END, IN_SYNC),
        default=END,
        help="when an incremental migration is done: when it ends, or when it's in sync (default end)",
    )
    add_stack(parser)


def _duration(text: str) -> float:
    try:
        return durations.seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from None


def run(session: Session) -> int:
    """Watch."""
    console, args = session.console, session.args
    tasks = _chosen(session, load(args.stack, console))
    if not tasks:
        console.line("no running tasks")
        return exits.OK
    pollers = {account: Poller(account) for account in {task.account for task in tasks}}
    try:
        with _view(console, session.clock, tasks) as view:
            Wait(
                tasks,
                pollers.__getitem__,
                NoEngine(),
                session.clock,
                view,
                timeout=args.timeout,
                interval=max(least_interval(session.settings, task.account.region) for task in tasks),
                fail_fast=False,
            ).run()
    except KeyboardInterrupt:
        console.error(f"interrupted; {_tasks(_running(tasks))} still running (not stopped)")
        return exits.INTERRUPTED
    except WaitTimeout as error:
        console.error(str(error))
        return exits.TIMED_OUT
    except TaskError as error:
        console.error(str(error))
        return exits.FAILED if _running(tasks) else exits.TASK_FAILED
    console.line(f"all done: {_tasks(len(tasks))}")
    return exits.OK


def _running(tasks: Sequence[WatchedTask]) -> int:
    return sum(task.state is State.RUNNING for task in tasks)


def _tasks(number: int) -> str:
    return "1 task" if number == 1 else f"{number} tasks"


def _chosen(session: Session, stack: StackState | None) -> list[WatchedTask]:
    """Return the given tasks, or all running tasks of the stack or the project.

    Raises:
        ConfigurationError: a given task doesn't exist.
        DcsMigrationError: what it answered.
    """
    places, homes = accounts_of(session.accounts, stack)
    ids = list(dict.fromkeys(session.args.ids))
    found = [_named(id_, [homes[id_]] if id_ in homes else places) for id_ in ids] if ids else _run_in(places)
    chosen = []
    for row, account in found:
        if stack is not None and not ids and row.id not in homes:
            continue
        patient = session.patient_accounts.at(account.region, account.project_id)
        task = WatchedTask(row.id, patient, row.name)
        task.urn = next((resource.urn for resource in stack.holding(row.id)), None) if stack else None
        task.max_lag = 0.0 if session.args.until == IN_SYNC else None
        task.to_the_end = session.args.until == END
        chosen.append(task)
    return chosen


Found = tuple[TaskRow, Account]


def _named(id_: str, places: Sequence[Account]) -> Found:
    for account in places:
        row = account.look(id_, max_age=LISTING_AGE).row
        if row is not None:
            return row, account
    where = ", ".join(f"project {account.project_id} in {account.region}" for account in places)
    raise ConfigurationError(
        f"no task {id_} found in {where}, or its record has expired; check the id and the region"
    )


def _run_in(places: Sequence[Account]) -> list[Found]:
    """Return the running tasks, oldest first; without unconfigured tasks, which never end on their own."""
    running = []
    for account in places:
        listing = account.whole_listing(max_age=LISTING_AGE, not_before=float("-inf"))
        for row in sorted(account.rows_of(listing), key=lambda row: (row.created_at or "", row.id)):
            status = lookup(row.status)
            if not (status.ended or status.idle):
                running.append((row, account))
    return running


class Lines:
    """A line for each change, and one every minute: for logs, or if the library for bars isn't installed."""

    def __init__(self, console: Console, clock: Clock, tasks: Sequence[WatchedTask]) -> None:
        """Set up; nothing has been shown yet."""
        self._console = console
        self._clock = clock
        self._tasks = tasks
        self._shown: dict[str, str] = {}
        self._trouble = False
        self._last = float("-inf")

    def show(self, snapshot: Snapshot) -> None:
        """Write what has changed."""
        for task in self._tasks:
            text, before = _state_of(task), self._shown.get(task.id)
            if text != before:
                self._say(f"{task.title} {f'{before} -> {text}' if before else text}")
                self._shown[task.id] = text
        if bool(snapshot.trouble) != self._trouble or snapshot.seconds - self._last >= SILENCE:
            if snapshot.running:
                self._say(line(snapshot))
            self._last = snapshot.seconds
        self._trouble = bool(snapshot.trouble)

    def _say(self, text: str) -> None:
        self._console.line(f"{self._clock.now():%Y-%m-%dT%H:%M:%SZ} {text}")


def _state_of(task: WatchedTask) -> str:
    """Format a task's status; a task that is done for the wait may continue."""
    status = task.status or "not seen yet"
    return (
        f"{status} (in sync)"
        if task.state is State.DONE and lookup(status).kind is Kind.REPLICATING
        else status
    )


@contextmanager
def _view(console: Console, clock: Clock, tasks: Sequence[WatchedTask]) -> Iterator[Shows]:
    if console.is_terminal and bars.are_possible():
        with bars.drawn(console, tasks) as drawn:
            yield drawn
    else:
        yield Lines(console, clock, tasks)
