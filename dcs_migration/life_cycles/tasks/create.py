"""Create: one task for each definition. It looks for the task before every POST, and after an unclear outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dcs_migration.dcs.errors import (
    OUTCOME_UNCLEAR,
    ApiError,
    Busy,
    CredentialsRefused,
    DcsMigrationError,
    EngineGone,
    TaskError,
)
from dcs_migration.dcs.models import Created, TaskRow
from dcs_migration.dcs.statuses import lookup
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.engine import Engine
from dcs_migration.life_cycles.secrets import scrub
from dcs_migration.life_cycles.tasks.holders import Holders, new_claim
from dcs_migration.life_cycles.tasks.look_up import (
    LOOK_UP_AGE,
    LOOKS,
    STALE_AFTER,
    Definition,
    Found,
    LookUp,
    LookUpFailed,
)
from dcs_migration.life_cycles.tasks.mark import split
from dcs_migration.life_cycles.writes import (
    DELETE_FIRST,
    FOR_THE_TARGET,
    REFUSED,
    SEARCH_EVERY,
    SEARCH_FOR,
    Occupied,
    Refusals,
    named,
    search,
)

SETTLE_SECONDS = 3.0  # seconds for Pulumi to ask about other resources before a task is adopted or removed


@dataclass(frozen=True)
class Result:
    """The task of the definition; ``row`` and ``claim`` are None if it was just started."""

    id: str
    name: str | None
    status: str | None
    row: TaskRow | None = None
    job_id: str | None = None
    claim: str | None = None


def create_task(account: Account, engine: Engine, holders: Holders, definition: Definition) -> Result:
    """Return the definition's task: either found by its owner mark or started.

    Raises:
        DcsMigrationError: no task was started, or it isn't known whether one was; the message says which.
    """
    return _Creation(account, engine, holders, definition).run()


class _Creation:
    """One create of one definition."""

    def __init__(self, account: Account, engine: Engine, holders: Holders, definition: Definition) -> None:
        self._account = account
        self._clock = account.clock
        self._engine = engine
        self._holders = holders
        self._definition = definition
        self._look_up = LookUp(account, engine, holders, definition)

    def run(self) -> Result:
        """See :func:`create_task`."""
        refusals = Refusals()
        while True:
            try:
                with self._look_up.create_lock:  # creates for the same target run one after the other
                    result = self._find_or_start()
            except REFUSED as error:
                pause = refusals.pause_after(error)
                if pause is None:
                    raise self._gave_up(error) from None
                self._say(f"{error}; trying again in {pause:.0f} s")
                self._clock.sleep(pause)
            else:
                self._holders.created(self._definition.urn, result.id, result.claim)
                return result

    def _find_or_start(self) -> Result:
        """Look for the task, and start it if it doesn't exist and nothing prevents it."""
        found = self._look()
        if found.ended_badly and not found.usable:
            self._wait_for_other_resources(found.ended_badly)
            for row in found.ended_badly:
                self._warn(
                    f"earlier task {row.id} of this definition is {row.status}; {self._remove(row.id)}"
                )
            found = self._look()
        if found.usable:
            self._wait_for_other_resources(found.usable[:1])
            return self._adopt(found.usable)
        occupants = [row for row in found.occupants if row.id not in self._account.deleted]
        if occupants:
            raise Occupied(occupants)
        self._engine.require()
        return self._start()

    def _look(self) -> Found:
        """Look until the result is recent: a slow Show makes a listing old."""
        try:
            for _ in range(LOOKS):
                found = self._look_up.find(LOOK_UP_AGE)
                self._look_up.require_first(found)
                if found.usable or self._clock.monotonic() - found.as_of <= STALE_AFTER:
                    return found
            raise LookUpFailed("can't tell whether this task already exists: each look-up took too long")
        except LookUpFailed as error:
            raise TaskError(f"nothing was started: {error}") from None

    def _start(self) -> Result:
        try:
            created = self._definition.post(self._account.client)
        except REFUSED:
            raise
        except OUTCOME_UNCLEAR as error:
            self._account.record_write()
            return self._search(error)
        except ApiError as error:
            raise self._definition.refused(error) from None
        else:
            self._account.record_write()
            return self._accept(created)
        finally:
            self._look_up.create_lock.attempted = self._clock.monotonic()

    def _wait_for_other_resources(self, rows: Sequence[TaskRow]) -> None:
        """Give Pulumi time to ask about the program's other resources, because one of them may hold a task."""
        self._clock.sleep(SETTLE_SECONDS)
        self._engine.require()
        for row in rows:
            self._look_up.require_not_held(row)

    def _remove(self, id_: str) -> str:
        """Remove the record of a failed task; return what happened to it."""
        try:
            self._engine.require()
            self._account.delete(id_)
        except EngineGone:
            raise
        except DcsMigrationError as error:
            self._look_up.left_behind.add(id_)
            return f"its record couldn't be removed, and the next `pulumi up` tries again ({error})"
        self._account.deleted.add(id_)
        return "its record was removed"

    def _adopt(self, found: Sequence[TaskRow]) -> Result:
        row, *others = found
        self._warn(
            f"adopted task {row.id} ({row.status}), which an earlier run or a call with a lost response "
            "started for this definition; nothing new was started; to run it again, "
            f"{self._definition.again}"
            + (
                f"; more tasks have the same owner mark: {', '.join(other.id for other in others)}"
                if others
                else ""
            )
        )
        return Result(row.id, row.name, row.status, row, claim=new_claim())

    def _search(self, error: DcsMigrationError) -> Result:
        """After an unclear outcome: look until the task shows up, for up to a minute."""
        self._look_up.create_lock.attempted = self._clock.monotonic()
        found = Found((), 0.0)
        trouble: DcsMigrationError | None = None

        def find() -> Result | None:
            nonlocal found, trouble
            found = Found((), 0.0)
            try:
                found = self._look_up.find(0.0)
            except CredentialsRefused as refused:
                raise TaskError(
                    f"{refused}; can't tell whether {self._definition.operation} started a task; the next "
                    "`pulumi up` looks for it first"
                ) from None
            except LookUpFailed as failed:
                trouble = failed
            if found.usable:
                return self._adopt(found.usable)
            if found.ended_badly:
                row = found.ended_badly[-1]
                raise self._failed_at_once(row.id, row.error or f"its status is {row.status}")
            return None

        def pause(seconds: float) -> None:
            self._engine.require()
            self._say("the service's response was lost; looking for the task")
            self._clock.sleep(seconds)

        result = search(find, self._clock, pause)
        if result is None:
            raise self._not_found(error, found, trouble)
        return result

    def _not_found(
        self, error: DcsMigrationError, found: Found, trouble: DcsMigrationError | None
    ) -> DcsMigrationError:
        unmarked = self._look_up.unmarked(found)
        if unmarked is not None:
            return TaskError(
                f"{error}; task {unmarked.name} ({unmarked.id}, {unmarked.status}) may be the one that was "
                "started, but it has no owner mark; check it in the console, then set "
                f'existing_task_id="{unmarked.id}" to take it over, or another name to start another task'
            )
        return TaskError(
            f"{error}; the task didn't appear within {SEARCH_FOR:.0f} s, and nothing was sent twice; run "
            "`pulumi up` again: it looks for the task before it starts one"
            + (f" (the last look-up also failed: {trouble})" if trouble else "")
        )

    def _accept(self, created: Created) -> Result:
        """Accept the new task, unless the service's answer says that it failed."""
        if not created.error and lookup(created.status).kind not in self._definition.ended_badly:
            row = TaskRow(
                created.id,
                name=created.name,
                status=created.status,
                description=str(self._definition.mark),
                target_instance_id=self._definition.target,
            )
            self._account.record_start(row)
            return Result(created.id, created.name, created.status, job_id=created.job_id)
        raise self._failed_at_once(created.id, created.error or f"its status is {created.status}")

    def _failed_at_once(self, id_: str, reason: str) -> TaskError:
        return TaskError(
            f"{self._definition.operation} created task {id_}, which failed immediately: "
            f"{scrub(reason)}; {self._remove(id_)}"
        )

    def _gave_up(self, error: DcsMigrationError) -> DcsMigrationError:
        if not isinstance(error, (Busy, Occupied)):
            return TaskError(f"nothing was started: {error}; run `pulumi up` again later")
        rows = self._occupants(error)
        by = named(rows) if rows else "another operation"
        waited = sum(FOR_THE_TARGET.pauses)
        return TaskError(
            f"nothing was started: the target is still occupied by {by} after {waited:.0f} s; {self._advice(rows)}"
            + (f" ({error})" if isinstance(error, Busy) else "")
        )

    def _occupants(self, error: DcsMigrationError) -> Sequence[TaskRow]:
        if isinstance(error, Occupied):
            return error.rows
        try:
            return self._look_up.find(SEARCH_EVERY).occupants
        except DcsMigrationError:
            return ()

    def _advice(self, rows: Sequence[TaskRow]) -> str:
        ours = self._definition.mark
        chain = (
            "wait until it is free, or chain the tasks with "
            "opts=ResourceOptions(depends_on=[first.completion()])"
        )
        held = self._holders.predecessors(self._definition.urn)
        if any(row.id in held for row in rows):
            return (
                "this resource replaces that task, but doesn't delete it first; set "
                "delete_before_replace=True, and leave retain_on_delete out"
            )
        marks = [split(row.description)[1] for row in rows]
        if any(mark and mark.owner == ours.owner and mark.resource != ours.resource for mark in marks):
            return (
                f"{chain}; if this resource was renamed, set opts=ResourceOptions(aliases=[Alias(name=...)]); "
                f"{DELETE_FIRST}"
            )
        if any(mark and mark.owner == ours.owner and mark.resource == ours.resource for mark in marks):
            return (
                "an earlier run, which the state doesn't know, started it for this resource with other "
                "inputs; restore those inputs to adopt it, wait for it, or stop it in the console"
            )
        return chain

    def _warn(self, message: str) -> None:
        self._engine.log("WARNING", message, self._definition.urn)

    def _say(self, message: str) -> None:
        self._engine.log("INFO", message, self._definition.urn, ephemeral=True)
