"""Servers of our own: private, without visible passwords, and always ended with their parent."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from dcs_emulator.real_data import servers
from dcs_emulator.real_data.servers import RedisServer, local_redis
from tests.redis.servers import TARGET_ID, World, process_ids, until
from tests.signing import SignedClient

ROOT = Path(__file__).parents[2]
PAUSE_MS = 3_000


@contextmanager
def importing(world: World) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the command while it imports a backup; gives it, and the id of the server that reads the backup."""
    world.source.fill(1_000)
    world.source.save(world.bucket / "orders.rdb")
    command = [sys.executable, "-m", "dcs_emulator", "--port", "0"]
    command += ["--redis", f"{TARGET_ID}={world.target.place}", "--bucket", f"backups={world.bucket}"]
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tempfile.gettempdir())}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            client = SignedClient(process.stdout.readline().split()[-1])
            # It answers, and takes no key: the server that reads the backup waits for it.
            world.target.client.execute_command("CLIENT", "PAUSE", PAUSE_MS, "WRITE")
            client.create(target_instance={"id": TARGET_ID, "password": "target-secret"})
            until(lambda: bool(process_ids(process.pid)))
            yield process, process_ids(process.pid).pop()
        finally:
            process.kill()


def test_the_end_of_the_command_ends_its_servers(world: World) -> None:
    """SIGTERM in the middle of an import: exit status 0, no server and no folder left."""
    with importing(world) as (process, server):
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not psutil.pid_exists(server)


def test_the_violent_end_of_the_command_ends_its_servers(world: World) -> None:
    """SIGKILL in the middle of an import: the server ends still, and its folder is removed."""
    with importing(world) as (process, server):
        process.kill()
        process.wait(30)
        until(lambda: not psutil.pid_exists(server))
        until(lambda: not list(Path(tempfile.gettempdir()).iterdir()))


def test_a_server_is_private() -> None:
    """The folder and the configuration are for this user only, and no password is among the arguments."""
    with RedisServer({"requirepass": 'a "hard" pass\\word\n'}) as server:
        until(server.socket.exists)
        folder = server.socket.parent
        assert folder.stat().st_mode & 0o077 == 0
        assert (folder / "redis.conf").stat().st_mode & 0o077 == 0
        arguments = " ".join(psutil.Process(server.pid).cmdline())
        assert "hard" not in arguments
        assert psutil.Process(server.pid).net_connections() == []
    assert not folder.exists()


def test_a_long_path_for_temporary_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the path of temporary files is too long for a socket, a server starts still."""
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with local_redis() as (_, server):
        assert server.running
    assert not list(long.iterdir())


def test_a_password_of_any_characters() -> None:
    """A password reaches the server as it is."""
    password = "quote\" back\\slash 'single' #hash newline\n blå"
    with local_redis(password) as (place, _):
        assert place.password == password
        assert password not in repr(place)


def test_a_port_that_is_taken_in_the_meantime(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that finds its port taken is started again on another one."""
    ports = [world.source.place.port, servers._free_port()]
    monkeypatch.setattr(servers, "_free_port", lambda: ports.pop(0))
    with local_redis("another secret") as (place, server):
        assert place.port != world.source.place.port
        assert server.running
