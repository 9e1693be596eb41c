"""What the pipelines of the examples have in common: one CLI, and scripts that say in a line what is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.example import EXAMPLES

VERSION = re.compile(r"(?:pulumi-version: |image: pulumi/[a-z-]+:)(\d+\.\d+\.\d+)")
PIPELINES = (
    *sorted((EXAMPLES / "github-actions" / ".github" / "workflows").glob("*.yml")),
    EXAMPLES / "gitlab-ci" / ".gitlab-ci.yml",
    EXAMPLES / "kubernetes-operator" / "stack.yaml",
)


def test_each_pipeline_pins_the_cli_that_the_readme_says_is_tested() -> None:
    """A CLI of tomorrow must not decide about a production run."""
    readme = (EXAMPLES.parent / "README.md").read_text("utf-8")
    found = {path.name: set(VERSION.findall(path.read_text("utf-8"))) for path in PIPELINES}
    assert len(found) == 5
    (version,) = found["deploy.yml"]
    assert set(map(frozenset, found.values())) == {frozenset({version})}
    assert version in readme


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"HUAWEICLOUD_OIDC_TOKEN_FILE": "token"}, "add `id-token: write` to its permissions"),
        (
            {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://h/?a=b", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "hidden"},
            "set HUAWEICLOUD_OIDC_TOKEN_FILE",
        ),
        (
            {
                "ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:1/?a=b",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "hidden",
                "HUAWEICLOUD_OIDC_TOKEN_FILE": "token",
            },
            "GitHub issued no id token: ",
        ),
    ],
)
def test_a_job_without_an_id_token_is_told_why(environ: dict[str, str], said: str, tmp_path: Path) -> None:
    """A forgotten permission is the usual mistake; a traceback would hide it."""
    done = _run("github-actions/id_token.py", "huawei-cloud", cwd=tmp_path, environ=environ)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("::error::")
    assert said in line
    assert "hidden" not in line
    assert not (tmp_path / "token").exists()


@pytest.mark.parametrize("example", ["github-actions", "gitlab-ci"])
def test_an_alarm_without_a_state_fails_with_the_words_of_the_cli(example: str, tmp_path: Path) -> None:
    """It must not stay silent, and needs no traceback."""
    stand_in = tmp_path / "pulumi"
    stand_in.write_text("#!/bin/sh\necho 'error: no stack named production found' >&2\nexit 255\n")
    stand_in.chmod(0o755)
    environ = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = _run(f"{example}/alarm.py", "--stack", "production", cwd=tmp_path, environ=environ)
    assert done.returncode == 255
    assert done.stderr == "error: no stack named production found\n"


def _run(script: str, *words: str, cwd: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ACTIONS_", "HUAWEI"))}
    return subprocess.run(
        [sys.executable, str(EXAMPLES / script), *words],
        cwd=cwd,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
