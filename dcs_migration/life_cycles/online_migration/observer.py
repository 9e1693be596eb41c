"""Where an online migration is, whatever words the service has for it, and waiting for what it shall become.

Nothing is written here.
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
    """What a migration does."""

    MAKING = "its instance is being made"
    IDLE = "waits to be configured"
    COPYING = "copies everything"
    FOLLOWING = "follows its source"
    CHANGING = "is being stopped or switched"
    STOPPED = "is stopped"
    DONE = "is done"
    FAILED = "has failed"
    LOST = "has no instance any more"


RUNS = (Phase.COPYING, Phase.FOLLOWING)
UNSETTLED = (Phase.MAKING, Phase.CHANGING)

_BY_KIND = {
    Kind.RUNNING: Phase.COPYING,  # also a status that nobody knows
    Kind.REPLICATING: Phase.FOLLOWING,
    Kind.SUCCESS: Phase.DONE,
    Kind.FAILURE: Phase.FAILED,
    Kind.STOPPED: Phase.STOPPED,
    Kind.GONE: Phase.LOST,
    Kind.RELEASED: Phase.LOST,
}


def phase_of(online: Online) -> Phase:
    """Return where a migration is."""
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
    """Return the state that a user would write for what the service tells; None where it does not say."""
    if is_switched(online):
        return SWITCHED
    phase = phase_of(online)
    if phase is Phase.STOPPED:
        return STOPPED
    return RUNNING if phase in RUNS else None


def differing(inputs: Mapping[str, Any], observed: Online, changed: Collection[str] = ()) -> set[str]:
    """Return the settings in which the service's word differs from the inputs.

    What it leaves out does not differ, unless it is known to have been ``changed`` since it was sent.
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


def _word(value: Any) -> str | None:
    if value is None:
        return None
    text = str(value)
    return text[:-2] if text.endswith(".0") else text


def is_another(instance: Mapping[str, Any], side: Side) -> bool:
    """Whether the service reports another Redis than the inputs; one that it doesn't report is no other.

    One that was given by its id is another than one that was given by its addresses.
    """
    if "id" in instance:  # the service adds the addresses of its own instances
        return instance["id"] != side.id and side != Side()
    if "addrs" in instance and side.addrs is not None:
        return addresses(instance["addrs"]) != addresses(side.addrs)
    return "addrs" in instance and side.id is not None


PAUSES = (1.0, 2.0, 3.0, 5.0, 10.0)  # seconds between two looks; the last one repeats


class Observer:
    """The present state of one migration, as often as it is needed."""

    def __init__(self, account: Account, engine: Engine, id_: str, urn: str | None, timeout: float) -> None:
        """Set up; ``timeout`` bounds all waits of the operation together, in seconds."""
        self.account = account
        self.id = id_
        self._engine = engine
        self._urn = urn
        self._deadline = Deadline(account.clock, timeout)

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
        pauses = delays(PAUSES)
        while True:
            observed = self.look()
            if reached(observed):
                return observed
            self.pause(next(pauses), f"{what} (now {observed.task_status or observed.status})")

    def settled(self) -> Online:
        """Return what the service tells once nothing is under way: no stop, no exchange of addresses."""
        return self.until(
            lambda observed: phase_of(observed) not in UNSETTLED, "waiting for what is under way to end"
        )

    def until_made(self, job_id: str | None) -> Online:
        """Wait for the job that makes the instance (ShowJobInfo); without its id, or its record, by the status alone.

        Raises:
            TaskError: the job failed.
        """
        pauses = delays(PAUSES)
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
            self.pause(next(pauses), f"waiting for the migration instance (its job is {status})")
        return self.until(
            lambda observed: phase_of(observed) is not Phase.MAKING, "waiting for the migration instance"
        )

    def pause(self, seconds: float, what: str) -> None:
        """Say what is waited for, and wait a little."""
        if not self._deadline.allows(seconds):
            raise WaitTimeout(
                f"gave up after {self._deadline.seconds:.0f} s: {what}; run `pulumi up` again, it goes on from there, or allow "
                "more time with opts=ResourceOptions(custom_timeouts=CustomTimeouts(create='30m', update='30m'))"
            )
        self.say(what)
        self.sleep(seconds)

    def sleep(self, seconds: float) -> None:
        """Wait, if the engine still listens: a plugin that outlived it must change nothing any more."""
        self._engine.require()
        self.account.clock.sleep(seconds)

    def say(self, message: str) -> None:
        """Show a line on the resource's row."""
        self._engine.log("INFO", message, self._urn, ephemeral=True)


_CONFIGURE = "remove existing_task_id, and `pulumi up` configures one on it"
_NOT_THERE = {
    # phase: what is so, and the way on
    Phase.MAKING: ("is still being made", _CONFIGURE),
    Phase.IDLE: ("has no migration yet", _CONFIGURE),
    Phase.LOST: ("is gone", "correct it, or remove it to make a new one"),
}


def existing(observer: Observer, inputs: Mapping[str, Any]) -> Online:
    """Return what the service tells of the migration that ``existing_task_id`` names.

    Raises:
        TaskError: there is none, it is not what the inputs describe, or not in the state that they ask for.
        DcsMigrationError: what the service answered.
    """
    observed = observer.settled()
    phase = phase_of(observed)
    if phase in _NOT_THERE:
        what, way_on = _NOT_THERE[phase]
        raise TaskError(
            f"existing_task_id: migration instance {observer.id} {what} ({observed.status}); {way_on}"
        )
    others = sorted(differing(inputs, observed))
    if others:
        raise TaskError(
            f"existing_task_id: migration {observer.id} is not what the inputs describe: it differs in "
            f"{', '.join(others)}; correct them"
        )
    state = state_of(observed)
    if state not in (None, inputs["state"]):
        raise TaskError(
            f"existing_task_id: migration {observer.id} is {state}, and state says {inputs['state']}; write "
            f'state="{state}" to take it over as it is, and change it afterwards'
        )
    return observed
