"""Drives waits as Pulumi does, in this process: a plugin process of completions, and their tasks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

from dcs_emulator import Emulator
from dcs_emulator.operations import project_id_of
from dcs_migration.life_cycles.accounts import Accounts
from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.migration_completion.life_cycle import MigrationCompletionLifeCycle
from dcs_migration.life_cycles.migration_completion.progress import ON_A_TERMINAL
from dcs_migration.life_cycles.process import Process
from dcs_migration.providers.migration_completion import MigrationCompletionProvider
from tests.fakes import FakeClock, FakeEngine
from tests.signing import SignedClient, online_changes
from tests.unit.life_cycle_world import REGION, CheckFailed, Plan, State, environment, over_the_wire

HOUR = 3600.0
INTERVAL = 10.0  # seconds: the default, and the time between two polls in these tests
POLLED = 9.0  # seconds: requests for a listing that lie closer together belong to one poll


@dataclass(frozen=True)
class Task:
    """A task as the program knows it: what its completion is told."""

    id: str
    name: str
    urn: str
    status: str = "MIGRATING"
    region: str = REGION
    project_id: str = project_id_of(REGION)

    def known_as(self, status: str) -> Task:
        """Return it with another status in state."""
        return replace(self, status=status)


class Completion:
    """One completion of one stack. Each method is a command of the CLI."""

    def __init__(self, provider: MigrationCompletionProvider, name: str) -> None:
        self.provider = provider
        self.urn = f"urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:MigrationCompletion::{name}"
        self.state: State | None = None

    @property
    def statuses(self) -> dict[str, str]:
        """The output of that name."""
        assert self.state is not None
        statuses: dict[str, str] = self.state.outputs["statuses"]
        return statuses

    def _check(self, tasks: Sequence[Task], ids: Sequence[str], inputs: Mapping[str, Any]) -> dict[str, Any]:
        known = [asdict(task) for task in tasks]
        news = {**inputs, "task_ids": [*(task.id for task in tasks), *ids], "__urn": self.urn}
        olds = self.state.inputs if self.state is not None else {}
        result = self.provider.check(olds, over_the_wire({**news, "__tasks": known}))
        if result.failures:
            raise CheckFailed([failure.reason for failure in result.failures])
        checked = over_the_wire(result.inputs)
        assert isinstance(checked, dict)
        return checked

    def preview(self, tasks: Sequence[Task] = (), ids: Sequence[str] = (), **inputs: Any) -> Plan:
        """Return what an `up` would do."""
        return self._plan(self._check(tasks, ids, inputs))

    def _plan(self, news: dict[str, Any]) -> Plan:
        if self.state is None:
            return Plan("create")
        diff = self.provider.diff(self.state.id, self.state.outputs, news)
        assert not diff.replaces
        return Plan("update" if diff.changes else "same")

    def up(self, tasks: Sequence[Task] = (), ids: Sequence[str] = (), **inputs: Any) -> dict[str, str]:
        """Bring the completion up, and return its statuses; a wait that fails leaves the state as it was."""
        news = self._check(tasks, ids, inputs)
        step = self._plan(news).step
        if step == "create":
            created = self.provider.create(news)
            self.state = State(created.id, news, over_the_wire(created.outs))
        elif step == "update":
            assert self.state is not None
            updated = self.provider.update(self.state.id, self.state.outputs, news)
            self.state = State(self.state.id, news, over_the_wire(updated.outs))
        return self.statuses

    def refresh(self) -> None:
        """Refresh."""
        assert self.state is not None
        result = self.provider.read(self.state.id, self.state.outputs)
        assert result.id == self.state.id
        self.state.outputs = over_the_wire(result.outs)

    def destroy(self) -> None:
        """Delete the completion."""
        assert self.state is not None
        self.provider.delete(self.state.id, self.state.outputs)
        self.state = None


class Waits:
    """An emulated cloud, the time, an engine, and one plugin process of completions."""

    def __init__(self, cloud: Emulator, clock: FakeClock, engine: FakeEngine, **environ: str) -> None:
        self.cloud = cloud
        self.clock = clock
        self.engine = engine
        self.settings = Settings(environ={**environment(cloud.url), **environ})
        self.accounts = Accounts(self.settings, clock, timeouts=(10.0, 10.0), max_retries=0)
        self.provider = MigrationCompletionProvider()
        self.provider._loaded = MigrationCompletionLifeCycle(
            Process(self.accounts, engine), every=ON_A_TERMINAL
        )

    def completion(self, name: str = "orders-done") -> Completion:
        """Return a completion that is not in state yet."""
        return Completion(self.provider, name)

    def task(self, name: str = "orders", region: str = REGION, **changes: Any) -> Task:
        """Start a task, as an earlier step of the program does."""
        project = project_id_of(region)
        client = SignedClient(self.cloud.url, project=project)
        with client.session:
            id_ = client.create(name, **{"target_instance": {"id": f"for-{name}"}, **changes})
        self.cloud.clear_requests()
        urn = f"urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:MigrationTask::{name}"
        return Task(id_, name, urn, region=region, project_id=project)

    def tasks(self, number: int, **options: Any) -> list[Task]:
        """Start several tasks."""
        return [self.task(f"orders-{index}", **options) for index in range(number)]

    def online_task(self, name: str = "cache", **changes: Any) -> Task:
        """Start an incremental online migration."""
        return self.task(name, **online_changes(**changes))

    def turn(
        self, seconds: float, tasks: Task | Sequence[Task], status: str, error: str | None = None
    ) -> None:
        """Order that tasks take a status, some seconds from now."""
        several = [tasks] if isinstance(tasks, Task) else tasks

        def act() -> None:
            for task in several:
                self.cloud.set_status(task.id, status, error)

        self.clock.at(seconds, act)

    def set_statistics(self, task: Task, **numbers: Any) -> None:
        """Have the statistics of a task say something else than the emulator would."""
        with self.cloud._control._store.transaction():
            record = next(each for each in self.cloud._control._store.existing() if each.id == task.id)
            record.statistics = numbers

    def count(self, operation: str) -> int:
        """Return how many requests of an operation arrived."""
        return sum(entry["operation"] == operation for entry in self.cloud.requests())

    def operations(self) -> set[str]:
        """Return which operations were called."""
        return {entry["operation"] for entry in self.cloud.requests()}

    def list_calls(self, region: str | None = None) -> list[float]:
        """Return the moments of the list calls, in seconds since the clock's start."""
        start = self.clock.time() - self.clock.seconds
        return [
            entry["time"] - start
            for entry in self.cloud.requests()
            if entry["operation"] == "ListMigrationTask"
            and (region is None or project_id_of(region) in entry["path"])
        ]

    def polls(self, region: str | None = None) -> list[float]:
        """Return the moments of the polls: the first list call of each."""
        moments: list[float] = []
        for moment in self.list_calls(region):
            if not moments or moment - moments[-1] > POLLED:
                moments.append(moment)
        return moments

    def touched(self) -> list[str]:
        """Return the operations that change something; of a wait there is never one."""
        return [entry["operation"] for entry in self.cloud.requests() if entry["method"] != "GET"]


def gaps(moments: Sequence[float]) -> list[int]:
    """Return the whole seconds between moments."""
    return [round(later - earlier) for earlier, later in pairwise(moments)]


class Shared(FakeClock):
    """A fake clock for several waits at a time: one step is passed by all of them together.

    A thread that sleeps waits for the others to sleep, too; then time moves to the earliest waking.
    """

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._changed = threading.Condition()
        self._awake = threads
        self._wakings: dict[int, float] = {}

    def sleep(self, seconds: float) -> None:
        """Sleep until the others have slept as long."""
        me = threading.get_ident()
        with self._changed:
            wake = self.seconds + seconds
            self._wakings[me] = wake
            self._awake -= 1
            self._step()
            while self.seconds < wake:
                assert self._changed.wait(20)
            self._awake += 1
            del self._wakings[me]

    def leave(self) -> None:
        """Sleep no more, in this thread."""
        with self._changed:
            self._awake -= 1
            self._step()

    def _step(self) -> None:
        if self._awake == 0 and self._wakings:
            self.advance(max(0.0, min(self._wakings.values()) - self.seconds))
            self._changed.notify_all()

    def leaving(self, work: Callable[[], object]) -> Callable[[], None]:
        """Return the work of one thread, after which it leaves."""

        def run() -> None:
            try:
                work()
            finally:
                self.leave()

        return run
