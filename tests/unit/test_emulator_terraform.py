"""The calls of Huawei's Terraform provider, recorded when its resources ran against the emulator, sent again.

The provider's acceptance tests run against the real service, so what they require of an answer is what the service
answers. The provider reads every value but the lists as a text, and fails on a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.emulator_world import World, world
from tests.unit.test_emulator_online import FULL, INCREMENTAL

DESCRIPTION = "terraform test"
SHOWN = ("ecs_tenant_private_ip", "network_type", "status", "version", "created_at", "resume_mode")
SHOWN_OF_IMPORT = ("status", "created_at", "updated_at", "released_at")
SIDE = ("id", "name", "status", "subnet_id", "spec_code")
LISTED = (
    *("task_id", "task_name", "description", "status", "migration_type", "migration_method"),
    *("ecs_tenant_private_ip", "data_source", "version", "resume_mode", "created_at"),
    *(
        "target_instance_addrs",
        *(f"{side}_instance_{name}" for side in ("source", "target") for name in SIDE),
    ),
)
FILES = [{"file_name": "appendonly.aof", "size": "0.09KB", "update_at": "2025-07-22T11:57:24.401Z"}]
BACKUPS = [
    {"file_source": "self_build_obs", "bucket_name": "backups", "files": FILES},
    {"file_source": "backup_record", "backup_id": "0ed0e9e6-2ee1-4a67-a0c5-6e9e9d5c8d0d"},
]


@pytest.fixture
def here() -> Iterator[World]:
    """An emulator whose jobs, stops and exchanges take a second, and its migrations ten."""
    with world(duration=10.0) as it:
        yield it


def answered(here: World, method: str, rest: str, body: Any = None) -> dict[str, Any]:
    """Make a call as the provider does: with a content type, and with headers that it doesn't sign."""
    here.client.session.headers.update({"X-Project-Id": here.client.project, "X-Language": "en-us"})
    answer = here.client.call(method, rest, body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def shown(here: World, task_id: str, after: float, **expected: Any) -> dict[str, Any]:
    """Wait, as the provider does before its first look, and show the task."""
    here.clock.turn(after)
    body = answered(here, "GET", f"migration-task/{task_id}")
    assert expected.items() <= body.items()
    return body


def texts(body: dict[str, Any], names: tuple[str, ...]) -> None:
    """Require that these are texts, and not empty."""
    assert {name for name in names if not isinstance(body[name], str) or not body[name]} == set()


def listed(here: World) -> list[dict[str, Any]]:
    """Read the whole listing: without a limit, and until a page is empty."""
    rows: list[dict[str, Any]] = []
    while True:
        offset = f"?offset={len(rows)}" if rows else ""
        path, _, query = f"/v2/{here.client.project}/migration-tasks{offset}".partition("?")
        page = here.client.send("GET", path, query=query).json()["migration_tasks"]
        if not page:
            return rows
        rows += page


def deleted(here: World, task_id: str) -> None:
    """Delete a task; the provider needs its id in the answer, and looks for it in the listing."""
    body = {"task_id_list": [task_id]}
    assert answered(here, "DELETE", "migration-tasks/delete", body)["task_id_list"] == [task_id]
    assert task_id not in {row["task_id"] for row in listed(here)}


def settings(method: str, mode: str, source: dict[str, str], target: dict[str, str], **more: str) -> Any:
    """Return the body that configures a migration."""
    sides = {
        "source_instance": {**source, "password": "Passw0rd!"},
        "target_instance": {**target, "password": "Passw0rd!"},
    }
    return {"migration_method": method, "resume_mode": mode, **sides, **more}


def test_an_online_migration(here: World) -> None:
    """Create, configure, change, stop, restart, exchange, roll back and delete."""
    network = {"vpc_id": "vpc-1", "subnet_id": "subnet-1", "security_group_id": "group-1"}
    body = {"name": "online", "description": DESCRIPTION, **network}
    made = answered(here, "POST", "migration/instance", body)
    texts(made, ("instance_id", "job_id"))
    id_ = made["instance_id"]
    here.clock.turn(2)
    assert answered(here, "GET", f"jobs/{made['job_id']}")["status"] == "SUCCESS"

    full = settings(FULL, "manual", {"id": "shop-1"}, {"id": "orders-1"})
    answered(here, "POST", f"migration/{id_}/task", full)
    first = shown(here, id_, 10, status="SUCCESS", description=DESCRIPTION, resume_mode="manual")
    texts(first, (*SHOWN, "updated_at"))
    assert {name: first[f"tenant_{name}"] for name in network} == network
    for side in ("source_instance", "target_instance"):
        texts(first[side], ("id", "name", "addrs"))

    # A program ignores the addresses, which it didn't write, so the state's old ones are sent with the new ids.
    other = [
        {"id": id_of, "addrs": first[f"{side}_instance"]["addrs"]}
        for side, id_of in (("source", "shop-2"), ("target", "orders-2"))
    ]
    again = settings(INCREMENTAL, "auto", *other, bandwidth_limit_mb="100")
    answered(here, "POST", f"migration/{id_}/task", again)
    second = shown(here, id_, 10, status="INCRMIGEATING", bandwidth_limit_mb="100", resume_mode="auto")
    texts(second, SHOWN)
    assert (second["source_instance"]["id"], second["target_instance"]["id"]) == ("shop-2", "orders-2")
    (row,) = listed(here)
    texts(row, LISTED)
    logs = answered(here, "GET", f"migration-task/{id_}/logs")["migration_logs"]
    for line in logs:
        texts(line, ("log_level", "message", "log_code", "created_at"))
        assert isinstance(line["keyword"], list)

    answered(here, "POST", f"migration-task/{id_}/stop")
    shown(here, id_, 10, status="TERMINATED")
    answered(here, "POST", "migration-tasks/batch-restart", {"migration_tasks": [id_]})
    shown(here, id_, 10, status="INCRMIGEATING")
    answered(here, "POST", f"migration-task/{id_}/exchange-ip", {})
    shown(here, id_, 10, task_status="EXCHANGE_SUCCESS")
    answered(here, "POST", f"migration-task/{id_}/rollback-ip")
    shown(here, id_, 10, task_status="ROLLBACK_SUCCESS")
    deleted(here, id_)


@pytest.mark.parametrize("backup", BACKUPS, ids=["files", "record"])
def test_a_backup_import(here: World, backup: dict[str, Any]) -> None:
    """What was created is read back, also by an import that knows only the id."""
    body = {
        "task_name": "import",
        "description": DESCRIPTION,
        "migration_type": "backupfile_import",
        "migration_method": FULL,
        "backup_files": backup,
        "target_instance": {"id": "orders", "password": "Passw0rd!"},
    }
    id_ = answered(here, "POST", "migration-task", body)["id"]
    told = shown(here, id_, 10, status="SUCCESS", description=DESCRIPTION, task_name="import")
    texts(told, SHOWN_OF_IMPORT)
    texts(told["target_instance"], ("id", "name"))
    read = told["backup_files"]
    assert backup == {
        name: read[name] if name != "backup_id" else read["backup_record"]["backup_id"] for name in backup
    }
    assert id_ in {row["task_id"] for row in listed(here)}
    deleted(here, id_)


def test_the_listing_is_read_in_pages(here: World) -> None:
    """The offset counts tasks, and a page without a limit has ten."""
    ids = {here.client.create(target_instance={"id": f"target-{number}"}) for number in range(25)}
    here.cloud.clear_requests()
    assert {row["task_id"] for row in listed(here)} == ids
    assert len(here.cloud.requests()) == 4
