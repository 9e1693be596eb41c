"""The tasks and their state machine. It reads the time and never waits."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dcs_emulator.online import OnlineTasks
from dcs_emulator.options import Options
from dcs_emulator.progression import Engine
from dcs_emulator.quirks import QuirkSet
from dcs_emulator.state_file import StateFile
from dcs_emulator.task import (
    CREATING,
    ENDED,
    FAILED,
    INCREMENTAL,
    INCREMENTAL_SPELLED_RIGHT,
    MIGRATING,
    SUCCESS,
    TERMINATED,
    TERMINATING,
    Task,
    new_task,
)

SLOW_STOP_SECONDS = 15.0
MINUTE_SECONDS = 60.0

Secrets = dict[str, str]


class TaskStore:
    """All tasks of one emulator, by id, in the order of their creation.

    Use it inside ``with store.transaction() as now``, which holds the lock, updates every task, and
    saves the state if something changed.
    """

    def __init__(self, engine: Engine, quirks: QuirkSet, options: Options) -> None:
        self.online = OnlineTasks(engine, quirks, options)
        self._engine = engine
        self._quirks = quirks
        self._options = options
        self._state = None if options.state is None else StateFile(Path(options.state))
        self._lock = threading.RLock()
        self._tasks: dict[str, Task] = {}
        self._passwords: dict[str, Secrets] = {}
        self._writes: deque[float] = deque()
        self._created = 0
        self._changed = False
        if self._state is not None:
            self._tasks, self._created = self._state.load()
            for task in self._tasks.values():
                if task.addresses_exchanged:
                    engine.exchange(task)
        self._pending = dict(self._tasks)  # tasks that time can change, without the ended ones

    @contextmanager
    def transaction(self) -> Iterator[float]:
        """Hold the lock, and yield the Unix time of a consistent state."""
        with self._lock:
            now = self._options.clock()
            self._advance(now)
            try:
                yield now
            finally:
                self._save()

    def close(self) -> None:
        """Save changes that couldn't be saved before."""
        with self._lock:
            self._save()

    def _save(self) -> None:
        if self._changed:
            self._changed = self._state is not None and not self._state.save(
                self._tasks.values(), self._created
            )

    # Reading.

    def listed(self, project_id: str, now: float) -> list[Task]:
        """Return the tasks in a project's list, oldest first."""
        lag = self._quirks.number("listing-lags")
        then = now if lag is None else now - lag
        expiring = [name for name in ("records-expire", "records-expire-wholly") if name in self._quirks]
        return [
            task if lag is None else task.as_of(then)
            for task in self._tasks.values()
            if task.project_id == project_id
            and (lag is None or task.created_at <= then)
            and (task.deleted_at is None or (lag is not None and then < task.deleted_at))
            and not (expiring and any(self._expired(name, task, then) for name in expiring))
        ]

    def shown(self, project_id: str, task_id: str, now: float) -> Task | None:
        """Return a task for Show, including a recently deleted one."""
        task = self._tasks.get(task_id.lower())
        if task is None or task.project_id != project_id:
            return None
        if task.deleted_at is not None and (
            "deleted-not-found" in self._quirks or now >= task.deleted_at + self._options.linger
        ):
            return None
        return None if self._expired("records-expire-wholly", task, now) else task

    def existing(self) -> list[Task]:
        """Return all tasks that aren't deleted, oldest first."""
        return [task for task in self._tasks.values() if task.deleted_at is None]

    def passwords(self, task: Task) -> Secrets:
        """Return the passwords kept for ``password-echoed``, by ``source`` and ``target``."""
        return self._passwords.get(task.id, {})

    def count_write(self, now: float) -> int:
        """Count a write; returns the number of writes in the last minute, including this one."""
        while self._writes and now - self._writes[0] >= MINUTE_SECONDS:
            self._writes.popleft()
        self._writes.append(now)
        return len(self._writes)

    # Changing.

    def create(self, project_id: str, request: Mapping[str, Any], now: float) -> Task:
        """Start a task from a valid creation request."""
        task = new_task(self._new_id(), project_id, request, now)
        self._tasks[task.id] = task
        self.touch(task)
        if "password-echoed" in self._quirks:
            self._passwords[task.id] = _passwords(request)
        if "create-answers-error" in self._quirks:
            task.enter(FAILED, now, "The migration task could not be started.")
        else:
            self._engine.start(task, request)
        return task

    def create_online(self, project_id: str, request: Mapping[str, Any], now: float) -> Task:
        """Create a migration instance from a valid request."""
        task = self.online.new(self._new_id(), project_id, request, now)
        self._tasks[task.id] = task
        self.touch(task)
        return task

    def of_job(self, project_id: str, job_id: str) -> Task | None:
        """Return the task with the migration instance that a job creates."""
        tasks = self._tasks.values()
        return next((task for task in tasks if (task.project_id, task.job_id) == (project_id, job_id)), None)

    def configure(self, task: Task, request: Mapping[str, Any], now: float) -> None:
        """Configure a task; raises `ApiError` if its state doesn't allow it."""
        self.online.configure(task, request, now)
        if "password-echoed" in self._quirks:
            self._passwords[task.id] = _passwords(request)
        self.touch(task)

    def stop(self, task: Task, now: float, *, at_once: bool = False) -> None:
        """Start to stop a running task, or end it immediately with ``at_once``."""
        self._engine.stop(task)
        self.touch(task)
        if at_once:
            task.enter(TERMINATED, now)
        elif task.stopping_since is None:
            task.enter(TERMINATING, now)
            task.stopping_since = now

    def update(self, task: Task, resume_mode: str) -> None:
        """Change how a task continues after a broken connection."""
        task.resume_mode = resume_mode
        self._changed = True

    def delete(self, task: Task, now: float) -> None:
        """Delete a task in any state; Show still returns its record for a while."""
        if task.running:
            self._engine.stop(task)
        task.deleted_at = now
        self._passwords.pop(task.id, None)
        self.touch(task)

    def set_status(
        self,
        task_id: str,
        status: str,
        error: str | None,
        now: float,
        *,
        task_status: str | None = None,
        offset: int | None = None,
    ) -> Task:
        """Set a task's status from outside; raises KeyError if the task doesn't exist."""
        task = self._existing(task_id)
        swapped = task.addresses_exchanged
        self._engine.stop(task)
        task.pinned = True
        task.stopping_since = task.exchange_since = None
        task.offset = task.offset if offset is None else offset
        task.task_status = task_status or (None if task.exchanging else task.task_status)
        if task.addresses_exchanged != swapped:
            self._engine.exchange(task)  # make the addresses match the status
        if task.status == CREATING:
            task.made, task.job_ended_at = True, now
        task.enter(status, now, error)
        self.touch(task)
        return task

    def remove(self, task_id: str, now: float) -> None:
        """Delete a task as the console does; raises KeyError if the task doesn't exist."""
        self.delete(self._existing(task_id), now)

    def clear(self) -> None:
        """Remove all tasks completely."""
        for task in self._tasks.values():
            if task.running:
                self._engine.stop(task)
            if task.addresses_exchanged:
                self._engine.exchange(task)
        self._tasks.clear()
        self._pending.clear()
        self._passwords.clear()
        self._writes.clear()
        self._changed = True

    def touch(self, task: Task) -> None:
        """Record that a task has changed, so that it is saved, and updated until it no longer changes."""
        self._pending[task.id] = task
        self._changed = True

    # The state machine.

    def _advance(self, now: float) -> None:
        releases = "success-becomes-released" in self._quirks
        kept = max(self._options.linger, self._quirks.number("listing-lags") or 0)
        for task in list((self._tasks if releases else self._pending).values()):
            if task.deleted_at is not None:
                if now >= task.deleted_at + kept:
                    del self._tasks[task.id], self._pending[task.id]
                    self._changed = True
                continue
            if task.stopping_since is not None:
                self._advance_stop(task, task.stopping_since, now)
            elif not task.pinned:
                if task.status not in ENDED and not task.unconfigured:
                    self._advance_phase(task, now)
                if task.status == SUCCESS and self._expired("success-becomes-released", task, now):
                    task.release(now)
                    self._changed = True
            if task.network is not None and self.online.advance(task, now):
                self._changed = True
            if self.online.at_rest(task) or (
                task.pinned and task.stopping_since is None and not task.exchanging
            ):
                self._pending.pop(task.id, None)

    def _advance_stop(self, task: Task, since: float, now: float) -> None:
        seconds = SLOW_STOP_SECONDS if "stop-is-slow" in self._quirks else self._options.stop_seconds
        if task.status == TERMINATING and now >= since + seconds and self._engine.stopped(task):
            task.enter(TERMINATED, since + seconds)
            self._changed = True

    def _advance_phase(self, task: Task, now: float) -> None:
        phase = self._engine.phase(task, now)
        if phase is None:
            return
        task.follows = phase.status == INCREMENTAL
        status = self._spelled(phase.status)
        if status != task.status:
            task.enter(status, phase.since, phase.error)
            self._changed = True

    def _spelled(self, status: str) -> str:
        if status == INCREMENTAL and "incremental-stays-migrating" in self._quirks:
            return MIGRATING
        if status == INCREMENTAL and "incremental-spelled-right" in self._quirks:
            return INCREMENTAL_SPELLED_RIGHT
        return status

    def _expired(self, quirk: str, task: Task, now: float) -> bool:
        seconds = self._quirks.number(quirk)
        return seconds is not None and task.ended_at is not None and now >= task.ended_at + seconds

    def _existing(self, task_id: str) -> Task:
        task = self._tasks[task_id.lower()]
        if task.deleted_at is not None:
            raise KeyError(task_id)
        return task

    def _new_id(self) -> str:
        while True:
            self._created += 1
            if self._options.deterministic_ids:
                task_id = hashlib.sha256(f"migration task {self._created}".encode()).hexdigest()[:32]
            else:
                task_id = secrets.token_hex(16)
            if task_id not in self._tasks:
                return task_id


def _passwords(request: Mapping[str, Any]) -> Secrets:
    sides = {"source": request.get("source_instance"), "target": request.get("target_instance")}
    return {side: value["password"] for side, value in sides.items() if value and "password" in value}
