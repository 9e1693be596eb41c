"""How commands run in a schedule, each with a process of its own, and what must be true after every step."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

from dcs_emulator.operations import project_id_of
from dcs_migration.life_cycles.reporting import ProviderError
from tests.chaos.leaks import FIRST_PASSWORD, OTHER_PASSWORD, SECRET_KEY, leaked, legible, told_by_server
from tests.chaos.model import (
    ENDED,
    ENDED_BADLY,
    Broken,
    CliDied,
    Figures,
    Ledger,
    Managed,
    Operation,
    ProcessClock,
    Run,
    WatchedProvider,
    new_process,
)
from tests.chaos.plan import RESOURCES, Schedule, Step
from tests.chaos.tap import Tap
from tests.fakes import FakeClock, FakeEngine
from tests.signing import SignedClient
from tests.unit.life_cycle_world import REGION, CheckFailed, Resource, environment, start_plugin

# Injected seconds within which an operation always ends.
BOUNDS = {"check": 0.1, "diff": 0.1, "update": 0.1, "read": 900.0, "create": 1800.0, "delete": 1800.0}
OF_TWO_STACKS = 4.0  # injected seconds
TIMEOUTS = (10.0, 30.0)  # real seconds: no slow machine must look like a fault
SECRETS = (FIRST_PASSWORD, OTHER_PASSWORD, SECRET_KEY)


class Course:
    """One schedule under way: how commands are run, and judged."""

    def __init__(self, tap: Tap, figures: Figures, schedule: Schedule, clock: FakeClock) -> None:
        self.tap = tap
        self.figures = figures
        self.cloud = tap.cloud
        self.schedule = schedule
        self.clock = clock
        self.ledger = Ledger(self.cloud)
        self.happened: list[str] = []
        self.records: list[str] = []
        self.password = FIRST_PASSWORD
        self.quoted = False  # by the error of a task
        self.environ = environment(
            self.cloud.url,
            HW_ACCESS_KEY=self.cloud.access_key,
            HW_SECRET_KEY=SECRET_KEY,
            **({"HW_PROJECT_ID": project_id_of(REGION)} if schedule.project_known else {}),
        )
        self.by_hand = SignedClient(
            self.cloud.url,
            project=project_id_of(REGION),
            access_key=self.cloud.access_key,
            secret_key=SECRET_KEY,
        )
        first = start_plugin(self.environ, clock, FakeEngine())
        self.managed = [
            Managed(number, Resource(first, name, stack)) for number, (name, stack, _) in enumerate(RESOURCES)
        ]
        for managed, (_, _, owner) in zip(self.managed, RESOURCES, strict=True):
            managed.resource.owner = owner

    def _pass(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def _settle(self) -> None:
        self.tap.withdraw()
        self.tap.land()
        self.tap.caller = None
        self._judge()

    # How a command is run.

    def _command(self, step: Step, work: Callable[[Run], None], *, nested: bool = False) -> None:
        if self.ledger.lags:
            self._pass(6.0)  # no one can know of a task that the service doesn't show yet
        engine = FakeEngine()
        clock = ProcessClock(self.clock)

        def new_plugin() -> Any:
            return start_plugin(self.environ, clock, engine, timeouts=TIMEOUTS)  # type: ignore[arg-type]

        run = Run(self.ledger, None if nested else step.kill, lambda: None, clock, engine, new_plugin)
        run.overtake = lambda: self._overtake(step, run)
        clock.run = run
        engine.on_require = lambda: run.moment("require")
        if not nested:
            told = self._told(step.kind)
            for fault in step.faults:
                self.tap.order(fault, told)
            self.ledger.under_way = run
            if step.value % 2:
                run.landing = self.tap.land_crossing
            else:
                self.tap.land_crossing()
        with new_process():
            try:
                work(run)
            finally:
                for plugin in run.plugins.values():
                    plugin.close()
        for line in engine.lines:
            self.ledger.counts["adoptions"] += line.message.startswith("adopted task")
            self._search("a log line", line.message)

    def _told(self, kind: str) -> str:
        """Return a message of the server with a secret in it that the process of a command knows.

        A process knows the passwords in its inputs and in the states that it reads. A process that only reads has
        no passwords, and no process has a password from before a rotation.
        """
        known = {
            managed.resource.state.outputs["target_instance"]["password"]
            for managed in self.managed
            if managed.resource.state is not None
        }
        from_state = kind in ("refresh", "destroy", "drift")
        unknown = kind == "get" or (from_state and known != {self.password})
        return told_by_server(SECRET_KEY if unknown else self.password)

    def _overtake(self, step: Step, old: Run) -> None:
        """While the old plugin is still there without its CLI, the user runs `up` again."""
        self.tap.withdraw()
        self.tap.land()
        caller, self.tap.caller = self.tap.caller, None
        plugins = [managed.resource.plugin for managed in self.managed]

        def bring_up(run: Run) -> None:
            for managed in self._all_desired():
                self._bring_up(run, managed)

        self._command(step, bring_up, nested=True)
        for managed, plugin in zip(self.managed, plugins, strict=True):
            managed.resource.plugin = plugin
        self.tap.caller = caller

    def _all_desired(self) -> Iterator[Managed]:
        """Yield the resources that are to be there; time passes between those of different stacks.

        Two stacks that look within the same three seconds do not see what the other one starts: docs/safety.md says so.
        """
        owner = None
        for managed in self.managed:
            if managed.desired is None:
                continue
            if owner not in (None, managed.resource.owner):
                self._pass(OF_TWO_STACKS)
            owner = managed.resource.owner
            yield managed

    @contextlib.contextmanager
    def _attempt(self, run: Run, managed: Managed) -> Iterator[None]:
        """Run commands of a resource in this run's plugin; any failure in one line is well."""
        plugin = managed.resource.plugin = run.plugin_of(managed)
        plugin.providers["MigrationTask"] = WatchedProvider(
            plugin, lambda name, call: self._watched(run, managed, name, call)
        )
        try:
            yield
        except ProviderError as error:
            self._judge_error(run, str(error))
        except CheckFailed as failed:
            self._search("a check", str(failed))
        except CliDied:
            self.happened.append("  the CLI died")
        state = managed.resource.state
        if state is not None and state.id in self.ledger.started:
            self.ledger.started[state.id].recorded = True

    def _watched(self, run: Run, managed: Managed, name: str, call: Callable[[], Any]) -> Any:
        self.figures.counts[f"calls of {name}"] += 1
        operation = Operation(run, managed, name, self.clock)
        outer, self.tap.caller = self.tap.caller, operation
        began = self.clock.seconds
        try:
            result = call()
        finally:
            self.tap.caller = outer
            took = self.clock.seconds - began
            longest = self.figures.longest
            longest[name] = max(took, longest.get(name, 0.0))
            if took > BOUNDS[name] and not run.killed:
                self.ledger.break_(f"{name} took {took:.0f} s")
            if operation.unclear and not run.killed:
                self.ledger.break_("create gave up without a look after an unclear outcome")
            if run.cli_dead:
                raise CliDied
        if run.plugin_dead:
            raise ProviderError("the plugin died")
        if name == "create" and result.id not in self.ledger.foreign:
            status = self.ledger.observe().get(result.id)
            if status is None or status in ENDED_BADLY:
                self.ledger.break_(f"create returned a task that is {status}")
        return result

    def _judge_error(self, run: Run, message: str) -> None:
        self.happened.append(f"  error: {message}")
        self._search("an error", message)
        if "\n" in message or not message.strip():
            self.ledger.break_(f"an error is not one line: {message!r}")
        if "internal error" in message or ("interrupted" in message and not run.plugin_dead):
            self.ledger.break_(message)

    def _search(self, where: str, text: str) -> None:
        form = leaked(text, SECRETS)
        if form is not None:
            self.ledger.break_(f"{where} holds a secret: {text}")

    def _inputs(self, managed: Managed) -> dict[str, Any]:
        assert managed.desired is not None
        inputs = dict(managed.desired)
        for key in ("source_instance", "target_instance"):
            if key in inputs:
                inputs[key] = {**inputs[key], "password": self.password}
        return inputs

    def _bring_up(self, run: Run, managed: Managed, *, replace: bool = False, retain: bool = False) -> None:
        with self._attempt(run, managed):
            managed.resource.up(self._inputs(managed), replace=replace, retain=retain)
            if managed.resource.preview(self._inputs(managed)).step != "same":
                self.ledger.break_("a preview after an up shows a change")

    # What must be true.

    def _judge(self) -> None:
        existing, listed = self.ledger.observe(), self.ledger.listed()
        for managed in self.managed:
            self._judge_resource(managed, existing, listed)
        for line in self.records:
            self._search("the debug log", line)
        self.records.clear()
        if self.ledger.broken:
            lines = [*self.ledger.broken, str(self.schedule), *self.happened]
            raise Broken("\n".join(lines))

    def _judge_resource(self, managed: Managed, existing: dict[str, str], listed: set[str]) -> None:
        state = managed.resource.state
        live = [
            task
            for task in self.ledger.started.values()
            if task.owner is managed
            and not (task.lost or task.stray or task.retained)
            and existing.get(task.id, "FAILED") not in ENDED_BADLY
            and (task.id in listed or existing[task.id] not in ENDED)
        ]
        if len(live) > 1:
            self.ledger.break_(f"duplicate: {[task.id for task in live]} of one definition")
        if state is None:
            return
        self._search("the state", json.dumps(legible([state.inputs, state.outputs]), ensure_ascii=False))
        if state.outputs.get("status") == "GONE" and existing.get(state.id, "SUCCESS") not in ENDED:
            self.ledger.break_(f"state says GONE of a task that runs: {state.id}")
        task = self.ledger.started.get(state.id)
        taken = state.outputs.get("__taken_over") == state.id and state.id in self.ledger.foreign
        if not taken and (task is None or task.owner is not managed):
            self.ledger.break_(f"state holds the task of another owner: {state.id}")
        if live and live[0].id != state.id and not (task is not None and task.stray):
            self.ledger.break_(f"orphan: {live[0].id} ({live[0].status}), while state holds {state.id}")

    @contextlib.contextmanager
    def logged(self) -> Iterator[None]:
        """Collect the debug log, where the schedule says so."""
        if not self.schedule.logged:
            yield
            return
        handler = _Collect(self.records)
        logger = logging.getLogger("dcs_migration")
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)


class _Collect(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())
