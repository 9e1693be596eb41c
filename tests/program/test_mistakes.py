"""Mistakes that the provider's check cannot see are refused where the program makes them, in one line."""

from __future__ import annotations

import enum
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pulumi
import pytest

from dcs_migration import MigrationCompletion, MigrationInstance, MigrationTask, OnlineMigration, Provider
from dcs_migration.resources.watched import Watchable
from tests.program.test_completion import ELSEWHERE
from tests.program.test_online import declare
from tests.program.test_program import Recorder, later, monitor, run, task

__all__ = ["monitor"]  # the fixture

SECRET = "hunter2-hunter2"
MIGRATION: dict[str, Any] = {
    "task_id": "t-2",
    "migration_method": "full_amount_migration",
    "source_instance": {"addrs": "10.0.0.1:6379"},
    "target_instance": {"id": "orders"},
}


def machine() -> MigrationInstance:
    """Declare a migration instance."""
    return MigrationInstance("mover", vpc_id="v", subnet_id="s", security_group_id="g")


def online(**changes: Any) -> OnlineMigration:
    """Declare an online migration, with some arguments changed."""
    return OnlineMigration("online", **{**MIGRATION, **changes})


def refused(program: Callable[[], Any]) -> str:
    """Return the one line with which a program ends."""
    with pytest.raises((TypeError, ValueError)) as caught:
        run(program)
    line = str(caught.value)
    assert "\n" not in line
    assert SECRET not in line
    return line


def wait(**arguments: Any) -> MigrationCompletion:
    """Declare a wait."""
    return MigrationCompletion("done", **arguments)


TASKS: dict[str, tuple[Callable[[], Any], str]] = {
    "an id": (
        lambda: [task().id],
        "tasks[0]: is an Output; use the task itself, or its id in task_ids=[...]",
    ),
    "a text": (lambda: [ELSEWHERE], "tasks[0]: is a str; use the task itself, or its id in task_ids=[...]"),
    "no list": (task, "tasks: is a resource (MigrationTask 'orders'); use a list: tasks=[...]"),
    "one text": (lambda: ELSEWHERE, "tasks: is a str; use the task itself, or its id in task_ids=[...]"),
    "an output": (
        lambda: pulumi.Output.from_input([ELSEWHERE]),
        "tasks: is an Output; use the task itself, or its id in task_ids=[...]",
    ),
    "a map": (lambda: {"orders": task()}, "tasks: is a map; use a list of its values"),
    "a set": (lambda: {task()}, "tasks: is a set, which has no order; use a list"),
    "a machine": (
        lambda: [task(), machine()],
        "tasks[1]: is a resource (MigrationInstance 'mover'); use the OnlineMigration",
    ),
    "a wait": (
        lambda: [task().completion()],
        "tasks[0]: is a resource (MigrationCompletion 'orders-completion'); use a MigrationTask, an "
        "OnlineMigration",
    ),
    "a class": (lambda: [MigrationTask], "tasks[0]: is the class MigrationTask; use a MigrationTask"),
    "nothing": (lambda: [None], "tasks[0]: is a NoneType; use a MigrationTask"),
    "a number": (lambda: 5, "tasks: is an int; use a MigrationTask"),
}


@pytest.mark.parametrize("mistake", list(TASKS))
def test_what_is_no_list_of_tasks(monitor: Recorder, mistake: str) -> None:
    """A value that can't be waited for is named with its place and its type, and what to write."""
    tasks, words = TASKS[mistake]
    line = refused(lambda: wait(tasks=tasks()).id)
    assert line.startswith(f"MigrationCompletion 'done': {words}")


def test_a_task_that_is_named_twice(monitor: Recorder) -> None:
    """Also for a component together with the migration in it: a preview doesn't know the ids yet."""
    first = "MigrationCompletion 'done': tasks[1]: is the same as tasks[0]; list each task once"

    def twice(tasks: Callable[[], list[Any]]) -> str:
        return refused(lambda: wait(tasks=tasks()).id)

    assert twice(lambda: [task()] * 2) == first
    assert twice(lambda: [(shop := declare()), shop.migration]) == first


@pytest.mark.parametrize("arguments", [{}, {"tasks": []}, {"task_ids": []}, {"tasks": (), "task_ids": ()}])
def test_a_wait_for_nothing(monitor: Recorder, arguments: dict[str, Any]) -> None:
    """The line names both arguments, for the user may have meant either."""
    line = "MigrationCompletion 'done': waits for nothing; set tasks=[...] or task_ids=[...]"
    assert refused(lambda: wait(**arguments).id) == line


@pytest.mark.parametrize(
    "tasks",
    [lambda: (task(name) for name in "ab"), lambda: {"a": task("a"), "b": task("b")}.values()],
    ids=["generator", "values of a map"],
)
def test_tasks_may_come_from_any_ordered_source(monitor: Recorder, tasks: Callable[[], Any]) -> None:
    """What can be gone through in an order will do."""
    run(lambda: wait(tasks=tasks()).id)
    assert monitor.of("done")[2]["task_ids"] == ["a-id", "b-id"]


def test_every_kind_of_task_can_be_watched(monitor: Recorder) -> None:
    """Each shows what is to be watched; a machine and a wait do not."""

    def program() -> Any:
        for resource in (task(), online(), declare()):
            assert isinstance(resource, Watchable)
        assert not isinstance(machine(), Watchable)
        assert not isinstance(wait(task_ids=[ELSEWHERE]), Watchable)

    run(program)


@pytest.mark.parametrize("ids", ["abc", 5])
def test_ids_that_are_no_list_reach_the_check_as_they_are(monitor: Recorder, ids: Any) -> None:
    """Next to a task, a text must not be split into characters: the check says that it isn't a list."""
    run(lambda: wait(tasks=[task()], task_ids=ids).id)
    assert monitor.of("done")[2]["task_ids"] == ids


def test_ids_of_an_output_that_is_no_list(monitor: Recorder) -> None:
    """The same where only the update knows them."""
    run(lambda: wait(tasks=[task()], task_ids=pulumi.Output.from_input("abc")).id)
    assert monitor.of("done")[2]["task_ids"] == "abc"


def test_ids_of_a_coroutine(monitor: Recorder) -> None:
    """They follow those of the tasks, too."""

    async def ids() -> list[str]:
        return [ELSEWHERE]

    run(lambda: wait(tasks=[task()], task_ids=ids()).id)
    assert monitor.of("done")[2]["task_ids"] == ["orders-id", ELSEWHERE]


def test_durations_may_be_python_s_own(monitor: Recorder) -> None:
    """A `timedelta` is its seconds, in the constructor and in the short forms."""
    run(lambda: wait(task_ids=[ELSEWHERE], timeout=timedelta(hours=2), interval=timedelta(seconds=30)).id)
    run(lambda: task().completion(timeout=timedelta(minutes=1)).id)
    run(lambda: online().completion(interval=timedelta(minutes=1)).id)
    props = monitor.of("done")[2]
    assert (props["timeout"], props["interval"]) == (7200, 30)
    assert monitor.of("orders-completion")[2]["timeout"] == 60
    assert monitor.of("online-completion")[2]["interval"] == 60


class Size(enum.Enum):
    """An enumeration that isn't a text."""

    SMALL = 1


VALUES: dict[str, tuple[Callable[[], Any], str]] = {
    "a resource": (
        machine,
        "is a resource (MigrationInstance 'mover'); use the output that you need, such as its .id",
    ),
    "a component": (
        declare,
        "is a resource (OnlineMigrationTask 'orders'); use the id of a resource in it",
    ),
    "a set": (lambda: {SECRET}, "is a set; use a list, because a set has no order: sorted(...)"),
    "a generator": (lambda: (word for word in [SECRET]), "is a generator; use a list: list(...)"),
    "keys of a map": (lambda: {SECRET: 1}.keys(), "is a dict_keys; use a list: list(...)"),
    "a range": (lambda: range(3), "is a range; use a list: list(...)"),
    "a date": (lambda: date(2026, 1, 31), "is a date; use a string: its .isoformat()"),
    "a duration": (lambda: timedelta(1), "is a timedelta; use its .total_seconds()"),
    "bytes": (lambda: SECRET.encode(), "is a bytes; use a string: its .decode()"),
    "an enumeration": (lambda: Size.SMALL, "is a Size; use its .value"),
    "a dataclass": (lambda: Slotted(SECRET), "is a Slotted; use a map: dataclasses.asdict(...)"),
    "a path": (lambda: Path(SECRET), "is a PosixPath; use strings, numbers, lists or maps"),
    "a uuid": (lambda: uuid.UUID(int=1), "is an UUID; use strings, numbers, lists or maps"),
    "a function": (lambda: declare, "is a function; use what it returns"),
    "a class": (lambda: Path, "is the class Path; use a value"),
    "options": (pulumi.ResourceOptions, "is a ResourceOptions; pass it as opts=..."),
    "a key that is no text": (lambda: {5: SECRET}, "has an int as a key; use strings as keys"),
    "half a character": (
        lambda: f"{SECRET}\ud83d",
        "contains half a character (a lone surrogate); remove it",
    ),
    "a huge number": (lambda: 10**400, "is too large a number; use a string"),
}


@pulumi.input_type
class Source:
    """An instance in a class of Pulumi's."""

    def __init__(self, *, addrs: str, password: Any) -> None:
        pulumi.set(self, "addrs", addrs)
        pulumi.set(self, "password", password)

    @property
    @pulumi.getter
    def addrs(self) -> str:
        """Its address."""
        return str(pulumi.get(self, "addrs"))

    @property
    @pulumi.getter
    def password(self) -> Any:
        """Its password."""
        return pulumi.get(self, "password")


PLACES: dict[str, Callable[[Any], Any]] = {
    "MigrationTask 'orders': triggers[1]": lambda value: task(triggers=["a", value]),
    "MigrationTask 'orders': existing_task_id": lambda value: task(existing_task_id=value),
    "MigrationTask 'orders': target_instance": lambda value: task(target_instance=value),
    "MigrationTask 'orders': target_instance.id": lambda value: task(target_instance={"id": value}),
    "MigrationTask 'orders': target_instance.password": lambda value: task(
        target_instance={"id": "orders", "password": value}
    ),
    "MigrationTask 'orders': source_instance.password": lambda value: task(
        source_instance=Source(addrs="10.0.0.1:6379", password=value)
    ),
    "OnlineMigration 'online': target_instance.password": lambda value: online(
        target_instance={"id": "orders", "password": value}
    ),
    "MigrationTask 'orders': backup_files.files[0].file_name": lambda value: task(
        backup_files={"files": [{"file_name": value}]}
    ),
    "OnlineMigration 'online': task_id": lambda value: online(task_id=value),
    "OnlineMigration 'online': source_instance": lambda value: online(source_instance=value),
    "MigrationInstance 'mover': vpc_id": lambda value: MigrationInstance(
        "mover", vpc_id=value, subnet_id="s", security_group_id="g"
    ),
    "MigrationCompletion 'done': task_ids[0]": lambda value: wait(task_ids=[value]),
    "MigrationCompletion 'done': region": lambda value: wait(task_ids=[ELSEWHERE], region=value),
    "MigrationTask 'seen': region": lambda value: MigrationTask.get("seen", ELSEWHERE, region=value),
}


@pytest.mark.parametrize("mistake", list(VALUES))
@pytest.mark.parametrize("place", list(PLACES))
def test_what_cannot_be_sent(monitor: Recorder, place: str, mistake: str) -> None:
    """A value of any type that isn't data, at any depth: its path, its type (never the value), and what to write."""
    value, words = VALUES[mistake]
    declared = PLACES[place]
    assert refused(lambda: declared(value())) == f"{place}: {words}"


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        ("MigrationTask", task),
        ("MigrationTask", lambda name: MigrationTask.get(name, ELSEWHERE)),
        (
            "MigrationInstance",
            lambda name: MigrationInstance(name, vpc_id="v", subnet_id="s", security_group_id="g"),
        ),
        ("OnlineMigration", lambda name: OnlineMigration(name, **MIGRATION)),
        ("MigrationCompletion", lambda name: MigrationCompletion(name, task_ids=[ELSEWHERE])),
    ],
    ids=["task", "get", "instance", "online", "wait"],
)
def test_an_output_as_a_name(
    monitor: Recorder, monkeypatch: pytest.MonkeyPatch, kind: str, declared: Callable[[Any], Any]
) -> None:
    """Before anything makes a text of it, which Pulumi reports as a warning, once for each argument."""
    monkeypatch.setenv("PULUMI_ERROR_OUTPUT_STRING", "true")
    said = refused(lambda: declared(pulumi.Output.from_input("orders")))
    assert said == f"{kind}: the name is an Output; use a string"


@dataclass
class Slotted:
    """An instance in a class that is not Pulumi's, with a password that Python shows."""

    __slots__ = ("password",)
    password: str


@pytest.mark.parametrize("made", [lambda: Slotted(SECRET), SECRET.encode], ids=["a class", "bytes"])
@pytest.mark.parametrize("late", [later, pulumi.Output.from_input], ids=["a coroutine", "an output"])
def test_what_cannot_be_sent_and_is_known_late(
    monitor: Recorder, late: Callable[[Any], Any], made: Callable[[], Any]
) -> None:
    """Pulumi fails with a traceback then, which must not show the value."""
    with pytest.raises(Exception, match="target_instance") as caught:
        run(lambda: task(target_instance=late(made())).id)
    said = "".join(traceback.format_exception(caught.value))
    assert SECRET not in said
    assert f"MigrationTask 'orders': target_instance: is a {type(made()).__name__}; use" in said


def test_a_list_that_contains_itself(monitor: Recorder) -> None:
    """It ends in a line, not in a RecursionError."""
    endless: list[Any] = []
    endless.append(endless)
    assert refused(lambda: task(triggers=endless)).endswith(": is nested too deeply, or contains itself")


def test_what_is_sent_passes(monitor: Recorder) -> None:
    """Every shape that Pulumi takes still arrives, an enumeration of texts and a tuple included."""

    class Method(str, enum.Enum):
        FULL = "full_amount_migration"

    async def later() -> str:
        return "later"

    run(
        lambda: (
            task(
                migration_method=Method.FULL,
                description="Grüße 👋",
                triggers=("a", 1, 1.5, True, None, {"b": [pulumi.Output.from_input("c"), later()]}),
            ).id
        )
    )
    props = monitor.of("orders")[2]
    assert props["migration_method"] == "full_amount_migration"
    assert props["triggers"] == ["a", 1, 1.5, True, None, {"b": ["c", "later"]}]


OPTIONS: dict[str, tuple[Callable[[], Any], str]] = {
    "a map": (lambda: {"protect": True}, "opts: is a dict; use opts=pulumi.ResourceOptions(...)"),
    "a resource": (
        task,
        "opts: is a resource (MigrationTask 'orders'); use opts=pulumi.ResourceOptions(...)",
    ),
    "a parent's name": (
        lambda: pulumi.ResourceOptions(parent="group"),  # type: ignore[arg-type]
        "opts.parent: is a str; use the resource itself",
    ),
    "one provider for several": (
        lambda: pulumi.ResourceOptions(providers=Provider("p")),  # type: ignore[arg-type]
        "opts.providers: is a resource (Provider 'p'); use a list of providers, or provider= for one",
    ),
    "a provider's name": (
        lambda: pulumi.ResourceOptions(provider="p"),  # type: ignore[arg-type]
        "opts.provider: is a str; use a dcs_migration.Provider(...)",
    ),
    "timeouts of a text": (
        lambda: pulumi.ResourceOptions(custom_timeouts="30m"),  # type: ignore[arg-type]
        'opts.custom_timeouts: is a str; use pulumi.CustomTimeouts(delete="30m")',
    ),
    "a timeout of a number": (
        lambda: pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(delete=600)),  # type: ignore[arg-type]
        'opts.custom_timeouts.delete: is an int; use a string such as "30m"',
    ),
    "a timeout in words": (
        lambda: pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="two hours")),
        'opts.custom_timeouts.create: isn\'t a duration; use a value such as "90s", "10m" or "1h30m"',
    ),
    "an id": (
        lambda: pulumi.ResourceOptions(id=ELSEWHERE),
        "opts.id and opts.urn would read a resource instead of creating one",
    ),
}
DECLARED: dict[str, Callable[[Any], Any]] = {
    "MigrationTask": lambda opts: task("shop", opts=opts),
    "MigrationTask.get": lambda opts: MigrationTask.get("seen", ELSEWHERE, opts=opts),
    "MigrationInstance": lambda opts: MigrationInstance(
        "mover", vpc_id="v", subnet_id="s", security_group_id="g", opts=opts
    ),
    "OnlineMigration": lambda opts: online(opts=opts),
    "OnlineMigrationTask": lambda opts: declare(opts=opts),
    "MigrationCompletion": lambda opts: wait(task_ids=[ELSEWHERE], opts=opts),
    "MigrationTask.completion": lambda opts: task("shop").completion(opts=opts),
    "OnlineMigration.completion": lambda opts: online().completion(opts=opts),
    "OnlineMigrationTask.completion": lambda opts: declare().completion(opts=opts),
}


@pytest.mark.parametrize("mistake", list(OPTIONS))
@pytest.mark.parametrize("resource", list(DECLARED))
def test_options_of_a_wrong_type(monitor: Recorder, resource: str, mistake: str) -> None:
    """In every resource and every method that takes options."""
    options, words = OPTIONS[mistake]
    assert refused(lambda: DECLARED[resource](options())).startswith(words)


@pytest.mark.parametrize(
    ("id_", "words"),
    [
        (lambda: None, "is a NoneType"),
        (lambda: "", "is empty"),
        (lambda: 5, "is an int"),
        (task, "is a resource (MigrationTask 'orders')"),
    ],
    ids=["none", "empty", "number", "task"],
)
def test_get_without_an_id(monitor: Recorder, id_: Callable[[], Any], words: str) -> None:
    """Without an id Pulumi would make a resource instead of reading one."""
    line = refused(lambda: MigrationTask.get("seen", id_()))
    assert line == f"MigrationTask.get('seen'): id: {words}; use the id of a task"
    assert not [request for _, request in monitor.requests if getattr(request, "name", "") == "seen"]
