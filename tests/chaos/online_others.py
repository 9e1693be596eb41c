"""What happens in the cloud during a course of online migrations: time passes, and others work in the console."""

from __future__ import annotations

import random
from collections.abc import Sequence

from dcs_emulator.operations import project_id_of
from tests.chaos.online_cast import Owned, definition_of
from tests.chaos.online_promises import Foreign, Promises, Task
from tests.signing import SignedClient
from tests.unit.life_cycle_world import REGION, World
from tests.unit.online_world import INSTANCE, MIGRATION

NETWORK = INSTANCE
FOLLOWS = ("FULLMIGRATING", "INCRMIGEATING")


class Others:
    """Everybody else."""

    def __init__(self, chance: random.Random, world: World, promises: Promises) -> None:
        self._chance = chance
        self._world = world
        self._cloud = world.cloud
        self._promises = promises
        self._client = SignedClient(world.cloud.url, project=project_id_of(REGION))

    def something(self, cast: Sequence[Owned]) -> None:
        """Stop, fail or delete what is there, or start something."""
        alone = len(cast) == 1
        doings = (
            (self._stop, self._fail)
            if alone
            else (
                self._stop,
                self._stop,
                self._fail,
                self._delete,
                self._copy,
                self._copy,
                self._make_by_hand,
                self._import,
            )
        )
        self._chance.choice(doings)(self._chance.choice(cast))

    def running(self) -> list[Task]:
        """The online migrations that copy or follow."""
        return [task for task in self._cloud.tasks() if task["status"] in FOLLOWS]

    def time_passes(self) -> None:
        """Everything is copied, targets catch up, and imports end."""
        for task in self._cloud.tasks():
            if task["status"] in FOLLOWS:
                self._cloud.set_status(task["id"], "INCRMIGEATING", offset=0)
            elif task["status"] == "MIGRATING":
                self._cloud.set_status(task["id"], "SUCCESS")
        self._world.clock.advance(600)

    def fall_behind(self, offset: int) -> None:
        """The targets are behind, for a minute and a half."""
        for task in self.running():
            self._cloud.set_status(task["id"], task["status"], offset=offset)
            if offset:
                self._promises.in_sync_at[task["id"]] = self._world.clock.time() + 90
        if offset:
            self._world.clock.at(90, lambda: self.fall_behind(0))

    def _stop(self, _: Owned) -> None:
        """Stop it now, or while the next command waits for the target."""

        def stop() -> None:
            for task in self.running():
                self._cloud.set_status(task["id"], "TERMINATED")

        if self._chance.random() < 0.3:
            self._world.clock.at(80, stop)
        else:
            stop()

    def _fail(self, _: Owned) -> None:
        """It fails; what is brought up next may start it again."""
        if self._chance.random() < 0.3:
            for task in self.running():
                self._cloud.set_status(task["id"], "FAILED", "the source is away")

    def fails(self, owned: Owned) -> None:
        """What a migration holds has failed."""
        for task in self._cloud.tasks():
            if task["id"] in owned.held and task["status"] in (*FOLLOWS, "RUNNING"):
                self._cloud.set_status(task["id"], "FAILED", "the source is away")

    def _delete(self, _: Owned) -> None:
        tasks = self._cloud.tasks()
        if tasks and self._chance.random() < 0.5:
            self._cloud.remove(self._chance.choice(tasks)["id"])

    def delete_what_is_lost(self) -> None:
        """Delete what a state held before it was lost; copies of it stay."""
        for id_ in self._promises.made:
            if id_ in self._promises.tasks() and self._promises.holder(id_) is None:
                self._cloud.remove(id_)

    def _copy(self, owned: Owned) -> None:
        """Copy the description of an instance into one's own, which does something else."""
        copied = [id_ for id_, made in self._promises.made.items() if id_ in self._promises.tasks()]
        if not copied:
            return
        id_ = self._chance.choice(copied)
        network = self._chance.choice((NETWORK, NETWORK, {**NETWORK, "vpc_id": "vpc-of-others"}))
        target = self._chance.choice((None, "of-others"))
        new = self._make("copied", str(self._promises.tasks()[id_]["description"]), network)
        definition = self._configure(new, target) if target and network is NETWORK else None
        alike = network is NETWORK
        self._promises.foreign[new] = Foreign(definition, alike, self._promises.made[id_].key)
        if self._chance.random() < 0.5:
            status = self._chance.choice(("FAILED", "FAILED", "TERMINATED"))
            self._cloud.set_status(
                new, status if definition else "FAILED"
            )  # nothing to stop was started there

    def _make_by_hand(self, owned: Owned) -> None:
        """Make by hand what our resource would make: its name, its definition, no owner mark."""
        if self._promises.on_target(owned.target):
            return
        new = self._make(owned.default_name, None, NETWORK)
        self._promises.foreign[new] = Foreign(self._configure(new, owned.target), alike=True)

    def _import(self, owned: Owned) -> None:
        """Import a backup by hand into one of our targets, which is over after a while."""
        if self._promises.on_target(owned.target):
            return
        id_ = self._client.create("by-hand", target_instance={"id": owned.target})
        self._promises.foreign[id_] = Foreign(None)
        self._world.clock.at(self._chance.choice((90, 600)), lambda: self._end(id_))

    def _end(self, id_: str) -> None:
        if self._promises.tasks().get(id_, {}).get("status") == "MIGRATING":
            self._cloud.set_status(id_, "SUCCESS")

    def _make(self, name: str, description: str | None, network: dict[str, str]) -> str:
        body = {"name": name, "description": description, **network}
        answer = self._client.call(
            "POST", "migration/instance", {key: value for key, value in body.items() if value is not None}
        )
        assert answer.status_code == 200, answer.text
        self._world.clock.advance(5)
        return str(answer.json()["instance_id"])

    def _configure(self, id_: str, target: str) -> str:
        body = {
            "migration_method": MIGRATION["migration_method"],
            "resume_mode": "auto",
            "source_instance": MIGRATION["source_instance"],
            "target_instance": {"id": target},
        }
        answer = self._client.call("POST", f"migration/{id_}/task", body)
        assert answer.status_code == 200, answer.text
        return definition_of(MIGRATION["source_instance"]["id"], target)

    # The end.

    def leave(self) -> None:
        """The person who started something by hand removes it, unless it was taken over."""
        for id_ in list(self._promises.foreign):
            if id_ in self._promises.tasks() and self._promises.holder(id_) is None:
                self._cloud.remove(id_)

    def clear_up(self, cast: Sequence[Owned]) -> None:
        """What no one can find any more is deleted in the console."""
        for id_ in self._promises.tasks():
            if self._promises.holder(id_) is None:
                self._cloud.remove(id_)
