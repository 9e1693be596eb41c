"""Look-up: what the service has already, before a task is started. Nothing is written here."""

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
from dcs_migration.life_cycles.account import Account, Turn
from dcs_migration.life_cycles.engine import Engine
from dcs_migration.life_cycles.tasks.held import Held
from dcs_migration.life_cycles.tasks.mark import Mark, split

if TYPE_CHECKING:
    from dcs_migration.dcs.client import DcsClient

# All times in seconds.
LOOK_UP_AGE = 3.0  # a listing this old still tells whether the task exists
STALE_AFTER = LOOK_UP_AGE + 0.05  # a POST relies on no listing that is older
LOOKS = 3  # so often one that has grown old meanwhile, because Show was slow, is repeated


def occupants(
    account: Account, rows: Iterable[TaskRow], target: Mapping[str, Any], *, but: str | None = None
) -> list[TaskRow]:
    """Return the tasks that run on a target, given by its ``id`` or its ``addrs``, but for one.

    Of what this process has just started a listing may tell nothing yet: Show does.

    Raises:
        DcsMigrationError: what the service answered.
    """
    listed, recent = {row.id: row for row in rows}, account.recent()
    found: list[TaskRow] = []
    for id_ in sorted({*listed, *recent} - account.deleted - {but}):
        known = [rows[id_] for rows in (listed, recent) if id_ in rows and _occupies(rows[id_], target)]
        if known and id_ in recent:
            try:
                known = [replace(known[0], status=account.client.show_migration_task(id_).status)]
            except TaskNotFound:
                continue
        found += [row for row in known[:1] if _occupies(row, target)]
    return found


def _occupies(row: TaskRow, target: Mapping[str, Any]) -> bool:
    status = lookup(row.status)
    if status.ended or status.idle:
        return False
    if target.get("id"):
        return bool(row.target_instance_id == target["id"])
    return bool(addresses(target.get("addrs")) & addresses(row.target_instance_addrs))


class LookUpFailed(TaskError):
    """Whether the task exists already is not known."""


@dataclass(frozen=True)
class Shown:
    """What ShowMigrationTask tells of a task: its status, and in which inputs it is not the one defined."""

    status: str | None
    differing: Sequence[str]


@dataclass(frozen=True)
class Definition:
    """What is created: the mark by which it is known, and how it is asked for.

    mark_of_0_1_0: the mark that release 0.1.0 wrote. name: of the task. operation: the API's name of the call
    that ``post`` makes. shown: asks for one task and compares it. ended_badly: what a task's status may mean
    that cannot stand for the definition any more. target: id of the instance that takes one task at a time.
    unique: whether the definition says all that is done, so that a second task of it would do it twice.
    run_again: which input asks for another run on purpose. again: what runs it again. refused: words a refusal.
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
    def turn(self) -> str:
        """What orders the creates that could get in each other's way."""
        return self.target or self.mark.definition


@dataclass
class Found:
    """What a look brought: all tasks, our own ones, usable or not, and those that occupy the target.

    as_of: the moment of the clock at which the listing was asked for.
    """

    rows: Sequence[TaskRow]
    as_of: float
    usable: list[TaskRow] = field(default_factory=list)
    ended_badly: list[TaskRow] = field(default_factory=list)
    occupants: list[TaskRow] = field(default_factory=list)


class LookUp:
    """The looks of one run of create."""

    def __init__(self, account: Account, engine: Engine, held: Held, definition: Definition) -> None:
        """Set up."""
        self._account = account
        self._engine = engine
        self._held = held
        self._definition = definition
        self.turn: Turn = account.turn(definition.turn)
        self.left_behind: set[str] = set()
        """Failed tasks of this definition whose records could not be removed."""
        # Tasks that have ended and are other ones: where many have our name, asking for each takes too long for a look.
        self._others: set[str] = set()
        # The engine has had the task of this resource deleted: another run was asked for, and what was there
        # before is none of it. But where that task was gone already, what bears our mark may be this very run.
        self._anew = held.was_replaced(definition.urn)
        self._before: set[str] | None = set() if held.was_replaced_before(definition.urn) else None

    def find(self, max_age: float) -> Found:
        """Look once.

        Raises:
            LookUpFailed: the service did not tell.
            TaskError: a task of our own stands in the way.
            DcsMigrationError: the credentials were refused, or the engine is gone.
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
        """See that nobody else has run the definition, and that what is usable is no earlier run of our own.

        Raises:
            TaskError: which task stands in the way, and the ways on.
            LookUpFailed: the service did not tell.
        """
        if self._anew:
            return
        self._only_successors(found)
        if not found.usable and self._definition.unique:
            for row in found.rows:
                self._require_another(row)

    def require_not_held(self, row: TaskRow) -> None:
        """See that no other resource of the state holds a task that bears our mark.

        Raises:
            TaskError: one does.
        """
        holder = self._held.holder(row.id)
        if holder is not None and holder != self._definition.urn:
            twice = "set triggers=[...] to run it twice"
            raise TaskError(
                f"nothing was started: task {row.id} ({row.status}) with the same definition is held by "
                f"another resource of this stack, {holder}; remove one of the two, or "
                + (twice if self._definition.unique else "give this resource another name")
            )

    def unmarked(self, found: Found) -> TaskRow | None:
        """Return a task of our name that does the same, but whose description bears no mark."""
        for row in found.rows:
            if (
                split(row.description)[1] is None
                and row.name == self._definition.name
                and self._is_the_same(row)
            ):
                return row
        return None

    def _rows(self, max_age: float) -> tuple[list[TaskRow], float]:
        """Return every task of the account, oldest first, those that this process has just started included, and when."""
        try:
            listing = self._account.whole_listing(max_age=max_age, not_before=self.turn.attempted)
        except (CredentialsRefused, EngineGone):
            raise
        except PermissionDenied as error:
            raise LookUpFailed(
                f"cannot check whether this task already exists; grant dcs:migrationTask:list ({error})"
            ) from None
        except DcsMigrationError as error:
            raise LookUpFailed(f"cannot check whether this task already exists: {error}") from None
        rows = [row for row in self._account.rows_of(listing) if lookup(row.status).kind is not Kind.GONE]
        return sorted(rows, key=lambda row: (row.created_at or "", row.id)), listing.started

    def _occupants(self, rows: Sequence[TaskRow]) -> list[TaskRow]:
        """Return the tasks that run on our target, whoever's they are."""
        try:
            return occupants(self._account, rows, {"id": self._definition.target})
        except (CredentialsRefused, EngineGone):
            raise
        except DcsMigrationError as error:
            raise LookUpFailed(f"cannot check whether the target is free: {error}") from None

    def _is_ours(self, row: TaskRow) -> bool:
        return row.id not in self.left_behind and split(row.description)[1] == self._definition.mark

    def _judge(self, row: TaskRow, found: Found) -> None:
        """Sort a task that bears our mark; Show has the last word on what it is."""
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
                f"{', '.join(shown.differing)}; it was not changed",
                self._definition.urn,
            )
        elif self._is_over(row) or self._ended_badly(shown.status):
            found.ended_badly.append(row)
        else:
            found.usable.append(row)

    def _is_over(self, row: TaskRow) -> bool:
        """Whether a listed task cannot stand for the definition; of one that this run has begun again only Show tells."""
        return row.id not in self._account.started and self._ended_badly(row.status)

    def _ended_badly(self, status: str | None) -> bool:
        return lookup(status).kind in self._definition.ended_badly

    def _shown(self, row: TaskRow) -> Shown | None:
        """Return what Show tells of a listed task; None if it is gone."""
        try:
            shown = self._definition.shown(self._account.client, row)
        except TaskNotFound:
            return None
        except (CredentialsRefused, EngineGone):
            raise
        except DcsMigrationError as error:
            raise LookUpFailed(f"cannot check whether task {row.id} is this one: {error}") from None
        return None if lookup(shown.status).kind is Kind.GONE else shown

    def _only_successors(self, found: Found) -> None:
        """Where the task that is replaced is still there, let nothing stand for its successor that is older.

        A transform may set retain_on_delete. What was started for this definition before the task of the state is
        an earlier run; what was started after it is the answer that an interrupted replacement has lost.
        """
        held = set(self._held.predecessors(self._definition.urn))
        there = [row for row in found.rows if row.id in held and self._shown(row) is not None]
        if not there:
            return
        times = [row.created_at for row in (*there, *found.usable)]
        if found.usable and None in times:
            raise TaskError(
                f"nothing was started: task {there[0].id}, which this one replaces, was not deleted, and it "
                f"is unknown whether task {found.usable[0].id} was started after it; remove retain_on_delete"
            )
        last = max(row.created_at or "" for row in there)
        found.usable = [row for row in found.usable if (row.created_at or "") > last]

    def _require_another(self, row: TaskRow) -> None:
        """Refuse what would run a second time what somebody else has run, or this stack under another name."""
        why = self._why_the_same(row)
        if (
            why is None
            or row.id in self._held.predecessors(self._definition.urn)
            or not self._is_the_same(row)
        ):
            return
        what, ways = why
        created = f", created {row.created_at}" if row.created_at else ""
        raise TaskError(
            f"nothing was started: task {row.name or row.id} ({row.id}, {row.status}{created}) {what}; {ways}"
        )

    def _is_the_same(self, row: TaskRow) -> bool:
        """Whether a task did, or does, all that is defined, by the word of Show."""
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
        """Return in what a task has the same definition, and the ways on; None if it has not."""
        mark, ours = split(row.description)[1], self._definition.mark
        take_over = f'to take it over, set existing_task_id="{row.id}"'
        ways = f"{take_over}; to run it a second time, set triggers=[...]"
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
        holder = self._held.holder(row.id)
        # The alias comes first: taking over is for a state that was lost, and in a mere rename the old resource is deleted.
        return (
            "has the same definition and belongs to another resource of this stack, "
            + (holder or "or to this one before it or the stack was renamed"),
            f"if you renamed it, set opts=ResourceOptions(aliases=[Alias(name=...)]); otherwise {ways}",
        )
