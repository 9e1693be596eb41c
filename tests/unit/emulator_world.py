"""What the emulator's tests share: a clock that is turned by hand, and an emulator with a client."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from dcs_emulator import Emulator
from tests.signing import SignedClient

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "dcs_emulator"]
START = 1_700_000_000.0


ABSENT = "0" * 32
"""An id of the right form that no task has."""


class HandClock:
    """A clock that stands still until it is turned."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return its current time."""
        return self.now

    def turn(self, seconds: float) -> None:
        """Let seconds pass."""
        self.now += seconds


class World:
    """An emulator, its clock, and a client of it."""

    def __init__(self, cloud: Emulator, clock: HandClock) -> None:
        self.cloud = cloud
        self.clock = clock
        self.client = SignedClient(cloud.url)


@contextmanager
def world(**options: Any) -> Iterator[World]:
    """Run an emulator by a clock of its own."""
    clock = HandClock()
    with Emulator(clock=clock, **options) as cloud:
        yield World(cloud, clock)


def code(answer: requests.Response) -> tuple[int, str]:
    """Return the status and the error code of a refusal in the service's normal shape."""
    body = answer.json()
    assert set(body) in (
        {"error_msg", "error_code", "error_ext_msg"},
        {"error_msg", "error_code", "request_id"},
    )
    return answer.status_code, body["error_code"]


@contextmanager
def running(*options: str, command: Sequence[str] = COMMAND) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command on a free port; gives the process and its URL."""
    process = subprocess.Popen(
        [*command, "--port", "0", *options],
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
