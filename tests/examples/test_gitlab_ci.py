"""The pipeline of examples/gitlab-ci does what it says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dcs_emulator import Emulator
from tests.e2e.stack import calls
from tests.examples.conftest import NewExample
from tests.examples.example import EXAMPLES, Example
from tests.examples.workflows import load
from tests.id_tokens import AUDIENCE, id_token

FILE = EXAMPLES / "gitlab-ci" / ".gitlab-ci.yml"
SCHEMA = json.loads((Path(__file__).parent / "gitlab_schema.json").read_text("utf-8"))
PIPELINE = load(FILE)
JOBS = {
    name: {**PIPELINE.get(job.get("extends"), {}), **job}
    for name, job in PIPELINE.items()
    if "script" in job and name != "default"
}
AT_HAND = ("pip ",)  # the environment of the test has what it installs


def test_the_pipeline_is_in_form() -> None:
    """Each key exists in GitLab's syntax, and has its type; each stage and each template is there."""
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(PIPELINE)
    assert [job["stage"] for job in JOBS.values()] == PIPELINE["stages"]
    assert {job["extends"] for job in JOBS.values() if "extends" in job} <= PIPELINE.keys()


@pytest.mark.parametrize(
    ("job", "change"),
    [
        ("up", {"enviroment": "production"}),  # codespell:ignore enviroment
        ("up", {"timeout": "1 hour"}),
        ("preview", {"rules": []}),
        (".production", {"id_tokens": {"TOKEN": {}}}),
    ],
)
def test_the_schema_refuses(job: str, change: dict[str, Any]) -> None:
    """A misspelt key, a wrong value and a token for no one are found: the schema can fail."""
    wrong = {**PIPELINE, job: {**PIPELINE[job], **change}}
    assert not Draft202012Validator(SCHEMA).is_valid(wrong)


def test_only_trusted_jobs_get_an_id_token() -> None:
    """The preview gets none; what writes takes turns, is not interrupted, and runs in the protected environment."""
    assert "HW_" not in json.dumps(PIPELINE)
    for name, job in JOBS.items():
        if name == "preview":
            assert not {"id_tokens", "environment"} & job.keys()
        else:
            assert job["id_tokens"] == {"HUAWEICLOUD_OIDC_ID_TOKEN": {"aud": AUDIENCE}}
            assert (job["environment"], job["resource_group"]) == ("production", "production")
            assert job["interruptible"] is False


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """An emulator that trusts the id tokens of the environment."""
    with Emulator(
        progression="immediate", stop_seconds=0.2, audience=AUDIENCE, agencies={"migrations": "acme"}
    ) as running:
        yield running


class Runner:
    """A machine that runs jobs, each with what GitLab gives it."""

    def __init__(self, example: Example, cloud: Emulator) -> None:
        """Take the project's variables; there is no key of the cloud."""
        environ = {key: value for key, value in example.environ.items() if not key.startswith("HW_")}
        backend = example.root / "remote-state"
        backend.mkdir()
        self._work = example.work
        self._environ = {
            **environ,
            "PULUMI_BACKEND_URL": backend.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "of the pipeline",
            "HW_DCS_ENDPOINT": cloud.url,
            "NO_COLOR": "1",
        }
        self.said = ""

    def run(self, name: str) -> int:
        """Run a job's lines until one fails; return its exit code."""
        job = JOBS[name]
        environ = {**self._environ, **job.get("variables", {})}
        if job.get("environment"):
            environ["HUAWEICLOUD_OIDC_PROVIDER_URN"] = "iam::acme:oidcProvider:gitlab"
            environ["HUAWEICLOUD_OIDC_AGENCY_URN"] = "iam::acme:agency:migrations"
        for variable, token in job.get("id_tokens", {}).items():
            environ[variable] = id_token(audience=token["aud"])
        self.said = ""
        for line in (*PIPELINE["default"]["before_script"], *job["script"]):
            if line.startswith(AT_HAND):
                continue
            done = subprocess.run(
                ["bash", "-e", "-o", "pipefail", "-c", line],
                cwd=self._work,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
                check=False,
            )
            self.said += done.stdout
            if done.returncode:
                return done.returncode
        return 0


@pytest.mark.long
def test_from_merge_request_to_alarm(example: NewExample, cloud: Emulator) -> None:
    """Preview, deploy, the quiet night and the alarm: each job runs line by line, and does its work."""
    runner = Runner(example("gitlab-ci"), cloud)
    assert runner.run("preview") == 0, runner.said
    assert "+ 4 to create" in runner.said
    assert cloud.requests() == []

    assert runner.run("up") == 0, runner.said
    assert "4 unchanged" in runner.said
    assert len(cloud.tasks()) == calls(cloud)["CreateMigrationTask"] == 2
    assert calls(cloud)["AssumeAgencyWithOIDC"] >= 1
    assert "eyJ" not in runner.said, "an id token"

    assert runner.run("drift") == 0, runner.said
    cloud.set_status(cloud.tasks()[0]["id"], "FAILED", "the file is broken")
    assert runner.run("drift") == 1
    assert "is FAILED" in runner.said
    assert calls(cloud)["CreateMigrationTask"] == 2
