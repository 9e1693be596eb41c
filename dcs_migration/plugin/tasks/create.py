"""Create: one definition, one task. Looks before every POST, and after an unclear outcome."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcs_migration.dcs.errors import (
    ApiError,
    Busy,
    CredentialsRefused,
    DcsMigrationError,
    EngineGone,
    NotSent,
    OutcomeUnknown,
    PermissionDenied,
    ServerFault,
    TaskError,
    Throttled,
)
from dcs_migration.dcs.models import Created, TaskRow
from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.plugin.account import Account
from dcs_migration.plugin.engine import Engine
from dcs_migration.plugin.secrets import scrub
from dcs_migration.plugin.tasks import mark as marks

if TYPE_CHECKING:
    from dcs_migration.dcs.client import DcsClient

# All times in seconds.
LOOK_UP_AGE = 3.0  # a listing this old still tells whether the task exists
SEARCH_FOR = 60.0  # how long a task is looked for whose POST had an unclear outcome
SEARCH_EVERY = 5.0


@dataclass(frozen=True)
class Patience:
    """How a refused POST, which certainly did nothing, is tried again."""

    pauses: tuple[float, ...]

    def pause(self, refusals: int) -> float | None:
        """Return how long to wait after so many refusals; None when it is enough."""
        return self.pauses[refusals - 1] if refusals <= len(self.pauses) else None


PATIENCE: dict[type[DcsMigrationError], Patience] = {
    NotSent: Patience((1.0, 2.0, 4.0)),
    Busy: Patience((10.0,) * 6),
    Throttled: Patience((15.0, 20.0, 25.0)),
}

_OUTCOME_UNCLEAR = (OutcomeUnknown, ServerFault)


class _LookUpFailed(TaskError):
    """The listing could not be had."""


@dataclass(frozen=True)
class Definition:
    """What is created: the mark by which it is known, and how it is asked for.

    operation: the API's name of the call that ``post`` makes. ended_badly: what a task's status may mean
    that cannot stand for the definition any more. target: id of the instance that may be busy. again: what
    runs it again. refused: words a refusal.
    """

    urn: str
    mark: str
    operation: str
    post: Callable[[DcsClient], Created]
    ended_badly: Collection[Kind]
    again: str
    target: str | None = None
    refused: Callable[[ApiError], DcsMigrationError] = lambda error: error


@dataclass(frozen=True)
class Result:
    """The task that now stands for the definition."""

    id: str
    name: str | None
    status: str | None
    row: TaskRow | None = None
    job_id: str | None = None


class Creation:
    """One run of create for one definition."""

    def __init__(self, account: Account, engine: Engine, definition: Definition) -> None:
        """Set up."""
        self._account = account
        self._clock = account.clock
        self._engine = engine
        self._definition = definition
        self._attempted = float("-inf")  # moment when the last POST ended
        self._left_behind: set[str] = set()  # failed tasks of this definition whose records stay

    def run(self) -> Result:
        """Return the definition's one task: found by its mark, or started.

        Raises:
            DcsMigrationError: no task was started, or it is not known yet whether one was; the message says
                which.
        """
        refusals: dict[type[DcsMigrationError], int] = {}
        while True:
            try:
                found = self._usable(self._ours(LOOK_UP_AGE))
            except _LookUpFailed as error:
                raise TaskError(f"nothing was started: {error}") from None
            if found:
                return self._adopt(found)
            self._engine.require()
            try:
                created = self._definition.post(self._account.client)
            except tuple(PATIENCE) as error:
                kind = type(error)
                refusals[kind] = refusals.get(kind, 0) + 1
                permanent = isinstance(error, NotSent) and error.permanent
                pause = None if permanent else PATIENCE[kind].pause(refusals[kind])
                if pause is None:
                    raise self._gave_up(error) from None
                self._say(f"{error}; trying again in {pause:.0f} s")
                self._clock.sleep(pause)
            except _OUTCOME_UNCLEAR as error:
                self._account.wrote()
                return self._search(error)
            except ApiError as error:
                raise self._definition.refused(error) from None
            else:
                self._account.wrote()
                return self._accept(created)
            finally:
                self._attempted = self._clock.monotonic()

    def _ours(self, max_age: float) -> list[TaskRow]:
        """Return the tasks that bear our mark, from a listing that is newer than our own last attempt."""
        try:
            listing = self._account.listing.get(max_age=max_age, not_before=self._attempted)
        except (CredentialsRefused, EngineGone):
            raise
        except PermissionDenied as error:
            raise _LookUpFailed(
                "whether this task exists already cannot be looked up; grant dcs:migrationTask:list "
                f"({error})"
            ) from None
        except DcsMigrationError as error:
            raise _LookUpFailed(f"whether this task exists already cannot be looked up: {error}") from None
        ours = [
            row
            for row in listing.rows.values()
            if row.id not in self._account.deleted | self._left_behind
            and marks.split(row.description)[1] == self._definition.mark
            and lookup(row.status).kind is not Kind.GONE
        ]
        return sorted(ours, key=lambda row: (row.created_at or "", row.id))

    def _usable(self, ours: Sequence[TaskRow]) -> list[TaskRow]:
        """Return the tasks to adopt; remove the records of those that failed or were stopped."""
        usable = []
        for row in ours:
            status = lookup(row.status)
            if status.stopping:
                raise TaskError(
                    f"nothing was started: task {row.id} of this very definition is being stopped; "
                    "run `pulumi up` again in a minute"
                )
            if status.kind not in self._definition.ended_badly:
                usable.append(row)
                continue
            left = self._remove(row.id)
            self._warn(f"an earlier task of this definition, {row.id}, is {row.status}; {left}")
        return usable

    def _remove(self, id_: str) -> str:
        """Remove the record of a task that failed; say what became of it."""
        try:
            self._engine.require()
            self._account.delete(id_)
        except EngineGone:
            raise
        except DcsMigrationError as error:
            self._left_behind.add(id_)
            return f"its record could not be removed and is left to the next `pulumi up` ({error})"
        self._account.deleted.add(id_)
        return "its record was removed"

    def _adopt(self, found: Sequence[TaskRow]) -> Result:
        row, *others = found
        self._warn(
            f"adopted task {row.id} ({row.status}), started for this definition by an earlier run or by a request "
            f"whose answer was lost; nothing new was started; to run it again, {self._definition.again}"
            + (
                f"; more tasks bear the same mark: {', '.join(other.id for other in others)}"
                if others
                else ""
            )
        )
        return Result(row.id, row.name, row.status, row)

    def _search(self, error: DcsMigrationError) -> Result:
        """After an unclear outcome: look until the task shows up, or a minute has passed."""
        ended = self._clock.monotonic()
        self._attempted = ended
        trouble: DcsMigrationError | None = None
        while True:
            try:
                found = self._ours(0.0)
            except CredentialsRefused as refused:
                raise TaskError(
                    f"{refused}; whether {self._definition.operation} started a task before is not known; "
                    "the next `pulumi up` looks for it first"
                ) from None
            except _LookUpFailed as failed:
                found, trouble = [], failed
            usable = [row for row in found if lookup(row.status).kind not in self._definition.ended_badly]
            if usable:
                return self._adopt(usable)
            if found:
                raise self._failed_at_once(
                    found[-1].id, found[-1].error or f"its status is {found[-1].status}"
                )
            if self._clock.monotonic() - ended >= SEARCH_FOR:
                break
            self._engine.require()
            self._say("the service's answer was lost; looking for the task")
            self._clock.sleep(SEARCH_EVERY)
        raise TaskError(
            f"{error}; no such task showed up within {SEARCH_FOR:.0f} s, and nothing was sent twice; "
            "run `pulumi up` again: it looks for the task before it starts one"
            + (f" (the last look failed, too: {trouble})" if trouble else "")
        )

    def _accept(self, created: Created) -> Result:
        """Take the new task, unless the service says in the same breath that it failed."""
        if not created.error and lookup(created.status).kind not in self._definition.ended_badly:
            return Result(created.id, created.name, created.status, job_id=created.job_id)
        raise self._failed_at_once(created.id, created.error or f"its status is {created.status}")

    def _failed_at_once(self, id_: str, reason: str) -> TaskError:
        return TaskError(
            f"{self._definition.operation} made task {id_}, which failed at once: {scrub(reason)}; {self._remove(id_)}"
        )

    def _gave_up(self, error: DcsMigrationError) -> DcsMigrationError:
        if not isinstance(error, Busy):
            return TaskError(f"nothing was started: {error}; run `pulumi up` again later")
        blocking = self._blocking()
        by = f"occupied by {blocking}" if blocking else "occupied by another operation"
        waited = sum(PATIENCE[Busy].pauses)
        return TaskError(
            f"nothing was started: the target is {by}, also after {waited:.0f} s; wait for it, or chain the tasks "
            f"with opts=ResourceOptions(depends_on=[first.completion()]) ({error})"
        )

    def _blocking(self) -> str | None:
        if self._definition.target is None:
            return None
        try:
            rows = self._account.listing.get(max_age=SEARCH_EVERY).rows.values()
        except DcsMigrationError:
            return None
        names = [
            f"task {row.name or row.id} ({row.id}, {row.status})"
            for row in rows
            if row.target_instance_id == self._definition.target and not lookup(row.status).ended
        ]
        return " and ".join(names[:3]) or None

    def _warn(self, message: str) -> None:
        self._engine.log("WARNING", message, self._definition.urn)

    def _say(self, message: str) -> None:
        self._engine.log("INFO", message, self._definition.urn, ephemeral=True)
