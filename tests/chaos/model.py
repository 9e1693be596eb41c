"""What is true, kept apart from what the provider believes: who started which task, who asked for it, who dies."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dcs_emulator import Emulator
from dcs_migration.clock import Clock
from dcs_migration.life_cycles.secrets import Scrubber, scrub
from dcs_migration.life_cycles.tasks.defaults import default_name
from tests.chaos.plan import Kill
from tests.chaos.tap import CREATE, LIST, SHOW, WRITES, Seen
from tests.fakes import FakeClock, FakeEngine
from tests.unit.life_cycle_world import Plugin, Resource

LOOK_AGE = 3.1  # seconds: a look that a POST may rely on
BATCH_WINDOW = 0.06  # seconds: sleeps this short are between Pulumi check and its write
ENDED_BADLY = ("FAILED", "MIGRATION_FAILED", "ERROR", "TERMINATED")
ENDED = (*ENDED_BADLY, "SUCCESS", "MIGRATION_SUCCESS", "RELEASED")


class CliDied(BaseException):
    """The CLI is dead: no state is written for any answer of the plugin."""


class PluginDied(BaseException):
    """This process is dead: nothing in it continues."""


class Broken(AssertionError):
    """A promise was broken; the text holds the seed, the schedule and the log of what happened."""


@dataclass
class Figures:
    """What a campaign did."""

    schedules: int = 0
    steps: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    longest: dict[str, float] = field(default_factory=dict)


@dataclass
class Managed:
    """One resource of one stack. ``asked`` counts the imports that its user has asked for."""

    number: int
    resource: Resource
    desired: dict[str, Any] | None = None
    asked: int = 0
    renames: int = 0
    replaces: bool = False  # the command under way asks for another run
    uncertain: bool = False  # the state was lost after a renaming, or without marks: no run can find its task

    @property
    def target(self) -> str | None:
        """The instance that its task runs into."""
        return self.desired["target_instance"]["id"] if self.desired else None

    @property
    def definition(self) -> Any:
        """What its task does: two of one definition would do it twice."""
        keys = ("migration_type", "migration_method", "backup_files", "source_instance", "triggers")
        return (self.target, *((self.desired or {}).get(key) for key in keys))


@dataclass
class Started:
    """One task that the server started for a resource."""

    id: str
    owner: Managed
    asked: int
    status: str = "MIGRATING"
    recorded: bool = False  # state knew of it once
    target: str | None = None
    definition: Any = None
    retained: bool = False  # its user has kept it in addition to its successor
    lost: bool = False  # the cloud forgot it before it was in any state: no one could have found it
    stray: bool = False  # carried out after the look-up of a later command: no one could have known
    crossed: tuple[Run, int] | None = None  # the run in which it was carried out for an earlier one, and when


class Ledger:
    """Every task that was started, every broken promise."""

    def __init__(self, cloud: Emulator) -> None:
        self.cloud = cloud
        self.started: dict[str, Started] = {}
        self.foreign: set[str] = set()
        self.broken: list[str] = []
        self.counts: Counter[str] = Counter()
        self.under_way: Run | None = None

    def break_(self, what: str) -> None:
        """Note a broken promise."""
        self.broken.append(what)

    def observe(self) -> dict[str, str]:
        """Bring the statuses up to date; return those of the tasks that exist."""
        statuses = {str(task["id"]): str(task["status"]) for task in self.cloud.tasks()}
        for id_, task in self.started.items():
            task.status = statuses.get(id_, task.status)
        return statuses

    def listed(self) -> set[str]:
        """Return the ids that the service lists; records may expire."""
        store = self.cloud._control._store
        projects = {str(task["project_id"]) for task in self.cloud.tasks()}
        with store.transaction() as now:
            return {task.id for project in projects for task in store.listed(project, now)}

    def creation(self, owner: Managed, run: Run, looks: int, *, late: bool) -> None:
        """Note the task that the server has just started, and judge whether it was asked for.

        ``looks``: how often this run had looked when it sent the request. ``late``: it arrived when no one waited
        any more, and anything may have started meanwhile.
        """
        statuses = self.observe()
        new = set(statuses) - set(self.started) - self.foreign
        visible = self.listed()
        for id_ in new:
            for earlier in self.started.values():
                if earlier.owner is not owner or earlier.asked != owner.asked:
                    continue
                if earlier.status in ENDED_BADLY or earlier.lost or earlier.stray:
                    continue
                if earlier.crossed is not None and earlier.crossed == (run, looks):
                    earlier.stray = True
                    self.counts["delayed POST carried out between the next look-up and POST"] += 1
                    continue
                if not earlier.recorded and earlier.id not in visible:
                    earlier.lost = True
                    self.counts["forgotten by the cloud before any state knew"] += 1
                    continue
                self.break_(f"unasked import: {id_} after {earlier.id} ({earlier.status})")
            if not late:
                self._judge_neighbours(id_, owner, statuses, visible, (run, looks))
            self._note(id_, owner, owner.asked, statuses[id_])

    def _note(self, id_: str, owner: Managed, asked: int, status: str) -> Started:
        task = Started(id_, owner, asked, status, target=owner.target, definition=owner.definition)
        self.started[id_] = task
        return task

    def _judge_neighbours(
        self, id_: str, owner: Managed, statuses: Mapping[str, str], visible: set[str], now: tuple[Run, int]
    ) -> None:
        """Two must never run on one target, and no one may run what someone else has run."""
        targets = {str(task["id"]): task["target_instance_id"] for task in self.cloud.tasks()}
        for other, status in statuses.items():
            task = self.started.get(other)
            if other == id_ or other not in visible or (task is not None and task.crossed == now):
                continue
            if targets[other] == owner.target and status not in ENDED:
                self.break_(f"two running on one target: {id_} and {other} ({status})")
            if task is None or task.owner is owner or status in ENDED_BADLY or owner.replaces:
                continue
            known = not (task.lost or task.stray or self.without_marks)
            if known and task.definition == owner.definition:
                self.break_(f"run a second time for another owner: {id_} after {other} ({status})")

    def stands_in_the_way(self, owner: Managed) -> bool:
        """Whether a task keeps a resource from having one: it runs on its target, or did the same for another."""
        visible = self.listed()
        for told in self.cloud.tasks():
            other, status = str(told["id"]), str(told["status"])
            if other not in visible or status in ENDED_BADLY:
                continue
            task = self.started.get(other)
            if told["target_instance_id"] == owner.target and status not in ENDED:
                return True
            same_name = told["name"] == (owner.desired or {}).get(
                "task_name", default_name(owner.resource.urn)
            )
            nobody_s = task is None or self.without_marks
            if nobody_s and same_name and told["target_instance_id"] == owner.target:
                return True  # by its name, it has done the same
            unknown = task is None or task.owner is not owner or owner.uncertain or self.without_marks
            if task is not None and unknown and task.definition == owner.definition:
                return True
        return False

    @property
    def lags(self) -> bool:
        """Whether the listing shows a task only a while after it was started."""
        return any(spec.startswith("listing-lags") for spec in self.cloud.quirks)

    @property
    def without_marks(self) -> bool:
        """Whether the service gives no description back as it was sent."""
        return any(spec.startswith(("description-null", "description-trimmed")) for spec in self.cloud.quirks)

    def crossing(self, owner: Managed, asked: int, run: Run | None) -> None:
        """Note a task that the server started for a command that is over; ``run`` is the one under way."""
        statuses = self.observe()
        for id_ in set(statuses) - set(self.started) - self.foreign:
            others = [
                task
                for task in self.started.values()
                if task.owner is owner and task.status not in ENDED_BADLY and not (task.lost or task.stray)
            ]
            task = self._note(id_, owner, asked, statuses[id_])
            if asked != owner.asked or any(other.asked == asked for other in others):
                task.stray = True
                self.counts["delayed POST carried out after the next one, or after a change"] += 1
            else:
                self.counts["delayed POST carried out for nobody else"] += 1
            if run is not None:
                task.crossed = (run, run.looks)
            if self.lags:
                task.stray = True
                self.counts["delayed POST carried out while the listing lags"] += 1


@dataclass(eq=False)
class Run:
    """One command of the CLI, with Pulumi and the plugin process of its own.

    A command about several stacks stands for one command in each: ``plugins`` are their processes, by owner.
    """

    ledger: Ledger
    kill: Kill | None
    overtake: Callable[[], None]
    clock: ProcessClock
    engine: FakeEngine
    new_plugin: Callable[[], Plugin]
    plugins: dict[str, Plugin] = field(default_factory=dict)
    cli_dead: bool = False
    plugin_dead: bool = False
    refused: set[str] = field(
        default_factory=set
    )  # owners whose processes know that the credentials are refused
    last_look: tuple[int, float] = (-1, float("-inf"))  # order and moment of the last good listing
    order: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    killed: bool = False
    looks: int = 0  # how many good listings it has had
    spared: bool = False  # its CLI died after the last check before a write: that one write may still leave
    landing: Callable[[], None] | None = None  # carries out what an earlier command left under way

    def plugin_of(self, managed: Managed) -> Plugin:
        """Return the process that serves a resource."""
        owner = managed.resource.owner
        if owner not in self.plugins:
            self.plugins[owner] = self.new_plugin()
        return self.plugins[owner]

    def moment(self, kind: str) -> None:
        """Let pass a moment of a kind, at which this run may be killed."""
        if self.plugin_dead:
            raise PluginDied
        self.moments[kind] += 1
        if kind == "require" and self.landing is not None:
            self.landing()
        kill = self.kill
        if self.killed or kill is None or kill.moment != kind or self.moments[kind] != kill.count:
            return
        self.killed = True
        self.ledger.counts[f"killed: {kill.who}"] += 1
        self.ledger.counts[f"killed at: {kind}"] += 1
        if kill.who != "plugin":
            self.cli_dead = True
            self.engine.alive = False
            self.spared = kind == "window"
        if kill.who in ("all", "plugin"):
            self.plugin_dead = True
            if kind != "answer":
                raise PluginDied
        if kill.who == "overtaken":
            self.overtake()


class ProcessClock:
    """The world's clock as one process sees it, for as long as it lives."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.run: Run | None = None

    def monotonic(self) -> float:
        """See `FakeClock`."""
        if self.run is not None and self.run.plugin_dead:
            raise PluginDied
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """See `FakeClock`."""
        if self.run is not None:
            self.run.moment("sleep" if seconds > BATCH_WINDOW else "window")
        self._clock.sleep(seconds)

    def now(self) -> Any:
        """See `FakeClock`."""
        return self._clock.now()


class Operation:
    """One call of the provider: judges the requests that it makes."""

    def __init__(self, run: Run, managed: Managed, name: str, clock: Clock) -> None:
        self.run = run
        self.managed = managed
        self.name = name
        self.clock = clock
        self.began = clock.monotonic()
        self.asked = managed.asked
        self._last: dict[str, int] = {}  # of each write (and task): its place in the order of requests
        self._looked = -1
        self._looks = 0  # how often the run had looked at the last POST
        self.unclear = False  # the last POST may have started a task, and no one has looked since

    def arrives(self, seen: Seen) -> None:
        """Judge a request before the server acts on it."""
        run, ledger = self.run, self.run.ledger
        run.order += 1
        ledger.counts[seen.operation] += 1
        if seen.operation == LIST:
            self.unclear = False
        if self.managed.resource.owner in run.refused:
            ledger.break_(f"{seen.operation} after the credentials were refused")
        if seen.operation not in WRITES:
            return
        if (run.cli_dead and not run.spared) or run.plugin_dead:
            ledger.break_(f"{seen.operation} after the engine died")
        run.spared = False
        if seen.operation == CREATE:
            self._judge_create()
        for id_ in seen.ids:
            self._judge_change(seen.operation, id_)

    def _judge_create(self) -> None:
        if self.name != "create":
            self.run.ledger.break_(f"a task was started by {self.name}")
        order, moment = self.run.last_look
        fresh = self.clock.monotonic() - moment <= LOOK_AGE
        if not fresh or order < self._last.get(CREATE, -1):
            self.run.ledger.break_(
                "CreateMigrationTask without a look-up that is fresh and newer than the last try"
            )
        self._last[CREATE] = self.run.order
        self._looks = self.run.looks

    def _judge_change(self, operation: str, id_: str) -> None:
        ledger = self.run.ledger
        task = ledger.started.get(id_)
        if task is None or task.owner is not self.managed:
            ledger.break_(f"{operation} of the task of another owner: {id_}")
        if self.name not in ("delete", "create"):
            ledger.break_(f"{operation} by {self.name}")
        if (
            task is not None
            and self.name == "create"
            and ledger.observe().get(id_) not in (*ENDED_BADLY, None)
        ):
            ledger.break_(f"{operation} of a task that did not fail, by create")
        if self._last.get(operation + id_, -1) > self._looked:
            ledger.break_(f"{operation} retried without a look-up")
        self._last[operation + id_] = self.run.order

    def acted(self, seen: Seen) -> None:
        """Take note of what the server did, and of what the caller can know of it."""
        run = self.run
        if seen.operation == CREATE:
            run.ledger.creation(self.managed, run, self._looks, late=seen.late)
            self.unclear = seen.unclear
        if seen.good and seen.operation in (LIST, SHOW):
            self._looked = run.order
            if seen.operation == LIST:
                run.last_look = (run.order, self.clock.monotonic())
                run.looks += 1
        if seen.status == 401:
            run.refused.add(self.managed.resource.owner)
        with contextlib.suppress(PluginDied):
            run.moment("answer")

    def crossed(self) -> None:
        """Take note of what the server did for this call after it was over."""
        self.run.ledger.crossing(self.managed, self.asked, self.run.ledger.under_way)


class WatchedProvider:
    """A provider of either front end, whose every call is judged by what ``watch`` does around it."""

    def __init__(self, plugin: Plugin, watch: Callable[[str, Callable[[], Any]], Any]) -> None:
        self._provider = plugin.provider
        self._watch = watch

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        call = getattr(self._provider, operation)
        return lambda *args: self._watch(operation, lambda: call(*args))


@contextlib.contextmanager
def new_process() -> Iterator[None]:
    """Have no secrets at first, like a new process."""
    kept = dict(vars(scrub))
    vars(scrub).update(vars(Scrubber()))
    try:
        yield
    finally:
        vars(scrub).update(kept)
