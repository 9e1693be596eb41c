"""Struck commands over three ``MigrationTask``, and what must hold after them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcs_emulator import Emulator
from tests.chaos.leaks import FIRST_PASSWORD
from tests.chaos.scenarios import DESTROY, LOSES_STATE, REFRESH, UP, Aftermath, Scenario, Target, ids_of
from tests.e2e.stack import Stack
from tests.signing import SignedClient

NUMBERS = range(3)
TASKS = len(NUMBERS)


def task(number: int, run: str, *, target: int | None = None, name: str = "task", more: str = "") -> str:
    """One task of a program, which runs for a trigger into its own target, or into another one."""
    into = f"target({number if target is None else target}, password={FIRST_PASSWORD!r})"
    return f'MigrationTask("{name}{number}", **BACKUP, target_instance={into}, triggers=["{run}"], {more})\n'


def existing(ids: Mapping[str, str], number: int) -> str:
    """The argument that takes over the task of a number, where there is one to take over."""
    id_ = ids.get(f"task{number}")
    return f'existing_task_id="{id_}",' if id_ else ""


FIRST, SECOND = ("".join(task(number, run) for number in NUMBERS) for run in ("first", "second"))
MOVED = "".join(
    task(
        number,
        "second",
        name="moved",
        more=f"opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name='task{number}')])",
    )
    for number in NUMBERS
)
RETAIN = """
def retain(args):
    args.opts.retain_on_delete = True
    return pulumi.ResourceTransformResult(args.props, args.opts)

pulumi.runtime.register_resource_transform(retain)
"""

# The neighbour has run task0 into our target, and runs task1 into another one. Its task2, which failed, is ours
# to the letter.
NEIGHBOUR = task(0, "theirs") + task(1, "first", target=11) + task(2, "first")
ENDED = {"task0": "SUCCESS", "task2": "FAILED"}


def on_purpose(ids: Mapping[str, str]) -> str:
    """The program of the neighbour, where it is refused: run again what is over, take over what runs."""
    return (
        task(0, "on purpose" if "task0" in ids else "theirs")
        + task(1, "first", target=11, more=existing(ids, 1))
        + task(2, "first")
    )


def taking_over(ids: Mapping[str, str]) -> str:
    """The first program, which takes over what it was refused for."""
    return "".join(task(number, "first", more=existing(ids, number)) for number in NUMBERS)


def succeed(stack: Stack, emulator: Emulator) -> None:
    """Let the tasks of a stack come to their end."""
    for id_ in stack.ids().values():
        emulator.set_status(id_, "SUCCESS")


def move(stack: Stack, emulator: Emulator) -> None:
    """Move the tasks to a new stack of the same backend, which is then the one that is struck."""
    urns = [entry["urn"] for entry in stack.resources().values()]
    stack.run("stack", "init", "prod")
    stack.run("state", "move", "--source", stack.name, "--dest", "prod", *urns, "--yes")
    stack.name = "prod"


def copy(client: SignedClient, ours: Mapping[str, Any]) -> None:
    """Import into another target with the name and the description of one of ours."""
    client.create(ours["name"], description=ours["description"], target_instance={"id": f"copy-{ours['id']}"})


CREATE, LIST, SHOW = "CreateMigrationTask", "ListMigrationTask", "ShowMigrationTask"
STOP, DELETE = "BatchStopMigrationTasks", "DeleteMigrationTask"
TWIN, LOST, LOST_AGAIN = "up of a twin", "up, state lost", "replace, state lost"
AFTER_MOVE, RETAINED = "replace, moved", "replace, retained"

SCENARIOS = {
    "up": Scenario(UP, (), FIRST, 3, (CREATE, LIST)),
    "replace": Scenario(UP, (FIRST,), SECOND, 9, (CREATE, DELETE, STOP)),
    "refresh": Scenario(REFRESH, (FIRST,), FIRST, 1, (LIST,)),
    "destroy": Scenario(DESTROY, (FIRST,), FIRST, 5, (DELETE, STOP, LIST)),
    TWIN: Scenario(UP, (), NEIGHBOUR, 4, (CREATE, LIST, SHOW), way_on=on_purpose),
    LOST: Scenario(UP, (), FIRST, 4, (CREATE, LIST), environ=LOSES_STATE, way_on=taking_over),
    AFTER_MOVE: Scenario(UP, (FIRST,), MOVED, 8, (CREATE, DELETE, STOP), arrange=move),
    RETAINED: Scenario(UP, (RETAIN + FIRST,), RETAIN + SECOND, 6, (CREATE, LIST, SHOW), arrange=succeed),
    LOST_AGAIN: Scenario(UP, (FIRST,), SECOND, 8, (CREATE, LIST, DELETE), environ=LOSES_STATE),
}
# How many tasks each of them may start, those before the blow included.
STARTED = {"up": 3, "replace": 6, "refresh": 3, TWIN: 2, LOST: 3, LOST_AGAIN: 6, AFTER_MOVE: 6, RETAINED: 6}


def judge(after: Aftermath) -> None:
    """One task for each definition, and nothing ran unwanted.

    Raises:
        AssertionError: a promise is broken.
    """
    command, there = after.kill.command, after.there
    ids = ids_of(after.entries, "MigrationTask")
    name = "moved" if command == AFTER_MOVE else "task"
    assert set(ids) == {f"{name}{number}" for number in NUMBERS}, f"no recovery; {after}"
    wanted = set(ids.values()) | (after.first if command == RETAINED else set())
    if command == TWIN:
        assert after.named.keys() == {"task0", "task1"}, f"not refused: {after}"
        wanted.remove(after.named["task1"])
    assert set(there) <= wanted, f"orphan: {after}"
    if command == "destroy":
        _judge_destroyed(after, ids)
        return
    assert set(there) == wanted, f"lost: {after}"
    assert len(after.ever) == STARTED[command], f"unasked import: {after}"


def _judge_destroyed(after: Aftermath, ids: Mapping[str, str]) -> None:
    """What left the state is started again by `up`.

    What state still held, and the service had deleted, is not, but for a task that the refresh saw stopped and gone.
    """
    recorded = ids_of(after.recorded, "MigrationTask")
    again = {name for name, id_ in recorded.items() if ids[name] != id_}
    assert after.kill.recovery == "by the book" or not again, f"unasked import: {again} again; {after}"
    assert len(after.ever) == TASKS + len(set(ids) - set(recorded) | again), f"unasked import: {after}"


TARGET = Target(SCENARIOS, TASKS, (FIRST_PASSWORD,), judge, NEIGHBOUR, ENDED, copy)
