"""What online migrations may have done: judged at every request, and after every step of a course."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.online_cast import Owned
from tests.chaos.tap import DELETE, RESTART, STOP, Seen
from tests.unit.life_cycle_world import PASSWORD, World
from tests.unit.online_world import CREATE, EXCHANGE, ROLLBACK, SET

SET_RESTARTS = "set-while-running-restarts"
UNASKED = {"runs": "unasked import", "exchanges": "unasked exchange", "rollbacks": "unasked exchange"}
WRITES = (CREATE, SET, STOP, RESTART, EXCHANGE, ROLLBACK, DELETE)
AT_REST = ("CREATING", "RUNNING", "SUCCESS", "FAILED", "TERMINATED")
TASK = re.compile(r"\b[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b")

Task = Mapping[str, Any]


@dataclass
class Made:
    """One instance that was made for a migration, and the identity in its owner mark.

    stray: it was lost under that owner mark, so that no one can find it by itself any more.
    """

    maker: Owned
    key: tuple[str, str, str | None]
    stray: bool = False


@dataclass
class Foreign:
    """One task that someone started by hand.

    definition: what it does. alike: whether it is in our network. copied_from: the key of the owner mark that was copied.
    """

    definition: str | None
    alike: bool = False
    copied_from: tuple[str, str, str | None] | None = None

    def is_to_the_letter(self, key: tuple[str, str, str | None]) -> bool:
        """Whether nothing tells it from one of ours of that key: safety.md does not promise to tell them apart."""
        does_the_same = key[2] is None or self.definition in (None, key[2])
        return self.alike and self.copied_from == key and does_the_same


class Promises:
    """The promises over one course.

    acting: whose operation is under way; None while others work in the console. does: ``up``, ``destroy`` or ``refresh``.
    """

    def __init__(self, world: World, cast: Sequence[Owned]) -> None:
        self.world = world
        self.cast = cast
        self.acting: Owned | None = None
        self.made: dict[str, Made] = {}
        self.foreign: dict[str, Foreign] = {}
        self.in_sync_at: dict[str, float] = {}
        self.broken: list[str] = []
        self.counts: Counter[str] = Counter()
        self.does = ""
        self._may: Counter[str] = Counter()
        self._copies: set[tuple[int, str]] = set()
        self._before: dict[str, Task] = {}
        self._sent: set[tuple[str, ...]] = set()

    # What is true.

    def tasks(self) -> dict[str, Task]:
        """All tasks that exist, by id."""
        return {task["id"]: task for task in self.world.cloud.tasks()}

    def on_target(self, target: str, but: str | None = None) -> list[str]:
        """The tasks that run into a target."""
        return [
            id_
            for id_, task in self.tasks().items()
            if id_ != but and task["status"] not in AT_REST and task["target_instance_id"] == target
        ]

    def holder(self, id_: str) -> Owned | None:
        """Whose state holds a task."""
        holders = [owned for owned in self.cast if id_ in owned.held]
        return min(
            holders, key=lambda owned: owned.leaving, default=None
        )  # it goes to the resource that it was passed to

    def of(self, owned: Owned) -> list[Task]:
        """The instances that are a migration's: the one that its state holds, else those that have its owner mark."""
        tasks = self.tasks()
        states = [resource.state for resource in owned.resources if resource.state is not None]
        if states and states[0].id in tasks:
            return [tasks[states[0].id]]
        made = [
            id_
            for id_, each in self.made.items()
            if each.key == owned.key or (each.maker is owned and not each.stray)
        ]
        taken_for_ours = [id_ for number, id_ in self._copies if number == owned.number]
        return [tasks[id_] for id_ in (*made, *taken_for_ours) if self.holder(id_) is None and id_ in tasks]

    # What an operation may do.

    def command(self) -> None:
        """A command starts, in a process of its own: so far nothing may be done."""
        self.acting, self.does = None, ""
        self._sent.clear()
        self._may.clear()

    def act(self, owned: Owned, does: str) -> None:
        """An operation starts."""
        self.acting, self.does = owned, does

    def begin(self, owned: Owned) -> None:
        """Note what may be done for one migration: run, exchange, roll back once, for a reason."""
        self.act(owned, "up")
        for id_, made in self.made.items():
            instance = owned.instance.state
            lost = made.maker is owned and made.key != owned.key and (instance is None or instance.id != id_)
            made.stray = made.stray or lost
        mine = self.of(owned)
        statuses = {task.get("task_status") for task in mine}
        swapped = bool({"EXCHANGING", "EXCHANGE_SUCCESS"} & statuses)
        switched = owned.wanted.get("state") == "switched"
        self._may = Counter(
            runs=self._runs_once_more(owned, mine),
            exchanges=switched and not swapped,
            rollbacks=swapped and not switched,
        )

    def _runs_once_more(self, owned: Owned, mine: Sequence[Task]) -> bool:
        """Whether it has not run yet, has failed, has other settings, or must run for other triggers."""
        # No owner mark shows that it has run for these triggers where the state doesn't: docs/safety.md.
        state = owned.online.state
        triggered = state is not None and state.outputs.get("triggers") != owned.wanted.get("triggers")
        if state is None or state.outputs.get("state") == "running":
            owned.triggered = False
        if triggered and owned.wanted.get("state") == "stopped":
            owned.triggered = True
        moved = any(task["target_instance_id"] not in (None, owned.target) for task in mine)
        anew = SET_RESTARTS in self.world.cloud.quirks
        return (triggered or owned.triggered or moved or owned.replaces or self._needs_another(owned)) or all(
            task["status"] in ("CREATING", "RUNNING", "FAILED")
            or (anew and _is_otherwise(owned.wanted, task))
            for task in mine
        )

    def _needs_another(self, owned: Owned) -> bool:
        """Whether the state of its instance is lost, and the mark of none is that of what is written now."""
        tasks = self.tasks()
        return owned.instance.state is None and not any(
            made.key == owned.key and id_ in tasks for id_, made in self.made.items()
        )

    # What the service gets; see `Caller`.

    def arrives(self, seen: Seen) -> None:
        """Judge a request before the service acts on it."""
        if seen.operation not in WRITES:
            return
        self._before = self.tasks()
        owned = self.acting
        if owned is None:
            return
        if not self.world.engine.alive or self.does == "refresh":
            when = "by a refresh" if self.does == "refresh" else "when dead"
            self.broken.append(f"{seen.operation} written {when}")
        sent = (seen.operation, *(seen.ids or [str(owned.number)]))
        if sent in self._sent:
            self.broken.append(f"{seen.operation} sent again without a look")
        self._sent.add(sent)
        for id_ in seen.ids:
            self._judge_write(seen.operation, id_, owned)

    def _judge_write(self, operation: str, id_: str, owned: Owned) -> None:
        if operation == EXCHANGE and self.world.clock.time() < self.in_sync_at.get(id_, 0.0):
            self.broken.append("unasked exchange: the target is behind")
        made = self.made.get(id_)
        holder = self.holder(id_)
        configured = owned.online.state is not None and not owned.online.state.outputs.get("__taken_over")
        taken = id_ == owned.existing or id_ in owned.held
        taken = taken and (self.does == "up" or (operation == STOP and configured))
        if holder is not None and holder is not owned:
            self.broken.append(f"{operation} of a task of another owner: {id_}, held by #{holder.number}")
        elif made is None or made.maker is not owned:
            copied = self._is_copied(id_, owned) and (holder is owned or not self._stands(owned))
            adopted = made is not None and made.key == owned.key
            if operation in (STOP, DELETE) and (copied or adopted):
                self.counts["copies to the letter that were deleted"] += copied
            elif operation == DELETE or not (taken or adopted):
                self.broken.append(f"{operation} of a task of another owner: {id_}, by #{owned.number}")

    def _is_copied(self, id_: str, owned: Owned) -> bool:
        """Whether someone's copy to the letter was taken for ours, under the mark of then or of now."""
        foreign = self.foreign.get(id_)
        if foreign is not None and id_ in owned.held and foreign.is_to_the_letter(owned.key):
            self._copies.add((owned.number, id_))
        known = (owned.number, id_) in self._copies
        return known or (foreign is not None and foreign.is_to_the_letter(owned.key))

    def _stands(self, owned: Owned) -> bool:
        """Whether one of our instances stands for the definition, so that no copy can."""
        tasks = self.tasks()
        return any(
            made.key == owned.key
            and id_ in tasks
            and tasks[id_]["status"] != "FAILED"
            and tasks[id_]["target_instance_id"] in (None, owned.target)  # else it was led to another target
            for id_, made in self.made.items()
        )

    def given_away(self, owned: Owned) -> bool:
        """Whether someone else has taken over what a migration would adopt: two resources for one instance."""
        taken = [other.held for other in self.cast if other is not owned and other.has_taken_over]
        ids = set().union(*taken)
        return not owned.held and any(self.made[id_].key == owned.key for id_ in ids & self.made.keys())

    def acted(self, seen: Seen) -> None:
        """Judge what the service did."""
        if seen.operation not in WRITES:
            if seen.status == 200:
                self._sent.clear()
            return
        owned, now = self.acting, self.tasks()
        if owned is None:
            return
        if seen.operation == CREATE:
            for id_ in now.keys() - self._before.keys():
                self._judge_creation(id_, owned, now)
        for id_ in now.keys() & self._before.keys():
            self._judge_change(self._before[id_], now[id_])

    def _judge_creation(self, id_: str, owned: Owned, now: Mapping[str, Task]) -> None:
        for other, made in self.made.items():
            if other not in now or now[other]["status"] == "FAILED" or owned.replaces:
                continue
            if now[other]["target_instance_id"] not in (None, owned.target):
                continue  # it was given another target in the meantime, and doesn't do what its owner mark says
            if made.key == owned.key:
                self.broken.append(
                    f"duplicate: {id_} beside {other} ({now[other]['status']}), of one definition"
                )
            elif owned.definition is not None and made.key[2] == owned.definition:
                self.broken.append(f"unasked import: {id_}, which {other} of #{made.maker.number} has done")
        self.made[id_] = Made(owned, owned.key)
        self.counts["instances"] += 1

    def _judge_change(self, before: Task, after: Task) -> None:
        more = {name: after[name] - before[name] for name in (*UNASKED, "restarts") if name in after}
        if not any(more.values()):
            return
        if "restart-is-full" in self.world.cloud.quirks:
            more["runs"] -= more["restarts"]  # the service's doing: the restart was asked for
        for name in UNASKED:
            self.counts[name] += more[name]
            self._may[name] -= more[name]
            if self._may[name] < 0:
                self.broken.append(f"{UNASKED[name]}: {name} of {after['id']}")
        others = self.on_target(after["target_instance_id"], but=after["id"])
        if others and (more["runs"] or more["restarts"]):
            self.broken.append(f"two running on one target: {after['id']} and {', '.join(others)}")

    def crossed(self) -> None:
        """No request of these courses is carried out late."""

    # What must hold after every step.

    def hold(self, said: Sequence[str]) -> None:
        """No one else's task touched, no second one, no run and no exchange that no one asked for, no secret."""
        tasks = self.tasks()
        for owned in self.cast:
            self._hold_of_one(owned, tasks)
        lines = [*(line.message for line in self.world.engine.lines), *said]
        assert not any(PASSWORD in line for line in lines), "what was said holds a secret"
        assert not any("internal error" in line or "\n" in line for line in said), said
        assert not self.broken, "; ".join(self.broken)

    def _hold_of_one(self, owned: Owned, tasks: Mapping[str, Task]) -> None:
        for id_ in owned.held:
            other = self.holder(id_)
            if other is not owned and not (other is not None and (other.leaving or owned.leaving)):
                self.broken.append(f"two states hold {id_}: those of #{owned.number} and another")
            made = self.made.get(id_)
            copied = self._is_copied(id_, owned)
            adopted = made is not None and owned.key == made.key
            if made is not None and adopted:
                made.maker = owned
            if owned.leaving:
                continue
            if (made is None or made.maker is not owned) and not (copied or adopted or owned.has_taken_over):
                self.broken.append(f"the state of #{owned.number} holds a task of another owner: {id_}")
        instance = owned.instance.state
        for id_, made in self.made.items():
            lost = made.maker is owned and made.key == owned.key and not made.stray and id_ in tasks
            if instance is not None and self._is_copied(instance.id, owned):
                continue
            if lost and instance is not None and instance.id != id_ and self.holder(id_) is None:
                self.broken.append(
                    f"orphan: {id_} ({tasks[id_]['status']}), while the state holds {instance.id}"
                )


def _is_otherwise(wanted: Mapping[str, Any], task: Task) -> bool:
    return any(
        str(wanted.get(key, task[key])) != str(task[key]) for key in ("bandwidth_limit_mb", "resume_mode")
    )
