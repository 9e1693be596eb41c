"""Compares the service's tasks with those of stacks: tasks that the stack holds, has lost, or doesn't know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from dcs_migration.command_line.stack_export import Resource, StackState
from dcs_migration.dcs.errors import DcsMigrationError
from dcs_migration.dcs.models import Stats, TaskRow
from dcs_migration.dcs.statuses import Kind, Status, lookup
from dcs_migration.life_cycles.account import Account, Evidence
from dcs_migration.life_cycles.accounts import Accounts
from dcs_migration.life_cycles.tasks.defaults import account_of
from dcs_migration.life_cycles.tasks.mark import Mark, split
from dcs_migration.names import ONLINE_MIGRATION

LISTING_AGE = 10.0  # seconds
MOST_ASKED = 20  # maximum online tasks with statistics in one look: each costs a call


class Finding(Enum):
    """A task's relation to the stacks."""

    HELD = "in state"
    ORPHAN = "ORPHAN"
    GONE = "GONE"
    FOREIGN = "-"


@dataclass(frozen=True)
class Entry:
    """One task.

    row: the service's data; None if the task doesn't exist. mark: the owner mark in its description. stats: of a
    running online task. finding: None without a stack to compare with. resources: those that hold it.
    """

    id: str
    account: Account
    row: TaskRow | None
    mark: Mark | None = None
    stats: Stats | None = None
    finding: Finding | None = None
    resources: Sequence[Resource] = ()
    marked_urn: str | None = None
    """For an orphan: the stack's resource in its owner mark, if the stack has it."""

    @property
    def status(self) -> Status:
        """The meaning of its status."""
        return lookup(self.row.status if self.row else "GONE")

    @property
    def online(self) -> bool:
        """Whether it copies from a running instance."""
        return self.row is not None and self.row.migration_type == ONLINE_MIGRATION


def accounts_of(accounts: Accounts, stack: StackState | None) -> tuple[list[Account], Mapping[str, Account]]:
    """Return the projects of the settings and of the stack's tasks, and the project of each task.

    Raises:
        ConfigurationError: there is no region, or the settings have a different endpoint than the stack.
        DcsMigrationError: a project couldn't be looked up.
    """
    resources = stack.resources if stack else ()
    homes = {resource.id: account_of(accounts, dict(resource.home)) for resource in resources}
    places = [] if homes and accounts.settings.region is None else [accounts.at(None, None)]
    return list(dict.fromkeys((*places, *homes.values()))), homes


def compared(accounts: Accounts, stack: StackState | None) -> list[Entry]:
    """Return every task of the accounts, and those that only the stack has; oldest first.

    Raises:
        DcsMigrationError: what the service answered. Then no task counts as missing.
    """
    places, homes = accounts_of(accounts, stack)
    entries = []
    for account in places:
        listing = account.whole_listing(max_age=LISTING_AGE, not_before=float("-inf"))
        rows = [row for row in account.rows_of(listing) if lookup(row.status).kind is not Kind.GONE]
        entries += [
            _entry(row, account, stack)
            for row in sorted(rows, key=lambda row: (row.created_at or "", row.id))
        ]
    listed = {(entry.account, entry.id) for entry in entries}
    for id_, account in homes.items():
        if stack is not None and (account, id_) not in listed:
            entries.append(_unlisted(id_, account, stack))
    return entries


def _entry(row: TaskRow, account: Account, stack: StackState | None) -> Entry:
    mark = split(row.description)[1]
    if stack is None:
        return Entry(row.id, account, row, mark)
    resources = [each for each in stack.holding(row.id) if _lives(each, account)]
    if resources:
        finding = Finding.HELD
    else:
        finding = Finding.ORPHAN if mark is not None and mark.owner in stack.owners else Finding.FOREIGN
    urn = stack.urns.get(mark.resource) if mark and finding is Finding.ORPHAN else None
    return Entry(row.id, account, row, mark, None, finding, resources, urn)


def _lives(resource: Resource, account: Account) -> bool:
    """Whether a resource doesn't contradict that its task is there."""
    there = {"region": account.region, "project_id": account.project_id}
    return all(resource.home.get(key) in (None, value) for key, value in there.items())


def _unlisted(id_: str, account: Account, stack: StackState) -> Entry:
    """Judge a task of the state that the listing doesn't show. The same proof as in a refresh shows that it no
    longer exists."""
    seen = account.look(id_, max_age=LISTING_AGE)
    forgotten = seen.row is None or (seen.evidence is Evidence.UNLISTED and lookup(seen.row.status).ended)
    row = None if forgotten else seen.row
    mark = split(row.description)[1] if row else None
    finding = Finding.GONE if forgotten else Finding.HELD
    return Entry(id_, account, row, mark, None, finding, stack.holding(id_))


def statistics(entries: Iterable[Entry]) -> dict[str, Stats]:
    """Return the progress of running online tasks, by id (ShowMigrationTaskStats); the last ones may be left out."""
    asked = [entry for entry in entries if entry.online and not (entry.status.ended or entry.status.idle)]
    found: dict[str, Stats] = {}
    for entry in asked[:MOST_ASKED]:
        try:
            found[entry.id] = entry.account.client.show_migration_task_stats(entry.id)
        except DcsMigrationError:
            break  # statistics are only additional: stop after one refusal
    return found
