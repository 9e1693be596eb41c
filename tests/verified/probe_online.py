"""The experiments on a migration instance: they need a source, and a machine that costs something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dcs_migration.dcs.errors import ApiError
from dcs_migration.dcs.models import JOB_FAILED, parse_stats
from dcs_migration.dcs.statuses import Kind, lookup
from tests.verified.answers import AS_DEFAULT, BY_NO_QUIRK, refused, words

if TYPE_CHECKING:
    from tests.verified.probe import Probe

CREATING, MIGRATING, FULL_PHASE = "CREATING", "MIGRATING", "FULLMIGRATING"
SLOW_JOB = 30.0  # seconds
NAMES = {
    "INCRMIGEATING": AS_DEFAULT,
    "INCRMIGRATING": "incremental-spelled-right",
    MIGRATING: "incremental-stays-migrating",
}


def online(probe: Probe) -> None:
    """Make a migration, and ask of it what can be asked."""
    if probe.cloud.named.source is None:
        probe.give_up("no source is named")
    Online(probe).ask()


class Online:
    """One migration of the named source into the named target."""

    def __init__(self, probe: Probe) -> None:
        """Make its migration instance."""
        source = probe.cloud.named.source
        assert source is not None
        self._probe = probe
        self._client = probe.client
        self._body: dict[str, Any] = {
            "migration_method": "incremental_migration",
            "resume_mode": "auto",
            "source_instance": dict(source.instance),
            "target_instance": dict(probe.cloud.named.target),
        }
        created = self._client.create_online_migration_task(
            {"name": f"{probe.cloud.prefix}-online", **source.network}
        )
        self._id, self._job = created.id, created.job_id
        probe.answer("job_id", *(("yes",) if created.job_id else ("no", "no-job-id")))

    def ask(self) -> None:
        """Ask one question after the other; each leaves a migration that runs."""
        self._made()
        self._configured()
        self._configured_again()
        self._started_again()
        self._restarted()

    def _made(self) -> None:
        clock = self._probe.cloud.clock
        began = clock.monotonic()
        made = self._probe.cloud.until(lambda: self._status() != CREATING)
        took = clock.monotonic() - began
        failed = self._job is not None and self._client.show_job_status(self._job) == JOB_FAILED
        if failed or not made or lookup(self._status()).kind is Kind.FAILURE:
            told = f"it is {self._status()} after {took:.0f} s"
            self._probe.answer("job_time", told, "job-fails" if failed else BY_NO_QUIRK)
            self._probe.give_up("no migration instance was made")
        self._probe.answer("job_time", f"{took:.0f} s", "job-is-slow" if took > SLOW_JOB else AS_DEFAULT)

    def _configured(self) -> None:
        error = self._client.set_online_migration_task(self._id, self._body)
        if error is not None:
            self._probe.answer("set", "no: 200 with an error", "set-answers-error")
            self._probe.give_up("the migration could not be configured")
        self._probe.answer("set", "yes")
        self._await_phase()
        name = self._status()
        self._probe.answer("incremental", name, NAMES.get(name, BY_NO_QUIRK))

    def _configured_again(self) -> None:
        try:
            error = self._client.set_online_migration_task(
                self._id, {**self._body, "bandwidth_limit_mb": "1024"}
            )
        except ApiError as refusal:
            self._probe.answers["set_again"] = refused(refusal, "set-while-running-refused")
            return
        if error is not None:
            self._probe.answer("set_again", "200 with an error", BY_NO_QUIRK)
        elif self._probe.soon(self._copies):
            self._probe.answer("set_again", "it copies everything again", "set-while-running-restarts")
        else:
            self._probe.answer("set_again", "it goes on")
        self._await_phase()

    def _started_again(self) -> None:
        refusal = self._start()
        if refusal is not None:
            self._probe.answer("restart_running", words(refusal))
        elif self._probe.soon(self._copies):
            told = "it copies everything again"
            self._probe.answer("restart_running", told, "restart-while-running-restarts")
        else:
            self._probe.answer("restart_running", "it goes on", BY_NO_QUIRK)
        self._await_phase()

    def _restarted(self) -> None:
        self._client.batch_stop_migration_tasks([self._id])
        if not self._probe.cloud.until(lambda: lookup(self._status()).ended):
            self._probe.give_up(f"a stopped migration is {self._status()}")
        refusal = self._start()
        if refusal is not None:
            self._probe.answers["restart"] = refused(refusal, "restart-refused")
        elif not self._probe.soon(lambda: self._copies() or self._follows()):
            self._probe.answer("restart", f"it is {self._status()}", BY_NO_QUIRK)
        elif self._copies():
            self._probe.answer("restart", "it copies everything again", "restart-is-full")
        else:
            self._probe.answer("restart", "it goes on")

    def _start(self) -> ApiError | None:
        try:
            return self._client.batch_restart_online_migration_tasks([self._id])[self._id]
        except ApiError as refusal:
            return refusal

    def _status(self) -> str:
        return self._probe.status(self._id)

    def _copies(self) -> bool:
        return self._status() == FULL_PHASE

    def _follows(self) -> bool:
        """Whether the incremental phase has started, also where the status does not tell."""
        status = self._status()
        if status != MIGRATING:
            return lookup(status).kind is Kind.REPLICATING
        return parse_stats(self._probe.statistics(self._id).answer).full_progress == 100

    def _await_phase(self) -> None:
        def over() -> bool:
            return self._follows() or lookup(self._status()).ended

        if not self._probe.cloud.until(over) or lookup(self._status()).ended:
            self._probe.give_up(f"the migration does not follow its source: it is {self._status()}")
