"""The state of an online migration, for all of the service's spellings, and waiting for a wanted state.

This module only reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Any

from dcs_migration.dcs.errors import TaskError, TaskNotFound, WaitTimeout
from dcs_migration.dcs.models import EXCHANGED, JOB_FAILED, JOB_SUCCEEDED, Online, Side, addresses
from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.engine import Engine
from dcs_migration.life_cycles.online_migration.inputs import RUNNING, STOPPED, SWITCHED
from dcs_migration.life_cycles.writes import Deadline, delays

_UNDER_WAY = re.compile(r"(EXCHANG|ROLL)[A-Z_]*ING")


class Phase(Enum):
    """What a migration is doing."""

    MAKING = "has an instance that is still being created"
    IDLE = "isn't configured yet"
    COPYING = "is copying everything"
    FOLLOWING = "is following its source"
    CHANGING = "is being stopped or switched"
    STOPPED = "is stopped"
    DONE = "is done"
    FAILED = "has failed"
    LOST = "no longer has an instance"


RUNS = (Phase.COPYING, Phase.FOLLOWING)
UNSETTLED = (Phase.MAKING, Phase.CHANGING)

_BY_KIND = {
    Kind.RUNNING: Phase.COPYING,  # also for an unknown status
    Kind.REPLICATING: Phase.FOLLOWING,
    Kind.SUCCESS: Phase.DONE,
    Kind.FAILURE: Phase.FAILED,
    Kind.STOPPED: Phase.STOPPED,
    Kind.GONE: Phase.LOST,
    Kind.RELEASED: Phase.LOST,
}


def phase_of(online: Online) -> Phase:
    """Return the phase of a migration."""
    status = lookup(online.status)
    if status.name == "CREATING":
        return Phase.MAKING
    if status.stopping or _UNDER_WAY.fullmatch(online.task_status or ""):
        return Phase.CHANGING
    return Phase.IDLE if status.idle else _BY_KIND[status.kind]


def is_switched(online: Online) -> bool:
    """Whether source and target have exchanged their addresses."""
    return online.task_status == EXCHANGED


def exchange_failed(online: Online) -> bool:
    """Whether the last exchange of addresses, or its rollback, failed."""
    return "FAIL" in (online.task_status or "")


def state_of(online: Online) -> str | None:
    """Return the ``state`` input that matches the service's answer; None if it doesn't show one."""
    if is_switched(online):
        return SWITCHED
    phase = phase_of(online)
    if phase is Phase.STOPPED:
        return STOPPED
    return RUNNING if phase in RUNS else None


def differing(inputs: Mapping[str, Any], observed: Online, changed: Collection[str] = ()) -> set[str]:
    """Return the settings that differ between the service and the inputs.

    A setting that the service leaves out doesn't differ, unless it has been ``changed`` since it was last sent.
    """
    found = set()
    for key in ("migration_method", "resume_mode", "bandwidth_limit_mb"):
        word = getattr(observed, key)
        certain = key in changed or (word is not None and key in inputs)
        if certain and _word(inputs.get(key)) != _word(word):
            found.add(key)
    sides = (("source_instance", observed.source), ("target_instance", observed.target))
    return found | {
        key
        for key, side in sides
        if is_another(inputs.get(key) or {}, side) or (key in changed and side == Side())
    }


def _word(value: Any) -> str:
    text = str(value)
    return text[:-2] if text.endswith(".0") else text


def is_another(instance: Mapping[str, Any], side: Side) -> bool:
    """Whether the service reports a different Redis than the inputs; a missing value isn't different.

    A Redis with an id is different from one with addresses.
    """
    if "id" in instance:  # the service adds the addresses of its own instances
        return instance["id"] != side.id and side != Side()
    if "addrs" in instance and side.addrs is not None:
        return addresses(instance["addrs"]) != addresses(side.addrs)
    return "addrs" in instance and side.id is not None


PAUSES = (1.0, 2.0, 3.0, 5.0, 10.0)  # seconds between two looks; the last one repeats


class Observer:
    """Reads the current state of one migration."""

    def __init__(self, account: Account, engine: Engine, id_: str, urn: str | None, timeout: float) -> None:
        """Set up; ``timeout`` limits all waits of the operation together, in seconds."""
        self.account = account
        self.id = id_
        self._engine = engine
        self._urn = urn
        self._deadline = Deadline(account.clock, timeout)

    def look(self) -> Online:
        """Return the service's current answer (ShowMigrationTask).

        Raises:
            TaskError: the migration doesn't exist.
            DcsMigrationError: what the service answered.
        """
        try:
            return self.account.client.show_online_migration(self.id)
        except TaskNotFound as error:
            raise TaskError(
                f"migration instance {self.id} doesn't exist; replace it with `pulumi up --replace` and "
                f"the URN of its MigrationInstance ({error})"
            ) from None

    def until(self, reached: Callable[[Online], bool], what: str) -> Online:
        """Look until a condition is true.

        Args:
            reached: The condition.
            what: A description of the wait, for the progress line and the error.

        Raises:
            WaitTimeout: the time of the operation is over.
            EngineGone: Pulumi has ended.
        """
        pauses = delays(PAUSES)
        while True:
            observed = self.look()
            if reached(observed):
                return observed
            self.pause(next(pauses), f"{what} (now {observed.task_status or observed.status})")

    def settled(self) -> Online:
        """Return the service's answer when no stop and no exchange of addresses is in progress."""
        return self.until(
            lambda observed: phase_of(observed) not in UNSETTLED, "waiting for a stop or a switch to finish"
        )

    def until_made(self, job_id: str | None) -> Online:
        """Wait for the job that creates the instance (ShowJobInfo); without its id or its record, wait for the
        status only.

        Raises:
            TaskError: the job failed.
        """
        pauses = delays(PAUSES)
        while job_id is not None:
            try:
                status = self.account.client.show_job_status(job_id)
            except TaskNotFound:
                break  # it ended long ago or was deleted with the instance; the status shows which
            if status == JOB_FAILED:
                raise TaskError(
                    f"migration instance {self.id} couldn't be created (job {job_id} is {status}); its "
                    "network may be full or not permitted; check it in the console, then run `pulumi up "
                    "--replace` with the URN of its MigrationInstance"
                )
            if status == JOB_SUCCEEDED:
                break
            self.pause(next(pauses), f"waiting for the migration instance (its job is {status})")
        return self.until(
            lambda observed: phase_of(observed) is not Phase.MAKING, "waiting for the migration instance"
        )

    def pause(self, seconds: float, what: str) -> None:
        """Show what the wait is for, and wait briefly."""
        if not self._deadline.allows(seconds):
            raise WaitTimeout(
                f"timed out after {self._deadline.seconds:.0f} s: {what}; run `pulumi up` again to "
                "continue, or allow more time with "
                'opts=ResourceOptions(custom_timeouts=CustomTimeouts(create="30m", update="30m"))'
            )
        self.say(what)
        self.sleep(seconds)

    def sleep(self, seconds: float) -> None:
        """Wait if Pulumi is still running. A plugin that outlives Pulumi must not change anything."""
        self._engine.require()
        self.account.clock.sleep(seconds)

    def say(self, message: str) -> None:
        """Show a line on the resource's row."""
        self._engine.log("INFO", message, self._urn, ephemeral=True)


_CONFIGURE = "remove existing_task_id, and `pulumi up` configures a migration on it"
_NOT_THERE = {
    # phase: the problem, and what to do
    Phase.MAKING: ("is still being created", _CONFIGURE),
    Phase.IDLE: ("has no migration yet", _CONFIGURE),
    Phase.LOST: ("no longer exists", "correct the id, or remove it to create a new instance"),
}


def existing(observer: Observer, inputs: Mapping[str, Any]) -> Online:
    """Return the service's answer about the migration in ``existing_task_id``.

    Raises:
        TaskError: it doesn't exist, or doesn't match the inputs or their ``state``.
        DcsMigrationError: what the service answered.
    """
    observed = observer.settled()
    phase = phase_of(observed)
    if phase in _NOT_THERE:
        what, advice = _NOT_THERE[phase]
        raise TaskError(
            f"existing_task_id: migration instance {observer.id} {what} ({observed.status}); {advice}"
        )
    others = sorted(differing(inputs, observed))
    if others:
        raise TaskError(
            f"existing_task_id: migration {observer.id} differs from the inputs in {', '.join(others)}; "
            "correct the inputs"
        )
    state = state_of(observed)
    if state not in (None, inputs["state"]):
        raise TaskError(
            f"existing_task_id: migration {observer.id} is {state}, but the input state is "
            f'{inputs["state"]}; set state="{state}" to take it over as it is, and change it afterwards'
        )
    return observed
