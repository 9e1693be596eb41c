"""Online migrations on a migration instance: create, configure, restart, and exchange addresses."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from dcs_emulator.errors import api_error
from dcs_emulator.options import Options
from dcs_emulator.progression import Engine
from dcs_emulator.quirks import QuirkSet
from dcs_emulator.task import (
    CREATING,
    ENDED,
    EXCHANGE_FAILED,
    EXCHANGED,
    EXCHANGING,
    FAILED,
    IDLE,
    INCREMENTAL,
    MIGRATING,
    ROLLBACK_FAILED,
    ROLLED_BACK,
    ROLLING_BACK,
    SUCCESS,
    TERMINATED,
    TERMINATING,
    Task,
    new_online_task,
    without_password,
)

_CONFIGURABLE = (IDLE, SUCCESS, FAILED, TERMINATED)


class OnlineTasks:
    """The state machine of these tasks. Use it inside a transaction of their store."""

    def __init__(self, engine: Engine, quirks: QuirkSet, options: Options) -> None:
        self._engine = engine
        self._quirks = quirks
        self._options = options

    def new(self, seed: str, project_id: str, request: Mapping[str, Any], now: float) -> Task:
        """Return the task of a new migration instance; ``seed`` determines its ids."""
        task_id, job_id = (str(uuid.uuid5(uuid.NAMESPACE_OID, f"{seed} {what}")) for what in ("task", "job"))
        return new_online_task(task_id, job_id, project_id, request, now)

    def configure(self, task: Task, request: Mapping[str, Any], now: float) -> None:
        """Start a migration with these settings, or change those of the running one."""
        if task.migrating:
            self._reconfigure(task, request, now)
            return
        if task.exchanging or task.addresses_exchanged or task.status not in _CONFIGURABLE or not task.made:
            raise api_error("DCS.4957")
        self._settings(task, request)
        self._start_run(task, request, now)

    def _reconfigure(self, task: Task, request: Mapping[str, Any], now: float) -> None:
        """Change a running migration. Source and target must not change, unless it can be restarted."""
        refusal = self._quirks.text("set-while-running-refused")
        if refusal is not None:
            raise api_error(refusal)
        same = all(
            without_password(request[f"{side}_instance"]) == kept
            for side, kept in (("source", task.source), ("target", task.target))
        )
        anew = "set-while-running-restarts" in self._quirks
        if not anew and not (same and request["migration_method"] == task.migration_method):
            raise api_error("DCS.4957")
        self._settings(task, request)
        if anew:
            self._engine.stop(task)
            self._start_run(task, request, now)

    def _settings(self, task: Task, request: Mapping[str, Any]) -> None:
        limit = request.get("bandwidth_limit_mb")
        task.migration_method = request["migration_method"]
        task.resume_mode = request["resume_mode"]
        task.bandwidth_limit_mb = None if limit is None else str(limit)
        task.source = without_password(request["source_instance"])
        task.target = without_password(request["target_instance"])

    def _start_run(self, task: Task, request: Mapping[str, Any], now: float) -> None:
        task.runs += 1
        task.resumed = False
        self._reset_run(task, now)
        task.enter(task.full_phase, now)
        self._engine.start(task, request)

    def _reset_run(self, task: Task, now: float) -> None:
        task.pinned = False
        task.stopping_since = None
        task.started_at = now
        task.follows = None
        task.statistics = None
        task.offset = None
        task.task_status = None

    def restart(self, task: Task, now: float) -> None:
        """Start a stopped task again: an incremental one continues, a full one starts again."""
        refusal = self._quirks.text("restart-refused")
        if refusal is not None:
            raise api_error(refusal)
        stopped = task.status == TERMINATED and task.runs > 0
        anew = task.migrating and "restart-while-running-restarts" in self._quirks
        # With swapped addresses, the replication would run against the applications' writes.
        if not (stopped or anew) or task.exchanging or task.addresses_exchanged:
            raise api_error("DCS.4957")
        continues = task.incremental and not anew and "restart-is-full" not in self._quirks
        if anew:
            self._engine.stop(task)
        self._reset_run(task, now)
        task.resumed = continues
        task.restarts += 1
        task.runs += 0 if continues else 1
        task.enter(INCREMENTAL if continues else task.full_phase, now)
        self._engine.resume(task)

    def exchange(self, task: Task, lag: float, now: float) -> None:
        """Start to swap the addresses of source and target, which ends the replication."""
        if task.task_status == EXCHANGED and "exchange-toggles" in self._quirks:
            self._start_rollback(task, now)
        else:
            self._require_exchangeable(task, lag)
            self._start_exchange(task, now)
        task.exchanges += 1

    def _require_exchangeable(self, task: Task, lag: float) -> None:
        follows = task.in_sync or (task.status == MIGRATING and bool(task.follows))
        if task.exchanging or not follows:
            raise api_error("DCS.4957")
        if not all("id" in (side or {}) for side in (task.source, task.target)):
            raise api_error("DCS.4800", "source_instance.id")
        refusal = self._quirks.text("exchange-needs-no-lag")
        if refusal is not None and lag > 0:
            raise api_error(refusal)

    def _start_exchange(self, task: Task, now: float) -> None:
        if task.running:
            self._engine.stop(task)
            task.enter(TERMINATING, now)
            task.stopping_since = now
        task.task_status = EXCHANGING
        task.exchange_since = now

    def roll_back(self, task: Task, now: float) -> None:
        """Start to swap the addresses back."""
        rests = task.status == TERMINATED and not task.exchanging
        if task.task_status in (EXCHANGED, ROLLBACK_FAILED):
            self._start_rollback(task, now)
        elif "exchange-toggles" in self._quirks and (task.migrating or rests):
            self._start_exchange(task, now)
        else:
            raise api_error("DCS.4957")
        task.rollbacks += 1

    def _start_rollback(self, task: Task, now: float) -> None:
        task.task_status = ROLLING_BACK
        task.exchange_since = now

    def advance(self, task: Task, now: float) -> bool:
        """Update what takes time; return whether something changed."""
        if task.status == CREATING and not task.pinned:
            return self._advance_job(task, now)
        if task.exchanging and task.exchange_since is not None:
            over = now >= task.exchange_since + self._options.exchange_seconds
            if over and task.status == TERMINATED:
                self._end_exchange(task)
                return True
        return False

    def _advance_job(self, task: Task, now: float) -> bool:
        slow = self._quirks.number("job-is-slow")
        made_at = task.created_at + (self._options.job_seconds if slow is None else slow)
        if now < made_at:
            return False
        task.job_ended_at = made_at
        if "job-fails" in self._quirks:
            task.enter(FAILED, made_at, "The migration instance could not be created.")
        else:
            task.made = True
            task.enter(IDLE, made_at)
        return True

    def _end_exchange(self, task: Task) -> None:
        forward = task.task_status == EXCHANGING
        fails = ("exchange-fails" if forward else "rollback-fails") in self._quirks
        if fails:
            task.task_status = EXCHANGE_FAILED if forward else ROLLBACK_FAILED
        else:
            self._engine.exchange(task)
            task.task_status = EXCHANGED if forward else ROLLED_BACK
        task.exchange_since = None

    def at_rest(self, task: Task) -> bool:
        """Whether an ended task no longer changes with time."""
        return task.status in ENDED and not task.exchanging
