"""What only the native provider does: it takes timeouts from the protocol, and tells an import from a `get`."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from dcs_emulator import Emulator
from tests.e2e.stack import FRONT_END
from tests.fakes import FakeClock, FakeEngine
from tests.native_plugin import Aborted, Context
from tests.unit.life_cycle_world import Resource, World


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch, cloud: Emulator, clock: FakeClock, engine: FakeEngine) -> World:
    """A world with native plugins."""
    monkeypatch.setenv(FRONT_END, "native")
    return World(cloud, clock, engine)


def delete(world: World, task: Resource, seconds: float) -> None:
    """Delete a task, with a timeout as the protocol has it."""
    props = world.plugin.provider._wire(task.outputs)
    request = provider_pb2.DeleteRequest(id=task.id, urn=task.urn, properties=props, timeout=seconds)
    world.plugin.server(task.owner).Delete(request, Context())


def test_a_long_timeout(native: World) -> None:
    """A thousand hours are a number with an exponent, and no duration has one."""
    task = native.started()
    delete(native, task, 3_600_000)
    assert native.ids() == []


def test_a_timeout_that_is_shorter_than_any_duration(native: World) -> None:
    """Pulumi accepts nanoseconds."""
    with pytest.raises(Aborted, match="wasn't deleted within"):
        delete(native, native.started(), 1e-9)


def test_a_task_that_is_only_read(native: World) -> None:
    """Pulumi makes the same call for a `get` and for an import, but checks only what it imports."""
    other = native.started(stack="prod")
    server = native.plugin.server("owner of dev")
    where: dict[str, Any] = {"id": other.id, "urn": native.resource("mine").urn}
    read = server.Read(provider_pb2.ReadRequest(**where), Context())
    assert native.engine.warnings == []
    server.Check(provider_pb2.CheckRequest(urn=where["urn"], olds=read.inputs, news=read.inputs), Context())
    (warning,) = native.engine.warnings
    assert (
        f"task {other.id} has the owner mark of another stack, and destroying this stack deletes it"
        in warning
    )
