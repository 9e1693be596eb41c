"""Waiting as a pipeline sees it: a stack continues when the data is there, and says why when it is not."""

from __future__ import annotations

import json
import re
import subprocess
import textwrap
import time
from collections.abc import Iterator
from typing import Any

import pytest

from dcs_emulator import Emulator
from tests.e2e.conftest import NewStack
from tests.e2e.running import connections, running
from tests.e2e.stack import TIMEOUT, Stack, calls, live, operations, plugins_of

TYPE = "pulumi-python:dynamic/dcs:MigrationCompletion"
SECONDS = 2.0  # what a migration takes
INTERVAL = 1.0
SECONDS_TO_NOTICE = (
    4.0  # until the plugin notices that Pulumi has ended: it asks every two seconds, with a timeout of two
)
WRITES = {"CreateMigrationTask", "StopMigrationTask", "BatchStopMigrationTasks", "DeleteMigrationTask"}
UP = ("up", "--yes", "--skip-preview")

IMPORTS = """
    from dcs_migration import MigrationCompletion
    from quick import Quick
"""
QUICK = """
    import time
    from pulumi.dynamic import CreateResult, Resource, ResourceProvider

    class Provider(ResourceProvider):
        serialize_as_secret_always = False

        def create(self, props):
            return CreateResult("quick", {"at": time.time()})

    class Quick(Resource, module="test", name="Quick"):
        def __init__(self, name, opts=None):
            super().__init__(Provider(), name, {"at": None}, opts)
"""
FLEET = """
    tasks = [MigrationTask(f"task{number}", **BACKUP, target_instance=target(number)) for number in range(COUNT)]
"""
WAIT = """
    done = MigrationCompletion("done", tasks=tasks, interval="1s")
    pulumi.export("statuses", done.statuses)
    pulumi.export("told", {"by_name": done.statuses_by_name, "status": done.status})
"""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator whose migrations end by themselves after a while."""
    with Emulator(progression="timed", duration=SECONDS, stop_seconds=0.2) as timed:
        yield timed


@pytest.fixture
def slow() -> Iterator[Emulator]:
    """An emulator whose migrations end when a test says so."""
    with Emulator(progression="manual", stop_seconds=0.2) as manual:
        yield manual


def write(stack: Stack, *parts: str, count: int = 2) -> Stack:
    """Write a program from parts; ``count`` is the size of the fleet."""
    stack.module("quick", QUICK)
    return stack.program("\n".join(map(textwrap.dedent, (IMPORTS, *parts))).replace("COUNT", str(count)))


def over(slow: Emulator, stack: Stack) -> Stack:
    """Let a stack work on another emulator."""
    stack.emulator = slow
    stack.environ.update(
        HW_DCS_ENDPOINT=slow.url, HW_ACCESS_KEY=slow.access_key, HW_SECRET_KEY=slow.secret_key
    )
    return stack


def completions(stack: Stack) -> dict[str, dict[str, Any]]:
    """The completions in state, by resource name."""
    found = json.loads(stack.run("stack", "export").text)["deployment"].get("resources", [])
    return {entry["urn"].split("::")[-1]: entry for entry in found if entry["type"] == TYPE}


def process_of(entry: dict[str, Any]) -> str:
    """The name of the provider resource in whose process a resource lives."""
    return str(entry["provider"].split("::")[-2])


def test_up_waits_and_later_commands_make_no_call(stack: Stack, emulator: Emulator) -> None:
    """`up` ends when the data is loaded, and exports statuses; later commands don't list tasks for it."""
    write(stack, FLEET, WAIT, 'Quick("app", opts=pulumi.ResourceOptions(depends_on=[done]))')
    started = time.monotonic()
    text = stack.up().text
    assert time.monotonic() - started >= SECONDS
    assert "2 of 2 done" in text
    assert stack.outputs()["statuses"] == dict.fromkeys(live(emulator), "SUCCESS")
    assert stack.outputs()["told"] == {
        "by_name": {"task0": "SUCCESS", "task1": "SUCCESS"},
        "status": "SUCCESS",
    }
    stack.require_no_changes()
    emulator.clear_requests()
    stack.up()
    assert operations(emulator) == []
    stack.refresh()
    assert calls(emulator)["ListMigrationTask"] <= 1  # of the tasks
    stack.require_no_changes()
    stack.destroy()
    assert live(emulator) == {}


@pytest.mark.long
def test_an_added_task_is_the_only_one_waited_for(stack: Stack, emulator: Emulator) -> None:
    """What was done once stays done, although its record no longer exists; a smaller fleet waits for
    nothing."""
    write(stack, FLEET, WAIT).up()
    before = set(live(emulator))
    for id_ in before:
        emulator.remove(id_)
    write(stack, FLEET, WAIT, count=3)
    assert stack.preview().count("to update") == 1
    result = stack.up()
    assert result.count("updated") == 1
    assert "0 of 1 done · 1 running" in result.text
    (new,) = live(emulator)
    assert stack.outputs()["statuses"] == dict.fromkeys([*before, new], "SUCCESS")
    stack.require_no_changes()
    emulator.clear_requests()
    write(stack, FLEET, WAIT).up()
    assert stack.outputs()["statuses"] == dict.fromkeys(before, "SUCCESS")
    assert calls(emulator)["ShowMigrationTask"] == 0


FAILING = """
    class Team(pulumi.ComponentResource):
        def __init__(self):
            super().__init__("test:index:Team", "team")
            self.task = MigrationTask("bad", **BACKUP, target_instance=target(7),
                                      opts=pulumi.ResourceOptions(parent=self))
    tasks = [Team().task, MigrationTask("good", **BACKUP, target_instance=target())]
"""


def test_a_failed_task_is_named_and_the_printed_command_runs_it_again(
    stack: Stack, emulator: Emulator
) -> None:
    """The output has the task's name, id, status and error, and a command that works in a shell unchanged."""
    write(stack, FAILING).up()
    bad = stack.ids()["bad"]
    urn = stack.resources()["bad"]["urn"]
    emulator.set_status(bad, "FAILED", "no route to bucket")
    write(stack, FAILING, WAIT, 'Quick("app", opts=pulumi.ResourceOptions(depends_on=[done]))')
    text = stack.up(ok=False).text
    assert "1 of 2 migrations failed (1 done); all remain in state" in text
    (line,) = [line for line in text.splitlines() if f"({bad}) is FAILED: no route to bucket" in line]
    assert "test:Quick" not in text
    assert set(stack.ids()) == {"bad", "good"}
    (command,) = re.findall("`(pulumi up --replace [^`]*)`", line)
    assert "$" in urn
    assert urn in command
    done = subprocess.run(
        ["sh", "-c", f"{command} --yes --skip-preview --non-interactive"],
        cwd=stack.work,
        env=stack.environ,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert stack.ids()["bad"] != bad
    assert stack.outputs()["statuses"] == dict.fromkeys(stack.ids().values(), "SUCCESS")
    stack.require_no_changes()


@pytest.mark.parametrize(
    "bound",
    ['timeout="2s"', 'timeout="1h", opts=pulumi.ResourceOptions(custom_timeouts={"create": "2s"})'],
    ids=["timeout", "custom_timeouts"],
)
def test_a_wait_times_out(stack: Stack, slow: Emulator, bound: str) -> None:
    """The timeout names the tasks that are still running and stops none; with more time, the next `up` succeeds."""
    write(over(slow, stack), FLEET, WAIT.replace('interval="1s"', f'interval="1s", {bound}'))
    text = stack.up(ok=False).text
    one, two = live(slow)
    assert "timed out after 2s: 2 of 2 migrations still running (not stopped): " in text
    for id_ in (one, two):
        assert f"({id_}) MIGRATING" in text
    assert {task["status"] for task in slow.tasks()} == {"MIGRATING"}
    for id_ in (one, two):
        slow.set_status(id_, "SUCCESS")
    stack.up()
    assert stack.outputs()["statuses"] == {one: "SUCCESS", two: "SUCCESS"}
    assert calls(slow)["CreateMigrationTask"] == 2


@pytest.mark.long
def test_a_task_s_own_completion_is_its_child(stack: Stack, emulator: Emulator) -> None:
    """`task.completion()` creates a child of the task, which waits only for it and is deleted with it."""
    write(
        stack,
        """
    task = MigrationTask("orders", **BACKUP, target_instance=target())
    done = task.completion(timeout="1m", interval="1s")
    pulumi.export("statuses", done.statuses)
    """,
    ).up()
    (entry,) = completions(stack).values()
    assert entry["urn"].split("::")[-1] == "orders-completion"
    assert entry["parent"] == stack.resources()["orders"]["urn"]
    assert process_of(entry) == "dcs-completions"
    assert stack.outputs()["statuses"] == dict.fromkeys(live(emulator), "SUCCESS")
    stack.require_no_changes()


def test_tasks_of_another_stack(new_stack: NewStack, emulator: Emulator) -> None:
    """A wait for another stack's ids never changes them: destroy and refresh of the waiting stack make no call."""
    one = new_stack("one")
    write(one, FLEET, 'pulumi.export("ids", [task.id for task in tasks])').up()
    two = new_stack("two", root=one.root)
    write(
        two,
        """
    ids = pulumi.StackReference("organization/e2e/one").get_output("ids")
    done = MigrationCompletion("done", task_ids=ids, interval="1s")
    pulumi.export("statuses", done.statuses)
    """,
    )
    two.preview()
    two.up()
    assert two.outputs()["statuses"] == dict.fromkeys(live(emulator), "SUCCESS")
    emulator.clear_requests()
    two.require_no_changes()
    two.refresh()
    two.up()
    two.destroy()
    assert operations(emulator) == []
    assert len(live(emulator)) == 2


EIGHT = """
    for number in range(8):
        MigrationCompletion(f"done{number}", tasks=tasks[number * 5:number * 5 + 5], interval="1s")
    Quick("quick")
"""


@pytest.mark.long
def test_eight_completions_do_not_block_other_resources(stack: Stack, slow: Emulator) -> None:
    """A quick resource is created while all wait, and they wait at the same time: two processes, two polls a second."""
    write(over(slow, stack), FLEET, EIGHT, count=40)
    with running(stack, *UP) as up:
        up.until(lambda: len(live(slow)) == 40)
        up.until(lambda: all(f"done{number} creating (0s) 0 of 5" in up.text for number in range(8)))
        up.until(lambda: "test:Quick quick created" in up.text)
        # The last one declared is let go first: it does not are in a queue behind the others.
        tasks = {entry["name"].split("-")[0]: entry["id"] for entry in slow.tasks()}
        for number in reversed(range(8)):
            slow.clear_requests()
            released = time.time()
            for task in range(number * 5, number * 5 + 5):
                slow.set_status(tasks[f"task{task}"], "SUCCESS")
            up.until(lambda number=number: f"MigrationCompletion done{number} created" in up.text)  # type: ignore[misc]
            took = up.when(f"MigrationCompletion done{number} created") - released
            assert took < INTERVAL + 2.5
            assert set(operations(slow)) <= {"ListMigrationTask"}
            assert calls(slow).total() <= 2 * (took / INTERVAL + 2)
        assert up.end() == 0
    processes = {name: process_of(entry) for name, entry in completions(stack).items()}
    assert processes == {
        f"done{number}": "dcs-completions" if number < 4 else "dcs-completions-2" for number in range(8)
    }
    stack.require_no_changes()


@pytest.mark.long
def test_a_completion_that_moves_to_another_process_does_not_change(stack: Stack, emulator: Emulator) -> None:
    """Adding or removing an earlier completion moves the fifth to another process: no change, no wait, no call."""
    program = """
        for name in "NAMES":
            MigrationTask(name, **BACKUP, target_instance=target(ord(name))).completion(interval="1s")
    """
    write(stack, program.replace("NAMES", "bcdef")).up()
    assert process_of(completions(stack)["e-completion"]) == "dcs-completions"
    write(stack, program.replace("NAMES", "abcdef"))
    assert stack.preview().count("unchanged") == 14
    assert stack.up().count("unchanged") == 14
    assert process_of(completions(stack)["e-completion"]) == "dcs-completions-2"
    write(stack, program.replace("NAMES", "ef"))
    stack.up()
    assert {process_of(entry) for entry in completions(stack).values()} == {"dcs-completions"}
    stack.require_no_changes()
    stack.destroy()
    assert live(emulator) == {}


def test_a_killed_cli_ends_the_wait(stack: Stack, slow: Emulator) -> None:
    """After kill -9 the plugin stops polling within seconds and holds no connection; the next `up` waits again."""
    write(over(slow, stack), FLEET).up()
    slow.clear_requests()
    write(stack, FLEET, WAIT)
    with running(stack, *UP) as up:
        up.until(lambda: "0 of 2 done" in up.text)
        plugins = plugins_of(stack)
        assert sum(connections(plugin, slow.port) for plugin in plugins) == 1
        up.kill()
        killed = time.time()
        time.sleep(SECONDS_TO_NOTICE + 2 * INTERVAL)  # what must not happen has no event to wait for
        assert [entry for entry in slow.requests() if entry["time"] > killed + SECONDS_TO_NOTICE] == []
        assert [connections(plugin, slow.port) for plugin in plugins] == [0] * len(plugins)
    assert set(operations(slow)) - {"KeystoneListProjects"} == {"ListMigrationTask"}
    assert {task["status"] for task in slow.tasks()} == {"MIGRATING"}
    stack.run("cancel", "--yes", ok=None)
    for id_ in live(slow):
        slow.set_status(id_, "SUCCESS")
    stack.up()
    assert stack.outputs()["statuses"] == dict.fromkeys(live(slow), "SUCCESS")
    assert not set(operations(slow)) & WRITES
    stack.run("refresh", "--clear-pending-creates", "--yes")
    stack.require_no_changes()


def test_one_ctrl_c_lets_the_wait_end(stack: Stack, slow: Emulator) -> None:
    """Pulumi waits for what runs, records it, and starts nothing more; the next `up` continues from there."""
    write(over(slow, stack), FLEET, WAIT, 'Quick("app", opts=pulumi.ResourceOptions(depends_on=[done]))')
    with running(stack, *UP) as up:
        up.until(lambda: "0 of 2 done" in up.text)
        up.interrupt()
        seen = calls(slow)["ListMigrationTask"]
        up.until(lambda: calls(slow)["ListMigrationTask"] >= seen + 3)  # it waits on
        for id_ in live(slow):
            slow.set_status(id_, "SUCCESS")
        assert up.end() != 0
        assert "MigrationCompletion done created" in up.text
        assert "test:Quick app" not in up.text
    slow.clear_requests()
    stack.up()
    assert operations(slow) == []
    assert stack.outputs()["statuses"] == dict.fromkeys(live(slow), "SUCCESS")


def test_two_ctrl_c_exit_at_once_and_lose_nothing(stack: Stack, slow: Emulator) -> None:
    """The second Ctrl-C ends the CLI and the wait; the tasks keep running, and the next `up` waits again."""
    write(over(slow, stack), FLEET, WAIT)
    with running(stack, *UP) as up:
        up.until(lambda: "0 of 2 done" in up.text)
        up.interrupt()
        seen = calls(slow)["ListMigrationTask"]
        up.until(lambda: calls(slow)["ListMigrationTask"] > seen)
        up.interrupt()
        pressed = time.time()
        assert up.end() != 0
        # Pulumi gives every plugin process five seconds, and ours are two.
        assert time.time() - pressed < 20
        assert [entry for entry in slow.requests() if entry["time"] > pressed + 5 + SECONDS_TO_NOTICE] == []
    before = live(slow)
    assert {task["status"] for task in slow.tasks()} == {"MIGRATING"}
    for id_ in before:
        slow.set_status(id_, "SUCCESS")
    stack.run("cancel", "--yes", ok=None)
    stack.up()
    assert live(slow) == before
    assert stack.outputs()["statuses"] == dict.fromkeys(before, "SUCCESS")


@pytest.mark.long
def test_two_regions_in_one_completion(stack: Stack, slow: Emulator) -> None:
    """Each region is polled once per interval, and the wait ends when both have."""
    write(
        over(slow, stack),
        """
    tasks = [MigrationTask(f"task{number}", **BACKUP, target_instance=target(number), region=f"emulator-{number % 2 + 1}")
             for number in range(6)]
    """,
        WAIT,
    )
    with running(stack, *UP) as up:
        up.until(lambda: "0 of 6 done" in up.text)
        slow.clear_requests()
        up.until(lambda: calls(slow)["ListMigrationTask"] >= 6)
        polls = [entry["path"] for entry in slow.requests() if entry["operation"] == "ListMigrationTask"]
        assert sorted(polls.count(path) for path in set(polls)) in ([3, 3], [3, 4])
        ids = live(slow)
        for id_ in ids:
            slow.set_status(id_, "SUCCESS")
        assert up.end() == 0
    assert stack.outputs()["statuses"] == dict.fromkeys(ids, "SUCCESS")
    stack.require_no_changes()


def test_a_token_that_expires_during_a_wait(stack: Stack, slow: Emulator) -> None:
    """The wait ends immediately with one line, after one refused call; the next `up` continues it."""
    write(over(slow, stack), FLEET, WAIT)
    with running(stack, *UP) as up:
        up.until(lambda: "0 of 2 done" in up.text)
        slow.fault("ListMigrationTask", "error", status=401, error_code="APIGW.0301", times=9)
        assert up.end() != 0
        lines = {
            line for line in up.text.splitlines() if "APIGW.0301" in line and "no task was stopped" in line
        }
        assert lines, up.text
    assert [entry["status"] for entry in slow.requests()].count(401) == 1
    assert {task["status"] for task in slow.tasks()} == {"MIGRATING"}
    slow.clear_faults()
    for id_ in live(slow):
        slow.set_status(id_, "SUCCESS")
    stack.up()
    assert stack.outputs()["statuses"] == dict.fromkeys(live(slow), "SUCCESS")


@pytest.mark.long
def test_a_replaced_task_is_waited_for_again(stack: Stack, emulator: Emulator) -> None:
    """Changed triggers run one migration again; the completion waits only for that one."""
    program = """
        tasks = [MigrationTask("a", **BACKUP, target_instance=target(0), triggers=["monday"]),
                 MigrationTask("b", **BACKUP, target_instance=target(1))]
    """
    write(stack, program, WAIT).up()
    before = stack.ids()
    write(stack, program.replace("monday", "tuesday"), WAIT)
    result = stack.up()
    after = stack.ids()
    assert after["a"] != before["a"]
    assert after["b"] == before["b"]
    assert set(live(emulator)) == set(after.values())
    assert stack.outputs()["statuses"] == dict.fromkeys(after.values(), "SUCCESS")
    assert (result.count("replaced"), result.count("updated")) == (1, 1)
    stack.require_no_changes()


@pytest.mark.long
def test_a_wait_sees_the_tasks_of_another_account(slow: Emulator, stack: Stack, emulator: Emulator) -> None:
    """Their provider has its own endpoint and keys; with the stack's settings, the tasks wouldn't be found."""
    write(
        stack,
        f"""
        from dcs_migration import Provider
        other = Provider(
            "other", endpoints={{"dcs": "{slow.url}"}},
            access_key="{slow.access_key}", secret_key=pulumi.Output.secret("{slow.secret_key}"),
        )
        opts = pulumi.ResourceOptions(provider=other)
        task = MigrationTask("orders", **BACKUP, target_instance=target(), opts=opts)
        done = MigrationCompletion("done", tasks=[task], interval="1s")
        pulumi.export("status", done.status)
        """,
    )
    stack.environ["HW_DCS_ENDPOINT"] = ""  # it would go before the one of the program
    stack.run("config", "set", "--path", "huaweicloud:endpoints.dcs", emulator.url)
    with running(stack, *UP) as up:
        up.until(lambda: "ListMigrationTask" in operations(slow) and slow.tasks())
        slow.set_status(slow.tasks()[0]["id"], "SUCCESS")
        assert up.end() == 0
    assert stack.outputs()["status"] == "SUCCESS"
    assert emulator.requests() == []
    stack.preview("--expect-no-changes")
    stack.refresh()
    stack.destroy()
    assert slow.tasks() == []
    assert emulator.requests() == []
