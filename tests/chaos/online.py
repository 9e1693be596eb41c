"""Random courses of online migrations of several owners: changes, faults, deaths, others' doings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from dcs_emulator import Emulator
from dcs_migration.life_cycles.reporting import ProviderError
from tests.chaos.online_cast import Owned
from tests.chaos.online_promises import SET_RESTARTS
from tests.chaos.online_steps import Steps
from tests.chaos.tap import Tap, refusable
from tests.fakes import FakeClock, FakeEngine
from tests.unit.life_cycle_world import World

STEPS = 14
ROUNDS = 8  # so many runs, each after what the last error says, bring everything to an end

# One of these for each course. With the last one the service carries out what it refuses otherwise.
QUIRKS: tuple[tuple[str, ...], ...] = (
    (),
    ("no-job-id", "exchange-answers-204", "stats-as-numbers"),
    ("restart-is-full", "listing-lags"),
    (SET_RESTARTS, "restart-while-running-restarts", "exchange-toggles"),
)


class Drawn(Steps):
    """A course whose steps are drawn."""

    def run(self) -> None:
        """Do some steps, then let it be, and see that it comes to what is wanted."""
        steps: tuple[Callable[[Owned], None], ...] = (
            *(self.up,) * 2,
            self.change,
            *(self.change_and_up,) * 4,
            *(self.swap,) * 2,
            self.others_do,
            self.time_passes,
            self.refresh,
        )
        if len(self.playing) > 1:
            steps += (
                *(self.lose,) * 2,
                *(self.others_do,) * 2,
                self.rename,
                *(self.succeed,) * 2,
                *(self.misdirect,) * 2,
                *(self.move_target,) * (3 if SET_RESTARTS in self.world.cloud.quirks else 1),
                self.hand_over,
                self.take_over,
                self.replace,
                self.destroy,
            )
        for _ in range(STEPS):
            step, owned = self.chance.choice(steps), self.chance.choice(self.playing)
            self._step(self.up if owned.leaving else step, owned)
        self.settle()

    def settle(self) -> None:
        """Without faults one migration for each target comes to what is wanted, and stays there."""
        self.quiet = True
        for owned in self.playing:
            if owned.written:
                self._step(self.up, owned)
        for owned in self.playing:
            for heir in self.playing:
                if owned.leaving and heir is not owned and heir.held & owned.held:
                    self._step(self.destroy, heir)
            owned.leaving = False
        self.others.leave()
        self.chance.shuffle(self.playing)
        last = {owned.target: owned for owned in self.playing}
        for owned in self.playing:
            if last[owned.target] is not owned:
                self._step(self.destroy, owned)
                assert not owned.held, owned.refusal
        self.others.clear_up(self.playing)
        for owned in last.values():
            if self.promises.given_away(owned):  # the holder of what it would adopt keeps it
                owned.become(f"{owned.instance.urn}-too")
            switched = owned.wanted.get("state") == "switched"
            owned.wanted = {
                **owned.wanted,
                "triggers": ["the last"],
                **({"state": "stopped"} if switched else {}),
            }
        calm = 0
        for _ in range(ROUNDS):
            for owned in last.values():
                self.time_passes(owned)
                self._step(self.up, owned)
            calm = 0 if any(owned.refusal for owned in last.values()) else calm + 1
            if calm == 2:
                break
            for owned in last.values():
                self._step(self.heed, owned)
        for owned in last.values():
            self._hold_at_the_end(owned)
        self.others.clear_up(self.playing)
        for owned in last.values():
            (id_,) = owned.held
            taken = owned.has_taken_over
            self._step(self.destroy, owned)
            assert not owned.held, owned.refusal
            assert (id_ in self.promises.tasks()) is bool(taken)
            if taken:
                self.world.cloud.remove(id_)
        assert not self.promises.tasks()

    def _hold_at_the_end(self, owned: Owned) -> None:
        assert owned.online.state is not None, owned.refusal
        assert owned.online.preview(owned.inputs(owned.wanted)).step == "same", owned.refusal
        task = self.promises.tasks()[owned.instance.id]
        switched = owned.wanted.get("state") == "switched"  # as it was taken over
        assert (task["task_status"] == "EXCHANGE_SUCCESS") is switched
        if switched or owned.wanted.get("state") == "stopped":
            assert task["status"] in ("TERMINATED", "RUNNING", "FAILED"), task
        else:
            assert task["status"] in ("FULLMIGRATING", "INCRMIGEATING"), task


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
        tap = Tap(cloud)
        tap.clock = clock
        course = Drawn(seed, World(cloud, clock, FakeEngine()), tap)
        try:
            with refusable(tap):
                course.run()
        except ProviderError as error:
            raise AssertionError(f"a refresh failed: {error}") from error
        return course.counts
