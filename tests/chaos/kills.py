"""Kills of the real thing: the real CLI and plugin, struck at a random moment, and how a user recovers."""

from __future__ import annotations

import json
import random
import re
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos import struck_online, struck_tasks
from tests.chaos.blows import BLOWS, Service, Struck
from tests.chaos.leaks import leaked
from tests.chaos.scenarios import Aftermath, Kill, kind_of
from tests.e2e.stack import PROJECT, Result, Stack, live

TARGETS = {"tasks": struck_tasks.TARGET, "online": struck_online.TARGET}
LOCKED = "the stack is currently locked"

# As a user types them. Before the first one `pulumi cancel --yes` is run only where the CLI says that the stack is locked.
RECOVERIES: dict[str, tuple[tuple[str, ...], ...]] = {
    "up alone": (("up", "--yes"),),
    "by the book": (("cancel", "--yes"), ("refresh", "--clear-pending-creates", "--yes"), ("up", "--yes")),
}


@dataclass(frozen=True)
class Outcome:
    """What became of one: ``struck`` before the command had ended, ``cancels`` that the CLI's lock made necessary,
    ``restored``: a file of the CLI was broken and had to be removed.

    ``replaced`` counts the instances that `up` itself told to replace.
    """

    kill: Kill
    struck: bool
    cancels: int
    restored: bool
    replaced: int
    adoptions: int
    seconds: float


def draw(seed: int, of: str = "tasks") -> Kill:
    """Draw a blow.

    The numbers of commands and of blows have no common divisor. So neighbouring seeds reach every command with every blow
    and both recoveries, once each: any 56 of tasks, any 112 of online migrations.
    """
    chance = random.Random(seed)
    scenarios = TARGETS[of].scenarios
    command = list(scenarios)[seed % len(scenarios)]
    scenario = scenarios[command]
    after = chance.randint(0, scenario.most_requests)
    return Kill(
        seed,
        of,
        command,
        list(BLOWS)[seed % len(BLOWS)],
        list(RECOVERIES)[seed // len(scenarios) % 2],
        after,
        chance.uniform(0, 0.2 if after else 1.5),
        chance.choice(scenario.slow),
        chance.choice(("delay", "delay_after")),
    )


def strike(kill: Kill, root: Path) -> Outcome:
    """Strike once, recover with literal commands, and hold the promises.

    Raises:
        AssertionError: a promise is broken; the message has the drawn blow.
    """
    service = Service(root / "service.json")
    try:
        return _strike(kill, Stack(root / "stack", service.emulator), service)
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"hung: {error.cmd}; {kill}") from None
    finally:
        service.emulator.close()


def _strike(kill: Kill, stack: Stack, service: Service) -> Outcome:
    began = time.monotonic()
    target = TARGETS[kill.of]
    scenario = target.scenarios[kill.command]
    for program in scenario.before:
        stack.program(program).up()
        target.settle(service.emulator)
    stack.program(scenario.program)
    asked = len(service.emulator.requests()) + kill.after
    service.emulator.fault(kill.slow, kill.how_slow, seconds=0.3, times=target.tasks)
    with closing(Struck(stack, *scenario.command)) as command:
        command.until_or_end(lambda: len(service.emulator.requests()) >= asked)
        time.sleep(kill.pause)
        struck = command.goes_on
        BLOWS[kill.blow](command, service, stack)
        service.emulator.clear_faults()
        restored = _restore(stack)
        recorded = entries_of(stack)
        # A plugin that outlived its CLI goes on meanwhile: it must not harm what the next run does.
        results, replaced = _recover(kill, stack)
        printed = "\n".join([command.text, *(result.text for result in results)])
    there = {task["id"]: task for task in service.emulator.tasks()}
    target.judge(Aftermath(kill, recorded, entries_of(stack), there, service.ever(), replaced))
    form = leaked(printed + stack.everything_written().decode(errors="replace"), target.secrets)
    assert form is None, f"what was printed or written holds a secret; {kill}"
    stack.preview("--expect-no-changes")
    if kill.command == "destroy":
        stack.destroy()
        assert live(service.emulator) == {}, f"orphan: the second destroy left a task; {kill}"
    return Outcome(
        kill,
        struck,
        sum(LOCKED in result.text for result in results),
        restored,
        len(replaced),
        len(set(re.findall(r"adopted task ([\w-]+)", printed))),
        time.monotonic() - began,
    )


def state_of(stack: Stack) -> Path:
    """Where the file backend keeps the state."""
    return stack.root / "backend" / ".pulumi" / "stacks" / PROJECT / f"{stack.name}.json"


def entries_of(stack: Stack) -> list[dict[str, Any]]:
    """Every resource in state."""
    checkpoint = json.loads(state_of(stack).read_bytes())["checkpoint"]
    resources: list[dict[str, Any]] = checkpoint.get("latest", {}).get("resources", [])
    return resources


def attributes_of(stack: Stack) -> Path:
    """What the file backend writes beside the state, before that, and not as a whole."""
    return Path(f"{state_of(stack)}.attrs")


def _restore(stack: Stack) -> bool:
    """Remove the attributes that the CLI had begun to write when it was killed: the state is whole, old or new."""
    attributes = attributes_of(stack)
    try:
        json.loads(attributes.read_bytes())
    except ValueError:
        attributes.unlink()
        return True
    return False


def _recover(kill: Kill, stack: Stack) -> tuple[list[Result], frozenset[str]]:
    """Type the commands, and what a failed one itself tells to type."""
    results: list[Result] = []
    replaced: set[str] = set()
    for arguments in RECOVERIES[kill.recovery]:
        results.append(stack.run(*arguments, ok=None))
        if results[-1].code and LOCKED in results[-1].text:
            stack.run("cancel", "--yes")
            results.append(stack.run(*arguments, ok=None))
        while results[-1].code and (told := TARGETS[kill.of].told(results[-1].text) - replaced):
            replaced |= told
            results.append(stack.run("up", "--yes", *_replacing(stack, told), ok=None))
        assert results[-1].code == 0, f"no recovery: {arguments} says {results[-1].text}; {kill}"
    return results, frozenset(replaced)


def _replacing(stack: Stack, ids: set[str]) -> list[str]:
    gone = [
        entry["urn"]
        for entry in entries_of(stack)
        if kind_of(entry) == "MigrationInstance" and entry["id"] in ids
    ]
    return [argument for urn in gone for argument in ("--replace", urn)]
