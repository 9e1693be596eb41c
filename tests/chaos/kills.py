"""Kills of the real thing: the real CLI and plugin, struck at a random moment, and how a user recovers."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from dcs_migration.emulator import Emulator
from tests.chaos.leaks import FIRST_PASSWORD, leaked
from tests.e2e.running import Running
from tests.e2e.stack import PROJECT, Result, Stack, live, plugins_of

PROGRAM = f"""
    for number in range(3):
        MigrationTask(
            f"task{{number}}",
            **BACKUP,
            target_instance=target(number, password={FIRST_PASSWORD!r}),
            triggers=["RUN"],
        )
"""
TASKS = 3
LOCKED = "the stack is currently locked"

# What is struck, and what of it starts tasks anew: a replacement was asked for, nothing else was.
COMMANDS: dict[str, tuple[str, ...]] = {
    "up": ("up", "--yes", "--skip-preview"),
    "replace": ("up", "--yes", "--skip-preview"),
    "refresh": ("refresh", "--yes", "--skip-preview"),
    "destroy": ("destroy", "--yes", "--skip-preview"),
}
# As a user types them. Before the first one `pulumi cancel --yes` is run only where the CLI says that the stack is locked.
RECOVERIES: dict[str, tuple[tuple[str, ...], ...]] = {
    "up alone": (("up", "--yes"),),
    "by the book": (("cancel", "--yes"), ("refresh", "--clear-pending-creates", "--yes"), ("up", "--yes")),
}
# A moment is told by what was asked so far.
MOST_REQUESTS = {"up": 3, "replace": 9, "refresh": 1, "destroy": 5}
SLOW = {
    "up": ("CreateMigrationTask", "ListMigrationTask"),
    "replace": ("CreateMigrationTask", "DeleteMigrationTask", "BatchStopMigrationTasks"),
    "refresh": ("ListMigrationTask",),
    "destroy": ("DeleteMigrationTask", "BatchStopMigrationTasks", "ListMigrationTask"),
}


@dataclass(frozen=True)
class Kill:
    """One drawn blow: after so many requests and a pause, while one operation is slow before or after it acts."""

    seed: int
    command: str
    blow: str
    recovery: str
    after: int
    pause: float
    slow: str
    how_slow: str


@dataclass(frozen=True)
class Outcome:
    """What became of one: ``struck`` before the command had ended, ``cancels`` that the CLI's lock made necessary."""

    kill: Kill
    struck: bool
    cancels: int
    restored: bool
    adoptions: int
    seconds: float


def draw(seed: int) -> Kill:
    """Draw a blow. Any 56 neighbouring seeds reach every command with every blow and both recoveries."""
    chance = random.Random(seed)
    command = list(COMMANDS)[seed % 4]
    after = chance.randint(0, MOST_REQUESTS[command])
    return Kill(
        seed,
        command,
        list(BLOWS)[seed % 7],
        list(RECOVERIES)[seed // 4 % 2],
        after,
        chance.uniform(0, 0.2 if after else 1.5),
        chance.choice(SLOW[command]),
        chance.choice(("delay", "delay_after")),
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
        port = self.emulator.port
        self.emulator.close()
        self._creates = self.creates
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


def _leave_nothing(root: Path) -> None:
    """End what a killed CLI has left, such as its language host: whatever has this stack's home."""
    home = f"PULUMI_HOME={root / 'stack' / 'home'}".encode()
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and home in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:
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


def strike(kill: Kill, root: Path) -> Outcome:
    """Strike once, recover with literal commands, and hold the promises.

    Raises:
        AssertionError: a promise is broken; the message has the drawn blow.
    """
    began = time.monotonic()
    service = Service(root / "service.json")
    try:
        struck, restored, printed, cancels = _strike(kill, Stack(root / "stack", service.emulator), service)
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"hung: {error.cmd}; {kill}") from None
    finally:
        service.emulator.close()
        _leave_nothing(root)
    adopted = set(re.findall(r"adopted task (\w+)", printed))
    return Outcome(kill, struck, cancels, restored, len(adopted), time.monotonic() - began)


def _strike(kill: Kill, stack: Stack, service: Service) -> tuple[bool, bool, str, int]:
    stack.program(PROGRAM.replace("RUN", "first"))
    if kill.command != "up":
        stack.up()
    if kill.command == "replace":
        stack.program(PROGRAM.replace("RUN", "second"))
    asked = len(service.emulator.requests()) + kill.after
    service.emulator.fault(kill.slow, kill.how_slow, seconds=0.3, times=TASKS)
    with closing(Struck(stack, *COMMANDS[kill.command])) as command:
        command.until_or_end(lambda: len(service.emulator.requests()) >= asked)
        time.sleep(kill.pause)
        struck = command.goes_on
        BLOWS[kill.blow](command, service, stack)
        service.emulator.clear_faults()
        restored = _restore(stack)
        recorded = stack.ids()
        # A plugin that outlived its CLI goes on meanwhile: it must not harm what the next run does.
        results = _recover(kill, stack)
        printed = "\n".join([command.text, *(result.text for result in results)])
    _judge(kill, stack, service, recorded)
    form = leaked(printed + stack.everything_written().decode(errors="replace"), [FIRST_PASSWORD])
    assert form is None, f"what was printed or written holds a secret; {kill}"
    stack.preview("--expect-no-changes")
    if kill.command == "destroy":
        stack.destroy()
        assert live(service.emulator) == {}, f"orphan: the second destroy left a task; {kill}"
    return struck, restored, printed, sum(LOCKED in result.text for result in results)


def state_of(stack: Stack) -> Path:
    """Where the file backend keeps the state."""
    return stack.root / "backend" / ".pulumi" / "stacks" / PROJECT / f"{stack.name}.json"


def _restore(stack: Stack) -> bool:
    """Put the back-up in the place of a state file that the CLI had begun to write when it was killed."""
    state = state_of(stack)
    try:
        json.loads(state.read_bytes())
    except ValueError:
        shutil.copyfile(f"{state}.bak", state)
        return True
    return False


def _recover(kill: Kill, stack: Stack) -> list[Result]:
    results: list[Result] = []
    for arguments in RECOVERIES[kill.recovery]:
        results.append(stack.run(*arguments, ok=None))
        if results[-1].code and LOCKED in results[-1].text:
            stack.run("cancel", "--yes")
            results.append(stack.run(*arguments, ok=None))
        assert results[-1].code == 0, f"no recovery: {arguments} says {results[-1].text}; {kill}"
    return results


def _judge(kill: Kill, stack: Stack, service: Service, recorded: dict[str, str]) -> None:
    ids, there, creates = stack.ids(), live(service.emulator), service.creates
    told = f"{kill}: state holds {ids}, the service {there}, {creates} were started"
    assert set(ids) == {f"task{number}" for number in range(TASKS)}, f"no recovery; {told}"
    assert max(Counter(there.values()).values(), default=0) <= 1, f"duplicate: {told}"
    assert set(there) <= set(ids.values()), f"orphan: {told}"
    if kill.command == "destroy":
        # What left the state is started again by `up`; what state still held, and the service had deleted, is not,
        # but for a task that the refresh saw stopped and gone.
        again = {name for name, id_ in recorded.items() if ids[name] != id_}
        assert kill.recovery == "by the book" or not again, f"unasked import: {again} again; {told}"
        assert creates == TASKS + len(set(ids) - set(recorded) | again), f"unasked import: {told}"
    else:
        assert set(there) == set(ids.values()), f"lost: {told}"
        assert creates == TASKS * (2 if kill.command == "replace" else 1), f"unasked import: {told}"
