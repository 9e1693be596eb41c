"""Fixtures of the tests with real Redis servers: two servers for all tests, empty for each."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dcs_emulator.real_data.servers import local_redis
from tests.redis.servers import World, empty, process_ids, world_of


@pytest.fixture(scope="session")
def _servers() -> Iterator[World]:
    # Without a delay, which newer servers have, in which more replicas might ask for the same copy.
    with (
        local_redis("source-secret", repl_diskless_sync_delay=0) as source,
        local_redis("target-secret") as target,
    ):
        yield world_of(source, target)


@pytest.fixture
def world(_servers: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A source and a target, both empty, a bucket, and the promise that nothing is left behind."""
    temporary = Path(tempfile.mkdtemp())  # the path of tmp_path is too long for sockets
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    _servers.bucket = tmp_path / "bucket"
    _servers.bucket.mkdir()
    for server in (_servers.source, _servers.target):
        empty(server)
    before = process_ids()
    yield _servers
    assert process_ids() <= before, "a server was left behind"
    temporary.rmdir()  # which works only when nothing was left behind there
