"""Drives the provider as Pulumi does, in this process: stacks, plugin processes, and one resource each."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from pulumi.runtime import rpc

from dcs_emulator import Emulator
from dcs_emulator.operations import project_id_of
from dcs_migration.life_cycles.accounts import Accounts
from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.migration_instance.life_cycle import MigrationInstanceLifeCycle
from dcs_migration.life_cycles.migration_task.life_cycle import MigrationTaskLifeCycle
from dcs_migration.life_cycles.online_migration.life_cycle import OnlineMigrationLifeCycle
from dcs_migration.life_cycles.process import Process
from dcs_migration.life_cycles.reporting import ProviderError
from dcs_migration.providers.migration_instance import MigrationInstanceProvider
from dcs_migration.providers.migration_task import MigrationTaskProvider
from dcs_migration.providers.online_migration import OnlineMigrationProvider
from tests.e2e.stack import FRONT_END
from tests.fakes import FakeClock, FakeEngine
from tests.native_plugin import NativePlugin
from tests.signing import SignedClient

FRONT_ENDS = ("dynamic", "native")

REGION = "eu-west-101"
PASSWORD = "Tr0ub4dor&3/zebra"
LOOKED_UP = 3.0  # seconds: the age of a listing that a POST may rely on
PICKLE = "a pickled provider"

BACKUP_IMPORT: dict[str, Any] = {
    "migration_type": "backupfile_import",
    "migration_method": "full_amount_migration",
    "backup_files": {"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]},
    "target_instance": {"id": "instance-1", "password": PASSWORD},
}
ONLINE: dict[str, Any] = {
    "migration_type": "online_migration",
    "migration_method": "incremental_migration",
    "network_type": "vpc",
    "source_instance": {"addrs": "10.0.0.1:6379", "password": PASSWORD},
    "target_instance": {"id": "instance-1"},
}


def into(target: str, inputs: Mapping[str, Any] = BACKUP_IMPORT, **changes: Any) -> dict[str, Any]:
    """Return inputs for another target: one target takes one task at a time."""
    return {**inputs, "target_instance": {"id": target, "password": PASSWORD}, **changes}


def environment(url: str, **more: str) -> dict[str, str]:
    """Return the variables that point to an emulator."""
    return {
        "HW_REGION_NAME": REGION,
        "HW_ACCESS_KEY": "emulator",
        "HW_SECRET_KEY": "emulator",
        "HW_DCS_ENDPOINT": url,
        **more,
    }


def over_the_wire(value: Any) -> Any:
    """Return a copy of properties as Pulumi hands them on: without marks and keys that have no value."""
    value = rpc.unwrap_rpc_secret(value)
    if isinstance(value, Mapping):
        return {key: over_the_wire(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [over_the_wire(item) for item in value]
    return value


@dataclass
class State:
    """What the stack's state holds of a resource."""

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


@dataclass
class Plan:
    """What a preview says about a resource: `create`, `same`, `update` or `replace`, and what replaces it."""

    step: str
    replaces: list[str] = field(default_factory=list)


class CheckFailed(Exception):
    """A check found problems; `lines` are their texts."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Plugin:
    """One plugin process: what `python -m pulumi.dynamic` holds, made again for each run of the CLI."""

    def __init__(
        self,
        environ: Mapping[str, str],
        clock: FakeClock,
        engine: FakeEngine,
        *,
        config: Mapping[str, Any] | None = None,
        timeouts: tuple[float, float] = (10.0, 10.0),
    ) -> None:
        settings = Settings(dict(config or {}).get, environ)
        accounts = Accounts(settings, clock, timeouts=timeouts)
        process = Process(accounts, engine)
        self.close = accounts.close
        self.provider = MigrationTaskProvider()
        self.provider._loaded = MigrationTaskLifeCycle(process)
        instances, online = MigrationInstanceProvider(), OnlineMigrationProvider()
        instances._loaded = MigrationInstanceLifeCycle(process)
        online._loaded = OnlineMigrationLifeCycle(process)
        self.providers: dict[str, Any] = {
            "MigrationTask": self.provider,
            "MigrationInstance": instances,
            "OnlineMigration": online,
        }


def type_of(kind: str) -> str:
    """Return the type of a kind of resource in the front end that is to be tried."""
    native = os.environ.get(FRONT_END) == "native"
    return f"dcs:index:{kind}" if native else f"pulumi-python:dynamic/dcs:{kind}"


def start_plugin(environ: Mapping[str, str], clock: FakeClock, engine: FakeEngine, **options: Any) -> Any:
    """Start a plugin process of the front end that is to be tried."""
    kind = NativePlugin if os.environ.get(FRONT_END) == "native" else Plugin
    return kind(environ, clock, engine, **options)


class Resource:
    """One resource of one stack. Each method is a command of the CLI, in the plugin process that is given."""

    def __init__(
        self, plugin: Plugin, name: str = "orders", stack: str = "dev", kind: str = "MigrationTask"
    ) -> None:
        self.plugin = plugin
        self.kind = kind
        self.urn = f"urn:pulumi:{stack}::shop::{type_of(kind)}::{name}"
        self.owner = f"owner of {stack}"
        self.state: State | None = None
        self.pending: State | None = (
            None  # the state that a replacement has deleted or retained, and not replaced
        )
        self.delete_timeout: str | None = None
        self.update_timeout: str | None = None

    @property
    def _provider(self) -> Any:
        return self.plugin.providers[self.kind]

    @property
    def id(self) -> str:
        """The id in state."""
        assert self.state is not None
        return self.state.id

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs in state."""
        assert self.state is not None
        return self.state.outputs

    def _written(self, inputs: Mapping[str, Any], *, preview: bool) -> dict[str, Any]:
        hidden = {
            "__urn": self.urn,
            "__owner": self.owner,
            "__dry_run": preview,
            "__delete_timeout": self.delete_timeout,
            "__update_timeout": self.update_timeout,
        }
        return {**inputs, **hidden, "__provider": PICKLE}

    def _check(
        self, olds: Mapping[str, Any], inputs: Mapping[str, Any], *, preview: bool = False
    ) -> dict[str, Any]:
        result = self._provider.check(
            over_the_wire(olds), over_the_wire(self._written(inputs, preview=preview))
        )
        if result.failures:
            raise CheckFailed([failure.reason for failure in result.failures])
        checked = over_the_wire({**result.inputs, "__provider": PICKLE})
        assert isinstance(checked, dict)
        return checked

    def preview(self, inputs: Mapping[str, Any]) -> Plan:
        """Return what an `up` would do."""
        if self.state is None:
            self._check({}, inputs, preview=True)
            return Plan("create")
        return self._plan(self._check(self.state.inputs, inputs, preview=True))

    def declare(self, inputs: Mapping[str, Any]) -> None:
        """Do what Pulumi does in an `up` before the resource's turn comes: check, and ask for the difference."""
        assert self.state is not None
        self._plan(self._check(self.state.inputs, inputs))

    def _plan(self, news: Mapping[str, Any]) -> Plan:
        assert self.state is not None
        diff = self._compare(self.state, news)
        if diff.replaces:
            return Plan("replace", list(diff.replaces))
        return Plan("update" if diff.changes else "same")

    def _compare(self, state: State, news: Mapping[str, Any]) -> Any:
        return self._provider.diff(state.id, over_the_wire(state.outputs), over_the_wire(news))

    def up(self, inputs: Mapping[str, Any], *, replace: bool = False, retain: bool = False) -> State:
        """Bring the resource up: `replace` is the CLI's option, `retain` the resource's retain_on_delete."""
        if self.state is None:
            if self.pending is not None:
                news = self._check(self.pending.inputs, inputs)
                self._compare(self.pending, news)
            return self._create(self._check({}, inputs))
        # Of what `--replace` names Pulumi asks for no difference.
        news = {} if replace else self._check(self.state.inputs, inputs)
        plan = Plan("replace") if replace else self._plan(news)
        if plan.step == "replace":
            news = self._check({}, inputs)
            old = self.state
            if not retain:
                self.destroy()
            self.state, self.pending = None, old
            return self._create(news)
        if plan.step == "update":
            result = self._provider.update(
                self.state.id, over_the_wire(self.state.outputs), over_the_wire(news)
            )
            outputs = over_the_wire({**(result.outs or {}), "__provider": PICKLE})
            self.state = State(self.state.id, news, outputs)
        else:
            self.state.inputs = news
        return self.state

    def _create(self, news: dict[str, Any]) -> State:
        result = self._provider.create(over_the_wire(news))
        outputs = over_the_wire({**(result.outs or {}), "__provider": PICKLE})
        self.state, self.pending = State(result.id, news, outputs), None
        return self.state

    def refresh(self) -> None:
        """Refresh; a resource that no longer exists leaves the state."""
        assert self.state is not None
        result = self._provider.read(self.state.id, over_the_wire(self.state.outputs))
        if not result.id:
            self.state = None
            return
        outputs = over_the_wire({**(result.outs or {}), "__provider": PICKLE})
        inputs = over_the_wire(result.inputs) if result.inputs else self.state.inputs
        # Pulumi asks what differs, to show it: what was read is the old, what was written before the new.
        self._provider.diff(result.id, outputs, over_the_wire(self.state.inputs))
        self.state = State(result.id, {**inputs, "__provider": PICKLE}, outputs)

    def destroy(self) -> None:
        """Delete the resource; the state loses it when that worked."""
        assert self.state is not None
        self._provider.delete(self.state.id, over_the_wire(self.state.outputs))
        self.state = None

    def get(self, id_: str, inputs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Read a task as `MigrationTask.get` does, and return the outputs."""
        result = self._provider.read(id_, {**(inputs or {}), "__urn": self.urn, "__provider": PICKLE})
        assert result.id == id_
        outputs = over_the_wire({**(result.outs or {}), "__provider": PICKLE})
        assert isinstance(outputs, dict)
        return outputs


class World:
    """An emulated cloud, the time, an engine, and the plugin process of the current run."""

    def __init__(self, cloud: Emulator, clock: FakeClock, engine: FakeEngine) -> None:
        self.cloud = cloud
        self.clock = clock
        self.engine = engine
        self.environ = environment(cloud.url)
        self.plugin = self.new_plugin()

    def new_plugin(self, **options: Any) -> Any:
        """Start another plugin process."""
        environ = {**self.environ, **options.pop("environ", {})}
        return start_plugin(environ, self.clock, self.engine, **options)

    def resource(
        self,
        name: str = "orders",
        stack: str = "dev",
        plugin: Plugin | None = None,
        kind: str = "MigrationTask",
    ) -> Resource:
        """Return a resource that is not in state yet."""
        return Resource(plugin or self.plugin, name, stack, kind)

    def started(self, inputs: Mapping[str, Any] = BACKUP_IMPORT, **names: Any) -> Resource:
        """Return a resource that was created, in an earlier run, and forget the requests for it."""
        resource = self.resource(plugin=self.new_plugin(), **names)
        resource.up(inputs)
        resource.plugin = self.plugin
        self.engine.clear()
        self.cloud.clear_requests()
        self.clock.sleeps.clear()
        return resource

    def requests(self, operation: str | None = None) -> list[dict[str, Any]]:
        """Return the journal, or what it holds of one operation."""
        return [entry for entry in self.cloud.requests() if operation in (None, entry["operation"])]

    def count(self, operation: str) -> int:
        """Return how many requests of an operation arrived."""
        return len(self.requests(operation))

    def writes(self) -> list[str]:
        """Return the operations of the requests that change something, in order."""
        return [entry["operation"] for entry in self.cloud.requests() if entry["method"] != "GET"]

    def started_elsewhere(self, name: str = "by-hand", **changes: Any) -> str:
        """Start a task as the console or another tool does, and return its id."""
        client = SignedClient(self.cloud.url, project=project_id_of(REGION))
        id_ = client.create(name, **changes)
        self.cloud.clear_requests()
        return id_

    def listed(self) -> list[str]:
        """Return the ids that the service still lists; records may expire."""
        client = SignedClient(self.cloud.url, project=project_id_of(REGION))
        return [row["task_id"] for row in client.rows(limit=1000)]

    def task(self, id_: str) -> dict[str, Any]:
        """Return a task as the cloud has it."""
        return next(task for task in self.cloud.tasks() if task["id"] == id_)

    def ids(self) -> list[str]:
        """Return the ids of all tasks that exist."""
        return [task["id"] for task in self.cloud.tasks()]


def assert_looked_before_every_post(world: World, *, shared: bool = False) -> None:
    """Every CreateMigrationTask follows a good listing that is fresh, and newer than the POST before it.

    `shared`: the POSTs are of several resources, which may share a listing.
    """
    fresh = float("-inf")
    for entry in world.requests():
        if entry["operation"] == "ListMigrationTask" and entry["status"] == 200:
            fresh = entry["time"]
        elif entry["operation"] == "CreateMigrationTask":
            assert entry["time"] - fresh <= LOOKED_UP + 0.1, "a POST without a look"
            fresh = fresh if shared else float("-inf")


def eventually(condition: Callable[[], bool]) -> bool:
    """Return whether a condition comes true within five real seconds; for what another thread does."""
    pause = threading.Event()
    return any(condition() or pause.wait(0.01) for _ in range(500))


def failing(work: Callable[[], object]) -> str:
    """Return the one line with which the work fails."""
    with pytest.raises(ProviderError) as caught:
        work()
    message = str(caught.value)
    assert "\n" not in message
    assert message == message.strip()
    assert "internal error" not in message
    assert PASSWORD not in message
    return message


def in_threads(works: list[Callable[[], object]]) -> list[BaseException | None]:
    """Do several things at the same time; return what each of them raised."""
    start = threading.Barrier(len(works))
    outcomes: list[BaseException | None] = [None] * len(works)

    def run(index: int) -> None:
        start.wait(10)
        try:
            works[index]()
        except BaseException as error:
            outcomes[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return outcomes
