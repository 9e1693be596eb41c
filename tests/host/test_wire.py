"""Values as they really arrive: numbers as floats, unknown values as sentinels, nulls as nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.host.conftest import INSTANCE, REGION, TARGET_PASSWORD, created, definition, online, urn_of
from tests.host.harness import UNKNOWN, Plugin, Props


def test_numbers_and_flags_keep_their_values(plugin: Plugin) -> None:
    """A trigger of any type is what it was after a round trip through check, create and diff."""
    triggers: list[Any] = [1, 2.5, True, False, "text", {"deep": [1, "two"]}, 10**15]
    inputs, state = created(plugin, definition(triggers=triggers))
    assert inputs["triggers"] == triggers
    assert [type(value) for value in inputs["triggers"][2:4]] == [bool, bool]
    assert plugin.diff(state.id, state.outputs, inputs).changes == "DIFF_NONE"
    again = plugin.check(definition(triggers=triggers), inputs).inputs
    assert plugin.diff(state.id, state.outputs, again).changes == "DIFF_NONE"


@pytest.mark.parametrize(
    ("old", "new"), [([1], [True]), ([0], [False]), ([1], ["1"]), ([1], [1.5]), ([], [0])]
)
def test_values_that_look_alike_differ(offline: Plugin, old: list[Any], new: list[Any]) -> None:
    """A number isn't a flag or a text, even where they are equal in Python."""
    olds = offline.check(definition(triggers=old)).inputs
    change = offline.diff(
        "1" * 32, {**olds, "status": "SUCCESS"}, offline.check(definition(triggers=new), olds).inputs
    )
    assert change.replaces == ["triggers"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"target_instance": UNKNOWN}, ("target_instance",)),
        ({"target_instance": {"id": UNKNOWN}}, ("target_instance", "id")),
        ({"target_instance": {"id": INSTANCE, "password": UNKNOWN}}, ("target_instance", "password")),
        ({"backup_files": UNKNOWN}, ("backup_files",)),
        ({"backup_files": {"bucket_name": "b", "files": UNKNOWN}}, ("backup_files", "files")),
        ({"backup_files": {"bucket_name": UNKNOWN, "files": [UNKNOWN]}}, ("backup_files", "bucket_name")),
        ({"description": UNKNOWN}, ("description",)),
        ({"task_name": UNKNOWN}, ("task_name",)),
        ({"migration_type": UNKNOWN}, ("migration_type",)),
        ({"migration_method": UNKNOWN}, ("migration_method",)),
        ({"triggers": UNKNOWN}, ("triggers",)),
        ({"triggers": [1, UNKNOWN]}, ("triggers", 1)),
        ({"region": UNKNOWN}, ("region",)),
        ({"project_id": UNKNOWN}, ("project_id",)),
        ({"existing_task_id": UNKNOWN}, ("existing_task_id",)),
        ({"__urn": UNKNOWN}, ("task_name",)),
    ],
)
def test_unknown_values_pass_check_and_stay_unknown(offline: Plugin, change: Props, path: Any) -> None:
    """A preview in which something upstream is still to be made fails nothing, and hands the gap on."""
    checked = offline.check(definition(**{"__dry_run": True, **change}))
    assert checked.failures == []
    value: Any = checked.inputs
    for step in path:
        value = value[step]
    assert value == UNKNOWN


def test_a_known_mistake_shows_beside_unknown_values(offline: Plugin) -> None:
    """What is known is checked, however much is unknown."""
    props = definition(
        target_instance=UNKNOWN, migration_method="full", backup_files={"bucket_name": UNKNOWN}
    )
    assert [reason.split(":")[0] for reason in offline.check(props).reasons] == [
        "migration_method",
        "backup_files.files",
    ]


@pytest.mark.parametrize(("dry_run", "changes"), [(True, "DIFF_SOME"), (False, "DIFF_NONE")])
def test_unknown_values_are_a_change_in_a_preview_only(offline: Plugin, dry_run: bool, changes: str) -> None:
    """In an update, Pulumi may send an unknown although the value won't change."""
    olds = offline.check(definition(), None).inputs
    target = {"id": UNKNOWN, "password": TARGET_PASSWORD}
    news = offline.check(definition(target_instance=target, __dry_run=dry_run), olds).inputs
    assert offline.diff("1" * 32, {**olds, "status": "SUCCESS"}, news).changes == changes


@pytest.mark.parametrize(("dry_run", "replaces"), [(True, ["target_instance"]), (False, [])])
def test_a_wholly_unknown_instance_replaces_in_a_preview_only(
    offline: Plugin, dry_run: bool, replaces: list[str]
) -> None:
    """While something upstream is replaced in an update, an unknown map alone does not run an import again."""
    olds = offline.check(definition(), None).inputs
    news = offline.check(definition(target_instance=UNKNOWN, __dry_run=dry_run), olds).inputs
    assert offline.diff("1" * 32, {**olds, "status": "SUCCESS"}, news).replaces == replaces


def test_nulls_are_left_out(offline: Plugin) -> None:
    """Inputs without a value, at any depth, are neither failures nor part of what is kept."""
    props = definition(
        description=None,
        target_instance={"id": INSTANCE, "name": None, "password": None},
        backup_files={"bucket_name": "b", "backup_id": None, "files": [{"file_name": "f", "size": None}]},
    )
    checked = offline.check(props)
    assert checked.failures == []
    assert checked.inputs["target_instance"] == {"id": INSTANCE}
    assert checked.inputs["backup_files"]["files"] == [{"file_name": "f"}]
    assert not {"description", "name", "status", "error"} & set(checked.inputs)


def test_hidden_inputs_survive_every_step(plugin: Plugin) -> None:
    """URN, delete timeout and the list of defaults are in inputs, outputs and what a refresh rebuilds."""
    inputs, state = created(plugin, definition(__delete_timeout="20m"))
    hidden = {"__urn": urn_of("orders"), "__delete_timeout": "20m"}
    for bag in (inputs, state.outputs, plugin.read(state.id, state.outputs).inputs):
        assert bag is not None
        assert hidden.items() <= bag.items()
        assert "task_name" in bag["__defaults"]
        assert "__dry_run" not in bag


def test_every_problem_is_a_failure_of_its_own(offline: Plugin) -> None:
    """All mistakes show at once, each as one line with a path, under no property of Pulumi's."""
    props = online(
        source_instance={"addres": "redis://u:hunter2@10.0.0.1:6379"},  # codespell:ignore addres
        network_type="vpcs",
        regoin="x",  # codespell:ignore regoin
    )
    checked = offline.check(props)
    assert {property_ for property_, _ in checked.failures} == {""}
    assert sorted(reason.split(":")[0] for reason in checked.reasons) == [
        "network_type",
        "regoin",  # codespell:ignore regoin
        "source_instance.addres",  # codespell:ignore addres
        "source_instance.addrs",
    ]
    assert "did you mean region?" in str(checked.reasons)
    assert "did you mean addrs?" in str(checked.reasons)
    assert not any("\n" in reason or "hunter2" in reason for reason in checked.reasons)


def test_a_preview_needs_no_credentials_and_no_network(offline: Plugin) -> None:
    """Check and diff of a new and of a changed task work where nothing could be called."""
    checked = offline.check(definition(__dry_run=True))
    assert checked.failures == []
    assert checked.inputs["region"] == REGION
    assert (
        offline.diff("1" * 32, {**checked.inputs, "status": "SUCCESS"}, checked.inputs).changes == "DIFF_NONE"
    )


PATHS = {"target_instance.password", "source_instance.password"}


def test_every_password_is_returned_as_a_secret(plugin: Plugin) -> None:
    """A transform sets a password unmarked: check, create, read and update mark it, and nothing else."""
    props = online(triggers=[{"deep": [{"password": "third"}]}, "plain"])
    checked = plugin.check(props)
    paths = PATHS | {"triggers.[].deep.[].password"}
    assert checked.secrets == paths
    state = plugin.create(checked.inputs)
    assert state.secrets == paths
    refreshed = plugin.read(state.id, state.outputs)
    assert refreshed.secrets == paths
    assert refreshed.inputs == checked.inputs
    assert plugin.update(state.id, refreshed.outputs, checked.inputs).secrets == paths
    assert plugin.diff(state.id, refreshed.outputs, checked.inputs).changes == "DIFF_NONE"


def test_a_password_that_is_known_later_stays_unknown(offline: Plugin) -> None:
    """A secret marker would hide from Pulumi that there is no value yet."""
    checked = offline.check(definition(__dry_run=True, target_instance={"id": INSTANCE, "password": UNKNOWN}))
    assert checked.inputs["target_instance"]["password"] == UNKNOWN
    assert checked.secrets == frozenset()
