"""What `MigrationCompletion` registers, seen as the raw requests that it sends to Pulumi."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import mocks as pulumi_mocks

from dcs_migration import MigrationCompletion, MigrationTask, OnlineMigration, provider_process
from dcs_migration.providers.migration_completion import MigrationCompletionProvider
from tests.program.test_online import declare
from tests.program.test_program import (
    INSTANCES,
    Answers,
    Recorder,
    is_secret,
    monitor,
    run,
    task,
    with_config,
    without_secrets,
)
from tests.program.test_program import (
    TYPE_TOKEN as TASK_TOKEN,
)

__all__ = ["monitor"]  # the fixture

TYPE_TOKEN = "pulumi-python:dynamic/dcs:MigrationCompletion"
PROCESS_TYPE = "pulumi:providers:pulumi-python"
ELSEWHERE = "8aa6999e71cb638b0171f485f5266ef0"


def processes(monitor: Recorder) -> list[str]:
    """Return the names of the plugin processes that a program asks for."""
    return [request.name for _, request in monitor.requests if getattr(request, "type", "") == PROCESS_TYPE]


def process_of(monitor: Recorder, name: str) -> str:
    """Return the name of the process in which a resource lives."""
    return str(monitor.of(name)[1].provider.split("::")[-2])


def test_the_type_token_and_the_provider_never_change(monitor: Recorder) -> None:
    """They are in every state: others would make every wait again."""
    run(lambda: MigrationCompletion("done", task_ids=[ELSEWHERE]).id)
    kind, request, props = monitor.of("done")
    assert (kind, request.type, request.custom) == ("register", TYPE_TOKEN, True)
    assert props["__provider"] == serialize_provider(MigrationCompletionProvider())


def test_the_inputs_are_handed_over_as_written(monitor: Recorder) -> None:
    """Numbers stay numbers, durations stay text, and what is left out is not sent as something else."""
    run(
        lambda: (
            MigrationCompletion(
                "done",
                task_ids=[ELSEWHERE],
                region="eu-west-102",
                project_id="p1",
                timeout=90,
                interval="30s",
                fail_fast=True,
            ).id
        )
    )
    props = monitor.of("done")[2]
    assert {key: props[key] for key in ("task_ids", "region", "project_id", "timeout", "interval")} == {
        "task_ids": [ELSEWHERE],
        "region": "eu-west-102",
        "project_id": "p1",
        "timeout": 90,
        "interval": "30s",
    }
    assert props["fail_fast"] is True
    assert props["__tasks"] == []
    run(lambda: MigrationCompletion("bare", task_ids=[ELSEWHERE]).id)
    bare = monitor.of("bare")[2]
    assert {key for key, value in bare.items() if value} == {"task_ids", "__urn", "__provider"}


def test_tasks_come_first_with_what_is_known_of_them(monitor: Recorder) -> None:
    """Each task brings its id, name, status, place and real URN; other ids follow; the order is the program's."""
    run(
        lambda: (
            MigrationCompletion(
                "done", tasks=[task("b", region="eu-west-102"), task("a")], task_ids=[ELSEWHERE]
            ).id
        )
    )
    _, request, props = monitor.of("done")
    assert props["task_ids"] == ["b-id", "a-id", ELSEWHERE]
    first, second = props["__tasks"]
    assert first["urn"] == f"urn:pulumi:dev::shop::{TASK_TOKEN}::b"
    assert (first["region"], first["status"]) == ("eu-west-102", "MIGRATING")
    assert second["urn"] == f"urn:pulumi:dev::shop::{TASK_TOKEN}::a"
    assert set(first) <= {"urn", "name", "status", "region", "project_id", "taken_over"}
    assert sorted(request.dependencies) == sorted(entry["urn"] for entry in props["__tasks"])
    assert "of-the-target" not in json.dumps(without_secrets(props))


def passwords(monitor: Recorder, name: str = "done") -> list[Any]:
    """Return the passwords that a wait gets; each must be a secret."""
    told = monitor.of(name)[2]["__passwords"]
    assert [password for password in told if not is_secret(password)] == []
    return [password.get("value") for password in told]


@pytest.mark.parametrize("instance", list(INSTANCES))
@pytest.mark.parametrize("argument", ["source_instance", "target_instance"])
def test_the_passwords_of_tasks_are_told_as_secrets(monitor: Recorder, argument: str, instance: str) -> None:
    """However the instance was written: the service may quote them to the process of the wait."""
    given = {"target_instance": {"id": "orders"}, argument: INSTANCES[instance]()}
    run(lambda: MigrationCompletion("done", tasks=[task(**given)], task_ids=[ELSEWHERE]).id)
    assert passwords(monitor) == [
        "hidden-word" if argument == side else None for side in ("source_instance", "target_instance")
    ]


def test_the_passwords_of_each_kind_of_task(monitor: Recorder) -> None:
    """A component's are those of the migration in it; one that is only read has none; ids bring none."""

    def program() -> Any:
        online = OnlineMigration(
            "online",
            task_id="t-2",
            migration_method="full_amount_migration",
            source_instance={"addrs": "10.0.0.1:6379", "password": "of-the-source"},
            target_instance={"id": "orders"},
        )
        component = declare()
        seen = MigrationTask.get("seen", ELSEWHERE)
        all_ = MigrationCompletion("done", tasks=[task(), online, component, seen])
        ids = MigrationCompletion("ids", task_ids=[ELSEWHERE])
        return [all_.id, ids.id, component.completion().id]

    run(program)
    assert passwords(monitor) == [
        *(None, "of-the-target"),
        *("of-the-source", None),
        *("of the shop", "of the target"),
        *(None, None),
    ]
    assert passwords(monitor, "ids") == []
    assert passwords(monitor, "orders-completion") == ["of the shop", "of the target"]


IDS: dict[str, Callable[[], Any]] = {
    "a list": lambda: [ELSEWHERE],
    "outputs in a list": lambda: [pulumi.Output.from_input(ELSEWHERE)],
    "wholly an output": lambda: pulumi.Output.from_input([ELSEWHERE]),
}


@pytest.mark.parametrize("ids", list(IDS))
@pytest.mark.parametrize("beside", [False, True])
def test_ids_may_be_outputs(monitor: Recorder, ids: str, beside: bool) -> None:
    """Ids of another stack arrive as outputs, alone or together with tasks of this program."""
    run(lambda: MigrationCompletion("done", tasks=[task()] if beside else None, task_ids=IDS[ids]()).id)
    expected = ["orders-id", ELSEWHERE] if beside else [ELSEWHERE]
    assert monitor.of("done")[2]["task_ids"] == expected


class Group(pulumi.ComponentResource):
    """A component around a wait."""

    def __init__(self) -> None:
        super().__init__("shop:index:Group", "group")
        self.done = MigrationCompletion(
            "inner", task_ids=[ELSEWHERE], opts=pulumi.ResourceOptions(parent=self)
        )


@pytest.mark.parametrize(
    ("program", "name", "types"),
    [
        (lambda: MigrationCompletion("done", task_ids=[ELSEWHERE]), "done", TYPE_TOKEN),
        (lambda: Group().done, "inner", f"shop:index:Group${TYPE_TOKEN}"),
        (lambda: task().completion(), "orders-completion", f"{TASK_TOKEN}${TYPE_TOKEN}"),
    ],
)
def test_progress_reaches_the_row(
    monitor: Recorder, program: Callable[[], MigrationCompletion], name: str, types: str
) -> None:
    """The URN that is passed is the real one: at the root, in a component, under a task."""
    real = run(lambda: program().urn)
    assert real == f"urn:pulumi:dev::shop::{types}::{name}"
    assert monitor.of(name)[2]["__urn"] == real


def test_a_task_s_own_completion(monitor: Recorder) -> None:
    """The shorthand waits for its task, with the given arguments, as a child named after it."""
    run(lambda: task().completion(timeout="2h", interval=30, until="in_sync", max_lag_bytes=7).id)
    _, request, props = monitor.of("orders-completion")
    assert request.parent == f"urn:pulumi:dev::shop::{TASK_TOKEN}::orders"
    assert props["task_ids"] == ["orders-id"]
    assert (props["timeout"], props["interval"]) == ("2h", 30)
    assert (props["until"], props["max_lag_bytes"]) == ("in_sync", 7)
    assert not request.deleteBeforeReplace


def test_a_completion_takes_options_of_its_own(monitor: Recorder) -> None:
    """Options given to the shorthand count, another parent included."""

    def program() -> Any:
        other = pulumi.ComponentResource("shop:index:Other", "other")
        done = task().completion(opts=pulumi.ResourceOptions(parent=other, protect=True))
        return done.id

    run(program)
    _, request, _ = monitor.of("orders-completion")
    assert request.parent.endswith("::other")
    assert request.protect


@pytest.mark.parametrize(
    "timeouts", [pulumi.CustomTimeouts(create="1h", update="30m"), {"create": "1h", "update": "30m"}]
)
def test_custom_timeouts_are_handed_over(monitor: Recorder, timeouts: Any) -> None:
    """Pulumi tells a dynamic provider nothing of them."""
    run(
        lambda: (
            MigrationCompletion(
                "done", task_ids=[ELSEWHERE], opts=pulumi.ResourceOptions(custom_timeouts=timeouts)
            ).id
        )
    )
    props = monitor.of("done")[2]
    assert (props["__create_timeout"], props["__update_timeout"]) == ("1h", "30m")


def test_four_completions_share_a_process(monitor: Recorder) -> None:
    """A process has four threads and a waiting completion takes one: the fifth gets the next process."""

    def program() -> Any:
        return [MigrationCompletion(f"done{number}", task_ids=[ELSEWHERE]).id for number in range(9)]

    run(program)
    assert sorted(processes(monitor)) == ["dcs-completions", "dcs-completions-2", "dcs-completions-3"]
    used = [process_of(monitor, f"done{number}") for number in range(9)]
    assert used == ["dcs-completions"] * 4 + ["dcs-completions-2"] * 4 + ["dcs-completions-3"]


def test_each_program_counts_from_the_start() -> None:
    """Programs that run one after another in one interpreter (unit tests, Automation API) share no process."""
    for _ in range(2):
        recorder = Recorder()
        pulumi_mocks.set_mocks(recorder.mocks, project="shop", stack="dev", monitor=recorder)
        run(lambda: [MigrationCompletion(f"done{number}", task_ids=[ELSEWHERE]).id for number in range(3)])
        assert processes(recorder) == ["dcs-completions"]


def test_no_process_without_a_completion(monitor: Recorder) -> None:
    """A program that only starts tasks starts no second plugin: all of them share the default provider."""
    run(lambda: pulumi.Output.all(task().id, task("users").id))
    assert processes(monitor) == ["dcs-migration"]


def test_the_process_has_the_stack_s_configuration(monitor: Recorder) -> None:
    """An explicit provider gets none from Pulumi: it is copied, secrets as secrets."""
    with_config(["huaweicloud:secretKey"])
    run(lambda: MigrationCompletion("done", task_ids=[ELSEWHERE]).id)
    props = monitor.of("dcs-completions")[2]
    assert props["huaweicloud:region"] == "eu-west-101"
    assert props["huaweicloud:projectId"] == "0123456789abcdef0123456789abcdef"
    assert is_secret(props["huaweicloud:secretKey"])
    assert "SK-of-the-stack" not in json.dumps(without_secrets(props))
    assert "SK-of-the-stack" not in json.dumps(monitor.of("done")[2])


def test_an_explicit_process_is_honoured(monitor: Recorder) -> None:
    """`opts.provider` decides, and then no process is made for it and none of the four places is taken."""

    def program() -> Any:
        own = provider_process("own", {"region": "eu-west-102"})
        options = pulumi.ResourceOptions(provider=own)
        explicit = [MigrationCompletion(f"own{n}", task_ids=[ELSEWHERE], opts=options) for n in range(5)]
        shared = [MigrationCompletion(f"done{n}", task_ids=[ELSEWHERE]) for n in range(4)]
        return [done.id for done in (*explicit, *shared)]

    run(program)
    assert processes(monitor) == ["own", "dcs-completions"]
    assert process_of(monitor, "own4") == "own"
    assert process_of(monitor, "done3") == "dcs-completions"


@pytest.mark.parametrize(
    ("options", "advice"),
    [({"import_": ELSEWHERE}, "existing_task_id"), ({"provider": "aws"}, "region=")],
)
def test_options_that_cannot_work_are_refused(
    monitor: Recorder, options: dict[str, Any], advice: str
) -> None:
    """A provider of another package and `import_` raise, in one line with what to write instead."""

    def program() -> Any:
        given = dict(options)
        if "provider" in given:
            given["provider"] = pulumi.ProviderResource(given["provider"], "eu", {})
        return MigrationCompletion("done", task_ids=[ELSEWHERE], opts=pulumi.ResourceOptions(**given)).id

    with pytest.raises(ValueError, match=advice) as caught:
        run(program)
    assert "\n" not in str(caught.value)


def test_the_user_s_options_and_lists_are_left_alone(monitor: Recorder) -> None:
    """Options and lists that serve two completions are not changed by the first."""
    theirs = pulumi.ResourceOptions(protect=True)
    ids = [ELSEWHERE]

    def program() -> Any:
        tasks: list[MigrationTask] = [task()]
        done = [
            MigrationCompletion(name, tasks=tasks, task_ids=ids, opts=theirs).id for name in ("one", "two")
        ]
        assert len(tasks) == 1
        return done

    run(program)
    assert theirs.provider is None
    assert ids == [ELSEWHERE]
    assert monitor.of("two")[2]["task_ids"] == ["orders-id", ELSEWHERE]


def test_every_output_is_an_attribute(monitor: Recorder) -> None:
    """Inputs and outputs can be exported."""
    done = run(lambda: {"done": MigrationCompletion("done", task_ids=[ELSEWHERE])})["done"]
    for name in ("id", "urn", "task_ids", "statuses", "statuses_by_name", "status"):
        assert isinstance(getattr(done, name), pulumi.Output), name


def test_a_task_that_this_stack_cannot_run_again_brings_no_urn(monitor: Recorder) -> None:
    """`pulumi up --replace` of a task that is only read would run nothing, so it is not proposed."""
    run(lambda: MigrationCompletion("done", tasks=[MigrationTask.get("seen", ELSEWHERE)]).id)
    (seen,) = monitor.of("done")[2]["__tasks"]
    assert seen.get("urn") is None


class Told(Answers):
    """Answers that tell the statuses of a wait, as the provider would."""

    def __init__(self, statuses: list[str] | None) -> None:
        self.statuses = statuses

    def new_resource(self, args: pulumi_mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Give each task of a wait its status, in order; ids tell the types apart."""
        _, outputs = super().new_resource(args)
        id_ = f"{args.name}-{args.typ.rpartition(':')[2]}"
        if args.typ == TYPE_TOKEN and self.statuses is not None:
            outputs["statuses"] = dict(zip(outputs["task_ids"], self.statuses, strict=True))
        return id_, outputs


def told(statuses: list[str] | None, program: Callable[[], MigrationCompletion]) -> Any:
    """Return a wait's statuses by name, and its single status."""
    recorder = Recorder(Told(statuses))
    pulumi_mocks.set_mocks(recorder.mocks, project="shop", stack="dev", monitor=recorder)

    def exported() -> Any:
        done = program()
        return [done.statuses_by_name, done.status]

    return run(exported)


def test_statuses_are_told_by_the_names_of_the_resources() -> None:
    """In the order of the tasks; a component has its own name, and a task from elsewhere its id."""
    by_name, _ = told(
        ["SUCCESS", "INCRMIGEATING", "MIGRATION_SUCCESS"],
        lambda: MigrationCompletion("done", tasks=[task("carts"), declare()], task_ids=[ELSEWHERE]),
    )
    assert by_name == {"carts": "SUCCESS", "orders": "INCRMIGEATING", ELSEWHERE: "MIGRATION_SUCCESS"}
    assert list(by_name) == ["carts", "orders", ELSEWHERE]


def test_tasks_that_share_a_name_are_told_by_their_ids() -> None:
    """Resources of two types may have one name: neither hides the other."""
    by_name, _ = told(
        ["SUCCESS", "INCRMIGEATING"], lambda: MigrationCompletion("done", tasks=[task("orders"), declare()])
    )
    assert sorted(by_name.values()) == ["INCRMIGEATING", "SUCCESS"]
    assert set(by_name) == {"orders-MigrationTask", "orders-OnlineMigration"}


@pytest.mark.parametrize(
    ("statuses", "one"),
    [
        (["SUCCESS", "SUCCESS"], "SUCCESS"),
        (["SUCCESS", "INCRMIGEATING"], "INCRMIGEATING"),
        (["INCRMIGEATING", "MIGRATING"], "INCRMIGEATING"),
    ],
)
def test_the_one_status_of_several_tasks(statuses: list[str], one: str) -> None:
    """All of them have succeeded, or it is the first one that has not."""
    _, status = told(statuses, lambda: MigrationCompletion("done", tasks=[task("a"), task("b")]))
    assert status == one


def test_the_status_of_one_task() -> None:
    """Its own."""
    assert told(["INCRMIGEATING"], lambda: declare().completion()) == [
        {"orders": "INCRMIGEATING"},
        "INCRMIGEATING",
    ]


def test_statuses_that_are_not_told() -> None:
    """A user's mocks have none: a program's unit test still works."""
    assert told(None, lambda: task().completion()) == [{}, None]
