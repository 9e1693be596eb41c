"""What `OnlineMigrationTask` registers: a component with an instance and the migration on it."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from google.protobuf import json_format

from dcs_migration import MigrationCompletion, OnlineMigration, OnlineMigrationTask
from tests.program.test_program import SECRET, Recorder, monitor, run

__all__ = ["monitor"]

TYPES = {
    "component": "dcs:index:OnlineMigrationTask",
    "instance": "pulumi-python:dynamic/dcs:MigrationInstance",
    "migration": "pulumi-python:dynamic/dcs:OnlineMigration",
}


def declare(**changes: Any) -> OnlineMigrationTask:
    """Declare an online migration."""
    arguments: dict[str, Any] = {
        "vpc_id": "vpc-1",
        "subnet_id": "subnet-1",
        "security_group_id": "group-1",
        "migration_method": "incremental_migration",
        "source_instance": {"id": "shop", "password": "of the shop"},
        "target_instance": {"id": "orders", "password": "of the target"},
        **changes,
    }
    return OnlineMigrationTask("orders", **arguments)


def registered(monitor: Recorder, what: str) -> tuple[Any, dict[str, Any]]:
    """Return the request of one of the three resources, and its properties."""
    ((request, bag),) = [
        (request, json_format.MessageToDict(request.object))
        for kind, request in monitor.requests
        if kind == "register" and request.type == TYPES[what]
    ]
    return request, bag


def test_three_resources(monitor: Recorder) -> None:
    """The type tokens are in users' states; the two are children of the component."""
    run(lambda: declare().task_id)
    component, _ = registered(monitor, "component")
    for what in ("instance", "migration"):
        request, bag = registered(monitor, what)
        assert request.parent == monitor.make_urn("", component.type, "orders")
        assert request.deleteBeforeReplace
        assert bag["__urn"] == monitor.make_urn(request.parent, request.type, "orders")


def test_the_migration_runs_on_the_instance(monitor: Recorder) -> None:
    """Its id and its job come from the instance; each gets its own inputs."""
    run(lambda: declare(name="copy", state="stopped", bandwidth_limit_mb=7).task_id)
    instance, migration = (registered(monitor, what)[1] for what in ("instance", "migration"))
    assert (instance["name"], instance["vpc_id"]) == ("copy", "vpc-1")
    assert migration["task_id"] == "orders-id"
    assert (migration["state"], migration["bandwidth_limit_mb"]) == ("stopped", 7)
    assert "vpc_id" not in migration
    assert "state" not in instance


def test_passwords_are_secrets(monitor: Recorder) -> None:
    """Whether or not the user marked them."""
    run(lambda: declare().task_id)
    _, bag = registered(monitor, "migration")
    for side in ("source_instance", "target_instance"):
        assert SECRET in bag[side]["password"].values()
        assert bag[side]["id"] in ("shop", "orders")


def test_timeouts_reach_both(monitor: Recorder) -> None:
    """Pulumi hands none to a dynamic provider."""
    timeouts = pulumi.CustomTimeouts(create="20m", update="30m", delete="40m")
    run(lambda: declare(opts=pulumi.ResourceOptions(custom_timeouts=timeouts)).task_id)
    _, migration = registered(monitor, "migration")
    assert (migration["__create_timeout"], migration["__update_timeout"]) == ("20m", "30m")
    for what in ("instance", "migration"):
        assert registered(monitor, what)[1]["__delete_timeout"] == "40m"


def test_a_completion_takes_each_kind(monitor: Recorder) -> None:
    """The component stands for the migration in it."""

    def program() -> Any:
        first = declare()
        second = OnlineMigration(
            "second",
            task_id="t-2",
            migration_method="full_amount_migration",
            source_instance={"addrs": "10.0.0.1:6379"},
            target_instance={"id": "orders"},
        )
        gate = MigrationCompletion("gate", tasks=[first, second], until="in_sync", max_lag_bytes=0)
        return [gate.task_ids, first.completion(until="in_sync", max_lag_bytes=7).task_ids]

    run(program)
    _, _, bag = monitor.of("gate")
    assert bag["task_ids"] == ["orders-id", "second-id"]
    assert (bag["until"], bag["max_lag_bytes"]) == ("in_sync", 0)
    assert [task["urn"].split("::")[-1] for task in bag["__tasks"]] == ["orders", "second"]
    _, child, own = monitor.of("orders-completion")
    assert (child.parent.split("::")[-1], own["until"], own["max_lag_bytes"]) == ("orders", "in_sync", 7)


def test_an_explicit_order_of_replacement_is_refused() -> None:
    """A second instance would run in parallel to the first."""
    with pytest.raises(ValueError, match="delete_before_replace"):
        OnlineMigration(
            "one",
            task_id="t-2",
            migration_method="full_amount_migration",
            source_instance={"addrs": "10.0.0.1:6379"},
            target_instance={"id": "orders"},
            opts=pulumi.ResourceOptions(delete_before_replace=False),
        )
