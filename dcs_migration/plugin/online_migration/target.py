"""One running migration on one target: a start waits for whatever runs there, and gives up after a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dcs_migration.dcs.errors import PermissionDenied, TaskError
from dcs_migration.dcs.models import TaskRow, addresses
from dcs_migration.dcs.online import Online
from dcs_migration.plugin.online_migration.looking import Looking
from dcs_migration.plugin.tasks.create import FOR_THE_TARGET, named
from dcs_migration.plugin.tasks.look_up import LOOK_UP_AGE, occupies


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
        for pause in (*FOR_THE_TARGET.pauses, None):
            with self._turn.lock:
                occupants = self._occupants()
                if not occupants:
                    try:
                        return start()
                    finally:
                        self._turn.attempted = self._looking.account.clock.monotonic()
            if pause is None:
                break
            self._looking.say(f"the target is occupied by {named(occupants)}; trying again in {pause:.0f} s")
            self._looking.sleep(pause)
        raise TaskError(
            f"nothing was started on {self._looking.id}: the target is still occupied by {named(occupants)} after "
            f"{sum(FOR_THE_TARGET.pauses):.0f} s; wait for it, or chain the migrations with "
            "opts=ResourceOptions(depends_on=[first.completion()])"
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
            for row in listing.rows.values()
            if row.id != self._looking.id and row.id not in account.deleted and occupies(row, self._target)
        ]
