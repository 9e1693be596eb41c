"""`make verified`: it ends before any call where something is missing, and reports what it has seen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from tests.e2e.stack import settings_of
from tests.verified import __main__ as program
from tests.verified.answers import QUESTIONS
from tests.verified.cloud import PLAYED
from tests.verified.settings import OPT_IN, variable

ROOT = Path(__file__).parents[2]
CASE = "tests/verified/test_imports.py::test_a_wrong_secret_key_is_one_line_and_one_call"
BASIC = ("TARGET_ID", "TARGET_PASSWORD", "BUCKET", "FILE")


def run(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run Python at the root with some variables set, and none of the pytest that runs this test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", *args],
        cwd=ROOT,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("command", [("tests.verified",), ("pytest", "-q", "-p", "no:cacheprovider", CASE)])
def test_what_is_missing_ends_it(command: tuple[str, ...]) -> None:
    """The program and the tier by itself say the same line, and end with status 2."""
    done = run(*command, **{OPT_IN: "1"})
    assert done.returncode == 2
    (line,) = [line for line in (done.stdout + done.stderr).splitlines() if variable("BUCKET") in line]
    assert f"{OPT_IN}=1 needs more, and nothing was called" in line


def test_the_cases_meet_the_service_that_is_named(dcs_emulator: Emulator) -> None:
    """With everything set a case calls the service of HW_*, which is an emulator here, and nothing else."""
    named = {variable(name): PLAYED[name] for name in BASIC}
    environ = {OPT_IN: "1", **settings_of(dcs_emulator), **named}
    done = run("pytest", "-q", "-p", "no:cacheprovider", CASE, **environ)
    assert done.returncode == 0, done.stdout
    statuses = [entry["status"] for entry in dcs_emulator.requests()]
    assert statuses.count(401) == 1
    assert dcs_emulator.tasks() == []


def test_it_reports_the_cases_and_the_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was met, and each question, are printed; no password is."""
    monkeypatch.setattr(program, "run_cases", lambda online: 1 if online else 0)
    assert program.main() == 1
    told = capsys.readouterr().out
    assert "against an emulator; for the real service set DCS_MIGRATION_VERIFIED=1" in told
    assert [question.text for question in QUESTIONS.values() if question.text not in told] == []
    assert "not reached" not in told
    assert "Tr0ub4dor" not in told


def test_an_interrupted_run_asks_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After Ctrl-C in a case, nothing new is started."""
    monkeypatch.setattr(program, "run_cases", lambda online: int(pytest.ExitCode.INTERRUPTED))
    assert program.main() == 2
    assert "question" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("online", "files"), [(False, ["test_imports.py"]), (True, ["test_imports.py", "test_online.py"])]
)
def test_online_cases_are_run_when_a_source_is_named(
    monkeypatch: pytest.MonkeyPatch, online: bool, files: list[str]
) -> None:
    """Without a source they are not started."""
    given: list[list[str]] = []

    def begin(args: list[str]) -> int:
        given.append(args)
        return 0

    monkeypatch.setattr(pytest, "main", begin)
    program.run_cases(online=online)
    assert [Path(arg).name for arg in given[0] if arg.endswith(".py")] == files
