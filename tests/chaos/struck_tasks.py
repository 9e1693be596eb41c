"""Struck commands over three ``MigrationTask``, and what must hold after them."""

from __future__ import annotations

from collections import Counter

from tests.chaos.leaks import FIRST_PASSWORD
from tests.chaos.scenarios import DESTROY, REFRESH, UP, Aftermath, Scenario, Target, ids_of

TASKS = 3
PROGRAM = f"""
    for number in range({TASKS}):
        MigrationTask(
            f"task{{number}}",
            **BACKUP,
            target_instance=target(number, password={FIRST_PASSWORD!r}),
            triggers=["RUN"],
        )
"""
FIRST, SECOND = (PROGRAM.replace("RUN", run) for run in ("first", "second"))
CREATE, LIST = "CreateMigrationTask", "ListMigrationTask"
STOP, DELETE = "BatchStopMigrationTasks", "DeleteMigrationTask"

SCENARIOS = {
    "up": Scenario(UP, (), FIRST, 3, (CREATE, LIST)),
    "replace": Scenario(UP, (FIRST,), SECOND, 9, (CREATE, DELETE, STOP)),
    "refresh": Scenario(REFRESH, (FIRST,), FIRST, 1, (LIST,)),
    "destroy": Scenario(DESTROY, (FIRST,), FIRST, 5, (DELETE, STOP, LIST)),
}


def judge(after: Aftermath) -> None:
    """One task for each definition, and nothing ran unasked.

    Raises:
        AssertionError: a promise is broken.
    """
    kill, there = after.kill, after.there
    ids, recorded = (ids_of(entries, "MigrationTask") for entries in (after.entries, after.recorded))
    names = Counter(task["name"] for task in there.values())
    creates = len(after.ever)
    assert set(ids) == {f"task{number}" for number in range(TASKS)}, f"no recovery; {after}"
    assert max(names.values(), default=0) <= 1, f"duplicate: {after}"
    assert set(there) <= set(ids.values()), f"orphan: {after}"
    if kill.command == "destroy":
        # What left the state is started again by `up`; what state still held, and the service had deleted, is not,
        # but for a task that the refresh saw stopped and gone.
        again = {name for name, id_ in recorded.items() if ids[name] != id_}
        assert kill.recovery == "by the book" or not again, f"unasked import: {again} again; {after}"
        assert creates == TASKS + len(set(ids) - set(recorded) | again), f"unasked import: {after}"
    else:
        assert set(there) == set(ids.values()), f"lost: {after}"
        # A replacement was asked for, nothing else was.
        assert creates == TASKS * (2 if kill.command == "replace" else 1), f"unasked import: {after}"


TARGET = Target(SCENARIOS, TASKS, (FIRST_PASSWORD,), judge)
