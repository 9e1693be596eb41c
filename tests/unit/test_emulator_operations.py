"""The emulator's operations, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.signing import PROJECT, SignedClient, import_request, online_changes
from tests.unit.emulator_world import ABSENT, World, code, world


@pytest.fixture
def here() -> Iterator[World]:
    """An emulator whose tasks take ten seconds."""
    with world(duration=10.0) as it:
        yield it


class TestCreate:
    """CreateMigrationTask."""

    def test_answers_id_name_and_status(self, here: World) -> None:
        """A create answers an id of 32 hexadecimal digits, the name, and MIGRATING."""
        body = here.client.call("POST", "migration-task", import_request("a")).json()
        assert body == {"id": body["id"], "name": "a", "status": "MIGRATING"}
        assert len(bytes.fromhex(body["id"])) == 16

    def test_ids_can_be_deterministic(self) -> None:
        """Two emulators with deterministic ids give the same ones, all different."""
        runs = []
        for _ in range(2):
            with world(deterministic_ids=True) as it:
                runs.append([it.client.create("a"), it.client.create("b")])
        assert runs[0] == runs[1]
        assert len(set(runs[0])) == 2

    @pytest.mark.parametrize(
        "changes",
        [
            {"description": "d" * 1024},
            {"task_name": "n" * 255},
            {"backup_files": {"file_source": "backup_record", "backup_id": "b-1"}},
            {
                "backup_files": {
                    "file_source": "self_build_obs",
                    "bucket_name": "b",
                    "files": [{"file_name": "f", "size": "0.09KB", "update_at": "yesterday"}],
                }
            },
            {"target_instance": {"id": "t"}},
            online_changes(),
            online_changes(migration_method="full_amount_migration", network_type=None),
            online_changes(source_instance={"addrs": "a.example:1,10.0.0.1:65535"}),
        ],
    )
    def test_accepts_what_the_documents_allow(self, here: World, changes: dict[str, Any]) -> None:
        """Every documented form of the body is accepted."""
        answer = here.client.call("POST", "migration-task", import_request(**changes))
        assert answer.status_code == 200, answer.text

    @pytest.mark.parametrize(
        ("changes", "expected", "field"),
        [
            ({"task_name": None}, "DCS.4800", "task_name"),
            ({"task_name": ""}, "DCS.4800", "task_name"),
            ({"task_name": 7}, "DCS.4800", "task_name"),
            ({"task_name": "n" * 256}, "DCS.4800", "task_name"),
            ({"description": ""}, "DCS.4800", "description"),
            ({"description": "d" * 1025}, "DCS.4800", "description"),
            ({"migration_type": None}, "DCS.4800", "migration_type"),
            ({"migration_type": "copy"}, "DCS.4800", "migration_type"),
            ({"migration_method": "none"}, "DCS.4800", "migration_method"),
            ({"colour": "red"}, "DCS.4800", "colour"),
            ({"network_type": "vpc"}, "DCS.4800", "network_type"),
            ({"source_instance": {"addrs": "a:1"}}, "DCS.4800", "source_instance"),
            ({"backup_files": None}, "DCS.4800", "backup_files"),
            ({"backup_files": []}, "DCS.4800", "backup_files"),
            ({"backup_files": {"files": [{"file_name": "f"}]}}, "DCS.4800", "backup_files.bucket_name"),
            ({"backup_files": {"bucket_name": "b"}}, "DCS.4800", "backup_files.files"),
            ({"backup_files": {"bucket_name": "b", "files": []}}, "DCS.4800", "backup_files.files"),
            (
                {"backup_files": {"bucket_name": "b", "files": [{}]}},
                "DCS.4800",
                "backup_files.files[0].file_name",
            ),
            (
                {"backup_files": {"bucket_name": "b", "files": [{"file_name": "f", "size": 3}]}},
                "DCS.4800",
                "backup_files.files[0].size",
            ),
            ({"backup_files": {"file_source": "backup_record"}}, "DCS.4800", "backup_files.backup_id"),
            ({"backup_files": {"file_source": "disk"}}, "DCS.4800", "backup_files.file_source"),
            ({"target_instance": None}, "DCS.4800", "target_instance"),
            ({"target_instance": {}}, "DCS.4800", "target_instance.id"),
            ({"target_instance": {"id": "a b"}}, "DCS.4061", ""),
            ({"target_instance": {"id": "x" * 65}}, "DCS.4061", ""),
            ({"target_instance": {"id": "t", "password": ""}}, "DCS.4800", "target_instance.password"),
            ({"target_instance": {"id": "t", "pass": "x"}}, "DCS.4800", "target_instance.pass"),
            (
                {"target_instance": {"id": "t", "proxy_multi_db": "yes"}},
                "DCS.4800",
                "target_instance.proxy_multi_db",
            ),
            (online_changes(source_instance=None), "DCS.4800", "source_instance"),
            (online_changes(source_instance={}), "DCS.4800", "source_instance.addrs"),
            (online_changes(source_instance={"addrs": "nowhere"}), "DCS.4800", "source_instance.addrs"),
            (online_changes(network_type="tunnel"), "DCS.4800", "network_type"),
            (online_changes(backup_files={"backup_id": "b"}), "DCS.4800", "backup_files"),
        ],
    )
    def test_refuses_what_they_do_not(
        self, here: World, changes: dict[str, Any], expected: str, field: str
    ) -> None:
        """A wrong body is refused with a code, the field is named, and no task is made."""
        answer = here.client.call("POST", "migration-task", import_request(**changes))
        assert code(answer) == (400, expected)
        assert f" {field} " in answer.json()["error_msg"] or not field
        assert here.cloud.tasks() == []

    @pytest.mark.parametrize(
        ("body", "headers", "expected"),
        [
            (b"", {}, (400, "DCS.4004")),
            (b"{", {}, (400, "DCS.4005")),
            (b"[]", {}, (400, "DCS.4005")),
            (b"\xff", {}, (400, "DCS.4005")),
            (b'{"task_name": NaN}', {}, (400, "DCS.4005")),
            (b"[" * 100_000, {}, (400, "DCS.4005")),
            (b"{}", {"Content_Type": "text/plain"}, (400, "DCS.4005")),
            (b"{}", {"Content_Type": "application/json; charset=utf-8"}, (400, "DCS.4800")),
            (b" " * (12 * 1024 * 1024 + 1), {}, (413, "APIGW.0201")),
        ],
    )
    def test_refuses_bodies_that_are_no_json_object(
        self, here: World, body: bytes, headers: dict[str, str], expected: tuple[int, str]
    ) -> None:
        """An empty, broken, mislabelled or enormous body is refused, and the connection still works."""
        answer = here.client.send("POST", f"/v2/{PROJECT}/migration-task", body, **headers)
        assert code(answer) == expected
        assert here.client.rows() == []


class TestRouting:
    """Paths, methods, ids."""

    @pytest.mark.parametrize(
        ("method", "path", "expected"),
        [
            ("GET", "/", (404, "APIGW.0101")),
            ("GET", f"/v2/{PROJECT}/instances", (404, "APIGW.0101")),
            ("GET", f"/v2/{PROJECT}/migration-tasks/", (404, "APIGW.0101")),
            ("PUT", f"/v2/{PROJECT}/migration-tasks", (405, "DCS.5001")),
            ("GET", f"/v2/{PROJECT}/migration-task", (405, "DCS.5001")),
            ("GET", "/v2/pro.ject/migration-tasks", (400, "DCS.4002")),
            ("GET", f"/v2/{'p' * 65}/migration-tasks", (400, "DCS.4002")),
            ("GET", f"/v2/{PROJECT}/migration-task/short", (400, "DCS.4070")),
            ("GET", f"/v2/{PROJECT}/migration-task/{'g' * 32}", (400, "DCS.4070")),
            ("POST", f"/v2/{PROJECT}/migration-task/{'a' * 37}/stop", (400, "DCS.4070")),
            ("GET", f"/v2/{PROJECT}/migration-task/{ABSENT}", (400, "DCS.4133")),
            ("GET", f"/v2/{PROJECT}/migration-task/{ABSENT}/stats", (400, "DCS.4133")),
            ("GET", f"/v2/{PROJECT}/migration-task/{ABSENT}/logs", (400, "DCS.4133")),
            ("POST", f"/v2/{PROJECT}/migration-task/{ABSENT}/stop", (400, "DCS.4133")),
            ("POST", f"/v2/{PROJECT}/migration-task/{ABSENT}/sync-stop", (400, "DCS.4133")),
        ],
    )
    def test_refuses_what_is_not_there(
        self, here: World, method: str, path: str, expected: tuple[int, str]
    ) -> None:
        """Unknown routes, wrong methods, malformed ids and missing tasks have the service's codes."""
        answer = here.client.send(method, path)
        assert code(answer) == expected
        assert len(answer.headers["X-Request-Id"]) == 32

    def test_head_is_no_method(self, here: World) -> None:
        """HEAD is refused without a body, although GET is known there."""
        answer = here.client.send("HEAD", f"/v2/{PROJECT}/migration-tasks")
        assert (answer.status_code, answer.content) == (405, b"")

    def test_projects_are_apart(self, here: World) -> None:
        """A task of one project doesn't exist in another."""
        task_id = here.client.create()
        other = SignedClient(here.cloud.url, project="other")
        assert code(other.show(task_id)) == (400, "DCS.4133")
        assert other.rows() == []
        assert other.delete(task_id).json() == {"task_id_list": []}
        assert here.client.status(task_id) == "MIGRATING"

    def test_projects_are_found_by_region(self, here: World) -> None:
        """IAM tells one stable project id of 32 hexadecimal digits for a region's name."""
        first, again, second = (
            here.client.send("GET", "/v3/projects", query=f"name={region}").json()["projects"]
            for region in ("cn-north-4", "cn-north-4", "ap-southeast-1")
        )
        assert first == again
        assert first[0]["name"] == "cn-north-4"
        assert len(bytes.fromhex(first[0]["id"])) == 16
        assert second[0]["id"] != first[0]["id"]
        assert here.client.send("GET", "/v3/projects").json() == {"projects": []}


class TestList:
    """ListMigrationTask."""

    def test_pages_newest_first(self, here: World) -> None:
        """The default page has ten rows, count is the total, offset and limit cut the same order."""
        ids = [here.client.create(f"n{index}") for index in range(12)]
        answer = here.client.call("GET", "migration-tasks").json()
        assert answer["count"] == 12
        assert [row["task_id"] for row in answer["migration_tasks"]] == ids[:1:-1]
        assert [row["task_id"] for row in here.client.rows(offset=10)] == [ids[1], ids[0]]
        assert [row["task_id"] for row in here.client.rows(offset=1, limit=1)] == [ids[10]]
        assert here.client.rows(offset=12, limit=1000) == []

    def test_name_is_exact(self, here: World) -> None:
        """The name filter finds that name only, also one with spaces and signs, and counts it."""
        here.client.create("orders 1+1=2&é")
        here.client.create("orders 1")
        answer = here.client.call("GET", "migration-tasks", name="orders 1+1=2&é").json()
        assert (answer["count"], answer["migration_tasks"][0]["task_name"]) == (1, "orders 1+1=2&é")
        assert len(here.client.rows(name="orders 1")) == 1
        assert here.client.rows(name="orders") == []

    @pytest.mark.parametrize(
        "query",
        [{"limit": 0}, {"limit": 1001}, {"limit": "ten"}, {"offset": -1}, {"offset": ""}, {"limit": 1.5}],
    )
    def test_bad_paging_is_refused(self, here: World, query: dict[str, object]) -> None:
        """A limit outside 1..1000, a negative offset, and a value that isn't a number are refused."""
        assert code(here.client.call("GET", "migration-tasks", **query)) == (400, "DCS.4800")

    def test_row_of_an_import(self, here: World) -> None:
        """A row tells the target, the bucket, the time and the description."""
        task_id = here.client.create(description="nightly", target_instance={"id": "t-1", "name": "redis"})
        (row,) = here.client.rows()
        expected = {
            "task_id": task_id,
            "task_name": "orders",
            "status": "MIGRATING",
            "data_source": "backups",
            "target_instance_id": "t-1",
            "target_instance_name": "redis",
            "description": "nightly",
            "created_at": "2023-11-14T22:13:20.000Z",
            "error_message": None,
            "released_at": None,
        }
        assert expected.items() <= row.items()

    def test_row_of_an_online_migration(self, here: World) -> None:
        """The data source of an online migration is its source's address."""
        here.client.create(**online_changes())
        assert here.client.rows()[0]["data_source"] == "10.0.0.1:6379"


class TestShow:
    """ShowMigrationTask and its neighbours."""

    def test_says_what_was_asked_for_without_password(self, here: World) -> None:
        """Show has the request's fields, null passwords, and the end's time once there is one."""
        task_id = here.client.create(**online_changes())
        body = here.client.show(task_id).json()
        assert body["source_instance"]["addrs"] == "10.0.0.1:6379"
        assert body["source_instance"]["password"] is body["target_instance"]["password"] is None
        assert (body["network_type"], body["backup_files"], body["updated_at"]) == ("vpc", None, None)

    def test_backup_record_is_nested(self, here: World) -> None:
        """The backup's id is answered inside backup_record."""
        task_id = here.client.create(backup_files={"file_source": "backup_record", "backup_id": "b-1"})
        files = here.client.show(task_id).json()["backup_files"]
        assert files["backup_record"] == {"backup_id": "b-1"}
        assert "backup_id" not in files

    def test_logs_tell_of_a_failure(self, here: World) -> None:
        """Logs start with the creation, can be filtered by level, and hold the error of a failure."""
        task_id = here.client.create()
        here.cloud.set_status(task_id, "FAILED", "the file is broken")
        everything = here.client.call("GET", f"migration-task/{task_id}/logs").json()
        errors = here.client.call("GET", f"migration-task/{task_id}/logs", log_level="ERROR", limit=1).json()
        assert everything["log_num"] == 2
        assert everything["migration_logs"][0]["log_level"] == "INFO"
        assert [row["message"] for row in errors["migration_logs"]] == ["the file is broken"]
        assert here.client.rows()[0]["error_message"] == "the file is broken"

    def test_bad_log_level_is_refused(self, here: World) -> None:
        """A level that does not exist is refused."""
        task_id = here.client.create()
        answer = here.client.call("GET", f"migration-task/{task_id}/logs", log_level="LOUD")
        assert code(answer) == (400, "DCS.4800")

    def test_stats_agree_with_the_status(self, here: World) -> None:
        """Statistics: half way while migrating, in step in the incremental phase, all at the end."""
        full, incremental = here.client.create(), here.client.create(**online_changes())
        assert here.client.statistics(full)["full_migration_progress"] == 50
        here.clock.turn(10)
        moving, done = here.client.statistics(incremental), here.client.statistics(full)
        assert (moving["is_migrating"], moving["offset"]) == (True, 0)
        assert (done["is_migrating"], done["target_dbsize"]) == (False, done["source_dbsize"])


class TestProgression:
    """What becomes of a task by itself."""

    def test_full_succeeds_after_the_duration(self, here: World) -> None:
        """A full task is MIGRATING until its duration is over, then SUCCESS, ended at that moment."""
        task_id = here.client.create()
        here.clock.turn(9.9)
        assert here.client.status(task_id) == "MIGRATING"
        here.clock.turn(100)
        body = here.client.show(task_id).json()
        assert (body["status"], body["updated_at"]) == ("SUCCESS", "2023-11-14T22:13:30.000Z")

    def test_incremental_never_ends(self, here: World) -> None:
        """An incremental task is in its incremental phase after half of the duration, and stays there."""
        task_id = here.client.create(**online_changes())
        here.clock.turn(4.9)
        assert here.client.status(task_id) == "MIGRATING"
        here.clock.turn(0.1)
        assert here.client.status(task_id) == "INCRMIGEATING"
        here.clock.turn(1_000_000)
        assert here.client.status(task_id) == "INCRMIGEATING"

    def test_immediate(self) -> None:
        """With immediate progression a task is done at the first look."""
        with world(progression="immediate") as it:
            full, incremental = it.client.create(), it.client.create(**online_changes())
            assert (it.client.status(full), it.client.status(incremental)) == ("SUCCESS", "INCRMIGEATING")

    def test_manual(self) -> None:
        """With manual progression nothing but a control call or a stop changes a task."""
        with world(progression="manual") as it:
            task_id = it.client.create()
            it.clock.turn(1_000_000)
            assert it.client.status(task_id) == "MIGRATING"
            it.cloud.set_status(task_id, "SUCCESS")
            assert it.client.status(task_id) == "SUCCESS"

    def test_a_set_status_stays(self, here: World) -> None:
        """A status from outside, even one that no document knows, is not overtaken by time."""
        task_id = here.client.create()
        here.cloud.set_status(task_id, "SOMETHING_NEW")
        here.clock.turn(1_000)
        assert here.client.status(task_id) == "SOMETHING_NEW"
        assert here.client.stop(task_id).json()["status"] == "TERMINATING"


class TestStop:
    """The three ways to stop."""

    def test_stop_is_asynchronous(self, here: World) -> None:
        """A stop answers the Show body with TERMINATING; TERMINATED comes later, and ends the task."""
        task_id = here.client.create(**online_changes())
        body = here.client.stop(task_id).json()
        assert (body["task_id"], body["status"]) == (task_id, "TERMINATING")
        here.clock.turn(0.9)
        assert here.client.stop(task_id).json()["status"] == "TERMINATING"
        here.clock.turn(0.1)
        assert here.client.status(task_id) == "TERMINATED"
        assert code(here.client.stop(task_id)) == (400, "DCS.4957")

    def test_stop_seconds_and_manual(self) -> None:
        """The stop's duration can be chosen, and holds for manual progression too."""
        with world(progression="manual", stop_seconds=30) as it:
            task_id = it.client.create()
            it.client.stop(task_id)
            it.clock.turn(29)
            assert it.client.status(task_id) == "TERMINATING"
            it.clock.turn(1)
            assert it.client.status(task_id) == "TERMINATED"

    def test_sync_stop(self, here: World) -> None:
        """A synchronous stop answers 204 without a body, and the task is TERMINATED."""
        task_id = here.client.create()
        answer = here.client.call("POST", f"migration-task/{task_id}/sync-stop")
        assert (answer.status_code, answer.content) == (204, b"")
        assert here.client.status(task_id) == "TERMINATED"

    def test_batch_stop_answers_per_task(self, here: World) -> None:
        """A batch stop answers 200 with one result per id, failures included."""
        running, ended = here.client.create(), here.client.create()
        here.cloud.set_status(ended, "SUCCESS")
        body = {"migration_tasks": [running, ended, ABSENT, "short"]}
        answer = here.client.call("POST", "migration-task/batch-stop", body)
        results = [(row["result"], row["error_code"]) for row in answer.json()["migration_tasks"]]
        assert answer.status_code == 200
        assert results == [
            ("success", None),
            ("failed", "DCS.4957"),
            ("failed", "DCS.4133"),
            ("failed", "DCS.4070"),
        ]
        assert here.client.status(running) == "TERMINATING"

    @pytest.mark.parametrize("ids", [[], [ABSENT] * 51, "all", [7]])
    def test_batch_of_wrong_size_is_refused(self, here: World, ids: object) -> None:
        """A batch has one to fifty ids."""
        answer = here.client.call("POST", "migration-task/batch-stop", {"migration_tasks": ids})
        assert code(answer) == (400, "DCS.4800")


class TestUpdate:
    """UpdateMigrationTask."""

    def test_changes_the_resume_mode(self, here: World) -> None:
        """The mode is auto until it is changed, and both readings tell it."""
        task_id = here.client.create(**online_changes())
        assert here.client.show(task_id).json()["resume_mode"] == "auto"
        answer = here.client.call("PUT", f"migration-task/{task_id}", {"resume_mode": "manual"})
        assert (answer.status_code, answer.json()) == (200, {})
        assert here.client.show(task_id).json()["resume_mode"] == "manual"
        assert here.client.rows()[0]["resume_mode"] == "manual"

    @pytest.mark.parametrize("body", [{}, {"resume_mode": "never"}, {"resume_mode": "auto", "name": "x"}])
    def test_refuses_anything_else(self, here: World, body: dict[str, str]) -> None:
        """Nothing but the mode can be changed, and to nothing but the two modes."""
        task_id = here.client.create(**online_changes())
        assert code(here.client.call("PUT", f"migration-task/{task_id}", body)) == (400, "DCS.4800")

    def test_needs_a_running_task(self, here: World) -> None:
        """A missing task is DCS.4133, an ended one DCS.4957."""
        body = {"resume_mode": "manual"}
        assert code(here.client.call("PUT", f"migration-task/{ABSENT}", body)) == (400, "DCS.4133")
        task_id = here.client.create()
        here.clock.turn(10)
        assert code(here.client.call("PUT", f"migration-task/{task_id}", body)) == (400, "DCS.4957")


class TestDelete:
    """DeleteMigrationTask."""

    def test_deleted_task_lingers(self, here: World) -> None:
        """A delete kills a running task: off the list at once, DELETED for Show, later not found."""
        task_id = here.client.create()
        assert here.client.delete(task_id, ABSENT).json() == {"task_id_list": [task_id]}
        assert here.client.rows() == []
        assert here.client.status(task_id) == "DELETED"
        assert code(here.client.stop(task_id)) == (400, "DCS.4957")
        assert here.client.delete(task_id).json() == {"task_id_list": []}
        here.clock.turn(60)
        assert code(here.client.show(task_id)) == (400, "DCS.4133")

    @pytest.mark.parametrize("ids", [[], None, [""], [7]])
    def test_bad_lists_are_refused(self, here: World, ids: object) -> None:
        """A delete needs a list of ids that are strings."""
        answer = here.client.call("DELETE", "migration-tasks/delete", {"task_id_list": ids})
        assert code(answer) == (400, "DCS.4800")

    def test_a_malformed_id_deletes_nothing(self, here: World) -> None:
        """A malformed id among the ids is refused, and nothing is deleted."""
        task_id = here.client.create()
        assert code(here.client.delete(task_id, "short")) == (400, "DCS.4070")
        assert here.client.status(task_id) == "MIGRATING"
