"""The emulator as a command."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.signing import SignedClient, online_changes

COMMAND = [sys.executable, "-m", "dcs_emulator"]
ROOT = Path(__file__).parents[2]


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command on a free port; gives the process and its URL."""
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on http://127.0.0.1:")
        yield process, line.split()[-1]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def fails(*options: str) -> str:
    """Run a command that cannot start; returns its line on stderr."""
    done = subprocess.run(
        [*COMMAND, *options], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("dcs_emulator: ")
    return done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_ends_cleanly(number: signal.Signals) -> None:
    """One line when it accepts connections, nothing more while it serves, status 0 at its end."""
    with running() as (process, url):
        client = SignedClient(url)
        client.create()
        client.send("GET", "/nowhere")
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, "", "")


def test_options_reach_the_emulator(tmp_path: Path) -> None:
    """Keys, token, progression, quirks, durations and the state file are those of the options."""
    state = tmp_path / "state.json"
    options = ["--access-key", "AK", "--secret-key", "SK", "--auth-token", "T", "--state", str(state)]
    options += ["--progression", "manual", "--stop-seconds", "0", "--linger", "0"]
    options += ["--quirk", "fuzzy-name,stop-is-slow", "--quirk", "records-expire=7"]
    with running(*options) as (_, url):
        client = SignedClient(url, access_key="AK", secret_key="SK")
        task_id = client.create()
        assert client.status(task_id) == "MIGRATING"
        assert client.delete(client.create()).status_code == 200
        quirks = client.control("GET", "quirks").json()["quirks"]
        assert quirks == ["fuzzy-name", "stop-is-slow", "records-expire=7"]
        listing = f"{url}/v2/{client.project}/migration-tasks"
        assert requests.get(listing, headers={"X-Auth-Token": "T"}, timeout=30).json()["count"] == 1
        assert SignedClient(url).show(task_id).status_code == 401
    with running("--state", str(state), "--duration", "0") as (_, url):
        client = SignedClient(url)
        assert [row["task_id"] for row in client.rows()] == [task_id]
        assert client.status(task_id) == "SUCCESS"
        assert client.status(client.create(**online_changes())) == "INCRMIGEATING"


def test_no_room_for_the_state(tmp_path: Path) -> None:
    """A state file that may not grow any more is one line on stderr; the command goes on, the file stays whole."""
    state = tmp_path / "state.json"
    limited = ["sh", "-c", 'ulimit -f 8; exec "$@"', "sh", *COMMAND, "--port", "0", "--state", str(state)]
    process = subprocess.Popen(
        limited, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        assert process.stdout is not None
        client = SignedClient(process.stdout.readline().split()[-1])
        for number in range(20):
            client.create(f"task-{number}")
        assert len(client.rows(limit=100)) == 20
        process.terminate()
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert said == (
        f"dcs_emulator: the state file cannot be written: {state}: File too large: "
        "what changes from now on is lost at the end of the emulator, unless this is mended before\n"
    )
    assert process.returncode == 0
    assert 0 < len(json.loads(state.read_text())["tasks"]) < 20
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_port_in_use() -> None:
    """A port that somebody has is named in one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1:{port}" in fails("--port", str(port))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "70000"], "port"),
        (["--port", "x"], "port"),
        (["--duration", "-1"], "duration"),
        (["--progression", "sideways"], "progression"),
        (["--quirk", "nope"], "unknown quirk 'nope'"),
        (["--access-key", "AK"], "secret key"),
        (["--nonsense"], "--nonsense"),
        (["--host", "0.0.0.0"], "--allow-remote"),
        (["--state", "/nowhere/at/all/state.json"], "folder does not exist"),
    ],
)
def test_bad_options(options: list[str], said: str) -> None:
    """A bad option ends the command with status 2 and one line that names it."""
    assert said in fails(*options)


def test_remote_must_be_meant() -> None:
    """With --allow-remote another address is listened on; control calls stay for this machine."""
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--host", "0.0.0.0", "--allow-remote"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().rpartition(":")[2].strip()
        health = f"http://127.0.0.1:{port}/_emulator/health"
        assert requests.get(health, timeout=30).status_code == 200
        assert requests.get(health, headers={"Host": "10.1.2.3"}, timeout=30).status_code == 403
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_missing_werkzeug() -> None:
    """Without Werkzeug the command says what to install."""
    program = (
        "import sys; sys.modules['werkzeug'] = None\n"
        "from dcs_emulator.__main__ import main\n"
        "main(['--port', '0'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'pulumi-dcs-migration[emulator]'" in done.stderr


def test_it_imports_nothing_of_the_clients() -> None:
    """The emulator's modules need neither pulumi nor requests nor the rest of the package."""
    program = (
        "import sys, types\n"
        "package = types.ModuleType('dcs_migration')\n"
        "package.__path__ = ['dcs_migration']\n"
        "sys.modules['dcs_migration'] = package\n"
        "from dcs_emulator import Emulator\n"
        "Emulator().close()\n"
        "print([n for n in sys.modules if n.split('.')[0] in ('pulumi', 'requests', 'jsonschema')"
        " or n.startswith('dcs_migration.') and not n.startswith('dcs_emulator')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
