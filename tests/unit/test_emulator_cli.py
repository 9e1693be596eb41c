"""The emulator as a command."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from dcs_emulator.__main__ import main
from tests.signing import SignedClient, online_changes
from tests.unit.emulator_world import COMMAND, ROOT, running

FOREIGN = {"dcs_migration", "pulumi", "grpc", "requests", "jsonschema"}


def foreign(modules: list[str]) -> list[str]:
    """Return those of the modules that are the provider's, or of its libraries."""
    return [name for name in modules if name.partition(".")[0] in FOREIGN]


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


@pytest.mark.parametrize(
    ("redirection", "said"), [("> /dev/full", "No space left on device"), ("| true", "Broken pipe")]
)
def test_no_one_hears_where_it_listens(redirection: str, said: str) -> None:
    """It ends with one line, because a script that waits for the address would wait forever."""
    script = f'{{ sleep 0.2; "$@"; echo $? >&2; }} {redirection}'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *COMMAND, "--port", "0"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == f"dcs_emulator: can't write to standard output: {said}\n2\n"


def test_ctrl_c_on_windows(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """There, Python notices a signal only between two waits."""

    class Event(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            if not self.is_set():
                self.set()
                return False
            return True

    monkeypatch.setattr("dcs_emulator.__main__.threading", SimpleNamespace(Event=Event))
    monkeypatch.setattr("dcs_emulator.__main__.signal.signal", lambda number, handler: None)
    assert main(["--port", "0"]) == 0
    assert capsys.readouterr().out.startswith("listening on http://127.0.0.1:")


def test_no_room_for_the_state(tmp_path: Path) -> None:
    """A state file that may not grow any more is one line on stderr; the command continues, the file stays whole."""
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
        f"dcs_emulator: the state file can't be written: {state}: File too large; "
        "fix this before the emulator ends, or changes from now on are lost\n"
    )
    assert process.returncode == 0
    assert 0 < len(json.loads(state.read_text())["tasks"]) < 20
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_port_in_use() -> None:
    """A port that someone has is named in one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"can't listen on 127.0.0.1:{port}" in fails("--port", str(port))


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
        (["--host", "[::1]"], "argument --host: must be an address or a host name, without brackets"),
        (["--host", ""], "argument --host: must be an address"),
        (["--state", "/nowhere/at/all/state.json"], "folder doesn't exist"),
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
    """Neither the package nor a server that ran loads Pulumi, the clients' libraries or the provider."""
    program = (
        "import sys\nfrom dcs_emulator import Emulator\nEmulator().close()\nprint(*sys.modules, sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    loaded = done.stdout.split()
    assert "dcs_emulator.server" in loaded
    assert foreign(loaded) == []


@pytest.mark.parametrize("module", ["dcs_emulator", "dcs_emulator.pytest_plugin"])
def test_an_import_loads_no_pulumi(module: str) -> None:
    """Every pytest run with the package imports the plugin: it doesn't load a server either."""
    program = f"import {module}, sys; print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    loaded = done.stdout.split()
    assert module in loaded
    assert foreign(loaded) == []
    assert not {"dcs_emulator.server", "werkzeug", "redis"} & set(loaded)


def test_the_command_loads_no_pulumi() -> None:
    """Python itself shows what the command imports until it has served a call and ended."""
    with running(command=[sys.executable, "-X", "importtime", *COMMAND[1:]]) as (process, url):
        SignedClient(url).create()
        process.terminate()
        _, told = process.communicate(timeout=60)
    loaded = [line.rpartition("|")[2].strip() for line in told.splitlines()]
    assert "dcs_emulator.server" in loaded
    assert foreign(loaded) == []
