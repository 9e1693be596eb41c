"""Kills of the real thing: the real CLI and plugin, struck at a random moment, and how a user recovers."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dcs_migration.emulator import Emulator
from tests.e2e.running import Running, running
from tests.e2e.stack import Stack, live, plugins_of

PROGRAM = """
    for number in range(3):
        MigrationTask(f"task{number}", **BACKUP, target_instance=target(number), triggers=["RUN"])
"""
TASKS = 3

# What is struck, and what of it starts tasks anew: a replacement was asked for, nothing else was.
COMMANDS: dict[str, tuple[str, ...]] = {
    "up": ("up", "--yes", "--skip-preview"),
    "replace": ("up", "--yes", "--skip-preview"),
    "refresh": ("refresh", "--yes", "--skip-preview"),
    "destroy": ("destroy", "--yes", "--skip-preview"),
}
RECOVERIES: dict[str, tuple[tuple[str, ...], ...]] = {
    "up alone": (("up", "--yes", "--skip-preview"),),
    "by the book": (
        ("refresh", "--clear-pending-creates", "--yes", "--skip-preview"),
        ("up", "--yes", "--skip-preview"),
    ),
}
MOST_REQUESTS = {
    "up": 5,
    "replace": 12,
    "refresh": 1,
    "destroy": 7,
}  # a moment is told by what was asked so far


@dataclass(frozen=True)
class Kill:
    """One drawn blow."""

    seed: int
    command: str
    blow: str
    after: int
    pause: float
    slow: str
    recovery: str


def draw(seed: int) -> Kill:
    """Draw a blow; neighbouring seeds strike different commands in different ways."""
    chance = random.Random(seed)
    command = list(COMMANDS)[seed % len(COMMANDS)]
    return Kill(
        seed,
        command,
        list(BLOWS)[(seed // len(COMMANDS) + seed) % len(BLOWS)],
        chance.randint(0, MOST_REQUESTS[command]),
        chance.uniform(0, 0.3),
        chance.choice(
            ["CreateMigrationTask", "DeleteMigrationTask", "BatchStopMigrationTasks", "ListMigrationTask"]
        ),
        list(RECOVERIES)[chance.randrange(len(RECOVERIES))],
    )


class Service:
    """An emulator that can be restarted on its port, and whose journal outlives that."""

    def __init__(self, state: Path) -> None:
        """Start it; its tasks are kept in a file."""
        self._state = state
        self._creates = 0
        self.emulator = Emulator(progression="manual", stop_seconds=0.2, state=state)

    def restart(self) -> None:
        """End it and start it again, with the same tasks on the same port."""
        self._creates = self.creates
        port = self.emulator.port
        self.emulator.close()
        time.sleep(0.2)
        self.emulator = Emulator(port=port, progression="manual", stop_seconds=0.2, state=self._state)

    @property
    def creates(self) -> int:
        """How many tasks were ever started."""
        made = {
            id_
            for entry in self.emulator.requests()
            if entry["operation"] == "CreateMigrationTask"
            for id_ in entry["task_ids"]
        }
        return self._creates + len(made)


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


def _kill_the_plugin(command: Running, service: Service, stack: Stack) -> None:
    for plugin in plugins_of(stack):
        try:
            os.kill(plugin, signal.SIGKILL)
        except ProcessLookupError:
            continue
    command.wait()


def _kill_and_restart_the_service(command: Running, service: Service, stack: Stack) -> None:
    command.kill()
    service.restart()


BLOWS: dict[str, Callable[[Running, Service, Stack], None]] = {
    "kill -9": _kill,
    "SIGTERM": _terminate,
    "Ctrl-C": _interrupt,
    "Ctrl-C twice": _interrupt_twice,
    "plugin killed": _kill_the_plugin,
    "kill -9, service restarted": _kill_and_restart_the_service,
}


def strike(kill: Kill, root: Path) -> None:
    """Strike once, recover with literal commands, and hold the promises.

    Raises:
        AssertionError: a promise is broken; the message has the drawn blow.
    """
    service = Service(root / "service.json")
    stack = Stack(root / "stack", service.emulator)
    try:
        stack.program(PROGRAM.replace("RUN", "first"))
        if kill.command != "up":
            stack.up()
        if kill.command == "replace":
            stack.program(PROGRAM.replace("RUN", "second"))
        asked = len(service.emulator.requests()) + kill.after
        service.emulator.fault(kill.slow, "delay_after", seconds=0.3)
        with running(stack, *COMMANDS[kill.command]) as command:
            command.until_or_end(lambda: len(service.emulator.requests()) >= asked)
            time.sleep(kill.pause)
            BLOWS[kill.blow](command, service, stack)
            service.emulator.clear_faults()
            # A plugin that outlived its CLI goes on meanwhile: it must not harm what the next run does.
            stack.run("cancel", "--yes", ok=None)  # the file backend keeps the lock of a CLI that was killed
            for arguments in RECOVERIES[kill.recovery]:
                stack.run(*arguments)
        assert set(stack.ids()) == {f"task{number}" for number in range(TASKS)}, kill
        if kill.command == "destroy":
            # What the destroy had deleted before the blow is not imported again: nobody asked for that.
            assert set(live(service.emulator)) <= set(stack.ids().values()), kill
        else:
            assert sorted(stack.ids().values()) == sorted(live(service.emulator)), kill
            assert service.creates == TASKS * (2 if kill.command == "replace" else 1), kill
        stack.preview("--expect-no-changes")
        if kill.command == "destroy":
            stack.destroy()
            assert live(service.emulator) == {}, kill
    finally:
        service.emulator.close()
