"""Bringing a migration into the state that was asked for: looks first, and writes only what is missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from dcs_migration.dcs.errors import ApiError, DcsMigrationError, PermissionDenied, TaskError
from dcs_migration.dcs.online import Online
from dcs_migration.dcs.texts import MAX_SERVER_TEXT, worded
from dcs_migration.plugin.engine import Engine
from dcs_migration.plugin.online_migration.fields import (
    DEFINITION,
    RUNNING,
    STOPPED,
    SWITCHED,
    TUNING,
    WITH_PASSWORD,
)
from dcs_migration.plugin.online_migration.looking import Looking
from dcs_migration.plugin.online_migration.phases import (
    RUNS,
    Phase,
    differing,
    exchange_failed,
    is_switched,
    phase_of,
)
from dcs_migration.plugin.online_migration.target import Target
from dcs_migration.plugin.online_migration.writing import Writing
from dcs_migration.plugin.secrets import scrub

_WHOLE = 100.0  # percent
_REACHED = {
    RUNNING: "the migration is {status}",
    STOPPED: "the migration does not run; what was copied stays",
    SWITCHED: "source and target have exchanged their addresses",
}
_LOG_LINES = 3


class Steering:
    """One operation on one migration."""

    def __init__(
        self,
        looking: Looking,
        engine: Engine,
        inputs: Mapping[str, Any],
        changed: Collection[str] = (),
    ) -> None:
        """Set up for normalised inputs, some of which have ``changed`` since they were sent last."""
        self._looking = looking
        self._client = looking.account.client
        self._writing = Writing(looking, engine)
        target = inputs.get("target_instance")
        self._target = Target(looking, target if isinstance(target, Mapping) else {})
        self._id = looking.id
        self._inputs = inputs
        self._changed = changed

    def begin(self) -> Online:
        """Reach the state of a migration that the Pulumi state does not know yet.

        Raises:
            TaskError: something else is configured on the instance: it may be another stack's.
            DcsMigrationError: as for :meth:`reach`.
        """
        told = self._looking.settled()
        others = sorted(differing(self._inputs, told) & {"source_instance", "target_instance"})
        if phase_of(told) is not Phase.IDLE and others:
            raise TaskError(
                f"migration instance {self._id} is configured for something else ({told.status}; {' and '.join(others)} "
                "differ): nothing was changed; make another instance (`pulumi up --replace` and the URN of its "
                "MigrationInstance), or correct the inputs"
            )
        return self._reach(told)

    def reach(self) -> Online:
        """Bring the migration into the state of the inputs, and return what the service then tells.

        Changed triggers run it again although it is done, or send the settings again although they are
        the same.

        Raises:
            DcsMigrationError: what the service answered, or why it cannot be done.
        """
        return self._reach(self._looking.settled())

    def _reach(self, told: Online) -> Online:
        wanted = self._inputs["state"]
        if wanted != SWITCHED and is_switched(told):
            told = self._switch_back(told)
        told = _REACH[wanted](self, told)
        self._looking.say(_REACHED[wanted].format(status=told.status))
        return told

    def halt(self) -> Online:
        """Stop what runs, and return what the service tells when nothing does any more."""
        told = self._stop(self._looking.settled())
        self._looking.say(_REACHED[STOPPED])
        return told

    def _run(self, told: Online) -> Online:
        phase = phase_of(told)
        if phase is Phase.LOST:
            raise TaskError(
                f"migration instance {self._id} is {told.status}: the service has taken it down; make another with "
                "`pulumi up --replace` and the URN of its MigrationInstance"
            )
        other = self._differing(told)
        anew = "triggers" in self._changed or bool(other & set(DEFINITION))
        if phase is Phase.COPYING and not other:
            return told  # it runs as asked, from its start
        if phase is Phase.STOPPED and not anew:
            told = self._restart()
            phase = phase_of(told)
        # Settings that only tune a run neither start one that is done nor begin a stopped one from its start.
        tuned = phase in RUNS and bool(other & set(TUNING))
        if anew or tuned or phase in (Phase.IDLE, Phase.FAILED):
            return self._configure(told, phase)
        return told

    def _differing(self, told: Online) -> set[str]:
        return differing(self._inputs, told, self._changed)

    def _configure(self, before: Online, phase: Phase) -> Online:
        def took(told: Online) -> bool:
            if phase in RUNS:
                return bool(self._differing(before)) and not self._differing(told)
            return phase_of(told) in RUNS or (phase_of(told) is Phase.DONE and phase is not Phase.DONE)

        def configure() -> Online:
            self._looking.say("configuring and starting the migration")
            return self._writing.make("SetOnlineMigrationTask", self._set, took)

        # What runs may be led to another target, which must be free, too.
        stays = phase in RUNS and "target_instance" not in self._differing(before)
        told = configure() if stays else self._target.when_free(configure)
        if phase_of(told) is Phase.FAILED and phase is not Phase.FAILED:
            raise TaskError(f"the migration on {self._id} failed at once: {self._reason(told)}")
        return told

    def _set(self) -> None:
        body: dict[str, Any] = {key: self._inputs[key] for key in ("migration_method", "resume_mode")}
        if "bandwidth_limit_mb" in self._inputs:
            body["bandwidth_limit_mb"] = str(self._inputs["bandwidth_limit_mb"])
        for key in WITH_PASSWORD:
            body[key] = {
                name: value
                for name, value in self._inputs[key].items()
                if name in ("id", "addrs", "password")
            }
        error = self._client.set_online_migration_task(self._id, body)
        if error:
            raise TaskError(
                f"SetOnlineMigrationTask did not start the migration on {self._id}: {scrub(error)}; "
                "correct what it names and run `pulumi up` again"
            )

    def _restart(self) -> Online:
        def restart() -> None:
            refusal = self._client.batch_restart_online_migration_tasks([self._id])[self._id]
            if refusal is not None:
                raise refusal

        def start() -> Online:
            self._looking.say("starting the migration again")
            return self._writing.make(
                "BatchRestartOnlineMigrationTasks",
                restart,
                lambda told: phase_of(told) not in (Phase.STOPPED, Phase.CHANGING),
            )

        return self._target.when_free(start)

    def _stop(self, told: Online) -> Online:
        if phase_of(told) not in RUNS:
            return told

        def stop() -> None:
            refusal = self._looking.account.stop(self._id).refusal
            if refusal is not None:
                raise refusal

        self._looking.say("stopping the migration")
        self._writing.make("BatchStopMigrationTasks", stop, lambda now: phase_of(now) not in RUNS)
        return self._looking.settled()

    def _switch(self, told: Online) -> Online:
        if is_switched(told):
            return told
        if phase_of(told) not in RUNS:
            raise TaskError(
                f"the migration on {self._id} {phase_of(told).value} ({told.status}), so that its addresses cannot be "
                'switched: write state="running", and "switched" when the target has caught up'
            )
        self._until_in_sync()
        self._exchange("ExchangeInstanceIp", self._client.exchange_instance_ip, is_switched)
        return self._looking.look()

    def _switch_back(self, told: Online) -> Online:
        self._exchange(
            "RollbackExchangeInstanceIp",
            self._client.rollback_exchange_instance_ip,
            lambda now: not is_switched(now),
        )
        return self._looking.settled()

    def _exchange(
        self, operation: str, call: Callable[[str], None], reached: Callable[[Online], bool]
    ) -> None:
        """Begin an exchange of addresses once, and wait for its end."""
        before = self._looking.look()

        def moved(now: Online) -> bool:
            return now.task_status != before.task_status

        self._looking.say(f"{operation} ...")
        self._writing.make(operation, lambda: call(self._id), moved)
        after = self._looking.until(
            lambda now: phase_of(now) is not Phase.CHANGING and (reached(now) or moved(now)),
            f"waiting for {operation}",
        )
        if not reached(after) or exchange_failed(after):
            raise TaskError(
                f"{operation} on {self._id} ended as {after.task_status}: the addresses are as they were; "
                f"{self._reason(after)}; mend what it names and run `pulumi up` again"
            )

    def _until_in_sync(self) -> None:
        """Wait until the target has everything that the source has (ShowMigrationTaskStats)."""
        looks = 0
        while True:
            told = self._looking.look()
            if phase_of(told) not in RUNS:
                raise TaskError(
                    f"the migration on {self._id} {phase_of(told).value} ({told.status}) before its target had caught "
                    f"up: nothing was switched; {self._reason(told)}"
                )
            stats = self._client.show_migration_task_stats(self._id)
            follows = phase_of(told) is Phase.FOLLOWING or (stats.full_progress or 0.0) >= _WHOLE
            if follows and stats.offset == 0:
                return
            behind = "unknown" if stats.offset is None else f"{stats.offset:.0f} bytes"
            self._looking.pause(
                looks, f"waiting for the target to catch up before switching: behind by {behind}"
            )
            looks += 1

    def _reason(self, told: Online) -> str:
        """Return the last errors of its log (ListMigrationTaskLogs)."""
        try:
            lines = self._client.list_migration_task_logs(self._id, "ERROR", 100)
        except (ApiError, DcsMigrationError, PermissionDenied):
            lines = []
        ordered = sorted(lines, key=lambda line: line.created_at or "")
        said = [worded(line.message, MAX_SERVER_TEXT, scrub) for line in ordered if line.message][
            -_LOG_LINES:
        ]
        return " | ".join(said) or f"its status is {told.status}"


_REACH: dict[str, Callable[[Steering, Online], Online]] = {
    RUNNING: Steering._run,
    STOPPED: Steering._stop,
    SWITCHED: Steering._switch,
}
