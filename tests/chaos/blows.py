"""The blows: who is struck, and with what; and the service, which a blow may restart."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dcs_emulator import Emulator
from tests.chaos.leaks import SECRET_KEY
from tests.e2e.running import Running
from tests.e2e.stack import Stack, plugins_of

# In seconds. Deleted tasks linger for longer than any kill takes, so that the file has all tasks that ever existed.
OPTIONS: dict[str, Any] = {
    "progression": "manual",
    "stop_seconds": 0.2,
    "job_seconds": 0.2,
    "exchange_seconds": 0.2,
    "linger": 3600.0,
    "access_key": "AK4CHAOS",
    "secret_key": SECRET_KEY,
}


class Service:
    """An emulator that can be restarted on its port, with its tasks in a file."""

    def __init__(self, state: Path, tasks: str | None = None) -> None:
        """Start it; ``tasks`` is the text of a file of tasks that it has already."""
        if tasks is not None:
            state.write_text(tasks)
        self._state = state
        self._before: list[dict[str, Any]] = []
        self.emulator = Emulator(state=state, **OPTIONS)

    def restart(self) -> None:
        """End it and start it again, with the same tasks on the same port."""
        port = self.emulator.port
        self.emulator.close()
        self._before += self.emulator.requests()
        time.sleep(0.2)
        self.emulator = Emulator(port, state=self._state, **OPTIONS)

    def requests(self) -> list[dict[str, Any]]:
        """The journal, also of before a restart."""
        return [*self._before, *self.emulator.requests()]

    def ever(self) -> list[dict[str, Any]]:
        """The records of all tasks that were ever started, also of deleted ones."""
        self.emulator.tasks()  # brings them up to the present
        records: list[dict[str, Any]] = []
        if self._state.exists():
            records = json.loads(self._state.read_text())["tasks"]
        return records


class Struck(Running):
    """A command that is struck."""

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None


def _kill(command: Running, service: Service, stack: Stack) -> None:
    command.kill()


def _terminate(command: Running, service: Service, stack: Stack) -> None:
    command.signal(signal.SIGTERM)
    command.wait()


def _interrupt(command: Running, service: Service, stack: Stack) -> None:
    command.interrupt()
    command.wait()


def _interrupt_twice(command: Running, service: Service, stack: Stack) -> None:
    command.interrupt()
    time.sleep(0.2)
    command.interrupt()
    command.wait()


def _end_plugins(stack: Stack) -> None:
    for plugin in plugins_of(stack):
        try:
            os.kill(plugin, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _kill_the_plugin(command: Running, service: Service, stack: Stack) -> None:
    _end_plugins(stack)
    command.wait()


def _kill_both(command: Running, service: Service, stack: Stack) -> None:
    command.kill()
    _end_plugins(stack)


def _kill_and_restart_the_service(command: Running, service: Service, stack: Stack) -> None:
    command.kill()
    service.restart()


BLOWS: dict[str, Callable[[Running, Service, Stack], None]] = {
    "kill -9 of the CLI": _kill,
    "SIGTERM": _terminate,
    "Ctrl-C": _interrupt,
    "Ctrl-C twice": _interrupt_twice,
    "kill -9 of the plugin": _kill_the_plugin,
    "kill -9 of both": _kill_both,
    "kill -9, service restarted": _kill_and_restart_the_service,
}
