"""The operations of the API: what is sent, what is read, and what is refused as not being DCS."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs_migration.dcs.auth import KeyPairAuth
from dcs_migration.dcs.client import DcsClient, find_project_id
from dcs_migration.dcs.errors import (
    ApiError,
    Busy,
    ConfigurationError,
    OutcomeUnknown,
    TaskNotFound,
    TransportError,
)
from dcs_migration.dcs.models import Backup, Created, LogLine, Malformed, TaskRow, parse_page, parse_task
from dcs_migration.dcs.transport import Transport
from tests.unit.dcs_server import Answer, FakeClock, StandIn, answer, error


def _client(server: StandIn, project_id: str = "p1") -> DcsClient:
    auth = KeyPairAuth("AK", "SK", project_id=project_id)
    transport = Transport(
        server.url, auth, clock=FakeClock(), max_retries=0, scrub=lambda text: text.replace("pa55w0rd", "***")
    )
    return DcsClient(transport, project_id)


def test_create() -> None:
    """A creation posts the body and returns id, name, status and error."""
    with StandIn(answer({"id": "t1", "name": "m", "status": "MIGRATING", "error": ""})) as server:
        created = _client(server).create_migration_task({"task_name": "m"})
        request = server.requests[0]
    assert created == Created("t1", "m", "MIGRATING", None)
    assert (request.method, request.target) == ("POST", "/v2/p1/migration-task")
    assert json.loads(request.body) == {"task_name": "m"}
    assert request.headers["X-Project-Id"] == "p1"


def test_create_hands_on_the_error_of_a_refused_task() -> None:
    """A 200 with an error is returned as such, for the caller to judge."""
    with StandIn(answer({"id": "t1", "status": "FAILED", "error": "no such bucket"})) as server:
        assert _client(server).create_migration_task({}).error == "no such bucket"


@pytest.mark.parametrize("reply", [{}, {"id": None}, {"id": ""}, {"id": 7}, {"id": ["t1"]}])
def test_create_without_an_id_has_an_unknown_outcome(reply: dict[str, Any]) -> None:
    """An answer without an id in the form of a string may have started a task all the same."""
    with StandIn(answer(reply)) as server, pytest.raises(OutcomeUnknown, match=r"no task id$"):
        _client(server).create_migration_task({})


def test_create_without_an_id_hands_on_the_error() -> None:
    """The service may have named the problem."""
    with (
        StandIn(answer({"error": "the bucket is busy"})) as server,
        pytest.raises(OutcomeUnknown, match=r"no task id \(the bucket is busy\)$"),
    ):
        _client(server).create_migration_task({})


def test_list() -> None:
    """A page asks for up to 1,000 tasks and keeps what rows say about themselves."""
    row = {
        "task_id": "t1",
        "task_name": "m",
        "status": "SUCCESS",
        "description": "d",
        "migration_type": "backupfile_import",
        "migration_method": "full_amount_migration",
        "target_instance_id": "i",
        "target_instance_name": "n",
        "data_source": "bucket",
        "target_instance_addrs": "10.0.0.9:6379",
        "created_at": "2021-06-16T06:12:55.508Z",
        "released_at": 202404011057,
        "error_message": "e",
    }
    with StandIn(answer({"count": 1, "migration_tasks": [row]})) as server:
        page = _client(server).list_migration_tasks(2000)
        assert server.requests[0].target == "/v2/p1/migration-tasks?offset=2000&limit=1000"
    assert page.count == 1
    assert page.rows == [
        TaskRow(
            "t1",
            "m",
            "SUCCESS",
            "d",
            "backupfile_import",
            "full_amount_migration",
            "i",
            "n",
            "10.0.0.9:6379",
            "bucket",
            "2021-06-16T06:12:55.508Z",
            None,
            "202404011057",
            "e",
        )
    ]


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"count": 0},
        {"migration_tasks": []},
        {"count": 1, "migration_tasks": None},
        {"count": -1, "migration_tasks": []},
        {"count": True, "migration_tasks": []},
        {"count": 1, "migration_tasks": {"task_id": "t1"}},
        {"count": 1, "migration_tasks": [None]},
        {"count": 1, "migration_tasks": [{"status": "SUCCESS"}]},
        {"count": 1, "migration_tasks": [{"task_id": 5}]},
        {"error_code": "DCS.5000", "error_msg": "with status 200"},
    ],
)
def test_a_malformed_page_is_an_error(reply: dict[str, Any]) -> None:
    """Only a well-formed page may prove that a task is absent."""
    with StandIn(answer(reply)) as server, pytest.raises(TransportError, match="isn't a DCS response"):
        _client(server).list_migration_tasks()


@pytest.mark.parametrize(
    "reply", [{"count": 0, "migration_tasks": None}, {"count": "0", "migration_tasks": []}]
)
def test_an_empty_page(reply: dict[str, Any]) -> None:
    """No tasks may be written as null, and the count as a string."""
    with StandIn(answer(reply)) as server:
        assert _client(server).list_migration_tasks().rows == []


def test_show_keeps_no_password() -> None:
    """Show keeps ids, names and the backup, and nothing else of the instances."""
    reply = {
        "task_id": "t1",
        "task_name": "m",
        "status": "MIGRATING",
        "migrate_type": "backupfile_import",
        "backup_files": {
            "file_source": "self_build_obs",
            "bucket_name": "b",
            "files": [{"file_name": "a.rdb", "size": "1"}, {"file_name": None}, "x"],
            "backup_record": {"backup_id": "k"},
        },
        "source_instance": {"addrs": "redis://u:pa55w0rd@h:1", "password": "pa55w0rd"},
        "target_instance": {"id": "i", "name": "n", "password": "pa55w0rd"},
    }
    with StandIn(answer(reply)) as server:
        task = _client(server).show_migration_task("t1")
        assert server.requests[0].target == "/v2/p1/migration-task/t1"
    assert task.backup == Backup("self_build_obs", "b", ("a.rdb",), "k")
    assert (task.target_instance_id, task.target_instance_name) == ("i", "n")
    assert task.migration_type == "backupfile_import"
    assert "pa55w0rd" not in repr(task)


def test_show_of_a_missing_task() -> None:
    """The not-found code of DCS is its own error, by either spelling."""
    with StandIn(error(400, "DCS.4133"), error(400, "111400133")) as server:
        for _ in range(2):
            with pytest.raises(TaskNotFound):
                _client(server).show_migration_task("t1")


@pytest.mark.parametrize("reply", [{}, {"task_id": "t2", "status": "SUCCESS"}, {"task_name": "m"}])
def test_show_of_something_else_is_an_error(reply: dict[str, Any]) -> None:
    """An answer without a status, or about another task, says nothing about the task asked for."""
    with StandIn(answer(reply)) as server, pytest.raises(TransportError, match="isn't a DCS response"):
        _client(server).show_migration_task("t1")


def test_show_without_an_id_but_with_a_status() -> None:
    """A record with little data is still the requested record."""
    with StandIn(answer({"status": "DELETED"})) as server:
        assert _client(server).show_migration_task("t1") == TaskRow("t1", status="DELETED")


def test_ids_are_quoted_into_paths() -> None:
    """An id cannot reach into the rest of a path or the query, and the signature covers what is sent."""
    with StandIn(answer({"status": "SUCCESS"})) as server:
        _client(server, "p/1").show_migration_task("../a?b#c d\u4e2d")
        assert server.requests[0].target == "/v2/p%2F1/migration-task/..%2Fa%3Fb%23c%20d%E4%B8%AD"


@pytest.mark.parametrize("task_id", ["", ".", "..", "\udcff"])
def test_ids_that_would_address_something_else_are_refused(task_id: str) -> None:
    """An id that HTTP libraries resolve away is refused before anything is sent."""
    with StandIn(answer({})) as server:
        with pytest.raises(ConfigurationError, match="isn't a valid task id"):
            _client(server).exchange_instance_ip(task_id)
        assert server.requests == []


def test_batch_stop() -> None:
    """Each id gets its own result: none for accepted or not mentioned, else the error by its code."""
    items = [
        {"task_id": "a", "result": "success"},
        {"task_id": "b", "result": "failed", "error_code": "DCS. 4026", "error_msg": "state of pa55w0rd"},
        {"task_id": "c", "result": "failed", "error_code": "DCS.4133"},
        {"task_id": "d", "result": "failed"},
        {"task_id": "other", "result": "failed"},
        None,
    ]
    with StandIn(answer({"migration_tasks": items})) as server:
        results = _client(server).batch_stop_migration_tasks(["a", "b", "c", "d", "e"])
        request = server.requests[0]
    assert (request.method, request.target) == ("POST", "/v2/p1/migration-task/batch-stop")
    assert json.loads(request.body) == {"migration_tasks": ["a", "b", "c", "d", "e"]}
    assert {task_id: type(result) for task_id, result in results.items()} == {
        "a": type(None),
        "b": Busy,
        "c": TaskNotFound,
        "d": ApiError,
        "e": type(None),
    }
    assert "HTTP 200 DCS.4026: state of ***" in str(results["b"])


@pytest.mark.parametrize("items", [None, {}, "x", 5])
def test_batch_stop_without_results(items: object) -> None:
    """An answer that mentions no task leaves each unknown."""
    with StandIn(answer({"migration_tasks": items})) as server:
        assert _client(server).batch_stop_migration_tasks(["a"]) == {"a": None}


def test_batch_stop_is_limited() -> None:
    """More than 50 ids are refused before anything is sent."""
    with StandIn(answer({})) as server:
        with pytest.raises(ValueError, match="at most 50"):
            _client(server).batch_stop_migration_tasks([str(number) for number in range(51)])
        assert server.requests == []
        assert len(_client(server).batch_stop_migration_tasks([str(number) for number in range(50)])) == 50


@pytest.mark.parametrize("reply", [{"task_id_list": []}, {"task_id_list": ["a"]}, {}])
def test_delete(reply: dict[str, Any]) -> None:
    """A deletion is a DELETE with a body; what the answer lists does not matter."""
    with StandIn(answer(reply)) as server:
        _client(server).delete_migration_tasks(["a"])
        request = server.requests[0]
    assert (request.method, request.target) == ("DELETE", "/v2/p1/migration-tasks/delete")
    assert json.loads(request.body) == {"task_id_list": ["a"]}


def test_logs() -> None:
    """The log is asked for by level and limit, and read leniently."""
    lines = [{"created_at": "c", "log_level": "ERROR", "message": "m", "log_code": "x", "keyword": ["k"]}, 5]
    with StandIn(answer({"log_num": 2, "migration_logs": lines}), answer({})) as server:
        client = _client(server)
        assert client.list_migration_task_logs("t1", "ERROR", 5) == [
            LogLine("c", "ERROR", "m", "x"),
            LogLine(None, None, None, None),
        ]
        assert client.list_migration_task_logs("t1") == []
        assert [request.target for request in server.requests] == [
            "/v2/p1/migration-task/t1/logs?offset=0&limit=5&log_level=ERROR",
            "/v2/p1/migration-task/t1/logs?offset=0&limit=10",
        ]


def _find(reply: Answer) -> str:
    with StandIn(reply) as server:
        transport = Transport(server.url, KeyPairAuth("AK", "SK"), clock=FakeClock(), max_retries=0)
        try:
            return find_project_id(transport, "cn-north-4")
        finally:
            assert server.requests[0].target == "/v3/projects?name=cn-north-4"
            assert "X-Project-Id" not in server.requests[0].headers


def test_the_project_of_a_region() -> None:
    """The one project of a region is found without naming a project."""
    assert _find(answer({"projects": [{"id": "abc", "name": "cn-north-4"}]})) == "abc"


@pytest.mark.parametrize(
    ("projects", "words"),
    [
        ([], "no project"),
        ([{"id": "a"}, {"id": "b"}], "2 projects"),
        ([{"id": 5}], "no project"),
        ([{"id": "a", "name": "another"}], "no project"),
    ],
)
def test_no_single_project(projects: list[object], words: str) -> None:
    """None or several projects are an error that names the setting to make."""
    with pytest.raises(
        ConfigurationError, match=rf"{words} named cn-north-4; .*huaweicloud:projectId or HW_PROJECT_ID"
    ):
        _find(answer({"projects": projects}))


def test_a_key_that_may_not_list_projects() -> None:
    """A missing IAM permission is an error that names the setting to make instead."""
    with pytest.raises(ConfigurationError, match=r"HTTP 403.*HW_PROJECT_ID"):
        _find(answer({"error": {"message": "denied", "code": 403, "title": "Forbidden"}}, 403))


def test_projects_of_something_that_is_not_iam() -> None:
    """An answer without a list of projects is not an absence of projects."""
    with pytest.raises(TransportError, match="isn't an IAM response"):
        _find(answer({"projects": None}))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["task_id", "id", "status", "count", "migration_tasks", "backup_files", "files", "password"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(_JSON)
def test_any_json_is_a_task_or_malformed(reply: object) -> None:
    """Every answer becomes a task whose fields are strings, or is refused as malformed."""
    try:
        task = parse_task(reply, "t1")
    except Malformed:
        return
    assert task.id == "t1"
    for value in (task.name, task.status, task.target_instance_id, task.error):
        assert value is None or isinstance(value, str)


@given(st.dictionaries(st.sampled_from(["count", "migration_tasks"]), _JSON))
def test_any_json_is_a_page_or_malformed(reply: dict[str, Any]) -> None:
    """Every answer becomes rows with ids, or is refused as malformed."""
    try:
        page = parse_page(reply)
    except Malformed:
        return
    assert page.count >= 0
    assert all(row.id for row in page.rows)
