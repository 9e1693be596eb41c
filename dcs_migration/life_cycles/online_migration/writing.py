"""The writes of an online migration: each one is sent once, and a start waits until the target is free."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dcs_migration.dcs.errors import OUTCOME_UNCLEAR, DcsMigrationError, PermissionDenied, TaskError
from dcs_migration.dcs.models import Online, TaskRow, addresses
from dcs_migration.life_cycles.engine import Engine
from dcs_migration.life_cycles.online_migration.observer import Observer
from dcs_migration.life_cycles.tasks.look_up import LOOK_UP_AGE, occupants
from dcs_migration.life_cycles.writes import (
    DELETE_FIRST,
    FOR_THE_TARGET,
    REFUSED,
    SEARCH_FOR,
    Occupied,
    Refusals,
    delays,
    named,
    search,
)


class Target:
    """The target of one migration."""

    def __init__(self, observer: Observer, target: Mapping[str, Any]) -> None:
        """Set up for a target with an ``id`` or ``addrs``."""
        self._observer = observer
        self._target = target
        key = target.get("id") or ",".join(sorted(addresses(target.get("addrs"))))
        self._create_lock = observer.account.create_lock(str(key))

    def when_free(self, start: Callable[[], Online]) -> Online:
        """Make a start if no other task runs on the target (ListMigrationTask).

        Raises:
            TaskError: another task still runs there after a minute, or it isn't known because the listing isn't
                permitted.
            DcsMigrationError: what the service answered.
        """
        refusals = Refusals()
        while True:
            with self._create_lock:
                occupants = self._occupants()
                if not occupants:
                    try:
                        return start()
                    finally:
                        self._note_attempt()
            occupied = Occupied(occupants)
            pause = refusals.pause_after(occupied)
            if pause is None:
                raise TaskError(
                    f"nothing was started on {self._observer.id}: the target is still occupied by "
                    f"{named(occupants)} after {sum(FOR_THE_TARGET.pauses):.0f} s; wait until it is free, "
                    "or chain the migrations with opts=ResourceOptions(depends_on=[first.completion()]); "
                    f"{DELETE_FIRST}"
                )
            self._observer.say(f"{occupied}; trying again in {pause:.0f} s")
            self._observer.sleep(pause)

    def _note_attempt(self) -> None:
        """Record a migration that has started, or may have: a listing may show it late."""
        self._observer.account.record_start(
            TaskRow(
                self._observer.id,
                status="FULLMIGRATING",
                target_instance_id=self._target.get("id"),
                target_instance_addrs=self._target.get("addrs"),
            )
        )

    def _occupants(self) -> Sequence[TaskRow]:
        account = self._observer.account
        try:
            listing = account.whole_listing(max_age=LOOK_UP_AGE, not_before=self._create_lock.attempted)
        except PermissionDenied as error:
            raise TaskError(
                f"nothing was started on {self._observer.id}: can't check whether its target is free; "
                f"grant dcs:migrationTask:list ({error})"
            ) from None
        return occupants(account, listing.rows.values(), self._target, but=self._observer.id)


SHOWS_WITHIN = 15.0  # seconds; for this time the service may still report the state before a write
SHOW_PAUSES = (0.5, 1.5, 3.0, 5.0)  # the last one repeats


class Writer:
    """The writes of one operation on one migration."""

    def __init__(self, observer: Observer, engine: Engine) -> None:
        """Set up with the migration's observer."""
        self._observer = observer
        self._engine = engine

    def write_once(
        self, operation: str, call: Callable[[], object], took: Callable[[Online], bool]
    ) -> Online:
        """Make a write.

        Args:
            operation: The API's name of the call.
            call: Sends it, once.
            took: Whether the service's answer shows that the write took effect.

        Returns:
            The service's answer afterwards; it usually shows that the write took effect.

        Raises:
            DcsMigrationError: the write was refused, or its outcome isn't known; the message says which.
        """
        refusals = Refusals()
        while True:
            self._engine.require()
            try:
                call()
            except REFUSED as error:
                pause = refusals.pause_after(error)
                if pause is None:
                    raise TaskError(f"nothing was changed: {error}; run `pulumi up` again later") from None
                self._observer.say(f"{error}; trying again in {pause:.0f} s")
                self._observer.sleep(pause)
                observed = self._observer.look()
                if took(observed):
                    return observed
            except OUTCOME_UNCLEAR as error:
                return self._search(operation, error, took)
            else:
                return self._shown(took)
            finally:
                self._observer.account.record_write()

    def _shown(self, took: Callable[[Online], bool]) -> Online:
        """After an accepted write, wait while the service may still report the state before it."""
        waited = 0.0
        pauses = delays(SHOW_PAUSES)
        while True:
            observed = self._observer.look()
            if took(observed) or waited >= SHOWS_WITHIN:
                return observed
            pause = next(pauses)
            self._observer.sleep(pause)
            waited += pause

    def _search(self, operation: str, error: DcsMigrationError, took: Callable[[Online], bool]) -> Online:
        def find() -> Online | None:
            observed = self._observer.look()
            return observed if took(observed) else None

        def pause(seconds: float) -> None:
            self._observer.say("the service's response was lost; checking whether the call took effect")
            self._observer.sleep(seconds)

        observed = search(find, self._observer.account.clock, pause)
        if observed is None:
            raise TaskError(
                f"{error}; the service doesn't show within {SEARCH_FOR:.0f} s that {operation} took "
                "effect, and nothing was sent twice; run `pulumi up` again: it checks first"
            )
        return observed
