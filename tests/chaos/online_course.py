"""Commands of several stacks over online migrations: each in a process of its own, which faults meet and which
may die."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

from dcs_migration.life_cycles.reporting import ProviderError
from tests.chaos.online_cast import FIRST, MIGRATIONS, Owned
from tests.chaos.online_others import Others
from tests.chaos.online_promises import Promises
from tests.chaos.online_refusals import Refusals
from tests.chaos.plan import Fault
from tests.chaos.tap import LIST, Tap
from tests.fakes import FakeEngine
from tests.unit.life_cycle_world import PASSWORD, CheckFailed, Resource, World
from tests.unit.online_world import SET

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
    {"kind": "error", "status": 500},
    {"kind": "error", "status": 503, "times": 2},
    {"kind": "error", "status": 400, "error_code": "DCS.4026"},
    {"kind": "error", "status": 401, "error_code": "APIGW.0301"},
    {"kind": "drop_before"},
    {"kind": "drop_after"},
    {"kind": "garbage"},
    {"kind": "truncate"},
    {"kind": "empty"},
    {"kind": "throttle"},
)


class Course:
    """One course, drawn from its seed, and what was met (``counts``)."""

    def __init__(self, seed: int, world: World, tap: Tap) -> None:
        self.chance = random.Random(seed)
        self.world = world
        self.tap = tap
        component = self.chance.random() < 0.6
        number = self.chance.choice((1, 1, 2, 3, 4))
        self.cast = [Owned(world, each, component=component) for each in range(len(MIGRATIONS))]
        self.playing = [self.cast[FIRST], *self.chance.sample(self.cast[1:], number - 1)]
        self.promises = tap.caller = Promises(world, self.cast)
        self.counts = self.promises.counts
        self.others = Others(self.chance, world, self.promises)
        self.refusals = Refusals(self.promises)
        self.said: list[str] = []
        self.quiet = False

    def _step(self, step: Callable[[Owned], None], owned: Owned) -> None:
        self.promises.command()
        step(owned)
        self.counts["steps"] += 1
        self.promises.hold(self.said)

    # Commands.

    def up(self, owned: Owned) -> None:
        """Bring up a stack, in a process of its own, which faults meet and which may die."""
        owned.written = not owned.leaving
        for each in self.playing:
            each.written = each.written and not self.promises.given_away(each)
            holder = self.promises.holder(each.existing) if each.existing else None
            if holder is not None and holder is not each and not holder.leaving:
                each.existing = None  # two resources for one instance: docs/safety.md
        process = [each for each in self.playing if each.process == owned.process and each.written]
        leaving = [each for each in self.playing if each.process == owned.process and each.leaving]
        if not owned.written and not leaving:
            return
        self.chance.shuffle(process)
        self._command([*process, *leaving], lambda: self._bring_up_all(process, leaving))

    def _command(self, process: list[Owned], work: Callable[[], object]) -> None:
        world = self.world
        world.clock.advance(60)
        self.promises.command()
        plugin = world.new_plugin()
        for owned in process:
            for resource in owned.resources:
                resource.plugin = plugin
        met = sum(self.tap.met.values())
        if not self.quiet:
            self._order_faults(any(owned.online.state is None for owned in process))
            self._will_die(self.chance.choice((0, self.chance.randint(1, 4 * len(process)))))
        try:
            work()
        finally:
            self.counts["faults met"] += sum(self.tap.met.values()) - met
            self.counts["deaths of the engine"] += not world.engine.alive
            self.tap.withdraw()
            world.engine.alive = True
            world.engine.on_require = lambda: None
            vars(world.engine).pop("log", None)
            self.promises.hold(self.said)
            self.counts["adoptions"] += sum(
                line.message.startswith("adopted task") for line in world.engine.lines
            )
            world.engine.clear()
            self.said.clear()
            self.promises.command()

    def _order_faults(self, begins: bool) -> None:
        operations = STEERING + (BEGINNING if begins else ())
        for _ in range(self.chance.choice((0, 0, 1, 1, 2))):
            operation, fault = self.chance.choice(operations), self.chance.choice(FAULTS)
            # Of all calls only SET carries passwords.
            told = f"no login with {PASSWORD}" if operation == SET else "A fault was ordered."
            self.tap.order(Fault(operation, **fault), told)
        if self.chance.random() < 0.2:
            self.tap.order(Fault(LIST, "gap", times=self.chance.choice((1, 2))), "")

    def _will_die(self, after: int) -> None:
        left = [after]

        def count() -> None:
            left[0] -= 1
            if left[0] == 0:
                self.world.engine.alive = False

        # Pulumi dies when it is asked whether it lives, or while it is told something.
        if self.chance.random() < 0.5:
            self.world.engine.on_require = count
            return
        log = FakeEngine.log

        def logging(*args: Any, **kwargs: Any) -> None:
            count()
            log(self.world.engine, *args, **kwargs)

        self.world.engine.log = logging  # type: ignore[method-assign]

    def _bring_up_all(self, process: list[Owned], leaving: list[Owned]) -> None:
        # Pulumi asks about all that the program declares at about the same time, while the first one is made.
        late = [] if self.quiet else [owned for owned in process if self.chance.random() < 0.5]
        for owned in process:
            if owned not in late:
                self._attempt(owned, owned.declare)

        def declare() -> None:
            while late:
                owned = late.pop()
                self._attempt(owned, owned.declare)

        self.world.clock.at(1.0, declare)
        for owned in process:
            if not self.world.engine.alive:
                break
            if not self._bring_up(owned) and self.chance.random() < 0.5 and not self.quiet:
                break
        late.clear()
        for owned in leaving:  # what the program no longer declares goes when all else is done
            if self.world.engine.alive and not any(each.refusal for each in process):
                self._attempt(owned, partial(self._destroyed, owned))
                owned.leaving = bool(owned.held)

    def _bring_up(self, owned: Owned) -> bool:
        self.promises.begin(owned)
        met = "`up` at the end" if self.quiet else "`up`"
        self.counts[met] += 1

        def both() -> None:
            self._made(owned.instance, lambda: owned.instance.up(owned.instance_inputs()))
            self._made(owned.online, lambda: owned.online.up(owned.inputs(owned.wanted)))

        if self._attempt(owned, both):
            self.counts[f"{met} that succeeded"] += 1
            return True
        return False

    def _attempt(self, owned: Owned, work: Callable[[], object]) -> bool:
        try:
            work()
        except (ProviderError, CheckFailed) as error:
            self.said.append(str(error).replace("\n", " ") if isinstance(error, CheckFailed) else str(error))
            owned.refusal = self.refusals.judge(owned, str(error))
            return False
        owned.refusal = ""
        return True

    def _made(self, resource: Resource, work: Callable[[], object]) -> None:
        """Pulumi may have died before the plugin's answer was written into state."""
        before = resource.state
        work()
        lost = not self.world.engine.alive or (not self.quiet and self.chance.random() < 0.15)
        if not lost:
            return
        self.world.engine.alive = False
        if before is not None and resource.state is not None and resource.state.id != before.id:
            resource.state, resource.pending = None, before  # the delete of a replacement was written
        else:
            resource.state = before
        raise ProviderError("killed")

    def refresh(self, owned: Owned) -> None:
        """State learns what is."""
        for each in self.playing:
            self.promises.act(each, "refresh")
            for resource in each.resources:
                if resource.state is not None and each.process == owned.process:
                    resource.plugin = self.world.new_plugin()
                    resource.refresh()

    def destroy(self, owned: Owned) -> None:
        """Nothing of it is left; what was taken over isn't changed."""
        self._command([owned], lambda: self._attempt(owned, lambda: self._destroyed(owned)))
        if not owned.held:
            owned.written, owned.wanted, owned.existing = False, {}, None

    def _destroyed(self, owned: Owned) -> None:
        self.promises.act(owned, "destroy")
        for resource in reversed(owned.resources):
            if resource.state is not None:
                resource.destroy()

    def replace(self, owned: Owned) -> None:
        """`--replace` of the instance: what depends on it goes first."""
        if owned.instance.state is None or not owned.written:
            return

        def replaced() -> None:
            self.promises.begin(owned)
            if owned.online.state is not None:
                owned.online.destroy()
            self._made(owned.instance, lambda: owned.instance.up(owned.instance_inputs(), replace=True))
            self._made(owned.online, lambda: owned.online.up(owned.inputs(owned.wanted)))

        if owned.wanted.get("state") == "switched":
            owned.wanted = {**owned.wanted, "state": "running"}
        owned.replaces = True
        self._command([owned], lambda: self._attempt(owned, replaced))
        owned.replaces = False
