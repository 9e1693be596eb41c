"""The Provider resource: what it hands to the plugin, who uses it, and that it is the owner of the tasks."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest
from google.protobuf import json_format

from dcs_migration import MigrationInstance, MigrationTask, OnlineMigration, OnlineMigrationTask, Provider
from tests.program.test_program import (
    BACKUP_FILES,
    STACK_CONFIG,
    TARGET_ID,
    Recorder,
    is_secret,
    run,
    task,
    with_config,
    without_secrets,
)

DEFAULT = "dcs-migration"


@pytest.fixture
def monitor() -> Recorder:
    """An engine that keeps what it is sent."""
    recorder = Recorder()
    pulumi.runtime.mocks.set_mocks(recorder.mocks, project="shop", stack="dev", monitor=recorder)
    pulumi.runtime.set_all_config({})
    return recorder


def providers(monitor: Recorder) -> list[str]:
    """Return the names of the provider resources, in the order of their registration."""
    return [
        request.name
        for kind, request in monitor.requests
        if kind == "register" and request.type.startswith("pulumi:providers:")
    ]


def used_by(monitor: Recorder, name: str) -> str:
    """Return the name of the provider that a resource was registered with."""
    return str(monitor.of(name)[1].provider).split("::")[-2]


def owner_of(monitor: Recorder, name: str) -> Any:
    """Return the owner that a resource hands to the plugin."""
    return monitor.of(name)[2]["__owner"]


def online(name: str, **options: Any) -> OnlineMigrationTask:
    """Declare an online migration with its instance."""
    return OnlineMigrationTask(
        name,
        vpc_id="vpc-1",
        subnet_id="subnet-1",
        security_group_id="group-1",
        migration_method="incremental_migration",
        source_instance={"addrs": "192.168.1.135:6379", "password": "Sour-ce1"},
        target_instance={"id": TARGET_ID, "password": "Tar-get1"},
        **options,
    )


def test_a_program_has_one_default_and_its_id_is_the_owner(monitor: Recorder) -> None:
    """Without a provider all resources share one, made once, whose id each of them passes on."""

    def program() -> Any:
        first, second, both = task("orders"), task("users"), online("shop")
        return pulumi.Output.all(first.id, second.id, both.status)

    run(program)
    assert providers(monitor) == [DEFAULT]
    for name in ("orders", "users"):
        assert used_by(monitor, name) == DEFAULT
        assert owner_of(monitor, name) == f"{DEFAULT}-id"


def test_the_default_has_the_stack_s_configuration(monitor: Recorder) -> None:
    """Pulumi gives an explicit provider none: it is copied, secrets as secrets, others' is not."""
    with_config(["huaweicloud:secretKey"])
    run(lambda: task().id)
    props = monitor.of(DEFAULT)[2]
    assert props.keys() == {key for key in STACK_CONFIG if key.startswith("huaweicloud:")}
    assert is_secret(props["huaweicloud:secretKey"])


@pytest.mark.parametrize("secret", [False, True], ids=["plain", "secret"])
def test_of_other_tools_keys_the_name_alone_is_handed_on(monitor: Recorder, secret: bool) -> None:
    """Whether an IAM address has an effect here depends on its value."""
    url = "https://iam.private.example/v3"
    config = {
        "huaweicloud:authUrl": url,
        "huaweicloud:token": "T-of-the-stack",
        "huaweicloud:assumeRoleWithOidc": "[]",
    }
    pulumi.runtime.set_all_config(config, ["huaweicloud:authUrl"] if secret else [])
    run(lambda: task().id)
    props = monitor.of(DEFAULT)[2]
    assert props["huaweicloud:token"] == "set"
    assert props["huaweicloud:assumeRoleWithOidc"] == "", "what is empty decides nothing"
    assert props["huaweicloud:authUrl"] == ("set" if secret else url)


def test_two_programs_in_one_process_have_two_defaults() -> None:
    """Automation API programs do not share a provider, nor an owner."""
    for _ in range(2):
        recorder = Recorder()
        pulumi.runtime.mocks.set_mocks(recorder.mocks, project="shop", stack="dev", monitor=recorder)
        run(lambda: task().id)
        assert providers(recorder) == [DEFAULT]


@pytest.mark.parametrize("in_a_program", [True, False], ids=["program", "package"])
def test_each_component_of_a_package_has_its_own_default(
    monitor: Recorder, monkeypatch: pytest.MonkeyPatch, in_a_program: bool
) -> None:
    """Pulumi calls the package once for each of them, so a shared one would be registered twice with one URN."""
    if not in_a_program:  # there is no stack in the process of a package
        monkeypatch.setattr("dcs_migration.resources.component.get_root_resource", lambda: None)

    def program() -> Any:
        done = []
        for name in ("first", "second"):
            outer = pulumi.ComponentResource("test:index:Loader", name)
            inside = pulumi.ResourceOptions(parent=outer)
            made = task(f"{name}-task", opts=inside)
            done += [made.completion().id, online(f"{name}-online", opts=inside).completion().id]
        return pulumi.Output.all(*done)

    run(program)
    named = [DEFAULT, "dcs-completions"]
    every = named if in_a_program else [f"{outer}-{name}" for outer in ("first", "second") for name in named]
    assert sorted(providers(monitor)) == sorted(every)
    for outer in ("first", "second"):
        default = DEFAULT if in_a_program else f"{outer}-{DEFAULT}"
        assert used_by(monitor, f"{outer}-task") == default
        around = "pulumi:pulumi:Stack::" if in_a_program else f"Loader::{outer}"
        assert around in monitor.of(default)[1].parent, "it leaves the state with its component"


def test_every_argument_reaches_the_plugin_as_text(monitor: Recorder) -> None:
    """Properties of a provider are texts; secret ones are secrets, no matter who marked them."""

    def program() -> Any:
        return Provider(
            "prod",
            region="eu-west-102",
            project_id=pulumi.Output.from_input("p-2"),
            cloud="example.com",
            endpoints={
                "dcs": "https://dcs.example.com",
                "iam": pulumi.Output.from_input("https://iam.example.com"),
            },
            insecure=True,
            max_retries=3,
            access_key="AK-2",
            secret_key="SK-2",
            security_token=pulumi.Output.from_input("ST-2"),
        ).urn

    run(program)
    props = monitor.of("prod")[2]
    assert {key: value for key, value in props.items() if not is_secret(value)} == {
        "huaweicloud:region": "eu-west-102",
        "huaweicloud:projectId": "p-2",
        "huaweicloud:cloud": "example.com",
        "huaweicloud:endpoints": '{"dcs": "https://dcs.example.com", "iam": "https://iam.example.com"}',
        "huaweicloud:insecure": "true",
        "huaweicloud:maxRetries": "3",
        "huaweicloud:accessKey": "AK-2",
        "dcs_migration:credentials": "prod",
    }
    assert {key for key, value in props.items() if is_secret(value)} == {
        "huaweicloud:secretKey",
        "huaweicloud:securityToken",
    }


def test_an_agency_and_a_profile_reach_the_plugin_as_the_configuration_has_them(monitor: Recorder) -> None:
    """The names of the parts are those of the configuration; a profile is a whole set of credentials."""
    with_config()
    pulumi.runtime.set_config("huaweicloud:assumeRole", '{"agencyName": "of-the-stack", "domainName": "x"}')
    agency = {"agency_name": pulumi.Output.from_input("deploy"), "domain_id": "d1", "duration": 900}
    run(lambda: Provider("prod", assume_role=agency).urn)
    props = monitor.of("prod")[2]
    assert json.loads(props["huaweicloud:assumeRole"]) == {
        "agencyName": "deploy",
        "domainId": "d1",
        "duration": 900,
    }
    assert props["huaweicloud:accessKey"] == "AK"
    assert "dcs_migration:credentials" not in props
    assert props["dcs_migration:agency"] == "prod", "the environment's does not count"
    run(lambda: Provider("test", profile="test", shared_config_file="/hcloud.json").urn)
    props = monitor.of("test")[2]
    assert (props["huaweicloud:profile"], props["huaweicloud:sharedConfigFile"]) == ("test", "/hcloud.json")
    assert props["dcs_migration:credentials"] == "test"
    assert not {"huaweicloud:accessKey", "huaweicloud:secretKey", "huaweicloud:assumeRole"} & props.keys()
    assert "dcs_migration:agency" not in props


def test_a_profile_beside_keys_raises() -> None:
    """No one could say whose tasks they are."""
    with pytest.raises(ValueError, match="set profile or access_key, not both"):
        Provider("prod", profile="test", access_key="AK", secret_key="SK")


def test_credentials_of_the_stack_are_never_mixed_in(monitor: Recorder) -> None:
    """A set that is written is a whole set: the stack's security token belongs to other keys."""
    with_config()
    pulumi.runtime.set_config("huaweicloud:securityToken", "token-of-the-stack")
    run(lambda: Provider("prod", access_key="AK-2", secret_key="SK-2").urn)
    props = monitor.of("prod")[2]
    assert "huaweicloud:securityToken" not in props
    assert props["huaweicloud:region"] == "eu-west-101"
    assert "SK-of-the-stack" not in json.dumps(props)


@pytest.mark.parametrize("way", ["provider", "providers", "parent", "grandparent"])
def test_a_provider_is_passed_or_inherited(monitor: Recorder, way: str) -> None:
    """As everywhere in Pulumi: by opts.provider, by opts.providers, or from a component."""

    def program() -> Any:
        prod = Provider("prod", region="eu-west-102")
        if way == "provider":
            options = pulumi.ResourceOptions(provider=prod)
        elif way == "providers":
            options = pulumi.ResourceOptions(providers=[prod])
        else:
            parent = pulumi.ComponentResource(
                "test:index:Outer", "outer", None, pulumi.ResourceOptions(providers=[prod])
            )
            if way == "grandparent":
                parent = pulumi.ComponentResource(
                    "test:index:Inner", "inner", None, pulumi.ResourceOptions(parent=parent)
                )
            options = pulumi.ResourceOptions(parent=parent)
        return task(opts=options).id

    run(program)
    assert providers(monitor) == ["prod"]
    assert used_by(monitor, "orders") == "prod"
    assert owner_of(monitor, "orders") == "prod-id"


@pytest.mark.parametrize("way", ["provider", "providers"])
def test_the_parts_of_a_component_use_its_provider(monitor: Recorder, way: str) -> None:
    """Of an OnlineMigrationTask both resources run with the provider that it is given."""

    def program() -> Any:
        prod = Provider("prod")
        given: Any = prod if way == "provider" else [prod]
        return online("shop", opts=pulumi.ResourceOptions(**{way: given})).status

    run(program)
    assert providers(monitor) == ["prod"]
    parts = [request for kind, request in monitor.requests if getattr(request, "custom", False)]
    dynamic = [request for request in parts if request.type.startswith("pulumi-python:dynamic/")]
    assert len(dynamic) == 2
    assert all("::prod::" in request.provider for request in dynamic)


def test_an_instance_of_a_component_is_known_by_what_runs_on_it(monitor: Recorder) -> None:
    """Source, target, method and triggers reach the instance, without a password."""
    run(lambda: online("shop", triggers=["again"]).status)
    (instance,) = [
        request
        for kind, request in monitor.requests
        if getattr(request, "type", "") == "pulumi-python:dynamic/dcs:MigrationInstance"
    ]
    identity = json_format.MessageToDict(instance.object)["__identity"]
    assert identity == {
        "migration_method": "incremental_migration",
        "source_instance": {"addrs": "192.168.1.135:6379"},
        "target_instance": {"id": TARGET_ID},
        "triggers": ["again"],
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"region": 7}, "Provider 'prod': region is of type int; use a string"),
        ({"endpoints": "https://dcs.example.com"}, "endpoints is of type str; use a map of URLs"),
        ({"insecure": "yes"}, "insecure is of type str; use True or False"),
        ({"max_retries": "3"}, "max_retries is of type str; use a whole number"),
        ({"max_retries": True}, "max_retries is of type bool; use a whole number"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_plain_value_of_a_wrong_type_raises(
    monitor: Recorder, arguments: dict[str, Any], said: str
) -> None:
    """The line names the argument, and what to write."""
    with pytest.raises(TypeError, match=said):
        run(lambda: Provider("prod", **arguments).urn)


@pytest.mark.parametrize("given", ["access_key", "secret_key", "security_token"])
def test_half_a_set_of_credentials_raises(monitor: Recorder, given: str) -> None:
    """A key without its companion would be completed from somewhere else."""
    arguments: dict[str, Any] = {given: "x"}
    with pytest.raises(ValueError, match="is missing; set access_key and secret_key together"):
        run(lambda: Provider("prod", **arguments).urn)


@pytest.mark.parametrize(
    "option",
    [
        {"retain_on_delete": True},
        {"deleted_with": "a resource"},
    ],
    ids=lambda option: next(iter(option)),
)
@pytest.mark.parametrize("kind", ["task", "instance", "migration", "component"])
def test_what_would_leave_a_task_behind_is_refused(
    monitor: Recorder, option: dict[str, Any], kind: str
) -> None:
    """A task that keeps running after it has left the state belongs to no one."""

    def program() -> Any:
        given = dict(option)
        if "deleted_with" in given:
            given["deleted_with"] = pulumi.ComponentResource("test:index:Other", "other")
        options = pulumi.ResourceOptions(**given)
        if kind == "task":
            return task(opts=options).id
        if kind == "component":
            return online("shop", opts=options).status
        if kind == "instance":
            return MigrationInstance(
                "shop", vpc_id="v", subnet_id="s", security_group_id="g", opts=options
            ).id
        return OnlineMigration(
            "shop",
            task_id="x",
            migration_method="incremental_migration",
            source_instance={"id": "a"},
            target_instance={"id": "b"},
            opts=options,
        ).id

    with pytest.raises(ValueError, match="would leave a task running that isn't in any state"):
        run(program)


def test_a_task_that_is_only_read_uses_the_default_too(monitor: Recorder) -> None:
    """`get` needs the settings as well."""
    run(lambda: MigrationTask.get("old", "8aa6999e71cb638b0171f485f5266ef0").status)
    assert providers(monitor) == [DEFAULT]
    assert used_by(monitor, "old") == DEFAULT


def test_the_secret_of_a_task_stays_one(monitor: Recorder) -> None:
    """The owner isn't a secret, and doesn't hide one."""
    run(lambda: task(backup_files=BACKUP_FILES).id)
    assert "password" not in json.dumps(without_secrets(monitor.of("orders")[2])).replace(
        'password": null', ""
    )
    assert not is_secret(owner_of(monitor, "orders"))
