"""`watch`: it ends when the tasks do, and the tasks do not end when it does."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from dcs_migration.command_line import bars, exits
from dcs_migration.life_cycles.migration_completion.waiting import MOST_ASKED
from tests.fakes import FakeClock
from tests.unit.command_line_world import Cli, Terminal, export, mark, resource, urn_of

ROOT = Path(__file__).parents[2]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def cli(cloud: Emulator, clock: FakeClock) -> Cli:
    """Commands against an emulator."""
    return Cli(cloud, clock)


def test_all_succeed(cli: Cli) -> None:
    """A line for each change, with the time; 0 in the end."""
    first, second = sorted((cli.start("orders"), cli.start("orders")))
    cli.clock.at(15, lambda: cli.cloud.set_status(first, "SUCCESS"))
    cli.clock.at(95, lambda: cli.cloud.set_status(second, "SUCCESS"))
    ended = cli.run("watch")
    assert ended.code == exits.OK
    assert ended.err == ""
    assert ended.lines == [
        f"2026-01-01T00:00:00Z orders ({first}) MIGRATING",
        f"2026-01-01T00:00:00Z orders ({second}) MIGRATING",
        "2026-01-01T00:00:00Z 0 of 2 done · 2 running · 0s",
        f"2026-01-01T00:00:15Z orders ({first}) MIGRATING -> SUCCESS",
        "2026-01-01T00:01:00Z 1 of 2 done · 1 running · 1m00s",
        f"2026-01-01T00:01:35Z orders ({second}) MIGRATING -> SUCCESS",
        "all done: 2 tasks",
    ]


def test_one_poll_for_all(cli: Cli) -> None:
    """One listing at a time, however many tasks there are: every second of an emulator, else every ten."""
    for number in range(25):
        cli.start(f"task-{number}")
    cli.cloud.clear_requests()
    assert cli.run("watch", "--timeout", "100s").code == exits.TIMED_OUT
    operations = [entry["operation"] for entry in cli.cloud.requests()]
    assert operations.count("ListMigrationTask") <= 103
    assert set(operations) == {"ListMigrationTask", "KeystoneListProjects"}


@pytest.mark.parametrize("status", ["FAILED", "TERMINATED"])
def test_one_fails_or_is_stopped(cli: Cli, status: str) -> None:
    """It waits for the rest, then ends with 4 and the reason."""
    bad, good = cli.start("orders"), cli.start("carts")
    cli.clock.at(5, lambda: cli.cloud.set_status(bad, status, "the file is broken"))
    cli.clock.at(25, lambda: cli.cloud.set_status(good, "SUCCESS"))
    ended = cli.run("watch", bad, good)
    assert ended.code == exits.TASK_FAILED
    assert f"carts ({good}) MIGRATING -> SUCCESS" in ended.out
    head, line = ended.err.splitlines()
    assert head == "dcs-migration: 1 of 2 migrations failed (1 done)"
    assert line.startswith(f"dcs-migration: orders ({bad}) is {status}: the file is broken")


def test_with_a_stack_the_line_says_what_runs_it_again(cli: Cli) -> None:
    """The state knows the resource."""
    id_ = cli.start("orders", mark())
    cli.start("theirs")
    cli.cloud.set_status(id_, "FAILED", "the file is broken")
    ended = cli.run("watch", id_, "--stack", "-", stdin=export(resource("orders", id_)))
    assert f"`pulumi up --replace '{urn_of('orders')}'`" in ended.err


def test_with_a_stack_its_tasks_alone_are_watched(cli: Cli) -> None:
    """Others of the project are not waited for."""
    held, other = cli.start("orders", mark()), cli.start("theirs")
    cli.clock.at(5, lambda: cli.cloud.set_status(held, "SUCCESS"))
    ended = cli.run("watch", "--stack", "-", stdin=export(resource("orders", held)))
    assert ended.code == exits.OK
    assert other not in ended.out


def test_a_named_task_is_watched_also_if_the_stack_does_not_hold_it(cli: Cli) -> None:
    """The stack says what runs its own tasks again; it does not choose among the named ones."""
    held, other = cli.start("orders", mark()), cli.start("theirs")
    cli.clock.at(5, lambda: cli.cloud.set_status(other, "SUCCESS"))
    ended = cli.run("watch", other, "--stack", "-", stdin=export(resource("orders", held)))
    assert ended.code == exits.OK
    assert ended.lines[-1] == "all done: 1 task"


def test_the_time_is_over(cli: Cli) -> None:
    """5, and what continues; nothing was touched."""
    id_ = cli.start("orders")
    ended = cli.run("watch", "--timeout", "2m")
    assert ended.code == exits.TIMED_OUT
    assert ended.err == (
        "dcs-migration: timed out after 2m00s: 1 of 1 migrations still running (not stopped): orders "
        f"({id_}) MIGRATING; run the command again to keep watching, or raise --timeout\n"
    )
    assert cli.clock.seconds == pytest.approx(120, abs=1)


def test_an_online_migration_that_follows_is_no_end(cli: Cli) -> None:
    """It is watched until it ends, in which way ever."""
    id_ = cli.follow("shop")
    cli.clock.at(15, lambda: cli.cloud.set_status(id_, "INCRMIGEATING"))
    cli.clock.at(200, lambda: cli.cloud.set_status(id_, "TERMINATED"))
    ended = cli.run("watch", id_)
    assert ended.code == exits.TASK_FAILED
    assert f"shop ({id_}) MIGRATING -> INCRMIGEATING" in ended.out
    assert f"2026-01-01T00:03:20Z shop ({id_}) INCRMIGEATING -> TERMINATED" in ended.out


@pytest.mark.parametrize("quirks", [[], ["incremental-stays-migrating"]])
def test_until_in_sync(cli: Cli, quirks: list[str]) -> None:
    """It ends when the target is level with its source twice in a row; the task continues."""
    cli.cloud.set_quirks(quirks)
    id_ = cli.follow("shop")
    following = "MIGRATING" if quirks else "INCRMIGEATING"
    cli.cloud.set_status(id_, following, offset=9_000)
    cli.clock.at(35, lambda: cli.cloud.set_status(id_, "INCRMIGEATING", offset=0))
    ended = cli.run("watch", id_, "--until", "in-sync")
    assert ended.code == exits.OK
    assert ended.lines[-2].endswith("INCRMIGEATING -> INCRMIGEATING (in sync)")
    assert cli.cloud.tasks()[0]["status"] == "INCRMIGEATING"


def test_a_task_that_vanishes_after_it_was_seen(cli: Cli) -> None:
    """No one knows how it ended: 4, in words that mention no completion."""
    id_ = cli.start("orders")
    cli.clock.at(15, lambda: cli.cloud.remove(id_))
    ended = cli.run("watch", id_)
    assert ended.code == exits.TASK_FAILED
    assert "its result is no longer available (last seen: MIGRATING)" in ended.err
    assert "completion" not in ended.err
    assert f"orders ({id_}) MIGRATING -> GONE" in ended.out


def test_a_migration_that_followed_and_vanishes_did_not_succeed(cli: Cli) -> None:
    """A watch to the end doesn't report success."""
    id_ = cli.follow("shop", status="INCRMIGEATING")
    cli.clock.at(15, lambda: cli.cloud.remove(id_))
    assert cli.run("watch", id_).code == exits.TASK_FAILED


def test_an_unknown_task(cli: Cli) -> None:
    """It is an error before anything is watched."""
    known = cli.start()
    ended = cli.run("watch", known, "0" * 32)
    assert (ended.code, ended.out) == (exits.FAILED, "")
    assert f"no task {'0' * 32} found in project" in ended.err


def test_nothing_runs(cli: Cli) -> None:
    """Without a running task there is nothing to wait for."""
    cli.cloud.set_status(cli.start(), "SUCCESS")
    ended = cli.run("watch")
    assert (ended.code, ended.out) == (exits.OK, "no running tasks\n")


def test_what_waits_to_be_configured_is_not_watched(cli: Cli) -> None:
    """It would never end by itself."""
    cli.cloud.set_status(cli.follow(), "RUNNING")
    assert cli.run("watch").out == "no running tasks\n"


def test_an_outage_is_survived_and_said(cli: Cli) -> None:
    """A service that fails for a while doesn't end it."""
    id_ = cli.start()
    cli.clock.at(
        5, lambda: cli.cloud.fault("ListMigrationTask", "error", status=503, error_code="DCS.5000", times=3)
    )
    cli.clock.at(55, lambda: cli.cloud.set_status(id_, "SUCCESS"))
    ended = cli.run("watch")
    assert ended.code == exits.OK
    assert "polling has failed for 0s, retrying" in ended.out


def test_credentials_that_end_meanwhile(cli: Cli) -> None:
    """What no waiting fixes is 1, and the tasks continue."""
    cli.start()
    cli.clock.at(
        5, lambda: cli.cloud.fault("ListMigrationTask", "error", status=403, error_code="DCS.2003", times=9)
    )
    ended = cli.run("watch")
    assert ended.code == exits.FAILED
    assert ended.err.rstrip().endswith("; the tasks keep running")
    assert "pulumi" not in ended.err


def test_ctrl_c(cli: Cli) -> None:
    """130, and the word that nothing was stopped."""
    cli.start()

    def press() -> None:
        raise KeyboardInterrupt

    cli.clock.at(15, press)
    ended = cli.run("watch")
    assert ended.code == exits.INTERRUPTED
    assert ended.err == "dcs-migration: interrupted; 1 task still running (not stopped)\n"
    assert {entry["method"] for entry in cli.cloud.requests()} <= {"GET", "POST"}
    assert cli.cloud.tasks()[0]["status"] == "MIGRATING"


def test_bars_on_a_terminal(cli: Cli) -> None:
    """Each task has one, with its status; 0 in the end, and the cursor is back."""
    import_, online = cli.start("orders"), cli.follow("shop", migration_method="full_amount_migration")
    cli.clock.at(15, lambda: cli.cloud.set_status(import_, "SUCCESS"))
    cli.clock.at(25, lambda: cli.cloud.set_status(online, "SUCCESS"))
    ended = cli.run("watch", out=Terminal(), env={"COLUMNS": "80", "TERM": "xterm-256color"})
    assert ended.code == exits.OK
    assert "\x1b[?25h" in ended.out
    plain = ESCAPES.sub("", ended.out)
    assert re.search(r"orders +[━╸╺ ]+ SUCCESS", plain)
    assert re.search(r"shop +[━╸╺ ]+ MIGRATING 50 %, 4 kB behind", plain)
    assert plain.endswith("all done: 2 tasks\n")
    assert max(map(len, re.split(r"[\r\n]+", plain))) <= 80


def test_an_outage_is_said_below_the_bars(cli: Cli) -> None:
    """Once, in words."""
    id_ = cli.start()
    fault = {"status": 503, "error_code": "DCS.5000", "times": 3}
    cli.clock.at(5, lambda: cli.cloud.fault("ListMigrationTask", "error", **fault))
    cli.clock.at(55, lambda: cli.cloud.set_status(id_, "SUCCESS"))
    ended = cli.run("watch", out=Terminal(), env={"COLUMNS": "80", "TERM": "xterm-256color"})
    assert ended.code == exits.OK
    assert "polling has failed for 0s, retrying" in ESCAPES.sub("", ended.out)


def test_bars_of_many_ask_for_few_statistics(cli: Cli) -> None:
    """Each costs a call: one look asks for 20 at most."""
    for number in range(MOST_ASKED + 3):
        cli.follow(f"shop-{number}")
    cli.cloud.clear_requests()
    env = {"COLUMNS": "80", "TERM": "xterm-256color"}
    assert cli.run("watch", "--timeout", "5s", out=Terminal(), env=env).code == exits.TIMED_OUT
    asked = [
        id_
        for entry in cli.cloud.requests()
        if entry["operation"] == "ShowMigrationTaskStats"
        for id_ in entry["task_ids"]
    ]
    assert len(set(asked)) == MOST_ASKED


def test_bars_end_with_ctrl_c(cli: Cli) -> None:
    """The terminal is as it was."""
    cli.start("[red]orders[/red]")

    def press() -> None:
        raise KeyboardInterrupt

    cli.clock.at(15, press)
    ended = cli.run("watch", out=Terminal(), env={"COLUMNS": "80", "TERM": "xterm-256color"})
    assert ended.code == exits.INTERRUPTED
    assert "\x1b[?25h" in ended.out
    assert "[red]orders[/red]" in ESCAPES.sub("", ended.out)


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_lines_where_bars_are_not_possible(cli: Cli, monkeypatch: pytest.MonkeyPatch, term: str) -> None:
    """Without the library, or on a dumb terminal, there are lines."""
    if term == "xterm":
        monkeypatch.setattr(bars, "are_possible", lambda: False)
    id_ = cli.start("orders")
    cli.clock.at(5, lambda: cli.cloud.set_status(id_, "SUCCESS"))
    ended = cli.run("watch", out=Terminal(), env={"TERM": term})
    assert ended.code == exits.OK
    assert "\x1b" not in ended.out
    assert ended.lines[0].endswith(f"orders ({id_}) MIGRATING")


def test_the_library_is_loaded_late() -> None:
    """A command in a log needs none of it."""
    code = "import sys, dcs_migration.command_line.main; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def _read(leader: int, seconds: float, word: bytes = b"\0") -> bytes:
    """Return what a terminal shows until it shows a word, its other end is closed, or the time is over."""
    shown, end = b"", time.monotonic() + seconds
    while word not in shown and select.select([leader], [], [], max(0.0, end - time.monotonic()))[0]:
        try:
            shown += os.read(leader, 65536)
        except OSError:
            break  # closed
    return shown


def test_ctrl_c_on_a_real_terminal(cli: Cli) -> None:
    """A whole process in a terminal: bars while it runs, 130 after Ctrl-C, and no traceback."""
    cli.start("orders")
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-m", "dcs_migration", "watch"],
        cwd=ROOT,
        env={**os.environ, **cli.environ, "TERM": "xterm-256color", "COLUMNS": "80"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    shown = _read(leader, 30, b"MIGRATING")
    for _ in range(3):  # Python loses an interrupt that arrives in a destructor: press again
        process.send_signal(signal.SIGINT)
        shown += _read(leader, 10)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
            break
    else:
        process.send_signal(signal.SIGABRT)  # it hangs: show where
        shown += _read(leader, 10)
    os.close(leader)
    assert process.wait(10) == exits.INTERRUPTED, shown.decode(errors="replace")
    assert b"Traceback" not in shown
    assert b"interrupted; 1 task still running (not stopped)" in shown
