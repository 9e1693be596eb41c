"""Look-up: which tasks exist already, before a new one is started. This module only reads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dcs_migration.dcs.errors import (
    ApiError,
    CredentialsRefused,
    DcsMigrationError,
    EngineGone,
    PermissionDenied,
    TaskError,
    TaskNotFound,
)
from dcs_migration.dcs.models import Created, TaskRow, addresses
from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.life_cycles.account import Account, CreateLock
from dcs_migration.life_cycles.engine import Engine
from dcs_migration.life_cycles.tasks.holders import Holders
from dcs_migration.life_cycles.tasks.mark import Mark, split

if TYPE_CHECKING:
    from dcs_migration.dcs.client import DcsClient

# All times in seconds.
LOOK_UP_AGE = 3.0  # maximum age of a listing that shows whether the task exists
STALE_AFTER = LOOK_UP_AGE + 0.05  # a POST never relies on an older listing
LOOKS = 3  # how often a look is repeated if a slow Show made it too old


def occupants(
    account: Account, rows: Iterable[TaskRow], target: Mapping[str, Any], *, but: str | None = None
) -> list[TaskRow]:
    """Return the tasks that run on a target, given by its ``id`` or ``addrs``, except one.

    A listing may not show a task that this process has just started; Show does.

    Raises:
        DcsMigrationError: what the service answered.
    """
    recent = account.recent()
    there = {row.id: row for row in (*recent.values(), *rows) if _occupies(row, target)}
    found: list[TaskRow] = []
    for id_ in sorted(there.keys() - account.deleted - {but}):
        row = there[id_]
        if id_ in recent:
            try:
                row = replace(row, status=account.client.show_migration_task(id_).status)
            except TaskNotFound:
                continue
        if _occupies(row, target):
            found.append(row)
    return found


def _occupies(row: TaskRow, target: Mapping[str, Any]) -> bool:
    if target.get("id"):
        same = row.target_instance_id == target["id"]
    else:
        same = bool(addresses(target.get("addrs")) & addresses(row.target_instance_addrs))
    status = lookup(row.status)
    return same and not status.ended and not status.idle


class LookUpFailed(TaskError):
    """It isn't known whether the task exists already."""


@dataclass(frozen=True)
class Shown:
    """A task's status in ShowMigrationTask, and the inputs in which it differs from the definition."""

    status: str | None
    differing: Sequence[str]


@dataclass(frozen=True)
class Definition:
    """What to create: its owner mark, and the call that creates it.

    mark_of_0_1_0: the owner mark that release 0.1.0 wrote. name: the task's name. operation: the API's name of
    the call that ``post`` makes. shown: gets one task and compares it. ended_badly: meanings of a status with
    which a task no longer counts for the definition. target: id of the instance, which takes one task at a time.
    unique: whether the definition is complete, so that a second task with it would do the same work twice.
    run_again: the input that asks for another run. again: what runs it again. refused: formats a refusal.
    """

    urn: str
    mark: Mark
    mark_of_0_1_0: str
    name: str | None
    operation: str
    post: Callable[[DcsClient], Created]
    shown: Callable[[DcsClient, TaskRow], Shown]
    ended_badly: Collection[Kind]
    again: str
    target: str | None = None
    unique: bool = True
    refused: Callable[[ApiError], DcsMigrationError] = lambda error: error

    @property
    def lock_key(self) -> str:
        """The lock for creates that could interfere with each other."""
        return self.target or self.mark.definition


@dataclass
class Found:
    """The result of a look: all tasks, our own tasks (usable or not), and the tasks that occupy the target.

    as_of: the clock's time when the listing was requested.
    """

    rows: Sequence[TaskRow]
    as_of: float
    usable: list[TaskRow] = field(default_factory=list)
    ended_badly: list[TaskRow] = field(default_factory=list)
    occupants: list[TaskRow] = field(default_factory=list)


class LookUp:
    """The looks of one create."""

    def __init__(self, account: Account, engine: Engine, holders: Holders, definition: Definition) -> None:
        self._account = account
        self._engine = engine
        self._holders = holders
        self._definition = definition
        self.create_lock: CreateLock = account.create_lock(definition.lock_key)
        self.left_behind: set[str] = set()
        """Failed tasks of this definition whose records couldn't be removed."""
        # Ended tasks that don't match. If many tasks have our name, a look can't ask for each of them every time.
        self._others: set[str] = set()
        # Pulumi has deleted this resource's task to run it again, so tasks that existed before don't count.
        # But if the deleted task no longer existed, a task with our mark may be the requested one.
        self._anew = holders.was_replaced(definition.urn)
        self._before: set[str] | None = set() if holders.was_replaced_before(definition.urn) else None

    def find(self, max_age: float) -> Found:
        """Look once.

        Raises:
            LookUpFailed: the service didn't answer this.
            TaskError: one of our own tasks prevents it.
            DcsMigrationError: the credentials were refused, or Pulumi has ended.
        """
        rows, as_of = self._rows(max_age)
        found = Found(rows, as_of)
        found.occupants = self._occupants(rows)
        ours = [row for row in found.rows if self._is_ours(row)]
        if self._anew and self._before is None:
            self._before = {row.id for row in ours}
        for row in ours:
            if row.id not in (self._before or ()):
                self._judge(row, found)
        return found

    def require_first(self, found: Found) -> None:
        """Check that no one else has run the definition, and that a usable task isn't an earlier run of ours.

        Raises:
            TaskError: a task prevents it; the message says which, and what to do.
            LookUpFailed: the service didn't answer this.
        """
        if self._anew:
            return
        self._only_successors(found)
        if not found.usable and self._definition.unique:
            for row in found.rows:
                self._require_another(row)

    def require_not_held(self, row: TaskRow) -> None:
        """Check that no other resource of the state holds a task with our mark.

        Raises:
            TaskError: one does.
        """
        holder = self._holders.holder(row.id)
        if holder is not None and holder != self._definition.urn:
            twice = "set triggers=[...] to run it twice"
            raise TaskError(
                f"nothing was started: task {row.id} ({row.status}) with the same definition is held by "
                f"another resource of this stack, {holder}; remove one of the two, or "
                + (twice if self._definition.unique else "give this resource another name")
            )

    def unmarked(self, found: Found) -> TaskRow | None:
        """Return a task with our name that does the same, but has no owner mark in its description."""
        for row in found.rows:
            if (
                split(row.description)[1] is None
                and row.name == self._definition.name
                and self._is_the_same(row)
            ):
                return row
        return None

    def _rows(self, max_age: float) -> tuple[list[TaskRow], float]:
        """Return every task of the account, oldest first, including those that this process has just started, and the
        time of the listing."""
        try:
            listing = self._account.whole_listing(max_age=max_age, not_before=self.create_lock.attempted)
        except (CredentialsRefused, EngineGone):
            raise
        except PermissionDenied as error:
            raise LookUpFailed(
                f"can't check whether this task already exists; grant dcs:migrationTask:list ({error})"
            ) from None
        except DcsMigrationError as error:
            raise LookUpFailed(f"can't check whether this task already exists: {error}") from None
        rows = [row for row in self._account.rows_of(listing) if lookup(row.status).kind is not Kind.GONE]
        return sorted(rows, key=lambda row: (row.created_at or "", row.id)), listing.started

    def _occupants(self, rows: Sequence[TaskRow]) -> list[TaskRow]:
        """Return the tasks of any owner that run on our target."""
        try:
            return occupants(self._account, rows, {"id": self._definition.target})
        except (CredentialsRefused, EngineGone):
            raise
        except DcsMigrationError as error:
            raise LookUpFailed(f"can't check whether the target is free: {error}") from None

    def _is_ours(self, row: TaskRow) -> bool:
        return row.id not in self.left_behind and split(row.description)[1] == self._definition.mark

    def _judge(self, row: TaskRow, found: Found) -> None:
        """Classify a task with our mark, by what Show reports."""
        self.require_not_held(row)
        if lookup(row.status).stopping:
            raise TaskError(
                f"nothing was started: task {row.id} with the same definition is being stopped; run `pulumi "
                "up` again in a minute"
            )
        shown = self._shown(row)
        if shown is None:
            return
        if shown.differing:
            self._engine.log(
                "WARNING",
                f"task {row.id} has the owner mark of this resource, but differs in "
                f"{', '.join(shown.differing)}; it wasn't changed",
                self._definition.urn,
            )
        elif self._is_over(row) or self._ended_badly(shown.status):
            found.ended_badly.append(row)
        else:
            found.usable.append(row)

    def _is_over(self, row: TaskRow) -> bool:
        """Whether a listed task doesn't count for the definition. If this create started it again, only Show knows."""
        return row.id not in self._account.started and self._ended_badly(row.status)

    def _ended_badly(self, status: str | None) -> bool:
        return lookup(status).kind in self._definition.ended_badly

    def _shown(self, row: TaskRow) -> Shown | None:
        """Return what Show reports about a listed task; None if it no longer exists."""
        try:
            shown = self._definition.shown(self._account.client, row)
        except TaskNotFound:
            return None
        except (CredentialsRefused, EngineGone):
            raise
        except DcsMigrationError as error:
            raise LookUpFailed(f"can't check whether task {row.id} is this one: {error}") from None
        return None if lookup(shown.status).kind is Kind.GONE else shown

    def _only_successors(self, found: Found) -> None:
        """If the replaced task still exists, don't use a task that is older than it.

        That happens if a transform sets retain_on_delete. A task of this definition that was started before the
        state's task is an earlier run. One that was started later comes from an interrupted replacement.
        """
        held = set(self._holders.predecessors(self._definition.urn))
        there = [row for row in found.rows if row.id in held and self._shown(row) is not None]
        if not there:
            return
        times = [row.created_at for row in (*there, *found.usable)]
        if found.usable and None in times:
            raise TaskError(
                f"nothing was started: task {there[0].id}, which this one replaces, wasn't deleted, and it "
                f"is unknown whether task {found.usable[0].id} was started after it; remove retain_on_delete"
            )
        last = max(row.created_at or "" for row in there)
        found.usable = [row for row in found.usable if (row.created_at or "") > last]

    def _require_another(self, row: TaskRow) -> None:
        """Refuse to run again what someone else, or this stack with another name, has already run."""
        why = self._why_the_same(row)
        if (
            why is None
            or row.id in self._holders.predecessors(self._definition.urn)
            or not self._is_the_same(row)
        ):
            return
        what, ways = why
        created = f", created {row.created_at}" if row.created_at else ""
        raise TaskError(
            f"nothing was started: task {row.name or row.id} ({row.id}, {row.status}{created}) {what}; {ways}"
        )

    def _is_the_same(self, row: TaskRow) -> bool:
        """Whether a task does everything in the definition, according to Show."""
        target = self._definition.target
        elsewhere = target is not None and row.target_instance_id not in (None, target)
        if elsewhere or row.id in self._others or self._is_over(row):
            return False
        shown = self._shown(row)
        same = shown is not None and not shown.differing and not self._ended_badly(shown.status)
        if not same and lookup(row.status).ended:
            self._others.add(row.id)
        return same

    def _why_the_same(self, row: TaskRow) -> tuple[str, str] | None:
        """Return how a task matches the definition, and what to do; None if it doesn't match."""
        mark, ours = split(row.description)[1], self._definition.mark
        take_over = f'to take it over, set existing_task_id="{row.id}"'
        ways = f"{take_over}; to run it again, set triggers=[...]"
        if mark is None or not mark.owner:
            if mark is not None and mark.definition == self._definition.mark_of_0_1_0:
                return "was started for this resource by release 0.1.0", ways
            if self._definition.name is None or row.name != self._definition.name:
                return None
            return (
                "has this name and does the same, but has no owner mark",
                f"{take_over}; to start another one, use another name",
            )
        if mark.definition != ours.definition or mark == ours:
            return None
        if mark.owner != ours.owner:
            return (
                "has the same definition and belongs to another owner: another stack, another provider of "
                "this stack, or a lost state",
                ways,
            )
        holder = self._holders.holder(row.id)
        # The alias comes first, because taking over is for a lost state: after a rename, Pulumi deletes the old
        # resource.
        return (
            "has the same definition and belongs to another resource of this stack, "
            + (holder or "or to this one before it or the stack was renamed"),
            f"if you renamed it, set opts=ResourceOptions(aliases=[Alias(name=...)]); otherwise {ways}",
        )
