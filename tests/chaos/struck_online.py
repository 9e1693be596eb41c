"""Struck commands over two ``OnlineMigrationTask``, and what must hold after them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dcs_emulator import Emulator
from tests.chaos.leaks import FIRST_PASSWORD, OTHER_PASSWORD, SECRET_KEY
from tests.chaos.scenarios import DESTROY, LOSES_STATE, REFRESH, UP, Aftermath, Scenario, Target, ids_of
from tests.signing import SignedClient

NUMBERS = range(2)
TASKS = len(NUMBERS)
NAMES = {f"shop{number}" for number in NUMBERS}


def task(number: int, changes: str = "", target: str = "orders") -> str:
    """One migration of a program, with some arguments changed."""
    return f"""OnlineMigrationTask(
    "shop{number}",
    vpc_id="vpc-1",
    subnet_id="subnet-1",
    security_group_id="group-1",
    migration_method="incremental_migration",
    source_instance={{"id": "shop{number}", "password": {FIRST_PASSWORD!r}}},
    target_instance={{"id": "{target}{number}", "password": {OTHER_PASSWORD!r}}},
    {changes}
)
"""


IMPORT = "from dcs_migration import OnlineMigrationTask\n"


def program(changes: str = "") -> str:
    """The program, with some arguments changed."""
    return IMPORT + "".join(task(number, changes) for number in NUMBERS)


def existing(ids: Mapping[str, str], number: int) -> str:
    """The argument that takes over the migration of a number, where there is one to take over."""
    id_ = ids.get(f"shop{number}")
    return f'existing_task_id="{id_}",' if id_ else ""


def neighbours(ids: Mapping[str, str]) -> str:
    """The program of the neighbour, which takes over what it was refused for.

    It follows shop0 into another target. Its migration of shop1, which failed, is ours to the letter.
    """
    return IMPORT + task(0, existing(ids, 0), target="elsewhere") + task(1)


def taking_over(ids: Mapping[str, str]) -> str:
    """The first program, which takes over what it was refused for."""
    return IMPORT + "".join(task(number, existing(ids, number)) for number in NUMBERS)


@dataclass(frozen=True)
class Steered(Scenario):
    """A command and where it leaves each migration; ``restarts`` are those that may have been asked for."""

    status: str
    task_status: str | None = None
    exchanges: int = 0
    rollbacks: int = 0
    restarts: int = 0
    settings: Mapping[str, Any] | None = None


RUNNING, FASTER = program(), program("bandwidth_limit_mb=7,")
STOPPED, SWITCHED = program('state="stopped",'), program('state="switched",')
ANOTHER = program('description="another",')

CREATE, SET = "CreateOnlineMigrationTask", "SetOnlineMigrationTask"
STOP, RESTART, DELETE = "BatchStopMigrationTasks", "BatchRestartOnlineMigrationTasks", "DeleteMigrationTask"
EXCHANGE, ROLLBACK = "ExchangeInstanceIp", "RollbackExchangeInstanceIp"
LIST, SHOW, JOB, STATS = "ListMigrationTask", "ShowMigrationTask", "ShowJobInfo", "ShowMigrationTaskStats"
COPIES, FOLLOWS, ENDED, EXCHANGED = "FULLMIGRATING", "INCRMIGEATING", "TERMINATED", "EXCHANGE_SUCCESS"
TWIN, LOST, LOST_AGAIN = "begin of a twin", "begin, state lost", "replace, state lost"

SCENARIOS = {
    "begin": Steered(UP, (), RUNNING, 15, (CREATE, JOB, SET, LIST), COPIES),
    "change": Steered(UP, (RUNNING,), FASTER, 5, (SET, SHOW), FOLLOWS, settings={"bandwidth_limit_mb": "7"}),
    "stop": Steered(UP, (RUNNING,), STOPPED, 8, (STOP, SHOW), ENDED),
    "switch": Steered(UP, (RUNNING,), SWITCHED, 17, (EXCHANGE, STATS, SHOW), ENDED, EXCHANGED, exchanges=1),
    "switch back": Steered(
        UP,
        (RUNNING, SWITCHED),
        RUNNING,
        17,
        (ROLLBACK, RESTART, SHOW),
        FOLLOWS,
        exchanges=1,
        rollbacks=1,
        restarts=1,
    ),
    "refresh": Steered(REFRESH, (RUNNING,), RUNNING, 3, (LIST, SHOW), FOLLOWS),
    "replace": Steered(UP, (RUNNING,), ANOTHER, 22, (STOP, DELETE, CREATE, SET), COPIES),
    "destroy": Steered(DESTROY, (RUNNING,), RUNNING, 12, (STOP, DELETE, LIST), FOLLOWS, restarts=1),
    TWIN: Steered(UP, (), neighbours({}), 3, (CREATE, LIST, SHOW), COPIES, way_on=neighbours),
    LOST: Steered(
        UP, (), RUNNING, 15, (CREATE, JOB, SET, LIST), COPIES, environ=LOSES_STATE, way_on=taking_over
    ),
    LOST_AGAIN: Steered(
        UP, (RUNNING,), ANOTHER, 22, (STOP, DELETE, CREATE, SET), COPIES, environ=LOSES_STATE
    ),
}


def settle(emulator: Emulator) -> None:
    """Every target catches up with its source."""
    for task in emulator.tasks():
        if task["status"] == COPIES:
            emulator.set_status(task["id"], FOLLOWS, offset=0)


def copy(client: SignedClient, ours: Mapping[str, Any]) -> None:
    """Make an instance in another network with the name and the description of one of ours."""
    network = {"vpc_id": "vpc-2", "subnet_id": "subnet-2", "security_group_id": "group-2"}
    body = {"name": ours["name"], "description": ours["description"], **network}
    answer = client.call("POST", "migration/instance", body)
    client.control("POST", f"tasks/{answer.json()['instance_id']}", {"status": "RUNNING"})


def told(text: str) -> set[str]:
    """The ids of the instances that a failed `up` tells to replace, because the service has them no more."""
    lines = [line for line in text.splitlines() if "`pulumi up --replace`" in line]
    return {id_ for line in lines for id_ in re.findall(r"migration instance ([0-9a-f-]{8,})", line)}


def judge(after: Aftermath) -> None:
    """One instance with one migration for each definition, and no run or exchange that no one asked for.

    Raises:
        AssertionError: a promise is broken.
    """
    kill, there = after.kill, after.there
    scenario = SCENARIOS[kill.command]
    instances, migrations = (ids_of(after.entries, kind) for kind in ("MigrationInstance", "OnlineMigration"))
    assert set(instances) == NAMES, f"no recovery; {after}"
    assert instances == migrations, f"no recovery; {after}"
    wanted = set(instances.values())
    if kill.command == TWIN:
        assert after.named.keys() == {"shop0"}, f"not refused: {after}"
        wanted.remove(after.named["shop0"])
    assert set(there) <= wanted, f"orphan: {after}"
    assert all(task["runs"] <= 1 for task in after.ever), f"unasked import: {after}"
    assert all(task["restarts"] <= scenario.restarts for task in after.ever), f"unasked import: {after}"
    for task in after.ever:
        swaps = task["exchanges"], task["rollbacks"]
        assert swaps == (scenario.exchanges, scenario.rollbacks), f"unasked exchange: {swaps}; {after}"
    if kill.command == "destroy":
        _judge_destroyed(after, instances)
        return
    assert set(there) == wanted, f"lost: {after}"
    assert not after.replaced, f"no recovery: {after}"
    assert len(after.ever) == {"replace": 4, LOST_AGAIN: 4, TWIN: 1}.get(kill.command, TASKS), (
        f"unasked import: {after}"
    )
    for task in there.values():
        reached = task["status"], task["task_status"]
        assert reached == (scenario.status, scenario.task_status), f"not what is wanted: {after}"
        for key, value in (scenario.settings or {}).items():
            assert task[key] == value, f"not what is wanted: {after}"


def _judge_destroyed(after: Aftermath, instances: Mapping[str, str]) -> None:
    """After a struck `destroy`, `up` makes again what had left the state, and only that."""
    held, steered = (ids_of(after.recorded, kind) for kind in ("MigrationInstance", "OnlineMigration"))
    anew = {name for name in NAMES if held.get(name) != instances[name]}
    assert len(after.ever) == TASKS + len(anew), f"unasked import: {after}"
    for name, id_ in instances.items():
        if name in anew:
            # Its instance had left the state; or only its migration had, and `up` told to replace what no longer
            # existed.
            assert name not in held or (name not in steered and held[name] in after.replaced), str(after)
            assert after.there[id_]["status"] == COPIES, f"not what is wanted: {after}"
            continue
        assert id_ in after.there, f"lost: {after}"
        if after.there[id_]["status"] == ENDED:
            # State holds the migration as running: only a refresh can show that the struck command had stopped it.
            assert name in steered, f"not what is wanted: {after}"
            assert after.kill.recovery == "up alone", f"not what is wanted: {after}"
        else:
            assert after.there[id_]["status"] == FOLLOWS, f"not what is wanted: {after}"


TARGET = Target(
    SCENARIOS,
    TASKS,
    (FIRST_PASSWORD, OTHER_PASSWORD, SECRET_KEY),
    judge,
    neighbours({}),
    {"shop1": "FAILED"},
    copy,
    settle,
    told,
)
