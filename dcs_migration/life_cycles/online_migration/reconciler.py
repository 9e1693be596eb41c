"""Brings a migration into the wanted state: it looks first, and makes only the necessary writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from dcs_migration.dcs.codes import NOT_IN_THIS_STATE
from dcs_migration.dcs.errors import ApiError, DcsMigrationError, TaskError
from dcs_migration.dcs.models import Online
from dcs_migration.dcs.texts import MAX_SERVER_TEXT, worded
from dcs_migration.life_cycles.engine import Engine
from dcs_migration.life_cycles.online_migration.inputs import (
    DEFINITION,
    RUNNING,
    STOPPED,
    SWITCHED,
    TUNING,
    WITH_PASSWORD,
)
from dcs_migration.life_cycles.online_migration.observer import (
    PAUSES,
    RUNS,
    Observer,
    Phase,
    differing,
    exchange_failed,
    is_switched,
    phase_of,
)
from dcs_migration.life_cycles.online_migration.writing import Target, Writer
from dcs_migration.life_cycles.secrets import scrub
from dcs_migration.life_cycles.writes import delays

_WHOLE = 100.0  # percent
_REACHED = {
    RUNNING: "the migration is {status}",
    STOPPED: "the migration isn't running; copied data remains",
    SWITCHED: "source and target have switched addresses",
}


class Reconciler:
    """One operation on one migration."""

    def __init__(
        self,
        observer: Observer,
        engine: Engine,
        inputs: Mapping[str, Any],
        changed: Collection[str] = (),
    ) -> None:
        """Set up for normalized inputs; ``changed`` has those that changed since they were last sent."""
        self._observer = observer
        self._client = observer.account.client
        self._writer = Writer(observer, engine)
        target = inputs.get("target_instance")
        self._target = Target(observer, target if isinstance(target, Mapping) else {})
        self._id = observer.id
        self._inputs = inputs
        self._changed = changed

    def begin(self) -> Online:
        """Reach the state of a migration that isn't in the Pulumi state yet.

        Raises:
            TaskError: another migration is configured on the instance: it may belong to another stack.
            DcsMigrationError: as for :meth:`reconcile`.
        """
        observed = self._observer.settled()
        others = sorted(differing(self._inputs, observed) & {"source_instance", "target_instance"})
        if phase_of(observed) is not Phase.IDLE and others:
            raise TaskError(
                f"migration instance {self._id} is configured for something else ({observed.status}; "
                f"{' and '.join(others)} differ): nothing was changed; correct the inputs, or create "
                "another instance (`pulumi up --replace` with the URN of its MigrationInstance)"
            )
        return self._reconcile(observed)

    def reconcile(self) -> Online:
        """Bring the migration into the state of the inputs, and return the service's answer.

        If triggers changed, a finished migration runs again, and unchanged settings are sent again.

        Raises:
            DcsMigrationError: what the service answered, or why it isn't possible.
        """
        return self._reconcile(self._observer.settled())

    def _reconcile(self, observed: Online) -> Online:
        wanted = self._inputs["state"]
        if wanted != SWITCHED and is_switched(observed):
            observed = self._switch_back(observed)
        observed = _RECONCILE[wanted](self, observed)
        self._observer.say(_REACHED[wanted].format(status=observed.status))
        return observed

    def halt(self) -> Online:
        """Stop the migration, and return the service's answer when nothing is running any more."""
        observed = self._stop(self._observer.settled())
        self._observer.say(_REACHED[STOPPED])
        return observed

    def _run(self, observed: Online) -> Online:
        phase = phase_of(observed)
        if phase is Phase.LOST:
            raise TaskError(
                f"migration instance {self._id} is {observed.status}: the service has released it; create "
                "another one with `pulumi up --replace` and the URN of its MigrationInstance"
            )
        other = self._differing(observed)
        anew = "triggers" in self._changed or bool(other & set(DEFINITION))
        if phase is Phase.COPYING and not other:
            return observed  # it has run with the wanted settings from its start
        if phase is Phase.STOPPED and not anew:
            observed = self._restart()
            phase = phase_of(observed)
        # Settings that only tune a migration don't restart a finished or stopped one from the beginning.
        tuned = phase in RUNS and bool(other & set(TUNING))
        if anew or tuned or phase in (Phase.IDLE, Phase.FAILED):
            return self._configure(observed, phase)
        return observed

    def _differing(self, observed: Online) -> set[str]:
        return differing(self._inputs, observed, self._changed)

    def _configure(self, before: Online, phase: Phase) -> Online:
        def took(observed: Online) -> bool:
            if phase in RUNS:
                return bool(other) and not self._differing(observed)
            return phase_of(observed) in RUNS or (
                phase_of(observed) is Phase.DONE and phase is not Phase.DONE
            )

        def configure() -> Online:
            self._observer.say("configuring and starting the migration")
            return self._writer.write_once("SetOnlineMigrationTask", self._set, took)

        other = self._differing(before)
        stays = phase in RUNS and "target_instance" not in other
        try:
            observed = configure() if stays else self._target.when_free(configure)
        except ApiError as error:
            if error.error_code != NOT_IN_THIS_STATE or phase not in RUNS:
                raise
            anew = "" if other & set(DEFINITION) else " and other triggers, which runs it from the beginning"
            raise TaskError(
                f'{error}; to change a running migration, first run `pulumi up` with state="stopped"{anew}'
            ) from None
        if phase_of(observed) is Phase.FAILED and phase is not Phase.FAILED:
            raise TaskError(f"the migration on {self._id} failed immediately: {self._reason(observed)}")
        return observed

    def _set(self) -> None:
        keys = ("migration_method", "resume_mode", *WITH_PASSWORD)
        body: dict[str, Any] = {key: self._inputs[key] for key in keys}
        if "bandwidth_limit_mb" in self._inputs:
            body["bandwidth_limit_mb"] = str(self._inputs["bandwidth_limit_mb"])
        error = self._client.set_online_migration_task(self._id, body)
        if error:
            raise TaskError(
                f"SetOnlineMigrationTask didn't start the migration on {self._id}: {scrub(error)}; fix the "
                "reported problem and run `pulumi up` again"
            )

    def _restart(self) -> Online:
        def restart() -> None:
            refusal = self._client.batch_restart_online_migration_tasks([self._id])[self._id]
            if refusal is not None:
                raise refusal

        def start() -> Online:
            self._observer.say("starting the migration again")
            return self._writer.write_once(
                "BatchRestartOnlineMigrationTasks",
                restart,
                lambda observed: phase_of(observed) not in (Phase.STOPPED, Phase.CHANGING),
            )

        return self._target.when_free(start)

    def _stop(self, observed: Online) -> Online:
        if phase_of(observed) not in RUNS:
            return observed

        def stop() -> None:
            refusal = self._observer.account.stop(self._id).refusal
            if refusal is not None:
                raise refusal

        self._observer.say("stopping the migration")
        self._writer.write_once("BatchStopMigrationTasks", stop, lambda now: phase_of(now) not in RUNS)
        return self._observer.settled()

    def _switch(self, observed: Online) -> Online:
        if is_switched(observed):
            return observed
        if phase_of(observed) not in RUNS:
            raise TaskError(
                f"the migration on {self._id} {phase_of(observed).value} ({observed.status}), so its "
                'addresses can\'t be switched; use state="running" first, and "switched" when the target '
                "has caught up"
            )
        self._until_in_sync()
        self._exchange("ExchangeInstanceIp", self._client.exchange_instance_ip, is_switched)
        return self._observer.look()

    def _switch_back(self, observed: Online) -> Online:
        self._exchange(
            "RollbackExchangeInstanceIp",
            self._client.rollback_exchange_instance_ip,
            lambda now: not is_switched(now),
        )
        return self._observer.settled()

    def _exchange(
        self, operation: str, call: Callable[[str], None], reached: Callable[[Online], bool]
    ) -> None:
        """Start an exchange of addresses once, and wait for its end."""
        before = self._observer.look()

        def moved(now: Online) -> bool:
            return now.task_status != before.task_status

        self._observer.say(f"{operation} ...")
        self._writer.write_once(operation, lambda: call(self._id), moved)
        after = self._observer.until(
            lambda now: phase_of(now) is not Phase.CHANGING and (reached(now) or moved(now)),
            f"waiting for {operation}",
        )
        if not reached(after) or exchange_failed(after):
            raise TaskError(
                f"{operation} on {self._id} ended as {after.task_status}: the addresses are unchanged; "
                f"{self._reason(after)}; fix the reported problem and run `pulumi up` again"
            )

    def _until_in_sync(self) -> None:
        """Wait until the target has all data of the source (ShowMigrationTaskStats)."""
        for pause in delays(PAUSES):
            observed = self._observer.look()
            if phase_of(observed) not in RUNS:
                raise TaskError(
                    f"the migration on {self._id} {phase_of(observed).value} ({observed.status}) before its target had caught "
                    f"up: nothing was switched; {self._reason(observed)}"
                )
            stats = self._client.show_migration_task_stats(self._id)
            follows = phase_of(observed) is Phase.FOLLOWING or (stats.full_progress or 0.0) >= _WHOLE
            if follows and stats.offset == 0:
                return
            behind = "unknown" if stats.offset is None else f"{stats.offset:.0f} bytes"
            self._observer.pause(
                pause, f"waiting for the target to catch up before switching: behind by {behind}"
            )

    def _reason(self, observed: Online) -> str:
        """Return the last errors of its log (ListMigrationTaskLogs)."""
        try:
            lines = self._observer.account.last_errors(self._id)
        except DcsMigrationError:
            lines = []
        said = [worded(line, MAX_SERVER_TEXT, scrub) for line in lines]
        return " | ".join(said) or f"its status is {observed.status}"


_RECONCILE: dict[str, Callable[[Reconciler, Online], Online]] = {
    RUNNING: Reconciler._run,
    STOPPED: Reconciler._stop,
    SWITCHED: Reconciler._switch,
}
