"""Random courses of an online migration: changes, faults on any call, deaths at any moment, others' doings."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from dcs_emulator import Emulator
from dcs_migration.life_cycles.reporting import ProviderError
from tests.chaos.online_promises import SET_RESTARTS, Promises
from tests.fakes import FakeClock, FakeEngine
from tests.unit.life_cycle_world import PASSWORD, CheckFailed, World
from tests.unit.online_world import INSTANCE, SET, Migration

STEPS = 14
FAILED = "failed `up`"

BEGINNING = ("CreateOnlineMigrationTask", "ShowJobInfo", "ListMigrationTask")
STEERING = (
    "SetOnlineMigrationTask",
    "BatchStopMigrationTasks",
    "BatchRestartOnlineMigrationTasks",
    "ExchangeInstanceIp",
    "RollbackExchangeInstanceIp",
    "ShowMigrationTask",
    "ShowMigrationTaskStats",
)
FAULTS: tuple[dict[str, Any], ...] = (
    {"fault": "error", "status": 500},
    {"fault": "error", "status": 503, "times": 2},
    {"fault": "error", "status": 400, "error_code": "DCS.4026"},
    {"fault": "error", "status": 401, "error_code": "APIGW.0301"},
    {"fault": "drop_before"},
    {"fault": "drop_after"},
    {"fault": "garbage"},
    {"fault": "truncate"},
    {"fault": "empty"},
    {"fault": "throttle"},
)
# One of these for each course. With the last one the service carries out what it refuses otherwise.
QUIRKS: tuple[tuple[str, ...], ...] = (
    (),
    ("no-job-id", "exchange-answers-204", "stats-as-numbers"),
    ("restart-is-full",),
    (SET_RESTARTS, "restart-while-running-restarts", "exchange-toggles"),
)


class Course:
    """One course, drawn from its seed, and what was met (``counts``)."""

    def __init__(self, seed: int, world: World) -> None:
        self.chance = random.Random(seed)
        self.world = world
        self.migration = Migration(world)
        self.promises = Promises(world)
        self.wanted: dict[str, Any] = {}
        self.said: list[str] = []
        self.counts: Counter[str] = Counter()

    def run(self) -> None:
        """Do some steps, then let it be, and see that it comes to what is wanted."""
        steps: tuple[Callable[[], None], ...] = (
            *(self.up,) * 2,
            self.change,
            *(self.change_and_up,) * 4,
            *(self.swap,) * 2,
            self.others_stop,
            self.others_fail,
            self.time_passes,
            self.refresh,
        )
        for _ in range(STEPS):
            self.chance.choice(steps)()
            self.counts["steps"] += 1
            self.promises.hold(self.said)
        self.settle()
        self.counts.update(self.promises.done())
        if self.chance.random() < 0.3:
            self.destroy()

    # Steps.

    def up(self, *, quietly: bool = False) -> None:
        """Bring it up, in a process of its own, which faults meet and which may die."""
        world = self.world
        world.clock.advance(60)
        plugin = world.new_plugin()
        self.migration.instance.plugin = self.migration.online.plugin = plugin
        before = self.migration.instance.state, self.migration.online.state
        self.promises.begin(self.wanted, before[1])
        if not quietly:
            operations = STEERING + (BEGINNING if before[1] is None else ())
            for _ in range(self.chance.choice((0, 0, 1, 1, 2))):
                operation, fault = self.chance.choice(operations), self.chance.choice(FAULTS)
                if operation == SET:  # the one call that carries passwords
                    fault = {**fault, "message": f"no login with {PASSWORD}"}
                world.cloud.fault(operation, **fault)
                self.counts["faults met"] += 1
            self._will_die(self.chance.choice((0, self.chance.randint(1, 4))))
        try:
            if self.migration.instance.state is None:
                self.migration.instance.up(INSTANCE)
                self._lost(0, before[0])
            self.migration.up(**self.wanted)
            self._lost(1, before[1])
        except (ProviderError, CheckFailed) as error:
            self.said.append(str(error))
            self.counts[FAILED] += 1
        finally:
            self.counts["`up`"] += 1
            self.counts["faults met"] -= len(world.cloud.faults())
            self.counts["deaths of the engine"] += not world.engine.alive
            world.cloud.clear_faults()
            world.engine.alive = True
            world.engine.on_require = lambda: None
            vars(world.engine).pop("log", None)

    def _will_die(self, after: int) -> None:
        left = [after]

        def count() -> None:
            left[0] -= 1
            if left[0] == 0:
                self.world.engine.alive = False
                self.promises.died_at = len(self.world.cloud.requests())

        # The engine dies when it is asked whether it lives, or while it is told something.
        if self.chance.random() < 0.5:
            self.world.engine.on_require = count
            return
        log = FakeEngine.log

        def logging(*args: Any, **kwargs: Any) -> None:
            count()
            log(self.world.engine, *args, **kwargs)

        self.world.engine.log = logging  # type: ignore[method-assign]

    def _lost(self, which: int, before: Any) -> None:
        """The engine may die after the plugin's answer, before it was written into state."""
        if self.chance.random() < 0.2:
            (self.migration.instance if which == 0 else self.migration.online).state = before
            raise ProviderError("killed")

    def change(self) -> None:
        """The user changes a word; what the check refuses is taken back."""
        key, values = self.chance.choice(
            (
                ("state", ("running", "stopped", "switched")),
                ("state", ("running", "stopped")),
                ("bandwidth_limit_mb", (1, 2)),
                ("resume_mode", ("auto", "manual")),
                ("triggers", (["a"], ["b"], ["c"])),
            )
        )
        self._write(key, self.chance.choice(values))

    def _write(self, key: str, new: Any) -> None:
        changed = {**self.wanted, key: new}
        if self.migration.online.state is not None:
            try:
                self.migration.preview(**changed)
            except (ProviderError, CheckFailed) as error:
                self.said.append(str(error))
                return
        elif changed.get("state") == "switched":
            return
        self.wanted = changed

    def change_and_up(self) -> None:
        """The usual case; a user whose command failed types it again."""
        self.change()
        self.up_again()

    def swap(self) -> None:
        """The target has caught up, or soon will have, and the user switches, or back."""
        self.time_passes()
        self._fall_behind(self.chance.choice((0, 4096)))
        back = self.wanted.get("state") == "switched"
        self._write("state", self.chance.choice(("running", "stopped")) if back else "switched")
        self.up_again()

    def up_again(self) -> None:
        """Bring it up, and after a failure once more: at once, or when it has got on."""
        failed = self.counts[FAILED]
        self.up()
        if self.counts[FAILED] > failed:
            self.chance.choice((self.time_passes, lambda: None))()
            self.up()

    def _fall_behind(self, offset: int) -> None:
        clock, cloud = self.world.clock, self.world.cloud
        for task in self.running():
            cloud.set_status(task["id"], task["status"], offset=offset)
        if offset:
            self.promises.in_sync_at = clock.time() + 90
            clock.at(90, lambda: self._fall_behind(0))

    def others_stop(self) -> None:
        """Somebody stops it in the console."""
        for task in self.running():
            self.world.cloud.set_status(task["id"], "TERMINATED")

    def others_fail(self) -> None:
        """It fails; what is brought up next may start it again."""
        if self.chance.random() < 0.3:
            for task in self.running():
                self.world.cloud.set_status(task["id"], "FAILED", "the source is away")

    def time_passes(self) -> None:
        """It gets on: everything is copied, and the target catches up."""
        for task in self.running():
            self.world.cloud.set_status(task["id"], "INCRMIGEATING", offset=0)
        self.world.clock.advance(600)

    def refresh(self) -> None:
        """State learns what is."""
        for resource in (self.migration.instance, self.migration.online):
            if resource.state is not None:
                resource.plugin = self.world.new_plugin()
                resource.refresh()

    def destroy(self) -> None:
        """Nothing is left."""
        for resource in (self.migration.online, self.migration.instance):
            if resource.state is not None:
                resource.plugin = self.world.new_plugin()
                resource.destroy()
        assert self.world.ids() == []

    def running(self) -> list[dict[str, Any]]:
        """The tasks that copy or follow."""
        kinds = ("FULLMIGRATING", "INCRMIGEATING")
        return [task for task in self.world.cloud.tasks() if task["status"] in kinds]

    def settle(self) -> None:
        """Without faults it comes to what is wanted, and stays there."""
        self.wanted = {**self.wanted, "triggers": ["the last"]}
        if self.wanted.get("state") == "switched":
            self.wanted["state"] = "stopped"
        for _ in range(4):
            self.time_passes()
            self.chance = random.Random(0)  # nothing is lost any more
            self.chance.random = lambda: 1.0  # type: ignore[method-assign]
            self.up(quietly=True)
            self.promises.hold(self.said)
        assert self.migration.preview(**self.wanted) == "same", self.said[-3:]
        (task,) = self.world.cloud.tasks()
        if self.wanted.get("state") == "stopped":
            assert task["status"] in ("TERMINATED", "RUNNING", "FAILED"), task
        else:
            assert task["status"] in ("FULLMIGRATING", "INCRMIGEATING"), task
        assert task["task_status"] != "EXCHANGE_SUCCESS"


def run(seed: int) -> Counter[str]:
    """Run one course, and return what was met.

    Raises:
        AssertionError: a promise is broken.
    """
    clock = FakeClock()
    with Emulator(
        progression="manual",
        clock=clock.time,
        deterministic_ids=True,
        quirks=QUIRKS[seed % len(QUIRKS)],
    ) as cloud:
        course = Course(seed, World(cloud, clock, FakeEngine()))
        try:
            course.run()
        except ProviderError as error:
            raise AssertionError(f"a refresh or a destroy failed: {error}") from error
        return course.counts
