"""`tasks`: what is listed, whose it is, and what a stack and the project do not agree on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dcs_emulator import Emulator
from dcs_migration.command_line import exits
from dcs_migration.life_cycles.tasks.mark import hashed
from tests.e2e.test_releases import STATES
from tests.fakes import FakeClock
from tests.unit.command_line_world import (
    OWNER,
    PROJECT,
    STRANGER,
    TYPE,
    Cli,
    Ended,
    export,
    mark,
    resource,
    urn_of,
)
from tests.unit.life_cycle_world import REGION

ABSENT = "0" * 32
NATIVE = "dcs:index:MigrationTask"
KEYS = (
    *(
        "id",
        "name",
        "status",
        "phase",
        "ended",
        "type",
        "method",
        "progress_percent",
        "lag_bytes",
        "target_id",
    ),
    *(
        "target_addrs",
        "created_at",
        "error",
        "region",
        "project_id",
        "owner",
        "owned_by_stack",
        "stack",
        "urns",
    ),
)


@pytest.fixture
def cli(cloud: Emulator, clock: FakeClock) -> Cli:
    """Commands against an emulator."""
    return Cli(cloud, clock)


def findings(ended: Ended) -> dict[str, str]:
    """What each task is to the stack, by id."""
    return {task["id"]: task["stack"] for task in ended.document["tasks"]}


def test_running_ones_by_default(cli: Cli) -> None:
    """Those that have ended are counted, and shown with --all."""
    running, ended = cli.start("orders"), cli.start("carts")
    cli.cloud.set_status(ended, "SUCCESS")
    listed = cli.run("tasks")
    assert listed.code == exits.OK
    assert running in listed.out
    assert ended not in listed.out
    assert listed.lines[-1] == "1 running, 1 ended (--all shows them)"
    everything = cli.run("tasks", "--all")
    assert ended in everything.out
    assert everything.lines[-1] == "1 running, 1 ended"


def test_nothing(cli: Cli) -> None:
    """An empty project is one line, and an empty list."""
    assert cli.run("tasks").out == "0 running, 0 ended\n"
    assert cli.run("tasks", "--json").document == {"tasks": [], "running": 0, "orphans": None, "gone": None}


def test_how_far_they_are(cli: Cli) -> None:
    """Online tasks say how much is copied and how far they are behind; an unknown status is named as such."""
    copying = cli.follow("copying", migration_method="full_amount_migration")
    behind = cli.follow("behind", target_instance={"id": "target-2"})
    cli.cloud.set_status(behind, "INCRMIGEATING", offset=12_000)
    level = cli.follow("level", status="INCRMIGEATING", target_instance={"id": "target-3"})
    odd = cli.start("odd", target_instance={"id": "target-4"})
    cli.cloud.set_status(odd, "HIBERNATING")
    lines = cli.run("tasks", env={"COLUMNS": "120"}).lines
    for name, told in {
        "copying": "50 %, 4 kB behind",
        "behind": "100 %, 12 kB behind",
        "level": "in sync",
        "odd": "unknown status",
    }.items():
        (line,) = (line for line in lines if line.lstrip().startswith(f"{name} · "))
        assert f"{name} · {told} · " in line
    tasks = {task["id"]: task for task in cli.run("tasks", "--json").document["tasks"]}
    assert (tasks[copying]["progress_percent"], tasks[copying]["lag_bytes"]) == (50.0, 4096.0)
    assert (tasks[behind]["phase"], tasks[behind]["lag_bytes"]) == ("replicating", 12_000.0)
    assert (tasks[level]["phase"], tasks[level]["lag_bytes"]) == ("replicating", 0.0)
    assert (tasks[odd]["phase"], tasks[odd]["lag_bytes"]) == ("running", None)


def test_statistics_that_are_refused_are_left_out(cli: Cli) -> None:
    """They only adorn the list."""
    cli.follow()
    cli.cloud.fault("ShowMigrationTaskStats", "error", status=403, error_code="DCS.2003")
    ended = cli.run("tasks", "--json")
    assert ended.code == exits.OK
    assert ended.document["tasks"][0]["lag_bytes"] is None


def test_whose_they_are(cli: Cli) -> None:
    """An owner mark names an owner by its hash, the stack's own as such; others have none."""
    ours, theirs, by_hand = (
        cli.start("ours", mark()),
        cli.start("theirs", mark(owner=STRANGER)),
        cli.start("by-hand"),
    )
    old = cli.start("old", "[pulumi:0123456789ab]")
    shown = cli.run("tasks", "--stack", "-", stdin=export(resource("orders", ours))).out
    for words in (
        "owner: this stack",
        f"owner: {hashed(STRANGER)}",
        "owner: no mark",
        "owner: release 0.1.0",
    ):
        assert words in shown
    tasks = {task["id"]: task for task in cli.run("tasks", "--json").document["tasks"]}
    assert [tasks[id_]["owner"] for id_ in (ours, theirs, by_hand, old)] == [
        hashed(OWNER),
        hashed(STRANGER),
        None,
        None,
    ]
    assert {task["owned_by_stack"] for task in tasks.values()} == {None}


def test_agreement_is_0(cli: Cli) -> None:
    """Every task of the stack is there, and none has its owner mark without being in it; others do not matter."""
    held = cli.start("orders", mark())
    cli.start("theirs", mark(owner=STRANGER))
    ended = cli.run("tasks", "--stack", "-", stdin=export(resource("orders", held)))
    assert ended.code == exits.OK
    assert f"{held}  in state (orders)" in ended.out


@pytest.mark.parametrize("status", ["MIGRATING", "SUCCESS", "FAILED"])
def test_an_orphan_is_3(cli: Cli, status: str) -> None:
    """A task with the stack's mark and is in no state is one, running or not, and shown without --all."""
    held, orphan = cli.start("orders", mark()), cli.start("carts", mark("carts"))
    cli.cloud.set_status(orphan, status)
    ended = cli.run("tasks", "--stack", "-", stdin=export(resource("orders", held)))
    assert ended.code == exits.DIFFERS
    assert f"{orphan}  ORPHAN" in ended.out
    assert "1 ORPHAN: started by this stack but not in any state; set existing_task_id" in " ".join(
        ended.out.split()
    )


def test_the_only_task_of_a_stack_is_an_orphan_too(cli: Cli) -> None:
    """The provider resource alone tells the owner."""
    orphan = cli.start("orders", mark())
    ended = cli.run("tasks", "--stack", "-", "--json", stdin=export())
    assert (ended.code, findings(ended)) == (exits.DIFFERS, {orphan: "orphan"})


def test_an_orphan_of_an_interrupted_create_names_its_resource(cli: Cli) -> None:
    """The state knows the resource, and not the id: the owner mark leads to it."""
    orphan = cli.start("orders", mark())
    begun = {"urn": urn_of("orders"), "type": TYPE, "custom": True, "inputs": {"__owner": OWNER}}
    state = export(pending_operations=[{"resource": begun, "type": "creating"}])
    ended = cli.run("tasks", "--stack", "-", "--json", stdin=state)
    assert findings(ended) == {orphan: "orphan"}
    assert ended.document["tasks"][0]["urns"] == [urn_of("orders")]
    shown = cli.run("tasks", "--stack", "-", stdin=state).out
    assert f"started as {urn_of('orders')}" in shown
    assert "its creation was interrupted: `pulumi up` adopts it" in shown
    forgotten = export(pending_operations=[{"resource": begun, "type": "deleting"}, "nothing"])
    assert "interrupted" not in cli.run("tasks", "--stack", "-", stdin=forgotten).out


@pytest.mark.parametrize(
    ("status", "code"),
    [("MIGRATING", exits.DIFFERS), ("SUCCESS", exits.OK), ("FAILED", exits.OK), ("GONE", exits.OK)],
)
def test_what_is_gone_is_3_where_the_state_does_not_know_its_end(cli: Cli, status: str, code: int) -> None:
    """It is shown with its last status and its URN; that the service forgets what has ended must not ring every
    night."""
    ended = cli.run("tasks", "--stack", "-", stdin=export(resource("orders", ABSENT, status=status)))
    assert ended.code == code
    assert f"GONE    {ABSENT}  GONE (orders)" in ended.out
    assert f"last in state: {status}" in ended.out
    assert urn_of("orders") in ended.out


@pytest.mark.parametrize("quirks", [[], ["deleted-shows-success"], ["deleted-not-found"]])
def test_gone_is_what_the_listing_lacks_whatever_show_says(
    cloud: Emulator, cli: Cli, quirks: list[str]
) -> None:
    """Of a deleted task Show may still tell the last status: the listing decides."""
    cloud.set_quirks(quirks)
    id_ = cli.start("orders", mark())
    cloud.set_status(id_, "SUCCESS")
    cloud.remove(id_)
    ended = cli.run("tasks", "--stack", "-", "--json", stdin=export(resource("orders", id_)))
    assert (ended.code, findings(ended)) == (exits.DIFFERS, {id_: "gone"})


def test_a_listing_that_fails_proves_nothing(cli: Cli) -> None:
    """Where the service doesn't tell, the command ends with 1 and shows no task as gone."""
    cli.cloud.fault("ListMigrationTask", "error", status=403, error_code="DCS.2003", times=9)
    ended = cli.run("tasks", "--stack", "-", stdin=export(resource("orders", ABSENT)))
    assert (ended.code, ended.out) == (exits.FAILED, "")
    assert "DCS.2003" in ended.err


def test_another_endpoint_proves_nothing(cli: Cli) -> None:
    """A state that lives elsewhere is not compared with an emulator that a variable was left for."""
    held = resource("orders", ABSENT, __endpoint="dcs.eu-west-101.myhuaweicloud.com")
    ended = cli.run("tasks", "--stack", "-", stdin=export(held))
    assert (ended.code, ended.out) == (exits.FAILED, "")
    assert (
        "this task lives at dcs.eu-west-101.myhuaweicloud.com, but the settings now point to 127.0.0.1"
        in ended.err
    )


def test_the_state_says_where_to_look(cli: Cli) -> None:
    """A task in another project of the state is found there, and one of the same id elsewhere is not it."""
    held = cli.start("orders", mark())
    cli.client.project = "another-project"
    there = cli.start("carts", mark("carts"))
    state = export(resource("orders", held), resource("carts", there, project_id="another-project"))
    ended = cli.run("tasks", "--stack", "-", "--json", stdin=state)
    assert (ended.code, findings(ended)) == (exits.OK, {held: "in_state", there: "in_state"})
    places = {task["id"]: task["project_id"] for task in ended.document["tasks"]}
    assert places == {held: PROJECT, there: "another-project"}


def test_without_a_region_the_state_tells_it(cli: Cli) -> None:
    """With the stack, you don't need to know its region."""
    held = cli.start("orders", mark())
    ended = cli.run(
        "tasks",
        "--stack",
        "-",
        "--json",
        stdin=export(resource("orders", held)),
        env={"HW_REGION_NAME": None},
    )
    assert findings(ended) == {held: "in_state"}


def test_several_stacks_are_taken_together(cli: Cli, tmp_path: Path) -> None:
    """`pulumi state move` gives two stacks one owner: a task that one of them holds isn't an orphan."""
    first, second = cli.start("orders", mark()), cli.start("carts", mark("carts"))
    for name, id_ in (("orders", first), ("carts", second)):
        (tmp_path / f"{name}.json").write_text(export(resource(name, id_)))
    one, two = str(tmp_path / "orders.json"), str(tmp_path / "carts.json")
    assert cli.run("tasks", "--stack", one).code == exits.DIFFERS
    assert cli.run("tasks", "--stack", one, "--stack", two).code == exits.OK


def test_an_online_migration_has_two_resources(cli: Cli) -> None:
    """The instance and what runs on it have one id: it is shown once, with both."""
    id_ = cli.follow("shop", mark("shop"))
    kinds = ("MigrationInstance", "OnlineMigration")
    resources = [resource("shop", id_, f"pulumi-python:dynamic/dcs:{kind}") for kind in kinds]
    (task,) = cli.run("tasks", "--stack", "-", "--json", stdin=export(*resources)).document["tasks"]
    assert [urn.split("::")[2].rpartition(":")[2] for urn in task["urns"]] == list(kinds)


def native(*resources: dict[str, Any]) -> str:
    """Return the export of a stack of the native provider: names on the wire, and no owner in a resource."""
    for each in resources:
        each["provider"] = f"urn:pulumi:dev::shop::pulumi:providers:dcs::default::{OWNER}"
        each["inputs"] = {}
        del each["outputs"]["__owner"]
        each["outputs"]["projectId"] = each["outputs"].pop("project_id")
    provider = {
        "urn": "urn:pulumi:dev::shop::pulumi:providers:dcs::default",
        "id": OWNER,
        "type": "pulumi:providers:dcs",
    }
    return json.dumps({"version": 3, "deployment": {"resources": [provider, *resources]}})


def test_a_stack_of_the_native_provider(cli: Cli) -> None:
    """The owner is the provider of each resource."""
    held, orphan = cli.start("orders", mark()), cli.start("carts", mark("carts"))
    state = native(resource("orders", held, NATIVE), resource("gone", ABSENT, NATIVE))
    ended = cli.run("tasks", "--stack", "-", "--json", stdin=state)
    assert findings(ended) == {held: "in_state", orphan: "orphan", ABSENT: "gone"}


def test_a_state_of_release_0_1_0(cli: Cli) -> None:
    """It has no owner: its tasks are found by their ids, and other tasks don't count as orphans."""
    state = json.loads((STATES / "0.1.0.json").read_text("utf-8"))
    for entry in state["deployment"]["resources"]:
        entry.get("outputs", {}).pop("__endpoint", None)
    cli.start("orders", mark())
    ended = cli.run("tasks", "--stack", "-", "--json", stdin=json.dumps(state))
    assert sorted(findings(ended).values()) == ["foreign", "gone", "gone"]


def test_keys_of_the_document(cli: Cli) -> None:
    """They are those of the guide, also for a task that no longer exists."""
    held = cli.start("orders", mark())
    state = export(resource("orders", held), resource("gone", ABSENT))
    document = cli.run("tasks", "--stack", "-", "--json", stdin=state).document
    assert tuple(document) == ("tasks", "running", "orphans", "gone")
    assert [tuple(task) for task in document["tasks"]] == [KEYS, KEYS]
    assert (document["running"], document["orphans"], document["gone"]) == (1, 0, 1)


@pytest.mark.parametrize("columns", ["80", "120"])
def test_lines_fit(cli: Cli, columns: str) -> None:
    """Nothing but a single long word runs over the edge, and there is no escape sequence in a log."""
    held = cli.start("orders-85ded78", mark(), target_instance={"id": "4cd5dbb8-aacd-4603-b817-3e97d48c7a20"})
    cli.follow("shop", mark("shop"), status="INCRMIGEATING")
    state = export(resource("orders", held), resource("gone", ABSENT, status="SUCCESS"))
    ended = cli.run("tasks", "--stack", "-", stdin=state, env={"COLUMNS": columns})
    assert max(map(len, ended.lines)) <= int(columns) + 3
    assert "\x1b" not in ended.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "standard input is empty; create it with `pulumi stack export --file state.json`"),
        (export()[:-30], "standard input isn't valid JSON or is cut off"),
        ("[]", "isn't a stack export: it has no deployment"),
        ('{"version": 3}', "isn't a stack export: it has no deployment"),
        ('{"deployment": {"resources": {}}}', ""),
        ('{"deployment": {"resources": "none"}}', "its resources aren't a list"),
        ('{"deployment": {"resources": [1]}}', "a resource has no URN"),
        ('{"deployment": {"resources": [{"urn": 7}]}}', "a resource has no URN"),
        ('{"deployment": {"pending_operations": [{"type": "creating"}]}}', "a resource has no URN"),
        ("[" * 100_000, "isn't valid JSON or is cut off"),
    ],
)
def test_a_broken_export(cli: Cli, text: str, said: str) -> None:
    """It is named as such before anything is called; nothing is concluded from it."""
    ended = cli.run("tasks", "--stack", "-", stdin=text)
    if not said:
        assert ended.code == exits.OK
        return
    assert (ended.code, ended.out) == (exits.FAILED, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1
    assert cli.cloud.requests() == []


def test_a_file_that_cannot_be_read(cli: Cli, tmp_path: Path) -> None:
    """A missing file, a folder and a file that isn't text are each a line."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for path, why in (
        ("absent.json", "No such file"),
        ("", "Is a directory"),
        ("bytes", "not a text file"),
    ):
        ended = cli.run("tasks", "--stack", str(tmp_path / path))
        assert ended.code == exits.FAILED
        assert f"can't read {tmp_path / path}: {why}" in ended.err


def test_a_stack_without_resources(cli: Cli) -> None:
    """An empty stack has `null` where its resources would be."""
    ended = cli.run("tasks", "--stack", "-", stdin='{"version": 3, "deployment": {"resources": null}}')
    assert (ended.code, ended.out) == (exits.OK, "0 running, 0 ended\n")


def test_one_listing_for_all_tasks_of_the_state(cli: Cli) -> None:
    """What the listing shows costs no call of its own."""
    ids = [cli.start(f"task-{number}", mark(str(number))) for number in range(30)]
    state = export(*(resource(str(number), id_) for number, id_ in enumerate(ids)))
    cli.cloud.clear_requests()
    assert cli.run("tasks", "--stack", "-", stdin=state).code == exits.OK
    operations = [entry["operation"] for entry in cli.cloud.requests()]
    assert operations == ["KeystoneListProjects", "ListMigrationTask"]


def test_the_region_of_the_settings_is_listed_beside_that_of_the_state(cli: Cli) -> None:
    """Orphans may be where nothing of the state is any more."""
    orphan = cli.start("orders", mark())
    cli.client.project = "another-project"
    there = cli.start("carts", mark("carts"))
    state = export(resource("carts", there, project_id="another-project"))
    ended = cli.run("tasks", "--stack", "-", "--json", "--region", REGION, stdin=state)
    assert findings(ended) == {orphan: "orphan", there: "in_state"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_an_export_that_windows_wrote_is_read(cli: Cli, tmp_path: Path, encoding: str) -> None:
    """Its editors write a byte order mark, and its PowerShell UTF-16."""
    id_ = cli.start("orders-85ded78", mark())
    (tmp_path / "state.json").write_text(export(resource("orders", id_)).replace("\n", "\r\n"), encoding)
    ended = cli.run("tasks", "--stack", str(tmp_path / "state.json"))
    assert (ended.code, ended.err) == (exits.OK, "")
    assert "in state (orders)" in ended.out
    assert cli.run("tasks", "--stack", "-", stdin="\ufeff" + export(resource("orders", id_))).out == ended.out
