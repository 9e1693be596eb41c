"""Kills of the real thing: the real CLI and plugin, struck at a random moment, and how a user recovers."""

from __future__ import annotations

import json
import random
import re
import subprocess
import time
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos import owners, struck_online, struck_tasks
from tests.chaos.blows import BLOWS, Service, Struck
from tests.chaos.leaks import leaked
from tests.chaos.neighbour import Neighbour
from tests.chaos.scenarios import LOSES_STATE, Aftermath, Kill, idle, kind_of, named
from tests.e2e.stack import PROJECT, Result, Stack
from tests.e2e.stores import Store, state_key
from tests.signing import SignedClient

TARGETS = {"tasks": struck_tasks.TARGET, "online": struck_online.TARGET}
LOCKED = "the stack is currently locked"

# As a user types them. Before the first one `pulumi cancel --yes` is run only where the CLI says that the stack
# is locked.
RECOVERIES: dict[str, tuple[tuple[str, ...], ...]] = {
    "up alone": (("up", "--yes"),),
    "by the book": (("cancel", "--yes"), ("refresh", "--clear-pending-creates", "--yes"), ("up", "--yes")),
}


@dataclass(frozen=True)
class Outcome:
    """What became of one: ``struck`` before the command had ended, ``cancels`` that the CLI's lock made necessary,
    ``restored``: a file of the CLI was broken and had to be removed.

    ``replaced`` counts the instances that `up` itself told to replace, ``refused`` the resources that it started
    nothing for, because their tasks were there under another owner.
    """

    kill: Kill
    struck: bool
    cancels: int
    restored: bool
    replaced: int
    refused: int
    adoptions: int
    seconds: float


@dataclass(frozen=True)
class Recovery:
    """What a user's commands printed, the instances that they replaced, and the tasks that `up` was refused for."""

    results: tuple[Result, ...]
    replaced: frozenset[str]
    named: Mapping[str, str]


def draw(seed: int, of: str = "tasks") -> Kill:
    """Draw a blow.

    The numbers of commands and of blows have no common divisor. So neighbouring seeds reach every command with
    every blow and both recoveries, once each: any 126 of tasks, any 154 of online migrations.
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


def strike(kill: Kill, root: Path, neighbour: Neighbour, store: Store | None = None) -> Outcome:
    """Strike once, recover with literal commands, and hold the promises; ``store`` keeps the state.

    Raises:
        AssertionError: a promise is broken; the message has the drawn blow.
    """
    service = Service(root / "service.json", neighbour.tasks)
    try:
        return _strike(kill, Stack(root / "stack", service.emulator, store=store), service, neighbour)
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"hung: {error.cmd}; {kill}") from None
    finally:
        service.emulator.close()


def _strike(kill: Kill, stack: Stack, service: Service, neighbour: Neighbour) -> Outcome:
    began = time.monotonic()
    target = TARGETS[kill.of]
    scenario = target.scenarios[kill.command]
    first, others = _arrange(kill, stack, service)
    stack.program(scenario.program)
    asked_before = len(service.requests())
    asked = asked_before + kill.after
    service.emulator.fault(kill.slow, kill.how_slow, seconds=0.3, times=target.tasks)
    with closing(Struck(stack, *scenario.command, **scenario.environ)) as command:
        command.until_or_end(lambda: len(service.requests()) >= asked)
        time.sleep(kill.pause)
        struck = command.goes_on
        BLOWS[kill.blow](command, service, stack)
        service.emulator.clear_faults()
        restored = _restore(stack)
        started = [task for task in service.ever() if task["id"] not in others]
        recorded = entries_of(stack)
        # A plugin that outlived its CLI continues meanwhile: it must not harm what the next run does.
        recovery = _recover(kill, stack)
        printed = "\n".join([command.text, *(result.text for result in recovery.results)])
    ever, entries = service.ever(), entries_of(stack)
    ours = [task for task in ever if task["id"] not in others]
    there = {task["id"]: task for task in service.emulator.tasks() if task["id"] not in others}
    after = Aftermath(kill, recorded, entries, there, ours, first, recovery.replaced, recovery.named)
    try:
        kept = [entry for entry in entries if entry.get("id") not in recovery.named.values()]
        owners.require_untouched(others, ever, service.requests()[asked_before:], (recorded, kept))
        owners.require_one_on_a_target(ours, ever)
        owners.require_one_of_a_definition(ours, neighbour.records)
        if scenario.environ != LOSES_STATE:
            owners.require_known(started, recorded)
        if kill.command != "destroy":
            owners.require_kept(recorded, entries)
    except AssertionError as error:
        raise AssertionError(f"{error}; {after}") from None
    target.judge(after)
    form = leaked(printed + stack.everything_written().decode(errors="replace"), target.secrets)
    assert form is None, f"what was printed or written holds a secret; {kill}"
    stack.preview("--expect-no-changes")
    if kill.command == "destroy" or recovery.named:
        _destroy(kill, stack, service, [*others, *recovery.named.values()])
    neighbour.require_no_changes(service.emulator)
    return Outcome(
        kill,
        struck,
        sum(LOCKED in result.text for result in recovery.results),
        restored,
        len(recovery.replaced),
        len(recovery.named),
        len(set(re.findall(r"adopted task ([\w-]+)", printed))),
        time.monotonic() - began,
    )


def _arrange(kill: Kill, stack: Stack, service: Service) -> tuple[frozenset[str], dict[str, owners.Record]]:
    """Bring up what is there before the blow; return the ids of the stack's tasks, and the records of all others.

    Someone uses the descriptions of the stack's tasks for tasks of their own.
    """
    target = TARGETS[kill.of]
    scenario = target.scenarios[kill.command]
    for program in scenario.before:
        stack.program(program).up()
        target.settle(service.emulator)
    scenario.arrange(stack, service.emulator)
    first = frozenset(str(entry["id"]) for entry in entries_of(stack) if "id" in entry)
    for task in service.emulator.tasks():
        if task["id"] in first:
            client = SignedClient(
                service.emulator.url,
                project=task["project_id"],
                access_key=service.emulator.access_key,
                secret_key=service.emulator.secret_key,
            )
            target.copy(client, task)
    records = {task["id"]: task for task in service.ever()}
    return first & records.keys(), {id_: task for id_, task in records.items() if id_ not in first}


def _destroy(kill: Kill, stack: Stack, service: Service, spared: Collection[str]) -> None:
    """Destroy what is there: nothing of the stack is left, and everything else is."""
    before = {task["id"] for task in service.emulator.tasks()}
    stack.destroy()
    left = {task["id"] for task in service.emulator.tasks()}
    assert left <= set(spared), f"orphan: the last destroy left {left - set(spared)}; {kill}"
    deleted = before & set(spared) - left
    assert not deleted, f"deletion {owners.TOUCHED}: {deleted}; {kill}"


def entries_of(stack: Stack) -> list[dict[str, Any]]:
    """Every resource in state."""
    state = stack.store.read(state_key(PROJECT, stack.name))
    assert state is not None, f"no state of {stack.name} in {stack.store.url}"
    checkpoint = json.loads(state)["checkpoint"]
    resources: list[dict[str, Any]] = checkpoint.get("latest", {}).get("resources", [])
    return resources


def attributes_of(stack: Stack) -> str:
    """The key of the file that the file backend writes next to the state, first and not atomically."""
    return f"{state_key(PROJECT, stack.name)}.attrs"


def _restore(stack: Stack) -> bool:
    """Remove the attributes that the CLI had started to write when it was killed: the state is whole, old or new."""
    attributes = stack.store.read(attributes_of(stack))
    try:
        json.loads("{}" if attributes is None else attributes)
    except ValueError:
        stack.store.remove(attributes_of(stack))
        return True
    return False


def _recover(kill: Kill, stack: Stack) -> Recovery:
    """Type the commands, and what a failed one itself tells to type or to write."""
    results: list[Result] = []
    replaced: set[str] = set()
    ids: dict[str, str] = {}
    bare: set[str] = set()
    way_on = TARGETS[kill.of].scenarios[kill.command].way_on
    for arguments in RECOVERIES[kill.recovery]:
        results.append(stack.run(*arguments, ok=None))
        if results[-1].code and LOCKED in results[-1].text:
            stack.run("cancel", "--yes")
            results.append(stack.run(*arguments, ok=None))
        while results[-1].code and (told := TARGETS[kill.of].told(results[-1].text) - replaced):
            replaced |= told
            results.append(stack.run("up", "--yes", *_replacing(stack, told), ok=None))
        while way_on and results[-1].code:
            new, bare_now = named(results[-1].text), idle(results[-1].text)
            if new.keys() <= ids.keys() and bare_now <= bare:
                break
            ids |= new
            bare |= bare_now
            taken = {name: id_ for name, id_ in ids.items() if id_ not in bare}
            results.append(stack.program(way_on(taken)).run("up", "--yes", ok=None))
        assert results[-1].code == 0, f"no recovery: {arguments} says {results[-1].text}; {kill}"
    return Recovery(tuple(results), frozenset(replaced), ids)


def _replacing(stack: Stack, ids: set[str]) -> list[str]:
    gone = [
        entry["urn"]
        for entry in entries_of(stack)
        if kind_of(entry) == "MigrationInstance" and entry["id"] in ids
    ]
    return [argument for urn in gone for argument in ("--replace", urn)]
