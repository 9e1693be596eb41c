"""What the resource classes register, seen as the raw requests that they send to Pulumi."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import pulumi
import pytest
from google.protobuf import json_format
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime import rpc
from pulumi.runtime.stack import run_pulumi_func
from pulumi.runtime.sync_await import _sync_await

import dcs_migration
from dcs_migration import MigrationTask, provider_process

TYPE_TOKEN = "pulumi-python:dynamic/dcs:MigrationTask"
ROOT_TYPE = "pulumi:pulumi:Stack"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # the SDK's signature of a secret on the wire
TARGET_ID = "4cd5dbb8-aacd-4603-b817-3e97d48c7a20"
BACKUP_FILES: dcs_migration.BackupFiles = {
    "bucket_name": "backups",
    "files": [{"file_name": "orders.rdb"}],
}
BACKUP: dict[str, Any] = {
    "migration_type": "backupfile_import",
    "migration_method": "full_amount_migration",
    "backup_files": BACKUP_FILES,
    "target_instance": {"id": TARGET_ID, "password": "of-the-target"},
}
STACK_CONFIG = {
    "huaweicloud:region": "eu-west-101",
    "huaweicloud:projectId": "0123456789abcdef0123456789abcdef",
    "huaweicloud:accessKey": "AK",
    "huaweicloud:secretKey": "SK-of-the-stack",
    "huaweicloud:maxRetries": "3",
    "other:region": "nowhere",
}


class Answers(pulumi_mocks.Mocks):
    """Answers every registration with its inputs and an id."""

    def call(self, args: pulumi_mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        """Answer no function."""
        return {}, None

    def new_resource(self, args: pulumi_mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Give an id, and a status as the provider would."""
        return args.resource_id or f"{args.name}-id", {**args.inputs, "status": "MIGRATING"}


class Recorder(pulumi_mocks.MockMonitor):
    """Keeps the requests as they are sent, with secrets and options still visible."""

    def __init__(self, answers: Answers | None = None) -> None:
        super().__init__(answers or Answers())
        self.requests: list[tuple[str, Any]] = []

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Name a resource as Pulumi does: the stack, unlike other parents, is not part of it."""
        types = parent.split("::")[2] if parent else ROOT_TYPE
        qualified = type_ if types == ROOT_TYPE else f"{types}${type_}"
        return f"urn:pulumi:dev::shop::{qualified}::{name}"

    def RegisterResource(self, request: Any) -> Any:
        """Keep a registration."""
        self.requests.append(("register", request))
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def ReadResource(self, request: Any) -> Any:
        """Keep a read."""
        self.requests.append(("read", request))
        return super().ReadResource(request)  # type: ignore[no-untyped-call]

    def of(self, name: str) -> tuple[str, Any, dict[str, Any]]:
        """Return how a resource was sent, the request, and its properties."""
        ((kind, request),) = [
            (kind, request) for kind, request in self.requests if getattr(request, "name", None) == name
        ]
        bag = request.object if kind == "register" else request.properties
        return kind, request, json_format.MessageToDict(bag)


@pytest.fixture
def monitor() -> Iterator[Recorder]:
    """A recorder in the place of Pulumi's monitor."""
    recorder = Recorder()
    pulumi_mocks.set_mocks(recorder.mocks, project="shop", stack="dev", monitor=recorder)
    pulumi.runtime.set_all_config({})
    yield recorder
    pulumi.runtime.set_all_config({})


def run(program: Callable[[], Any]) -> Any:
    """Run a program to its end, as the language host does; returns what its output resolves to."""
    pulumi.runtime.settings.SETTINGS.rpc_manager.clear()
    pulumi.runtime.settings.SETTINGS.outputs.clear()
    resolved: list[Any] = []

    async def resolve() -> None:
        resolved.append(await pulumi.Output.from_input(program()).future())

    _sync_await(run_pulumi_func(lambda: _sync_await(resolve())))
    return resolved[0]


def task(name: str = "orders", **changes: Any) -> MigrationTask:
    """Declare a backup import, with some arguments changed."""
    return MigrationTask(name, **{**BACKUP, **changes})


def is_secret(value: Any) -> bool:
    """Whether a value on the wire is marked as a secret."""
    return isinstance(value, dict) and rpc._special_sig_key in value and SECRET in value.values()


def without_secrets(value: Any) -> Any:
    """Return what anyone may read of a value on the wire."""
    if is_secret(value):
        return None
    if isinstance(value, dict):
        return {key: without_secrets(item) for key, item in value.items()}
    return [without_secrets(item) for item in value] if isinstance(value, list) else value


def test_the_type_token_never_changes(monitor: Recorder) -> None:
    """It is in every state: another one would replace every task, and so run every import again."""
    run(task)
    kind, request, _ = monitor.of("orders")
    assert (kind, request.type, request.custom) == ("register", TYPE_TOKEN, True)


@pulumi.input_type
class Instance:
    """An input class, as packages that are generated have them."""

    def __init__(self, *, id: pulumi.Input[str], password: pulumi.Input[str]) -> None:
        pulumi.set(self, "id", id)
        pulumi.set(self, "password", password)

    @property
    @pulumi.getter
    def id(self) -> pulumi.Input[str]:
        """Id of the instance."""
        return cast("pulumi.Input[str]", pulumi.get(self, "id"))

    @property
    @pulumi.getter
    def password(self) -> pulumi.Input[str]:
        """Password of the instance."""
        return cast("pulumi.Input[str]", pulumi.get(self, "password"))


async def later(value: Any) -> Any:
    """Return a value, but not at once."""
    return value


INSTANCES: dict[str, Callable[[], Any]] = {
    "plain": lambda: {"id": TARGET_ID, "password": "hidden-word"},
    "marked by the user": lambda: {"id": TARGET_ID, "password": pulumi.Output.secret("hidden-word")},
    "a plain output": lambda: {"id": TARGET_ID, "password": pulumi.Output.from_input("hidden-word")},
    "wholly an output": lambda: pulumi.Output.from_input({"id": TARGET_ID, "password": "hidden-word"}),
    "wholly a secret": lambda: pulumi.Output.secret({"id": TARGET_ID, "password": "hidden-word"}),
    "an output in an output": lambda: pulumi.Output.from_input(
        {"id": TARGET_ID, "password": pulumi.Output.from_input("hidden-word")}
    ),
    "a coroutine": lambda: later({"id": TARGET_ID, "password": "hidden-word"}),
    "a task": lambda: asyncio.ensure_future(later({"id": TARGET_ID, "password": "hidden-word"})),
    "a password to be awaited": lambda: {"id": TARGET_ID, "password": later("hidden-word")},
    "an input class": lambda: Instance(id=TARGET_ID, password="hidden-word"),
    "an input class to be awaited": lambda: later(Instance(id=TARGET_ID, password=later("hidden-word"))),
    "an input class in an output": lambda: pulumi.Output.from_input(
        Instance(id=TARGET_ID, password="hidden-word")
    ),
    "a coroutine in an output": lambda: pulumi.Output.from_input(
        later({"id": TARGET_ID, "password": "hidden-word"})
    ),
    "an output in a coroutine": lambda: later(
        pulumi.Output.from_input({"id": TARGET_ID, "password": "hidden-word"})
    ),
}


@pytest.mark.parametrize("instance", list(INSTANCES))
@pytest.mark.parametrize("argument", ["target_instance", "source_instance"])
def test_passwords_are_secrets(monitor: Recorder, argument: str, instance: str) -> None:
    """Whether or not the user marked it, and also when the whole instance is an output."""
    given = INSTANCES[instance]
    run(lambda: task(**{argument: given()}))
    _, _, props = monitor.of("orders")
    sent = props[argument]
    assert "hidden-word" in json.dumps(sent)
    assert "hidden-word" not in json.dumps(without_secrets(props))
    if not is_secret(sent):
        assert sent["id"] == TARGET_ID
        assert is_secret(sent["password"])


def test_an_instance_without_a_password_stays_legible(monitor: Recorder) -> None:
    """Only secrets become secrets: state and previews stay readable."""
    run(lambda: task(target_instance={"id": TARGET_ID, "name": "dcs-orders", "password": None}))
    _, _, props = monitor.of("orders")
    assert props["target_instance"]["id"] == TARGET_ID
    assert props["backup_files"] == BACKUP_FILES
    assert SECRET not in json.dumps(props)


def test_the_user_s_input_classes_are_left_alone(monitor: Recorder) -> None:
    """An object that serves two tasks is not changed by the first."""
    instance = Instance(id=TARGET_ID, password="plain")
    run(lambda: [task("one", target_instance=instance).id, task("two", target_instance=instance).id])
    assert instance.password == "plain"
    assert is_secret(monitor.of("two")[2]["target_instance"]["password"])


def test_the_user_s_dictionaries_are_left_alone(monitor: Recorder) -> None:
    """A dictionary that serves two tasks is not changed by the first."""
    instance = {"id": TARGET_ID, "password": "plain"}
    run(lambda: [task("one", target_instance=instance).id, task("two", target_instance=instance).id])
    assert instance == {"id": TARGET_ID, "password": "plain"}


class Group(pulumi.ComponentResource):
    """A component around a task."""

    def __init__(self, name: str) -> None:
        super().__init__("shop:index:Group", name)
        self.task = task("inner", opts=pulumi.ResourceOptions(parent=self))


@pytest.mark.parametrize(
    ("program", "name", "types"),
    [
        (task, "orders", TYPE_TOKEN),
        (lambda: Group("group").task, "inner", f"shop:index:Group${TYPE_TOKEN}"),
    ],
)
def test_the_urn_that_is_handed_over_is_the_real_one(
    monitor: Recorder, program: Callable[[], MigrationTask], name: str, types: str
) -> None:
    """Warnings and progress reach the row, also of a task inside a component."""
    real = run(lambda: program().urn)
    assert real == f"urn:pulumi:dev::shop::{types}::{name}"
    assert monitor.of(name)[2]["__urn"] == real


@pytest.mark.parametrize("preview", [True, False])
def test_the_phase_is_handed_over(preview: bool) -> None:
    """Only the program knows whether this is a preview, and the diff of unknown values depends on it."""
    recorder = Recorder()
    pulumi_mocks.set_mocks(recorder.mocks, project="shop", stack="dev", preview=preview, monitor=recorder)
    run(task)
    assert recorder.of("orders")[2]["__dry_run"] is preview


@pytest.mark.parametrize(
    ("timeouts", "sent"),
    [
        (None, None),
        (pulumi.CustomTimeouts(delete="30m"), "30m"),
        ({"delete": "30m"}, "30m"),
        (pulumi.CustomTimeouts(create="1h"), None),
        ({"create": "1h"}, None),
    ],
)
def test_the_delete_timeout_is_handed_over(monitor: Recorder, timeouts: Any, sent: str | None) -> None:
    """Pulumi tells a dynamic provider nothing of custom timeouts."""
    run(lambda: task(opts=pulumi.ResourceOptions(custom_timeouts=timeouts)))
    assert monitor.of("orders")[2].get("__delete_timeout") == sent


def test_a_task_is_deleted_before_it_is_replaced(monitor: Recorder) -> None:
    """The option is set, even together with the user's options, and without changing them."""
    theirs = pulumi.ResourceOptions(protect=True)
    run(lambda: [task("one").id, task("two", opts=theirs).id])
    for name in ("one", "two"):
        _, request, _ = monitor.of(name)
        assert request.deleteBeforeReplace
        assert request.deleteBeforeReplaceDefined
    assert monitor.of("two")[1].protect
    assert theirs.delete_before_replace is None


def declared_with(**options: Any) -> Callable[[], Any]:
    """Return a program whose task has these options."""
    return lambda: task(opts=pulumi.ResourceOptions(**options)).id


@pytest.mark.parametrize(
    ("program", "advice"),
    [
        (declared_with(delete_before_replace=False), "leave it out"),
        (declared_with(import_="8aa6999e71cb638b0171f485f5266ef0"), "existing_task_id"),
        (
            lambda: task(opts=pulumi.ResourceOptions(provider=pulumi.ProviderResource("aws", "eu", {}))).id,
            "region=",
        ),
        (
            lambda: (
                MigrationTask.get(
                    "seen",
                    "1" * 32,
                    opts=pulumi.ResourceOptions(provider=pulumi.ProviderResource("aws", "eu", {})),
                ).id
            ),
            "region=",
        ),
    ],
)
def test_options_that_cannot_work_are_refused(
    monitor: Recorder, program: Callable[[], Any], advice: str
) -> None:
    """What Pulumi would ignore or get wrong raises at once, in one line with what to write instead."""
    with pytest.raises(ValueError, match=advice) as caught:
        run(program)
    assert "\n" not in str(caught.value)
    assert not [request for _, request in monitor.requests if request.type == TYPE_TOKEN]


def test_a_foreign_provider_among_several_is_nobody_s_business(monitor: Recorder) -> None:
    """A component's `providers` are handed down by Pulumi; those of other packages do not concern a task."""

    class WithProviders(pulumi.ComponentResource):
        def __init__(self) -> None:
            foreign = pulumi.ProviderResource("aws", "eu", {})
            super().__init__("shop:index:G", "g", None, pulumi.ResourceOptions(providers=[foreign]))
            task("inner", opts=pulumi.ResourceOptions(parent=self))

    run(lambda: WithProviders().urn)
    assert monitor.of("inner")[1].type == TYPE_TOKEN


def test_get_reads_and_registers_nothing(monitor: Recorder) -> None:
    """`get` is a read with the id, its place and its URN; the answer's values are outputs."""
    status = run(lambda: MigrationTask.get("seen", "1" * 32, region="eu-west-102").status)
    assert status == "MIGRATING"
    kind, request, props = monitor.of("seen")
    assert (kind, request.type, request.id) == ("read", TYPE_TOKEN, "1" * 32)
    assert props["region"] == "eu-west-102"
    assert props["__urn"] == f"urn:pulumi:dev::shop::{TYPE_TOKEN}::seen"


def test_get_takes_the_id_of_another_resource(monitor: Recorder) -> None:
    """The id may be an output."""
    assert run(lambda: MigrationTask.get("seen", task().id).id) == "orders-id"


OUTPUTS = [
    *("task_name", "description", "migration_type", "migration_method", "backup_files", "network_type"),
    *("source_instance", "target_instance", "region", "project_id", "existing_task_id", "triggers"),
    *("id", "urn", "name", "status", "created_at", "updated_at", "released_at", "error"),
]


@pytest.mark.parametrize("get", [False, True])
def test_every_output_is_an_attribute(monitor: Recorder, get: bool) -> None:
    """Inputs and outputs can all be exported, of a managed task and of one that is only read."""
    resource = run(lambda: {"task": MigrationTask.get("seen", "1" * 32) if get else task()})["task"]
    assert [name for name in OUTPUTS if not isinstance(getattr(resource, name), pulumi.Output)] == []


def with_config(secret: list[str] | None = None) -> None:
    """Give the stack its configuration."""
    pulumi.runtime.set_all_config(STACK_CONFIG, secret or [])


def test_a_provider_process_has_the_stack_s_configuration(monitor: Recorder) -> None:
    """An explicit provider gets none from Pulumi: ours is copied, secrets as secrets, others' is not."""
    with_config(["huaweicloud:secretKey", "huaweicloud:projectId"])
    run(lambda: provider_process("more").urn)
    _, request, props = monitor.of("more")
    assert request.type == "pulumi:providers:pulumi-python"
    assert {key for key in props if key.startswith("huaweicloud:")} == {
        key for key in STACK_CONFIG if key.startswith("huaweicloud:")
    }
    assert "other:region" not in props
    secret = {key for key in props if is_secret(props[key])}
    assert secret == {"huaweicloud:secretKey", "huaweicloud:projectId"}
    assert "SK-of-the-stack" not in json.dumps(without_secrets(props))


def test_a_provider_process_hides_keys_that_nobody_marked(monitor: Recorder) -> None:
    """Secret keys are secrets, whether they come from plain configuration or from the call."""
    with_config()
    own = {"accessKey": "AK-2", "secretKey": "SK-of-the-call", "securityToken": "token-of-today"}
    run(lambda: provider_process("more", own).urn)
    shown = json.dumps(without_secrets(monitor.of("more")[2]))
    assert "SK-of-the-stack" not in shown
    assert "token-of-today" not in shown
    assert "SK-of-the-call" not in shown
    assert "AK-2" in shown


def test_another_region_leaves_the_stack_s_project_behind(monitor: Recorder) -> None:
    """A project belongs to its region: it is not copied to a process for another one, unless it is named."""
    with_config()
    run(lambda: provider_process("there", {"region": "eu-west-102"}).urn)
    props = monitor.of("there")[2]
    assert props["huaweicloud:region"] == "eu-west-102"
    assert "huaweicloud:projectId" not in props


def test_other_keys_of_the_stack_reach_a_provider_process_by_name(monitor: Recorder) -> None:
    """The plugin judges them there as well: a misspelt one, and one that would decide who calls. No value goes
    along."""
    others = {"huaweicloud:endpoints.dcs": "https://own", "huaweicloud:password": "hunter2-long"}
    pulumi.runtime.set_all_config({**STACK_CONFIG, **others}, [])
    run(lambda: provider_process("more").urn)
    props = monitor.of("more")[2]
    assert [props[key] for key in others] == ["set", "set"]


def test_a_setting_that_does_not_exist_is_refused(monitor: Recorder) -> None:
    """A misspelled setting raises, with the names that there are."""
    with pytest.raises(ValueError, match="projectId"):
        run(lambda: provider_process("more", {"project": "x"}).urn)


def test_a_task_runs_in_the_process_that_it_is_given(monitor: Recorder) -> None:
    """`opts.provider` of ours is accepted and reaches Pulumi."""
    run(lambda: task(opts=pulumi.ResourceOptions(provider=provider_process("more"))).id)
    assert "pulumi:providers:pulumi-python::more" in monitor.of("orders")[1].provider


def test_the_public_names_are_all_there() -> None:
    """What the package exports exists, and there is nothing else."""
    assert [name for name in dcs_migration.__all__ if not hasattr(dcs_migration, name)] == []
    assert sorted(dcs_migration.__all__) == dcs_migration.__all__
    public = {name for name in vars(dcs_migration) if name.isidentifier() and not name.startswith("_")}
    submodules = {
        "resources",
        "providers",
        "life_cycles",
        "dcs",
        "emulator",
        "clock",
        "names",
        "native",
        "dynamic_host",
        "durations",
        "credentials",
        "command_line",
    }
    assert public - set(dcs_migration.__all__) - submodules == {"annotations", "TYPE_CHECKING"}


def test_a_subclass_has_the_type_of_its_base(monitor: Recorder) -> None:
    """Pulumi would call it Resource: two subclasses would share a type, and the URN in the owner mark would be wrong."""

    class Ours(MigrationTask):
        """A task with a company's defaults."""

    run(lambda: Ours("orders", **BACKUP).urn)
    _, request, props = monitor.of("orders")
    assert request.type == TYPE_TOKEN
    assert props["__urn"] == f"urn:pulumi:dev::shop::{TYPE_TOKEN}::orders"
    (before,) = request.aliases
    assert before.spec.type == "pulumi-python:dynamic:Resource"
    run(lambda: Ours.get("read", "8aa6999e71cb638b0171f485f5266ef0").urn)
    assert monitor.of("read")[1].type == TYPE_TOKEN


def test_a_subclass_with_another_type_is_refused() -> None:
    """Its state would belong to no resource that this package knows."""
    with pytest.raises(TypeError, match=r"class Ours: its type .* leave out module= and name="):

        class Ours(MigrationTask, module="acme", name="Task"):
            """A task with another type."""
