"""A `pulumi` command that keeps running while a test looks at it: what a pipeline's log shows, line by line."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.stack import TIMEOUT, Stack, end_all

PATIENCE = 60  # seconds for anything that a test waits for


@dataclass(frozen=True)
class Printed:
    """One line, and the Unix time at which it was printed."""

    at: float
    text: str


class Running:
    """A command in a process group of its own, as a shell would start it."""

    def __init__(self, stack: Stack, *args: str, **environ: str) -> None:
        """Start it."""
        self._process = subprocess.Popen(
            ["pulumi", *args, "--color", "never", "--non-interactive"],
            cwd=stack.work,
            env={**stack.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._stack = stack
        self.printed: list[Printed] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.printed.append(Printed(time.time(), line.rstrip()))

    @property
    def text(self) -> str:
        """Everything printed so far."""
        return "\n".join(line.text for line in self.printed)

    def when(self, part: str) -> float:
        """The Unix time at which the first line with these words was printed."""
        for line in self.printed:
            if part in line.text:
                return line.at
        raise AssertionError(f"{part!r} is not in {self.text}")

    def until(self, happened: Callable[[], object]) -> None:
        """Wait until something has happened while the command runs; fails if it ends before that."""
        deadline = time.monotonic() + PATIENCE
        while not happened() and self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert happened(), self.text

    def until_or_end(self, happened: Callable[[], object]) -> None:
        """Wait until something has happened, or the command has ended."""
        deadline = time.monotonic() + PATIENCE
        while not happened() and self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the CLI alone."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end with any output; return the exit code."""
        return self._process.wait(TIMEOUT)

    def interrupt(self) -> None:
        """Press Ctrl-C: a terminal signals the whole foreground process group."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)

    def kill(self) -> None:
        """``kill -9`` of the CLI alone: its plugins live on."""
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        code = self._process.wait(TIMEOUT)
        self._reader.join(1)  # a plugin that outlives the CLI holds the pipe open
        assert "Traceback" not in self.text, self.text
        return code

    def close(self) -> None:
        """Leave nothing of it running, nor what a killed CLI leaves behind."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        end_all(self._stack)
        self._reader.join(5)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def running(stack: Stack, *args: str) -> Iterator[Running]:
    """Run ``pulumi`` in parallel to the test, and end what is left of it afterwards."""
    command = Running(stack, *args)
    try:
        yield command
    finally:
        command.close()


def connections(process: int, port: int) -> int:
    """Count the connections of a process to a port of this machine."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[2] == f"0100007F:{port:04X}" and fields[3] == "01":  # established
            inodes.add(f"socket:[{fields[9]}]")
    count = 0
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        try:
            count += os.readlink(descriptor) in inodes
        except OSError:
            continue
    return count
