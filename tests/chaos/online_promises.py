"""What an online migration may have done, and what must hold of it after every step of a course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.unit.life_cycle_world import PASSWORD, State, World

SET_RESTARTS = "set-while-running-restarts"
UNASKED = {"runs": "unasked import", "exchanges": "unasked exchange", "rollbacks": "unasked exchange"}


class Promises:
    """The promises over one course: ``died_at`` is the length of the journal when the engine died."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.died_at: int | None = None
        self.in_sync_at = 0.0
        self._allowed: dict[str, int] = {}

    def begin(self, wanted: Mapping[str, Any], state: State | None) -> None:
        """Note what an `up` that begins now may do: run, exchange and roll back at most once more, for a reason."""
        self.world.cloud.clear_requests()
        self.died_at = None
        statuses = [task["task_status"] for task in self.world.cloud.tasks()]
        swapped = bool({"EXCHANGING", "EXCHANGE_SUCCESS"} & set(statuses))
        switched = wanted.get("state") == "switched"
        reasons = {
            "runs": self._runs_once_more(wanted, state),
            "exchanges": switched and not swapped,
            "rollbacks": swapped and not switched,
        }
        self._allowed = {name: number + reasons[name] for name, number in self.done().items()}

    def _runs_once_more(self, wanted: Mapping[str, Any], state: State | None) -> bool:
        """Whether it has not run yet, has failed, has other settings, or shall run for other triggers."""
        # No mark tells that it has run for these triggers where the state does not: docs/safety.md.
        triggered = state is not None and state.outputs.get("triggers") != wanted.get("triggers")
        anew = SET_RESTARTS in self.world.cloud.quirks
        return triggered or all(
            task["status"] in ("CREATING", "RUNNING", "FAILED") or (anew and _is_otherwise(wanted, task))
            for task in self.world.cloud.tasks()
        )

    def done(self) -> dict[str, int]:
        """How often it was run, exchanged and rolled back."""
        # Where a restart copies everything, that is the service's doing: the restart was asked for.
        full = "restart-is-full" in self.world.cloud.quirks
        tasks = self.world.cloud.tasks()
        return {
            "runs": sum(task["runs"] - task["restarts"] * full for task in tasks),
            "exchanges": sum(task["exchanges"] for task in tasks),
            "rollbacks": sum(task["rollbacks"] for task in tasks),
        }

    def hold(self, said: Sequence[str]) -> None:
        """One instance, no run and no exchange that nobody asked for, no secret in what was said."""
        self._hold_of_the_journal()
        tasks = self.world.cloud.tasks()
        assert len(tasks) <= 1, "duplicate: two instances"
        for name, number in self.done().items():
            most = self._allowed.get(name, 0)
            assert number <= most, f"{UNASKED[name]}: {number} {name}, {most} allowed"
        lines = [*(line.message for line in self.world.engine.lines), *said]
        assert not any(PASSWORD in line for line in lines), "what was said holds a secret"
        assert not any("internal error" in line for line in said), said

    def _hold_of_the_journal(self) -> None:
        """Nothing is written for a dead engine or too early, and nothing is sent twice without a look between."""
        journal = self.world.cloud.requests()
        if self.died_at is not None:
            assert all(entry["method"] == "GET" for entry in journal[self.died_at :]), "written when dead"
        for entry in journal:
            if entry["operation"] == "ExchangeInstanceIp":
                assert entry["time"] >= self.in_sync_at, "unasked exchange: the target is behind"
        sent: set[str] = set()
        for entry in journal:
            if entry["method"] == "GET" and entry["status"] == 200:
                sent.clear()
            elif entry["method"] != "GET":
                assert entry["operation"] not in sent, "sent again without a look"
                sent.add(entry["operation"])


def _is_otherwise(wanted: Mapping[str, Any], task: Mapping[str, Any]) -> bool:
    return any(
        str(wanted.get(key, task[key])) != str(task[key]) for key in ("bandwidth_limit_mb", "resume_mode")
    )
