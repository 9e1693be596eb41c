"""One write, made once: looked for when its answer is lost, and repeated only when it certainly did nothing."""

from __future__ import annotations

from collections.abc import Callable

from dcs_migration.dcs.errors import OUTCOME_UNCLEAR, DcsMigrationError, TaskError
from dcs_migration.dcs.models import Online
from dcs_migration.plugin.engine import Engine
from dcs_migration.plugin.online_migration.looking import Looking
from dcs_migration.plugin.writes import REFUSED, SEARCH_FOR, Refusals, delays, search

SHOWS_WITHIN = 15.0  # seconds: for so long the service may still tell of the time before a write
SHOW_PAUSES = (0.5, 1.5, 3.0, 5.0)  # the last one repeats


class Writing:
    """The writes of one operation on one migration."""

    def __init__(self, looking: Looking, engine: Engine) -> None:
        """Set up over what looks at the migration."""
        self._looking = looking
        self._engine = engine

    def make(self, operation: str, call: Callable[[], object], took: Callable[[Online], bool]) -> Online:
        """Make a write.

        Args:
            operation: The API's name of it.
            call: Sends it, once.
            took: Whether what the service tells shows that it was carried out.

        Returns:
            What the service tells afterwards: usually that it was carried out.

        Raises:
            DcsMigrationError: it was refused, or its outcome is not known; the message says which.
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
                self._looking.say(f"{error}; trying again in {pause:.0f} s")
                self._looking.sleep(pause)
                told = self._looking.look()
                if took(told):
                    return told
            except OUTCOME_UNCLEAR as error:
                return self._search(operation, error, took)
            else:
                return self._shown(took)
            finally:
                self._looking.account.wrote()

    def _shown(self, took: Callable[[Online], bool]) -> Online:
        """After an accepted write the service may tell of the time before it for a while."""
        waited = 0.0
        pauses = delays(SHOW_PAUSES)
        while True:
            told = self._looking.look()
            if took(told) or waited >= SHOWS_WITHIN:
                return told
            pause = next(pauses)
            self._looking.sleep(pause)
            waited += pause

    def _search(self, operation: str, error: DcsMigrationError, took: Callable[[Online], bool]) -> Online:
        def find() -> Online | None:
            told = self._looking.look()
            return told if took(told) else None

        def pause(seconds: float) -> None:
            self._looking.say("the service's answer was lost; looking whether it was carried out")
            self._looking.sleep(seconds)

        told = search(find, self._looking.account.clock, pause)
        if told is None:
            raise TaskError(
                f"{error}; the service does not show within {SEARCH_FOR:.0f} s that {operation} was carried out, "
                "and nothing was sent twice; run `pulumi up` again: it looks first"
            )
        return told
