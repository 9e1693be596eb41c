"""The command line as a whole: what may be written, how a run ends, and that it only reads."""

from __future__ import annotations

import importlib.abc
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from dcs_migration import __main__
from dcs_migration.command_line import exits, main, tasks
from dcs_migration.command_line.console import plain
from dcs_migration.command_line.words import PHRASES, translated
from dcs_migration.life_cycles.secrets import scrub
from tests.fakes import FakeClock
from tests.unit.command_line_world import Cli, WallClock, export, mark, resource

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "dcs_migration"]


@pytest.fixture
def cli(cloud: Emulator, clock: FakeClock) -> Cli:
    """Commands against an emulator."""
    return Cli(cloud, clock)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["delete"], "invalid choice: 'delete'"),
        (["tasks", "--everything"], "unrecognized arguments: --everything"),
        (["logs"], "the following arguments are required: ID"),
        (["logs", "1", "--level", "LOUD"], "invalid choice: 'LOUD'"),
        (["watch", "--timeout", "soon"], "'soon' isn't a duration; use a value such as"),
        (["watch", "--until", "done"], "invalid choice: 'done'"),
    ],
)
def test_wrong_usage_is_one_line_and_2(cli: Cli, words: list[str], said: str) -> None:
    """A user who mistypes sees what is wrong, and where to look, without a page of usage."""
    ended = cli.run(*words)
    assert ended.code == exits.USAGE
    assert ended.out == ""
    (line,) = ended.err.splitlines()
    assert line.startswith("dcs-migration: ")
    assert said in line
    assert "--help)" in line


@pytest.mark.parametrize("words", [["tasks"], ["watch"], ["logs", "0" * 32]])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"HW_REGION_NAME": None}, "no region; pass --region or set HW_REGION_NAME"),
        (
            {"HW_REGION_NAME": "Bad Region"},
            "the region (--region, HW_REGION_NAME) isn't a region name",
        ),
        (
            {"HW_SECRET_KEY": None},
            "incomplete credentials in the environment (HW_*): HW_ACCESS_KEY without",
        ),
        (
            {"HW_ACCESS_KEY": None, "HW_SECRET_KEY": None},
            "no credentials; set HW_ACCESS_KEY and HW_SECRET_KEY (or HW_AUTH_TOKEN)",
        ),
        ({"HW_SECRET_KEY": "not-the-right-one"}, "HTTP 401 APIGW.0301"),
        ({"HW_DCS_ENDPOINT": "http://127.0.0.1:1"}, "refused the connection; check the network, the region"),
        (
            {"HW_DCS_ENDPOINT": "https://dcs.example.invalid"},
            "can't resolve the host name of dcs.example.invalid",
        ),
    ],
)
def test_bad_settings_are_one_line_and_1(
    cli: Cli, words: list[str], changes: dict[str, str | None], said: str
) -> None:
    """Each command says what is missing or wrong, in words that have nothing to do with a stack."""
    more = {"HUAWEICLOUD_SDK_IAM_ENDPOINT": cli.cloud.url} if "invalid" in str(changes) else {}
    ended = cli.run(*words, env={**changes, **more})
    assert ended.code == exits.FAILED
    (line,) = ended.err.splitlines()
    assert said in line
    assert "not-the-right-one" not in line
    for foreign in ("pulumi config", "huaweicloud:", "--run-program"):
        assert foreign not in line


def test_options_go_before_the_environment(cli: Cli) -> None:
    """`--region` and `--project-id` say where to look; nothing is looked up then."""
    cli.start()
    document = cli.run(
        "tasks", "--json", "--region", "eu-west-101", "--project-id", cli.client.project
    ).document
    assert [task["region"] for task in document["tasks"]] == ["eu-west-101"]
    assert "KeystoneListProjects" not in {entry["operation"] for entry in cli.cloud.requests()}
    assert cli.run("tasks", "--json", "--project-id", "another").document["tasks"] == []


def test_nothing_but_reads(cloud: Emulator) -> None:
    """A command only sends GET requests, for any result."""
    cli = Cli(cloud, WallClock())
    running, failed = cli.start(mark=mark()), cli.start("carts", mark("carts"))
    following = cli.follow(mark=mark("shop"), status="INCRMIGEATING")
    cloud.set_status(failed, "FAILED", "the file is broken")
    state = export(resource("orders", running), resource("gone", "0" * 32))
    cloud.clear_requests()
    for words in (
        ("doctor", "--instance", "target-1"),
        ("tasks", "--stack", "-", "--all"),
        ("watch", "--timeout", "30s", running, failed, following),
        ("watch", "--until", "in-sync", following),
        ("logs", failed),
    ):
        cli.run(*words, stdin=state)
    made = {(entry["method"], entry["operation"]) for entry in cloud.requests()}
    assert {"ListMigrationTask", "ShowMigrationTaskStats", "ListMigrationTaskLogs"} <= {
        each[1] for each in made
    }
    assert {each[0] for each in made} == {"GET"}


def test_secrets_of_an_export_are_not_shown(cli: Cli) -> None:
    """What `--show-secrets` wrote into a file is removed from the service's texts."""
    id_ = cli.start()
    cli.cloud.set_status(id_, "FAILED", "can't log in with correct-horse or T4rget!pass")
    hidden = {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "plaintext": '"correct-horse"',
    }
    state = export(
        resource(
            "orders", id_, source_instance={"password": hidden}, target_instance={"password": "T4rget!pass"}
        )
    )
    for words in (["tasks", "--stack", "-", "--all"], ["tasks", "--stack", "-", "--all", "--json"]):
        ended = cli.run(*words, stdin=state)
        assert "can't log in with *** or ***" in ended.out
    ended = cli.run("watch", id_, "--stack", "-", stdin=state)
    assert "can't log in with *** or ***" in ended.err


def test_keys_of_a_document_stay_whatever_the_secret_is(cli: Cli) -> None:
    """A secret that is the word of a key hides nothing but values."""
    cli.start("status")
    scrubbed = cli.run(
        "tasks", "--stack", "-", "--json", stdin=export(resource("a", "1" * 32, x={"password": "status"}))
    )
    (task, _) = scrubbed.document["tasks"]
    assert task["status"] == "MIGRATING"
    assert task["name"] == "***"


def test_control_characters_do_not_reach_the_terminal(cli: Cli) -> None:
    """Neither the service nor a file can move the cursor."""
    held = resource("orders\x1b[2J", "0" * 32)
    ended = cli.run("tasks", "--stack", "-", stdin=export(held))
    assert ended.code == exits.DIFFERS
    assert "\x1b" not in ended.out


def test_an_internal_error_is_a_line_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own mistake shows no traceback, but says how to get one."""

    def broken(*args: object) -> int:
        raise KeyError("surprise")

    monkeypatch.setattr(tasks, "run", broken)
    ended = cli.run("tasks")
    assert ended.code == exits.FAILED
    assert ended.err == (
        "dcs-migration: internal error: KeyError: 'surprise'; set DCS_MIGRATION_DEBUG=1 to see where, "
        "and please report it\n"
    )


def test_every_phrase_that_is_translated_is_one_of_the_core(cli: Cli) -> None:
    """No row of the table has outlived the message that it is for."""
    core = "".join(
        path.read_text("utf-8")
        for path in (ROOT / "dcs_migration").rglob("*.py")
        if "command_line" not in str(path)
    )
    # Messages are broken into several literals, with values in them.
    joined = re.sub(r'"\s*(?:\n\s*)?f?"', "", core).replace("{NAMESPACE}", "huaweicloud")
    for theirs, ours in PHRASES:
        assert "pulumi" not in translated(ours)
        words = max(re.split(r"huaweicloud:\w+|\(HW_\w+.*?\)|[;,] (?:or )?if ", theirs), key=len) or theirs
        assert words in joined, theirs


def test_it_is_a_module_with_help() -> None:
    """`python -m dcs_migration --help` tells the commands; a wrong one ends with 2 and a line."""
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True)
    for name in main.COMMANDS:
        assert f"    {name} " in done.stdout
    done = subprocess.run([*COMMAND, "nothing"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (exits.USAGE, "", 1)


def test_a_reader_that_leaves_is_no_error(cli: Cli) -> None:
    """`| head` ends the command without a word."""
    for number in range(50):
        cli.start(f"task-{number}")
    done = subprocess.run(
        f"{' '.join(COMMAND)} tasks | head -1",
        shell=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **cli.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("STATUS")
    assert done.stderr == ""


def test_the_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A bug report needs it."""
    with pytest.raises(SystemExit) as ended:
        main.main(["--version"])
    assert ended.value.code == exits.OK
    assert re.fullmatch(r"dcs-migration \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


def test_ctrl_c_while_the_command_is_loaded_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Loading takes longer than most commands do."""

    class Impatient(importlib.abc.MetaPathFinder):
        def find_spec(self, name: str, *more: object) -> None:
            if name == main.__name__:
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, main.__name__)
    monkeypatch.setattr(sys, "meta_path", [Impatient(), *sys.meta_path])
    assert __main__.main() == exits.INTERRUPTED
    assert capsys.readouterr().err == "dcs-migration: interrupted\n"


@pytest.mark.parametrize("words", [["tasks"], ["--version"]], ids=["tasks", "version"])
@pytest.mark.parametrize(
    ("redirection", "said"),
    [
        (">&-", ""),
        ("> /dev/full", "dcs-migration: can't write to standard output: No space left on device\n"),
    ],
)
def test_an_output_that_cannot_be_written_is_no_traceback(
    cloud: Emulator, cli: Cli, redirection: str, said: str, words: list[str]
) -> None:
    """A closed stream is written nowhere; a full disk is one line."""
    done = redirected(cli, redirection, *words)
    assert done.stderr == said
    assert done.returncode == (exits.FAILED if said else exits.OK)


def test_a_standard_input_that_is_closed(cloud: Emulator, cli: Cli) -> None:
    """There is no export in it."""
    done = redirected(cli, "<&-", "tasks", "--stack", "-")
    assert done.returncode == exits.FAILED
    assert done.stderr.startswith(
        "dcs-migration: standard input is empty; create it with `pulumi stack export"
    )


def test_an_export_on_standard_input_is_utf_8(
    cloud: Emulator, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python would read it in the encoding of the locale: on Windows, names would become others."""
    state = tmp_path / "state.json"
    exported = json.loads(export(resource("订单", cli.start())))
    state.write_text(json.dumps(exported, ensure_ascii=False), encoding="utf-8")
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    done = redirected(cli, f"< {state}", "tasks", "--stack", "-", "--json", stdout=subprocess.PIPE)
    (task,) = json.loads(done.stdout)["tasks"]
    assert task["urns"][0].endswith("::订单")


@pytest.mark.parametrize(("words", "code"), [(["nothing"], exits.USAGE), (["logs", "x"], exits.FAILED)])
def test_an_error_that_cannot_be_written_keeps_its_exit_code(
    cloud: Emulator, cli: Cli, words: list[str], code: int
) -> None:
    """A pipeline decides by the exit code, and its disk may be full."""
    assert redirected(cli, "2> /dev/full", *words).returncode == code


def redirected(
    cli: Cli, redirection: str, *words: str, stdout: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command with a stream that the shell redirects."""
    return subprocess.run(
        ["bash", "-c", f'"$@" {redirection}', "-", *COMMAND, *words],
        cwd=ROOT,
        env={**os.environ, **cli.environ},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_secret_with_words_of_a_message_is_not_shown() -> None:
    """A translated secret isn't known to the scrubber any more, so it is removed first."""
    secret = "s3cret; all remain in state"
    scrub.add(secret)
    assert plain(f"refused: {secret}") == "refused: ***"
