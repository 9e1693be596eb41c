"""Looking at one migration, and waiting for what it shall become: bounded, and only while the engine listens."""

from __future__ import annotations

from collections.abc import Callable

from dcs_migration.dcs.errors import TaskError, TaskNotFound, WaitTimeout
from dcs_migration.dcs.online import JOB_FAILED, JOB_SUCCEEDED, Online
from dcs_migration.plugin.account import Account
from dcs_migration.plugin.engine import Engine
from dcs_migration.plugin.online_migration.phases import UNSETTLED, Phase, phase_of

PAUSES = (1.0, 2.0, 3.0, 5.0, 10.0)  # seconds between two looks; the last one repeats


class Looking:
    """The present state of one migration, as often as it is needed."""

    def __init__(self, account: Account, engine: Engine, id_: str, urn: str | None, timeout: float) -> None:
        """Set up; ``timeout`` bounds all waits of the operation together, in seconds."""
        self.account = account
        self.id = id_
        self._engine = engine
        self._urn = urn
        self._timeout = timeout
        self._deadline = account.clock.monotonic() + timeout

    def look(self) -> Online:
        """Return what the service tells now (ShowMigrationTask).

        Raises:
            TaskError: it knows no such migration.
            DcsMigrationError: what it answered.
        """
        try:
            return self.account.client.show_online_migration(self.id)
        except TaskNotFound as error:
            raise TaskError(
                f"the service knows no migration instance {self.id}: replace it with "
                f"`pulumi up --replace` and the URN of its MigrationInstance ({error})"
            ) from None

    def until(self, reached: Callable[[Online], bool], what: str) -> Online:
        """Look until something is so.

        Args:
            reached: Whether it is.
            what: What is waited for, for the progress line and the error.

        Raises:
            WaitTimeout: the time of the operation is over.
            EngineGone: nobody waits any more.
        """
        looks = 0
        while True:
            told = self.look()
            if reached(told):
                return told
            self.pause(looks, f"{what} (now {told.task_status or told.status})")
            looks += 1

    def settled(self) -> Online:
        """Return what the service tells once nothing is under way: no stop, no exchange of addresses."""
        return self.until(
            lambda told: phase_of(told) not in UNSETTLED, "waiting for what is under way to end"
        )

    def until_made(self, job_id: str | None) -> Online:
        """Wait for the job that makes the instance (ShowJobInfo); without its id, or its record, by the status alone.

        Raises:
            TaskError: the job failed.
        """
        looks = 0
        while job_id is not None:
            try:
                status = self.account.client.show_job_status(job_id)
            except TaskNotFound:
                break  # it was over long ago, or went with the instance: of that the status tells
            if status == JOB_FAILED:
                raise TaskError(
                    f"the service could not make migration instance {self.id} (job {job_id} is {status}); its network "
                    "may be full or not allowed: see the instance in the console, then run `pulumi up --replace` with "
                    "the URN of its MigrationInstance"
                )
            if status == JOB_SUCCEEDED:
                break
            self.pause(looks, f"waiting for the migration instance (its job is {status})")
            looks += 1
        return self.until(
            lambda told: phase_of(told) is not Phase.MAKING, "waiting for the migration instance"
        )

    def pause(self, looks: int, what: str) -> None:
        """Say what is waited for, and wait a little."""
        pause = PAUSES[min(looks, len(PAUSES) - 1)]
        if self.account.clock.monotonic() + pause > self._deadline:
            raise WaitTimeout(
                f"gave up after {self._timeout:.0f} s: {what}; run `pulumi up` again, it goes on from there, or allow "
                "more time with opts=ResourceOptions(custom_timeouts=CustomTimeouts(create='30m', update='30m'))"
            )
        self.say(what)
        self.sleep(pause)

    def sleep(self, seconds: float) -> None:
        """Wait, if the engine still listens: a plugin that outlived it must change nothing any more."""
        self._engine.require()
        self.account.clock.sleep(seconds)

    def say(self, message: str) -> None:
        """Show a line on the resource's row."""
        self._engine.log("INFO", message, self._urn, ephemeral=True)
