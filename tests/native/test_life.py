"""The life of tasks and waits in programs of other languages."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest
import yaml

from dcs_emulator import Emulator
from tests.e2e.running import running
from tests.e2e.stack import calls, live
from tests.native.conftest import PASSWORD, NewStack, YamlStack, task, wait

UP = ("up", "--yes", "--skip-preview")


def finish(emulator: Emulator, status: str = "SUCCESS") -> None:
    """End all tasks."""
    for each in emulator.tasks():
        emulator.set_status(each["id"], status)


def test_life_cycle(stack: YamlStack, emulator: Emulator) -> None:
    """Each command works as for a Python program; the password isn't in plain text anywhere."""
    stack.resources_are({"id": "${orders.id}"}, orders=task())
    assert "+ 2 to create" in stack.preview().text
    stack.up()
    stack.require_no_changes()
    finish(emulator)
    assert "2 unchanged" in stack.refresh().text
    stack.require_no_changes()
    assert stack.in_state()["MigrationTask orders"]["outputs"]["status"] == "SUCCESS"
    emulator.clear_requests()
    rotated = task(targetInstance={"id": "target-0", "password": "rotated-" + PASSWORD})
    stack.resources_are(orders=rotated)
    assert "~ 1 updated" in stack.up().text
    assert calls(emulator) == {}
    again = stack.resources_are(
        orders={**rotated, "properties": {**rotated["properties"], "triggers": ["again"]}}
    )
    text = again.preview("--diff").text
    assert "replaced because triggers changed: RUNS THE IMPORT AGAIN into instance target-0" in text
    assert "__" not in text
    first = live(emulator)
    assert "+-1 replaced" in stack.up().text
    assert set(live(emulator)) != set(first)
    assert "- 2 deleted" in stack.destroy().text
    assert live(emulator) == {}
    assert PASSWORD.encode() not in stack.everything_written().replace(_program(stack), b"")


def _program(stack: YamlStack) -> bytes:
    return (stack.work / "Pulumi.yaml").read_bytes()


def test_mistakes_are_lines_in_preview(stack: YamlStack, emulator: Emulator) -> None:
    """With the path in the program's own names, and without a call."""
    stack.python(
        """
        Native("MigrationTask", "orders", migrationType="backup_import", migrationMethod="full_amount_migration",
               networkTyp="vpc", backupFiles={"bucketName": "b", "files": [{"fileNam": "x"}]}, targetInstance={"id": 7})
        """
    )
    text = stack.preview(ok=False).text
    for line in (
        'migrationType: "backup_import" isn\'t one of the allowed values; use "backupfile_import" or '
        '"online_migration" (did you mean "backupfile_import"?)',
        "networkTyp: unknown key; did you mean networkType?",
        "backupFiles.files[0].fileNam: unknown key; did you mean fileName?",
        "targetInstance.id: must be a string",
    ):
        assert line in text, text
    stack.python('Native("MigrationTask", "orders", migration_method="x", backupFiles={"bucket_name": "b"})')
    text = stack.preview(ok=False).text
    assert "migration_method: unknown key; did you mean migrationMethod?" in text
    assert "backupFiles.bucket_name: unknown key; did you mean bucketName?" in text
    assert emulator.requests() == []


def test_ctrl_c_ends_a_wait(stack: YamlStack, emulator: Emulator) -> None:
    """Within two seconds, with nothing pending and the task kept; the next `up` starts nothing."""
    stack.resources_are({"statuses": "${done.statuses}"}, orders=task(), done=wait("orders"))
    with running(stack, *UP) as up:
        up.until(lambda: "0 of 1 done" in up.text)
        plugins = stack.plugins()
        up.interrupt()
        pressed = time.monotonic()
        assert up.end() != 0
        assert time.monotonic() - pressed < 4, up.text
        assert (
            "interrupted: no further changes are made; what was started keeps running; run `pulumi up` again"
            in up.text
        )
    assert not set(plugins) & set(stack.plugins())
    assert "pending_operations" not in stack.run("stack", "export").text
    before = live(emulator)
    assert {each["status"] for each in emulator.tasks()} == {"MIGRATING"}
    finish(emulator)
    stack.up()
    assert live(emulator) == before
    assert calls(emulator)["CreateMigrationTask"] == 1


def test_a_plugin_ends_with_a_killed_cli(stack: YamlStack, emulator: Emulator) -> None:
    """No process keeps running; the next `up` finds its task again."""
    stack.resources_are(orders=task(), done=wait("orders"))
    with running(stack, *UP) as up:
        up.until(lambda: "0 of 1 done" in up.text)
        assert stack.plugins()
        up.kill()
        deadline = time.monotonic() + 15
        while stack.plugins() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert stack.plugins() == []
    stack.run("cancel", "--yes", ok=None)
    finish(emulator)
    stack.up()
    assert calls(emulator)["CreateMigrationTask"] == 1


def test_forty_tasks_and_forty_waits_in_one_process(stack: YamlStack) -> None:
    """The dynamic host has four threads in a process; here all run at the same time."""
    with Emulator(progression="timed", duration=2) as emulator:
        stack.environ["HW_DCS_ENDPOINT"] = emulator.url
        tasks = {f"task{number}": task(number) for number in range(40)}
        waits = {f"done{number}": wait(f"task{number}", timeout="60s") for number in range(40)}
        stack.resources_are(**tasks, **waits)
        with running(stack, *UP, "--parallel", "100") as up:
            up.until(lambda: up.text.count("0 of 1 done") >= 30)
            assert len(stack.plugins()) == 2  # the other one tells the language host the schema
            assert up.end() == 0, up.text
        assert calls(emulator)["CreateMigrationTask"] == 40
        assert calls(emulator)["ListMigrationTask"] < 20
        assert "- 81 deleted" in stack.destroy().text


@pytest.mark.parametrize("leaves_out", [(), ("taskName", "region")], ids=["as printed", "without defaults"])
def test_import(
    stack: YamlStack, new_stack: NewStack, emulator: Emulator, leaves_out: tuple[str, ...]
) -> None:
    """What is imported previews empty, and the program that is printed does; another stack's task warns."""
    other = new_stack().resources_are({"id": "${orders.id}"}, orders=task())
    other.up()
    id_ = other.outputs()["id"]
    finish(emulator)
    stack.resources_are()
    printed = stack.run(
        "import", "dcs:index:MigrationTask", "mine", id_, "--yes", "--skip-preview", "--out", "out.yaml"
    )
    assert (
        f"task {id_} has the owner mark of another stack, and destroying this stack deletes it"
        in printed.text
    )
    program = yaml.safe_load((stack.work / "out.yaml").read_text())
    mine = program["resources"]["mine"]
    for key in leaves_out:
        del mine["properties"][key]
    stack.resources_are(mine=mine)
    emulator.clear_requests()
    stack.require_no_changes()
    assert "is imported" not in stack.up().text
    stack.run("state", "unprotect", "--all", "--yes")
    del mine["options"]
    stack.resources_are(mine=mine)
    stack.destroy()
    assert live(emulator) == {}


def test_impossible_imports(stack: YamlStack) -> None:
    """One line each."""
    stack.resources_are()
    for kind, words in (
        ("MigrationTask", "there is no task 8aa6999e71cb638b0171f485f5266ef0 in project"),
        ("MigrationCompletion", "a completion can't be imported, because it isn't a cloud resource"),
        ("OnlineMigration", "there is no task 8aa6999e71cb638b0171f485f5266ef0 in project"),
    ):
        done = stack.run(
            "import",
            f"dcs:index:{kind}",
            "mine",
            "8aa6999e71cb638b0171f485f5266ef0",
            "--yes",
            "--skip-preview",
            ok=False,
        )
        assert words in done.text


def test_two_providers(stack: YamlStack, emulator: Emulator) -> None:
    """Each has its own region and credentials, which take precedence over the environment; secrets remain secrets."""
    far = {
        "type": "pulumi:providers:dcs",
        "properties": {"region": "emulator-2", "accessKey": "emulator", "secretKey": "emulator"},
    }
    stack.resources_are(
        {"region": "${away.region}"},
        far=far,
        home=task(0),
        away={**task(1), "options": {"provider": "${far}"}},
    )
    stack.up(HW_ACCESS_KEY="emulator")
    assert stack.outputs()["region"] == "emulator-2"
    projects = {
        each["path"].split("/")[2] for each in emulator.requests() if "migration-task" in each["path"]
    }
    assert len(projects) == 2
    assert "secretKey" not in json.dumps(stack.in_state()["dcs far"]["outputs"]).replace(
        '"secretKey": {"4dabf', ""
    )
    stack.destroy()
    wrong = {**far, "properties": {"regionn": "x", "accessKey": "a", "insecure": "maybe"}}
    stack.resources_are(far=wrong, away={**task(1), "options": {"provider": "${far}"}})
    text = stack.preview(ok=False).text
    assert "regionn" in text
    stack.resources_are(orders=task())
    stack.run("config", "set", "dcs:regionn", "x")
    text = stack.preview(ok=False).text.partition("Diagnostics")[2]
    assert text.count("dcs:regionn: unknown key; did you mean dcs:region?") == 1
    assert "1 errored" in text


def test_an_engine_attaches_to_a_running_plugin(stack: YamlStack, emulator: Emulator) -> None:
    """As in a debugger: the plugin prints its port, and keeps running after the commands that use it."""
    plugin = subprocess.Popen(
        [sys.executable, "-m", "dcs_migration.native"], stdout=subprocess.PIPE, text=True, env=stack.environ
    )
    try:
        assert plugin.stdout is not None
        stack.environ["PULUMI_DEBUG_PROVIDERS"] = f"dcs:{plugin.stdout.readline().strip()}"
        stack.resources_are(orders=task())
        stack.up()
        assert calls(emulator)["CreateMigrationTask"] == 1
        finish(emulator)
        assert "- 2 deleted" in stack.destroy().text
        assert plugin.poll() is None
    finally:
        plugin.terminate()
        plugin.wait(10)


@pytest.mark.parametrize("words", [("--help",), ("nonsense",), ("127.0.0.1:1", "127.0.0.1:2")])
def test_the_plugin_started_by_hand_prints_its_usage(words: tuple[str, ...]) -> None:
    """In one line."""
    done = subprocess.run(
        [sys.executable, "-m", "dcs_migration.native", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "is started by Pulumi" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_engine_that_is_gone_before_it_reads_the_port() -> None:
    """Its pipe is closed: the plugin ends without a traceback."""
    done = subprocess.run(
        ["sh", "-c", '"$@" > /dev/full', "sh", sys.executable, "-m", "dcs_migration.native", "127.0.0.1:1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
