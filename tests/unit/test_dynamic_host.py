"""The dynamic front end in the plugin process: its connection to the Pulumi engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from dcs_migration import dynamic_host
from dcs_migration.life_cycles import reporting
from tests.fakes import FakeEngine


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The connections of a plugin process that nothing has connected yet; one takes until a second one starts."""
    made: list[str] = []
    together = threading.Barrier(2)

    def connect(address: str) -> FakeEngine:
        made.append(address)
        with suppress(threading.BrokenBarrierError):
            together.wait(0.2)
        return FakeEngine()

    monkeypatch.setattr(dynamic_host, "in_plugin_process", lambda: True)
    monkeypatch.setattr(dynamic_host, "GrpcEngine", connect)
    monkeypatch.setattr(dynamic_host, "show_errors_as_lines", lambda: None)
    monkeypatch.setattr(reporting, "collect_warnings", lambda: None)
    dynamic_host._connected_engine.cache_clear()
    yield made
    dynamic_host._connected_engine.cache_clear()


def test_the_first_calls_share_one_connection_to_the_engine(connections: list[str]) -> None:
    """Pulumi sends them at once, to four threads; each connection would show its warnings again."""
    with ThreadPoolExecutor(4) as threads:
        engines = {id(engine) for engine in threads.map(lambda _: dynamic_host.engine(), range(4))}
    assert len(connections) == len(engines) == 1
