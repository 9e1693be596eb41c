"""One running migration on one target: a start waits for whatever runs there, and gives up after a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dcs_migration.dcs.errors import PermissionDenied, TaskError
from dcs_migration.dcs.models import Online, TaskRow, addresses
from dcs_migration.plugin.online_migration.looking import Looking
from dcs_migration.plugin.tasks.look_up import LOOK_UP_AGE, occupies
from dcs_migration.plugin.writes import FOR_THE_TARGET, Occupied, Refusals


class Target:
    """The target of one migration."""

    def __init__(self, looking: Looking, target: Mapping[str, Any]) -> None:
        """Set up for a target that is given by its ``id`` or its ``addrs``."""
        self._looking = looking
        self._target = target
        key = target.get("id") or ",".join(sorted(addresses(target.get("addrs"))))
        self._turn = looking.account.turn(str(key))

    def when_free(self, start: Callable[[], Online]) -> Online:
        """Start what nothing else on the target stands in the way of (ListMigrationTask).

        Raises:
            TaskError: another task runs there, also after a minute; or nobody knows, for the listing is not
                permitted.
            DcsMigrationError: what the service answered.
        """
        refusals = Refusals()
        while True:
            with self._turn.lock:
                occupants = self._occupants()
                if not occupants:
                    try:
                        told = start()
                        self._note(told)
                        return told
                    finally:
                        self._turn.attempted = self._looking.account.clock.monotonic()
            occupied = Occupied(occupants)
            pause = refusals.pause_after(occupied)
            if pause is None:
                raise TaskError(
                    f"nothing was started on {self._looking.id}: {occupied}, also after "
                    f"{sum(FOR_THE_TARGET.pauses):.0f} s; wait for it, or chain the migrations with "
                    "opts=ResourceOptions(depends_on=[first.completion()])"
                )
            self._looking.say(f"{occupied}; trying again in {pause:.0f} s")
            self._looking.sleep(pause)

    def _note(self, told: Online) -> None:
        """Keep in mind what runs here now: the listing may show it later."""
        self._looking.account.begun(
            TaskRow(
                self._looking.id,
                status=told.status,
                target_instance_id=self._target.get("id"),
                target_instance_addrs=self._target.get("addrs"),
            )
        )

    def _occupants(self) -> Sequence[TaskRow]:
        account = self._looking.account
        try:
            listing = account.listing.get(max_age=LOOK_UP_AGE, not_before=self._turn.attempted)
        except PermissionDenied as error:
            raise TaskError(
                f"nothing was started on {self._looking.id}: whether its target is free cannot be looked up; grant "
                f"dcs:migrationTask:list ({error})"
            ) from None
        return [
            row
            for row in account.rows_of(listing)
            if row.id != self._looking.id and occupies(row, self._target)
        ]
