"""Each quirk of the emulator, switched on and, where it says more, off again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dcs_emulator.errors import REFUSAL_CODES
from dcs_emulator.quirks import QUIRKS, QuirkError, QuirkSet, parse_quirks
from tests.signing import import_request, online_changes
from tests.unit.emulator_world import World, world

ABSENT = "0" * 32


@contextmanager
def quirky(*quirks: str) -> Iterator[World]:
    """Run an emulator whose tasks take ten seconds, with quirks."""
    with world(quirks=quirks, duration=10.0) as it:
        yield it


def fill(it: World, tasks: int) -> set[str]:
    """Make so many tasks; returns their ids."""
    return {it.client.create() for _ in range(tasks)}


def error_code(answer: Any) -> str:
    """Return the code of a refusal."""
    assert answer.status_code == 400
    return str(answer.json()["error_code"])


def test_fuzzy_name() -> None:
    """fuzzy-name: the filter finds names that contain it."""
    with quirky("fuzzy-name") as it:
        it.client.create("orders")
        it.client.create("old-orders-2")
        assert len(it.client.rows(name="orders")) == 2
        assert it.client.rows(name="other") == []


def test_count_is_page_size() -> None:
    """count-is-page-size: count is the number of rows on the page."""
    with quirky("count-is-page-size") as it:
        for _ in range(3):
            it.client.create()
        counts = [it.client.call("GET", "migration-tasks", limit=2, offset=n).json()["count"] for n in (0, 2)]
        assert counts == [2, 1]


def test_list_unsorted() -> None:
    """list-unsorted: the order has nothing to do with time, and pages still fit together."""
    with world(quirks=["list-unsorted"], deterministic_ids=True) as it:
        ids = [it.client.create() for _ in range(8)]
        whole = [row["task_id"] for row in it.client.rows()]
        pages = [row["task_id"] for n in (0, 3, 6) for row in it.client.rows(limit=3, offset=n)]
        assert sorted(whole) == sorted(ids)
        assert whole not in (ids, ids[::-1])
        assert pages == whole


def read_by_pages(it: World, overlap: int) -> tuple[set[str], set[int]]:
    """Read the list in two pages; returns the ids and the counts that were told."""
    pages = [
        it.client.call("GET", "migration-tasks", limit=1_000, offset=offset).json()
        for offset in (0, 1_000 - overlap)
    ]
    rows = {row["task_id"] for page in pages for row in page["migration_tasks"]}
    return rows, {page["count"] for page in pages}


def test_rows_move() -> None:
    """rows-move: one reading by pages misses a row, however pages overlap; the next one has them all."""
    with quirky("rows-move") as it:
        made = fill(it, 1_501)
        for overlap in (0, 20, 400):
            missed, counts = read_by_pages(it, overlap)
            assert (len(made - missed), counts) == (1, {1_501})
            assert read_by_pages(it, overlap) == (made, {1_501})
            it.cloud.set_quirks(["rows-move"])


def test_rows_move_as_often_as_said() -> None:
    """rows-move: COUNT readings miss a row; a list of one page moves nothing; a reset starts again."""
    with quirky("rows-move=2") as it:
        made = fill(it, 1_001)
        assert len(it.client.rows(limit=1_000)) == len(it.client.rows(limit=1_000)) == 1_000
        for _ in range(2):
            found = [read_by_pages(it, 20)[0] for _ in range(3)]
            assert [len(made - rows) for rows in found] == [1, 1, 0]
            it.cloud.set_quirks(it.cloud.quirks)


def test_a_row_that_moves_stays_there_for_a_whole_reading() -> None:
    """rows-move: the third page follows the second without another move."""
    with quirky("rows-move") as it:
        fill(it, 9)
        order = [row["task_id"] for row in it.client.rows()]
        pages = [[row["task_id"] for row in it.client.rows(limit=3, offset=n)] for n in (0, 3, 6)]
        assert pages == [order[:3], [order[2], *order[4:6]], order[6:]]


def test_listing_lags() -> None:
    """listing-lags: a new task is not listed yet, an ended one not as such; Show tells the present."""
    with quirky("listing-lags") as it:
        task_id = it.client.create()
        it.clock.turn(4.9)
        assert it.client.rows() == []
        assert it.client.status(task_id) == "MIGRATING"
        it.clock.turn(0.1)
        assert [row["task_id"] for row in it.client.rows()] == [task_id]
        it.clock.turn(5)
        assert it.client.status(task_id) == "SUCCESS"
        assert it.client.rows()[0]["status"] == "MIGRATING"
        it.clock.turn(5)
        assert it.client.rows()[0]["status"] == "SUCCESS"


@pytest.mark.parametrize("linger", [0.0, 60.0])
def test_listing_lags_behind_a_delete(linger: float) -> None:
    """listing-lags: a deleted task is listed with its last status, whether or not Show knows it still."""
    with world(quirks=["listing-lags=30"], duration=100.0, linger=linger) as it:
        task_id = it.client.create()
        it.clock.turn(30)
        it.client.delete(task_id)
        assert it.client.show(task_id).status_code == (200 if linger else 400)
        assert it.cloud.tasks() == []
        it.clock.turn(29.9)
        assert [(row["task_id"], row["status"]) for row in it.client.rows()] == [(task_id, "MIGRATING")]
        it.clock.turn(0.1)
        assert it.client.rows() == []


def test_listing_lags_after_a_restart(tmp_path: Path) -> None:
    """listing-lags: what a task was stays known in the state file."""
    options = {"quirks": ["listing-lags"], "state": tmp_path / "state.json", "progression": "manual"}
    with world(**options) as it:
        task_id = it.client.create()
        it.clock.turn(10)
        it.cloud.set_status(task_id, "FAILED", "why")
    with world(**options) as it:
        it.clock.turn(10)
        assert [(row["status"], row["error_message"]) for row in it.client.rows()] == [("MIGRATING", None)]
        it.clock.turn(5)
        assert [(row["status"], row["error_message"]) for row in it.client.rows()] == [("FAILED", "why")]


DESCRIPTION = "<b>orders & shop</b>"


@pytest.mark.parametrize(
    ("quirks", "given", "told"),
    [
        (["description-null"], DESCRIPTION, None),
        (["description-trimmed=6"], DESCRIPTION, "<b>ord"),
        (["description-trimmed"], "0123456789" * 5, "0123456789" * 4),
        (["description-escaped"], DESCRIPTION, "&lt;b&gt;orders &amp; shop&lt;/b&gt;"),
        (["description-escaped"], None, None),
        (["description-escaped", "description-trimmed=1"], DESCRIPTION, "&lt;"),
    ],
)
def test_description(quirks: list[str], given: str | None, told: str | None) -> None:
    """description-...: list and Show give it otherwise; what was given is kept."""
    with quirky(*quirks) as it:
        task_id = it.client.create(description=given)
        assert it.client.show(task_id).json()["description"] == told
        assert it.client.rows()[0]["description"] == told
        assert it.cloud.tasks()[0]["description"] == given
        it.cloud.set_quirks([])
        assert it.client.show(task_id).json()["description"] == given


def test_password_echoed() -> None:
    """password-echoed: Show returns both passwords; nothing else does."""
    with quirky("password-echoed") as it:
        task_id = it.client.create(**online_changes())
        body = it.client.show(task_id).json()
        assert body["target_instance"]["password"] == "target-secret"
        assert body["source_instance"]["password"] == "source-secret"
        elsewhere = f"{it.client.rows()}{it.cloud.tasks()}{it.cloud.requests()}"
        assert "secret" not in elsewhere
        it.cloud.set_quirks([])
        assert it.client.show(task_id).json()["target_instance"]["password"] is None


def test_instances_not_filled_in() -> None:
    """instances-not-filled-in: no name, address, status or place comes from the service."""
    with quirky("instances-not-filled-in") as it:
        body = it.client.show(it.client.create(**online_changes())).json()
        for side in ("source_instance", "target_instance"):
            assert {body[side][name] for name in ("name", "ip", "port", "task_status")} == {None}
        assert body["target_instance"]["addrs"] is None
        (row,) = it.client.rows()
        ours = {"source_instance_id", "target_instance_id"}
        told = {name for name in row if "_instance_" in name and row[name] is not None}
        assert told <= ours


def test_stop_of_import_refused() -> None:
    """stop-of-import-refused: an import is stopped by none of the three calls; an online task is."""
    with quirky("stop-of-import-refused") as it:
        task_id, online = it.client.create(), it.client.create(**online_changes())
        assert error_code(it.client.stop(task_id)) == "DCS.4026"
        assert error_code(it.client.call("POST", f"migration-task/{task_id}/sync-stop")) == "DCS.4026"
        batch = it.client.call("POST", "migration-task/batch-stop", {"migration_tasks": [task_id, online]})
        results = [(row["result"], row["error_code"]) for row in batch.json()["migration_tasks"]]
        assert results == [("failed", "DCS.4026"), ("success", None)]
        assert it.client.status(task_id) == "MIGRATING"


def test_stop_is_slow() -> None:
    """stop-is-slow: TERMINATING lasts fifteen seconds."""
    with quirky("stop-is-slow") as it:
        task_id = it.client.create(**online_changes())
        it.client.stop(task_id)
        it.clock.turn(14.9)
        assert it.client.status(task_id) == "TERMINATING"
        it.clock.turn(0.1)
        assert it.client.status(task_id) == "TERMINATED"


def test_delete_of_running_refused() -> None:
    """delete-of-running-refused: a running task makes the whole delete fail; an ended one is deleted."""
    with quirky("delete-of-running-refused") as it:
        ended = it.client.create()
        it.clock.turn(10)
        running = it.client.create()
        assert error_code(it.client.delete(ended, running)) == "DCS.4957"
        assert len(it.client.rows()) == 2
        assert it.client.delete(ended).json() == {"task_id_list": [ended]}


def test_delete_of_running_ignored() -> None:
    """delete-of-running-ignored: 200, the running task isn't in the answer and continues."""
    with quirky("delete-of-running-ignored") as it:
        ended = it.client.create()
        it.clock.turn(10)
        running = it.client.create()
        assert it.client.delete(ended, running).json() == {"task_id_list": [ended]}
        it.clock.turn(10)
        assert [(row["task_id"], row["status"]) for row in it.client.rows()] == [(running, "SUCCESS")]


def test_delete_answers_empty_list() -> None:
    """delete-answers-empty-list: the task is deleted, the answer does not say so."""
    with quirky("delete-answers-empty-list") as it:
        task_id = it.client.create()
        assert it.client.delete(task_id).json() == {"task_id_list": []}
        assert it.client.rows() == []


def test_deleted_shows_success() -> None:
    """deleted-shows-success: a lingering record says SUCCESS, until it no longer exists."""
    with quirky("deleted-shows-success") as it:
        task_id = it.client.create()
        it.client.delete(task_id)
        assert it.client.status(task_id) == "SUCCESS"
        it.clock.turn(60)
        assert error_code(it.client.show(task_id)) == "DCS.4133"


def test_deleted_not_found() -> None:
    """deleted-not-found: a deleted task does not linger."""
    with quirky("deleted-not-found") as it:
        task_id = it.client.create()
        it.client.delete(task_id)
        assert error_code(it.client.show(task_id)) == "DCS.4133"


def test_second_task_on_target_refused() -> None:
    """second-task-on-target-refused: a busy target is refused, another one or an ended task is not."""
    with quirky("second-task-on-target-refused") as it:
        first = it.client.create()
        again = it.client.call("POST", "migration-task", import_request("again"))
        assert error_code(again) == "DCS.4026"
        it.client.create(target_instance={"id": "target-2"})
        it.client.stop(first)
        it.clock.turn(1)
        it.client.create()
        assert len(it.client.rows()) == 3


def test_online_refused() -> None:
    """online-refused: the migration type is called invalid; imports are created."""
    with quirky("online-refused") as it:
        answer = it.client.call("POST", "migration-task", import_request(**online_changes()))
        assert error_code(answer) == "DCS.4800"
        assert "Invalid migration_type parameter" in answer.json()["error_msg"]
        it.client.create()


def test_create_answers_error() -> None:
    """create-answers-error: 200 with an id, an error and FAILED; the record is there and FAILED."""
    with quirky("create-answers-error") as it:
        body = it.client.call("POST", "migration-task", import_request()).json()
        assert body["error"]
        assert body["status"] == "FAILED"
        it.clock.turn(100)
        (row,) = it.client.rows()
        assert (row["task_id"], row["status"], row["error_message"]) == (body["id"], "FAILED", body["error"])


def test_records_expire() -> None:
    """records-expire: the list forgets a task some seconds after its end, Show does not."""
    with quirky("records-expire=5") as it:
        task_id = it.client.create()
        it.clock.turn(14.9)
        assert len(it.client.rows()) == 1
        it.clock.turn(0.1)
        assert it.client.rows() == []
        assert it.client.status(task_id) == "SUCCESS"


def test_records_expire_wholly() -> None:
    """records-expire-wholly: Show forgets the task as well; by default two seconds after the end."""
    with quirky("records-expire-wholly") as it:
        task_id = it.client.create()
        it.clock.turn(11.9)
        assert it.client.status(task_id) == "SUCCESS"
        it.clock.turn(0.1)
        assert it.client.rows() == []
        assert error_code(it.client.show(task_id)) == "DCS.4133"
        assert it.client.delete(task_id).json() == {"task_id_list": []}


@pytest.mark.parametrize(
    ("quirk", "status"),
    [("incremental-stays-migrating", "MIGRATING"), ("incremental-spelled-right", "INCRMIGRATING")],
)
def test_incremental_phase(quirk: str, status: str) -> None:
    """The incremental phase may not show, or be spelled otherwise; a full task is not concerned."""
    with quirky(quirk) as it:
        incremental, full = it.client.create(**online_changes()), it.client.create()
        it.clock.turn(1_000)
        assert (it.client.status(incremental), it.client.status(full)) == (status, "SUCCESS")


def test_names_as_instances() -> None:
    """names-as-instances: a name is 4 to 64 letters, digits, - and _; others are refused by their field."""
    with quirky("names-as-instances") as it:
        for name in ("abcd", "Orders_2-b", "n" * 64):
            it.client.create(name)
        for name in ("abc", "n" * 65, "two words", "caf\u00e9s", "a.b.c"):  # codespell:ignore caf
            answer = it.client.call("POST", "migration-task", import_request(name))
            assert error_code(answer) == "DCS.4800"
            assert " task_name " in answer.json()["error_msg"]
        assert len(it.client.rows()) == 3


def test_success_becomes_released() -> None:
    """success-becomes-released: SUCCESS turns RELEASED later; the end's time, failures and stops stay."""
    with quirky("success-becomes-released=30") as it:
        done, failed, stopped = (it.client.create() for _ in range(3))
        it.cloud.set_status(failed, "FAILED")
        it.client.stop(stopped)
        it.clock.turn(39.9)
        assert it.client.status(done) == "SUCCESS"
        it.clock.turn(0.1)
        body = it.client.show(done).json()
        assert (body["status"], body["updated_at"]) == ("RELEASED", "2023-11-14T22:13:30.000Z")
        assert (it.client.status(failed), it.client.status(stopped)) == ("FAILED", "TERMINATED")
        assert error_code(it.client.stop(done)) == "DCS.4957"
        assert it.client.delete(done).json() == {"task_id_list": [done]}


def test_a_release_is_not_missed() -> None:
    """success-becomes-released: a task no one looked at meanwhile is RELEASED at the first look."""
    with quirky("success-becomes-released") as it:
        task_id = it.client.create()
        it.clock.turn(1_000)
        assert it.client.status(task_id) == "RELEASED"


def test_stats_of_import_refused() -> None:
    """stats-of-import-refused: only an online task has statistics."""
    with quirky("stats-of-import-refused") as it:
        task_id, online = it.client.create(), it.client.create(**online_changes())
        assert error_code(it.client.call("GET", f"migration-task/{task_id}/stats")) == "DCS.4133"
        assert it.client.call("GET", f"migration-task/{online}/stats").status_code == 200


def test_update_only_when_incremental() -> None:
    """update-only-when-incremental: resume_mode can be changed in the incremental phase, not before."""
    with quirky("update-only-when-incremental") as it:
        online, full = it.client.create(**online_changes()), it.client.create()
        rest, body = f"migration-task/{online}", {"resume_mode": "manual"}
        assert error_code(it.client.call("PUT", rest, body)) == "DCS.4957"
        it.clock.turn(5)
        assert it.client.call("PUT", rest, body).status_code == 200
        assert it.client.show(online).json()["resume_mode"] == "manual"
        assert error_code(it.client.call("PUT", f"migration-task/{full}", body)) == "DCS.4957"


def test_write_limit() -> None:
    """write-limit: more writes in a minute are 429, refused ones count, reads do not; a reset forgets."""
    with quirky("write-limit=3") as it:
        for _ in range(3):
            task_id = it.client.create()
        it.clock.turn(30)
        for _ in range(4):
            answer = it.client.stop(task_id)
            assert (answer.status_code, answer.json()["error_code"]) == (429, "APIGW.0308")
            assert "Retry-After" not in answer.headers
            assert it.client.status(task_id) in ("MIGRATING", "SUCCESS")
        it.clock.turn(30)
        assert it.client.call("POST", "migration-task", import_request()).status_code == 429
        it.clock.turn(60)
        it.client.create()
        it.cloud.reset()
        for _ in range(3):
            it.client.create()


def test_retry_after() -> None:
    """retry-after: a 429 says when to come again, an ordered one that says so itself keeps its own."""
    with quirky("retry-after=7", "write-limit=1") as it:
        it.cloud.fault("ListMigrationTask", "throttle")
        it.cloud.fault("ListMigrationTask", "throttle", seconds=0.5)
        answers = [it.client.call("GET", "migration-tasks") for _ in range(3)]
        assert [answer.headers.get("Retry-After") for answer in answers] == ["7", "0.5", None]
        it.client.create()
        refused = it.client.call("POST", "migration-task", import_request())
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")


@pytest.mark.parametrize("refusal", REFUSAL_CODES)
def test_refusals_have_the_code_that_is_asked_for(refusal: str) -> None:
    """The three refusals of a state take any of the service's codes for it."""
    names = ("stop-of-import-refused", "delete-of-running-refused", "second-task-on-target-refused")
    with quirky(*(f"{name}={refusal}" for name in names)) as it:
        task_id = it.client.create()
        again = it.client.call("POST", "migration-task", import_request("again"))
        for answer in (it.client.stop(task_id), it.client.delete(task_id), again):
            assert error_code(answer) == refusal


MESSAGE = "Instance job is not found."


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("v1", {"error": {"code": "111400133", "message": MESSAGE}}),
        ("iam", {"error": {"message": MESSAGE, "code": 400, "title": "Bad Request"}}),
        ("camel", {"errorCode": "DCS.4133", "errorMsg": MESSAGE}),
        ("code-message", {"code": "DCS.4133", "message": MESSAGE}),
    ],
)
def test_error_body(shape: str, body: dict[str, Any]) -> None:
    """error-body: errors of the service are written in the shape; the gateway's keep theirs."""
    with quirky(f"error-body={shape}") as it:
        answer = it.client.show(ABSENT)
        assert (answer.status_code, answer.json()) == (400, body)
        assert it.client.send("GET", "/nowhere").json()["error_code"] == "APIGW.0101"


def test_error_body_html() -> None:
    """error-body=html: a page with the HTTP status and nothing more; an ordered error has it too."""
    with quirky("error-body=html") as it:
        it.cloud.fault("ListMigrationTask", "error", status=599)
        refusal, fault = it.client.show(ABSENT), it.client.call("GET", "migration-tasks")
        assert refusal.headers["Content-Type"].startswith("text/html")
        assert "400 Bad Request" in refusal.text
        assert "DCS" not in refusal.text
        assert fault.status_code == 599


def test_specs_are_read() -> None:
    """Quirks come repeated or with commas, with values or their defaults, and can be written back."""
    active = parse_quirks(["fuzzy-name, records-expire=0.5", "error-body", "", "records-expire-wholly"])
    assert active == {
        "fuzzy-name": None,
        "records-expire": 0.5,
        "error-body": "v1",
        "records-expire-wholly": 2.0,
    }
    assert QuirkSet(["records-expire=3", "fuzzy-name"]).specs() == ["records-expire=3", "fuzzy-name"]


@pytest.mark.parametrize(
    "spec",
    [
        "nope",
        "fuzzy-name=1",
        "records-expire=soon",
        "records-expire=-1",
        "records-expire=inf",
        "error-body=x",
        "stop-of-import-refused=DCS.1",
        "write-limit=0",
        "write-limit=1.5",
        "rows-move=0",
        "listing-lags=-1",
        "description-trimmed=0",
        "description-null=1",
    ],
)
def test_bad_specs_are_refused(spec: str) -> None:
    """Unknown names, needless values and wrong values are refused in one line."""
    with pytest.raises(QuirkError) as caught:
        parse_quirks([spec])
    assert "\n" not in str(caught.value)
    assert re.search(r"the value must be|takes no value|unknown quirk", str(caught.value))


def test_all_at_once() -> None:
    """Every quirk can be on together with all the others; creating, listing and deleting still answer."""
    with quirky(*(name for name in QUIRKS if name != "online-refused")) as it:
        task_id = it.client.create()
        it.clock.turn(5)  # until the list has caught up
        assert len(it.client.rows()) == 1
        assert it.client.delete(task_id).status_code == 200
