"""The emulator's control calls, faults and journal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from dcs_emulator.app import OPERATIONS
from dcs_emulator.faults import FAULTS
from dcs_emulator.journal import Journal
from tests.signing import PROJECT, SignedClient, import_request, online_changes
from tests.unit.emulator_world import START, World, world

ABSENT = "0" * 32


@pytest.fixture
def here() -> Iterator[World]:
    """An emulator whose tasks change by control calls only."""
    with world(progression="manual") as it:
        yield it


def create(here: World) -> requests.Response:
    """Send a creation request."""
    return here.client.call("POST", "migration-task", import_request())


class TestCalls:
    """The calls under ``/_emulator/``."""

    def test_health(self, here: World) -> None:
        """The emulator says that it is well, without a signature."""
        assert here.client.control("GET", "health").json() == {"status": "ok"}

    def test_tasks(self, here: World) -> None:
        """All tasks of all projects are listed with what tests ask for."""
        task_id = here.client.create(description="nightly")
        SignedClient(here.cloud.url, project="other").create("second")
        first, second = here.client.control("GET", "tasks").json()
        assert first == {
            "id": task_id,
            "name": "orders",
            "status": "MIGRATING",
            "project_id": PROJECT,
            "description": "nightly",
            "target_instance_id": "target-1",
            "migration_type": "backupfile_import",
            "migration_method": "full_amount_migration",
            "error": None,
            "created_at": "2023-11-14T22:13:20.000Z",
        }
        assert (second["name"], second["project_id"]) == ("second", "other")

    def test_set_status(self, here: World) -> None:
        """A status and an error can be set; they show in the list."""
        task_id = here.client.create()
        answer = here.client.control("POST", f"tasks/{task_id}", {"status": "FAILED", "error": "broken"})
        assert (answer.status_code, answer.content) == (204, b"")
        (row,) = here.client.rows()
        assert (row["status"], row["error_message"]) == ("FAILED", "broken")

    def test_console_deletion(self, here: World) -> None:
        """A task that is removed is off the list and lingers as after a delete."""
        task_id = here.client.create()
        assert here.client.control("DELETE", f"tasks/{task_id}").status_code == 204
        assert here.client.rows() == here.cloud.tasks() == []
        assert here.client.status(task_id) == "DELETED"
        assert here.client.control("DELETE", f"tasks/{task_id}").status_code == 404

    def test_reset(self) -> None:
        """A reset forgets tasks, requests and faults, and brings the first quirks back."""
        with world(quirks=["fuzzy-name"]) as it:
            task_id = it.client.create()
            it.cloud.fault("*", "error")
            it.cloud.set_quirks(["deleted-not-found"])
            assert it.client.control("POST", "reset").status_code == 204
            assert it.client.control("GET", "faults").json() == it.cloud.tasks() == it.cloud.requests() == []
            assert it.cloud.quirks == ["fuzzy-name"]
            assert it.client.show(task_id).json()["error_code"] == "DCS.4133"

    def test_quirks(self, here: World) -> None:
        """The set of quirks is replaced as a whole, and can be read with what there is."""
        here.client.control("POST", "quirks", {"quirks": ["fuzzy-name"]})
        here.client.control("POST", "quirks", {"quirks": ["records-expire=3", "stop-is-slow"]})
        table = here.client.control("GET", "quirks").json()
        assert table["quirks"] == ["records-expire=3", "stop-is-slow"]
        assert "fuzzy-name" in table["available"]

    @pytest.mark.parametrize(
        ("method", "rest", "body", "status"),
        [
            ("GET", "nothing", None, 404),
            ("GET", "", None, 404),
            ("POST", "health", None, 405),
            ("POST", f"tasks/{ABSENT}", {"status": "SUCCESS"}, 404),
            ("DELETE", f"tasks/{ABSENT}", None, 404),
            ("POST", f"tasks/{ABSENT}", {}, 400),
            ("POST", f"tasks/{ABSENT}", {"status": "success"}, 400),
            ("POST", f"tasks/{ABSENT}", {"status": "FAILED", "error": 1}, 400),
            ("POST", f"tasks/{ABSENT}", {"status": "FAILED", "why": "x"}, 400),
            ("POST", f"tasks/{ABSENT}", [], 400),
            ("POST", "quirks", {"quirks": ["nope"]}, 400),
            ("POST", "quirks", {"quirks": "fuzzy-name"}, 400),
            ("POST", "faults", {"operation": "Nothing", "fault": "error"}, 400),
            ("POST", "faults", {"operation": "*", "fault": "sulk"}, 400),
            ("POST", "faults", {"operation": "*", "fault": "error", "times": 0}, 400),
            ("POST", "faults", {"operation": "*", "fault": "error", "status": "500"}, 400),
            ("POST", "faults", {"operation": "*", "fault": "delay", "seconds": -1}, 400),
            ("POST", "faults", {"operation": "*", "fault": "error", "error_code": 5}, 400),
            ("POST", "faults", {"operation": "*", "fault": "error", "colour": "red"}, 400),
        ],
    )
    def test_senseless_calls_are_refused(
        self, here: World, method: str, rest: str, body: Any, status: int
    ) -> None:
        """A wrong control call is answered with a JSON object that has an error."""
        answer = here.client.control(method, rest, body)
        assert answer.status_code == status
        assert list(answer.json()) == ["error"]

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Host": "emulator.example.com"}, 403),
            ({"Host": "127.0.0.1.example.com:80"}, 403),
            ({"Host": "localhost:80"}, 200),
            ({"Host": "[::1]:80"}, 200),
            ({"Origin": "https://example.com"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": "http://localhost:3000"}, 200),
        ],
    )
    def test_web_pages_are_kept_out(self, here: World, headers: dict[str, str], status: int) -> None:
        """A Host or Origin that is not this machine is refused."""
        assert here.client.control("GET", "health", **headers).status_code == status


class TestJournal:
    """The journal."""

    def test_entries(self, here: World) -> None:
        """Each cloud request is recorded with operation, method, path, status and ids, in order."""
        task_id = here.client.create()
        here.clock.turn(5)
        here.client.show(task_id)
        here.client.delete(task_id, ABSENT)
        here.client.send("GET", "/nowhere")
        here.client.control("GET", "health")
        entries = here.client.control("GET", "requests").json()
        base = f"/v2/{PROJECT}"
        assert entries == [
            entry(START, "CreateMigrationTask", "POST", f"{base}/migration-task", 200, task_id),
            entry(START + 5, "ShowMigrationTask", "GET", f"{base}/migration-task/{task_id}", 200, task_id),
            entry(
                START + 5,
                "DeleteMigrationTask",
                "DELETE",
                f"{base}/migration-tasks/delete",
                200,
                task_id,
                ABSENT,
            ),
            entry(START + 5, "Unknown", "GET", "/nowhere", 404),
        ]
        assert here.client.control("DELETE", "requests").status_code == 204
        assert here.cloud.requests() == []

    def test_it_is_bounded(self) -> None:
        """The oldest entries go first, and are counted."""
        journal = Journal(capacity=2)
        for number in range(5):
            journal.record(float(number), "op", "GET", "/", 200, [])
        rows = journal.entries()
        assert rows[0] == {"operation": "_dropped", "count": 3}
        assert [row["time"] for row in rows[1:]] == [3.0, 4.0]
        journal.clear()
        assert journal.entries() == []

    def test_no_password_anywhere(self, here: World) -> None:
        """No password is in an answer, in the journal, the tasks or the logs; neither when refused."""
        here.client.create(**online_changes())
        here.client.call("POST", "migration-task", import_request(migration_type="x"))
        here.client.call("POST", "migration-task", import_request(target_instance={"id": "t", "password": 7}))
        task_id = here.cloud.tasks()[0]["id"]
        told = [
            here.client.show(task_id).text,
            here.client.call("GET", "migration-tasks").text,
            here.client.call("GET", f"migration-task/{task_id}/logs").text,
            here.client.stop(task_id).text,
            *(here.client.control("GET", rest).text for rest in ("tasks", "requests", "faults", "quirks")),
        ]
        assert "secret" not in "".join(told)


def entry(at: float, operation: str, method: str, path: str, status: int, *task_ids: str) -> dict[str, Any]:
    """Return a journal entry."""
    return {
        "time": at,
        "operation": operation,
        "method": method,
        "path": path,
        "status": status,
        "task_ids": list(task_ids),
    }


class TestFaults:
    """Faults, over real sockets."""

    def test_error(self, here: World) -> None:
        """An ordered error is answered as ordered, once, and nothing is done."""
        here.client.control(
            "POST",
            "faults",
            {
                "operation": "CreateMigrationTask",
                "fault": "error",
                "status": 400,
                "error_code": "DCS.4017",
                "message": "busy",
            },
        )
        answer = create(here)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "DCS.4017")
        assert answer.json()["error_msg"] == "busy"
        assert here.cloud.tasks() == []
        assert create(here).status_code == 200

    def test_error_default(self, here: World) -> None:
        """Without more an error is 500 DCS.5000."""
        here.cloud.fault("*", "error")
        assert (create(here).status_code, create(here).status_code) == (500, 200)

    @pytest.mark.parametrize(("fault", "done"), [("drop_before", 0), ("drop_after", 1)])
    def test_drops(self, here: World, fault: str, done: int) -> None:
        """A dropped request gets no byte; it was carried out or not; the journal has it with status 0."""
        here.cloud.fault("CreateMigrationTask", fault)
        with pytest.raises(requests.ConnectionError):
            create(here)
        assert len(here.cloud.tasks()) == done
        (record,) = here.cloud.requests()
        assert (record["status"], len(record["task_ids"])) == (0, done)
        assert create(here).status_code == 200

    @pytest.mark.parametrize("fault", ["delay", "delay_after"])
    def test_delays(self, here: World, fault: str) -> None:
        """A delayed request is answered after the seconds."""
        here.cloud.fault("CreateMigrationTask", fault, seconds=0.2)
        before = time.monotonic()
        assert create(here).status_code == 200
        assert time.monotonic() - before >= 0.2

    @pytest.mark.parametrize(("fault", "done"), [("delay", 0), ("delay_after", 1)])
    def test_a_delay_ends_when_the_emulator_closes(self, fault: str, done: int) -> None:
        """Closing does not wait for a delay; what comes before it was done, what comes after was not."""
        failures: list[Exception] = []

        def call(client: SignedClient) -> None:
            try:
                client.create()
            except requests.ConnectionError as error:
                failures.append(error)

        with world(progression="manual") as it:
            it.cloud.fault("CreateMigrationTask", fault, seconds=3600)
            thread = threading.Thread(target=call, args=[it.client])
            thread.start()
            deadline = time.monotonic() + 30
            while it.cloud.faults() or len(it.cloud.tasks()) != done:
                assert time.monotonic() < deadline
        thread.join(30)
        assert not thread.is_alive()
        assert len(failures) == 1
        assert len(it.cloud.tasks()) == done

    def test_garbage(self, here: World) -> None:
        """The request is carried out and answered 200 with what isn't JSON."""
        here.cloud.fault("CreateMigrationTask", "garbage")
        answer = create(here)
        assert answer.status_code == 200
        with pytest.raises(requests.JSONDecodeError):
            answer.json()
        assert len(here.cloud.tasks()) == 1

    def test_empty(self, here: World) -> None:
        """The request is carried out and answered 200 without a body."""
        here.cloud.fault("CreateMigrationTask", "empty")
        answer = create(here)
        assert (answer.status_code, answer.content) == (200, b"")
        assert len(here.cloud.tasks()) == 1

    def test_truncate(self, here: World) -> None:
        """The request is carried out, half of the answer comes, then the connection ends."""
        here.cloud.fault("CreateMigrationTask", "truncate")
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
            create(here)
        assert len(here.cloud.tasks()) == 1
        assert create(here).status_code == 200

    @pytest.mark.parametrize(
        ("order", "header"), [({}, None), ({"seconds": 3}, "3"), ({"seconds": 0.5}, "0.5")]
    )
    def test_throttle(self, here: World, order: dict[str, Any], header: str | None) -> None:
        """A throttled request is answered 429 APIGW.0308, with Retry-After when seconds are given."""
        here.cloud.fault("CreateMigrationTask", "throttle", **order)
        answer = create(here)
        assert (answer.status_code, answer.json()["error_code"]) == (429, "APIGW.0308")
        assert answer.headers.get("Retry-After") == header
        assert here.cloud.tasks() == []

    def test_times_and_operations(self, here: World) -> None:
        """A fault meets its own operation as many times as ordered; the oldest order goes first."""
        here.cloud.fault("ListMigrationTask", "error", times=2)
        here.cloud.fault("*", "error", status=503)
        assert create(here).status_code == 503
        statuses = [here.client.call("GET", "migration-tasks").status_code for _ in range(3)]
        assert statuses == [500, 500, 200]

    def test_orders_can_be_read_and_withdrawn(self, here: World) -> None:
        """What is left of the orders can be listed, and cleared."""
        here.cloud.fault("ListMigrationTask", "error", times=2)
        here.client.call("GET", "migration-tasks")
        (left,) = here.client.control("GET", "faults").json()
        assert (left["operation"], left["fault"], left["times"]) == ("ListMigrationTask", "error", 1)
        assert here.client.control("DELETE", "faults").status_code == 204
        assert here.client.call("GET", "migration-tasks").status_code == 200

    def test_a_call_that_is_not_let_in_uses_up_nothing(self, here: World) -> None:
        """A request without a signature is refused as such, and leaves the fault for the next one."""
        here.cloud.fault("ListMigrationTask", "garbage")
        url = f"{here.cloud.url}/v2/{PROJECT}/migration-tasks"
        assert requests.get(url, timeout=30).status_code == 401
        assert here.client.call("GET", "migration-tasks").content.startswith(b"\x00")

    @pytest.mark.parametrize("operation", OPERATIONS)
    def test_every_operation_can_be_met(self, here: World, operation: str) -> None:
        """Faults can be ordered for each operation by its name in the API."""
        for fault in FAULTS:
            here.cloud.fault(operation, fault)
        assert len(here.client.control("GET", "faults").json()) == len(FAULTS)

    @pytest.mark.parametrize("name", ["colour", "self"])
    def test_an_unknown_field_of_an_order_is_named(self, here: World, name: str) -> None:
        """Also one with the name of a Python argument."""
        order = {"operation": "CreateMigrationTask", "fault": "error", name: 1}
        answer = here.client.control("POST", "faults", order)
        assert (answer.status_code, answer.json()) == (400, {"error": f"unknown fault fields: {name}"})
