"""The lifecycle of a ``MigrationCompletion`` with Pulumi's operations."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from dcs_migration.dcs.errors import TaskError
from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.inputs import has_unknown
from dcs_migration.life_cycles.migration_completion.inputs import (
    INPUTS,
    check,
    interval_of,
    max_lag_of,
    timeout_of,
)
from dcs_migration.life_cycles.migration_completion.judging import REACHED, WatchedTask
from dcs_migration.life_cycles.migration_completion.progress import Progress
from dcs_migration.life_cycles.migration_completion.waiting import Poller, Wait
from dcs_migration.life_cycles.process import (
    CheckResult,
    CreateResult,
    DiffResult,
    Process,
    ReadResult,
    UpdateResult,
)
from dcs_migration.names import TASKS, URN

Props = dict[str, Any]


class MigrationCompletionLifeCycle:
    """Check, diff, create, read, update and delete of waits, for one plugin process."""

    def __init__(self, process: Process, every: float | None = None) -> None:
        """Set up with accounts that don't retry; ``every`` is the maximum time between progress lines."""
        self.process = process
        self._accounts = process.accounts
        self._engine = process.engine
        self._clock = process.accounts.clock
        self._every = every
        self._lock = threading.Lock()
        self._pollers: dict[Account, Poller] = {}

    def check(self, olds: Props, news: Props) -> CheckResult:
        """Validate the inputs. Each problem is a separate failure; no calls are made.

        If a create or update follows in this process, the process knows the tasks' passwords.
        """
        inputs, problems = check(news, self._accounts.settings)
        return CheckResult(inputs, problems)

    def diff(self, id_: str, olds: Props, news: Props) -> DiffResult:
        """Compare the inputs: a change is an update, which waits for tasks that aren't done yet."""
        changed = [key for key in INPUTS if has_unknown(news.get(key)) or olds.get(key) != news.get(key)]
        return DiffResult(updates=changed, delete_before_replace=False)

    def create(self, props: Props) -> CreateResult:
        """Wait for every task (ListMigrationTask)."""
        statuses = self._wait(props, {}, timeout_of(props, "create"))
        return CreateResult(_name_of(props), {**props, "statuses": statuses})

    def read(self, id_: str, props: Props) -> ReadResult:
        """Answer a refresh from the state: a finished wait remains finished."""
        return ReadResult(id_, props)

    def imported(self, id_: str, props: Props) -> ReadResult:
        """Refuse, because a wait doesn't exist in the cloud."""
        raise TaskError(
            "a completion can't be imported, because it isn't a cloud resource; declare it in the program, "
            "and it waits again"
        )

    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        """Wait for the tasks that weren't done before."""
        before: Mapping[str, str] = olds.get("statuses") or {}
        if max_lag_of(olds) != max_lag_of(news):  # check tasks in their incremental phase again
            before = {id_: status for id_, status in before.items() if lookup(status).kind is Kind.SUCCESS}
        return UpdateResult({**news, "statuses": self._wait(news, before, timeout_of(news, "update"))})

    def delete(self, id_: str, props: Props) -> None:
        """Do nothing, because a wait doesn't exist in the cloud."""

    def _wait(self, props: Props, before: Mapping[str, str], timeout: float) -> dict[str, str]:
        kept = {id_: before[id_] for id_ in props["task_ids"] if lookup(before.get(id_)).kind in REACHED}
        tasks = [task for task in self._watched(props) if task.id not in kept]
        if not tasks:
            return kept
        urn = props.get(URN)
        wait = Wait(
            tasks,
            self._poller_of,
            self._engine,
            self._clock,
            Progress(self._engine, urn, every=self._every),
            timeout=timeout,
            interval=interval_of(props),
            fail_fast=bool(props.get("fail_fast")),
        )
        reached = {**kept, **wait.run()}
        return {id_: reached[id_] for id_ in props["task_ids"]}

    def _watched(self, props: Props) -> list[WatchedTask]:
        known, max_lag = list(props.get(TASKS) or ()), max_lag_of(props)
        watched = []
        for index, id_ in enumerate(props["task_ids"]):
            own: Mapping[str, Any] = known[index] if index < len(known) else props
            account = self._accounts.at(own.get("region"), own.get("project_id"))
            if own is props:
                watched.append(WatchedTask(id_, account, max_lag=max_lag))
            else:
                # A replaced resource would take over the same task again, and run nothing.
                urn = None if own.get("taken_over") else own.get("urn")
                watched.append(
                    WatchedTask(id_, account, own.get("name"), urn, own.get("status"), max_lag=max_lag)
                )
        return watched

    def _poller_of(self, account: Account) -> Poller:
        with self._lock:
            return self._pollers.setdefault(account, Poller(account))


def _name_of(props: Props) -> str:
    """Return an id from the resource's name: nothing in the cloud has one."""
    return str(props.get(URN) or "completion").split("::", 3)[-1]
