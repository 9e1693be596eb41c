"""The workflows of examples/github-actions do what they say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from dcs_emulator import Emulator
from tests.e2e.stack import calls
from tests.examples.conftest import NewExample
from tests.examples.example import EXAMPLES, Example
from tests.examples.workflows import Runner, expressions, load
from tests.id_tokens import AUDIENCE, id_token

HERE = Path(__file__).parent
WORKFLOWS = sorted((EXAMPLES / "github-actions" / ".github" / "workflows").glob("*.yml"))
OWN = {path.stem: path for path in (EXAMPLES.parent / ".github" / "workflows").glob("*.yml")}
SCHEMA = json.loads((HERE / "workflow_schema.json").read_text("utf-8"))
CREDENTIALS = {"vars.HUAWEICLOUD_OIDC_PROVIDER_URN", "vars.HUAWEICLOUD_OIDC_AGENCY_URN"}
OF_THE_STATE = {"vars.PULUMI_BACKEND_URL", "secrets.PULUMI_CONFIG_PASSPHRASE"}


def check_form(path: Path) -> None:
    """Every key of a workflow exists and has the right type, and its text is tidy."""
    Draft202012Validator(SCHEMA).validate(load(path))
    text = path.read_text("utf-8")
    assert text.endswith("\n")
    assert not [
        line for line in text.splitlines() if line != line.rstrip() or "\t" in line or len(line) > 110
    ]


def test_the_project_s_own_workflows_are_in_form() -> None:
    """They have the example's form, don't contain a secret, and publish with a temporary token."""
    assert OWN.keys() == {"release", "test"}
    for path in OWN.values():
        check_form(path)
        workflow = load(path)
        assert expressions(path) <= {"matrix.python", "github.ref"}
        assert workflow["permissions"] == {"contents": "read"}
        allowed = [name for name, job in workflow["jobs"].items() if "permissions" in job]
        assert allowed == (["publish"] if path.stem == "release" else [])
    publish = load(OWN["release"])["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["environment"] == "pypi"
    assert publish["needs"] == "build"


@pytest.mark.parametrize(("tag", "code"), [("v{}", 0), ("{}", 0), ("v{}.1", 1), ("v9", 1)])
def test_a_tag_that_is_not_the_version_is_not_built(tag: str, code: int) -> None:
    """The release fails before it builds where pyproject.toml has another version than the tag."""
    project = (EXAMPLES.parent / "pyproject.toml").read_text("utf-8")
    version = re.findall(r'^version = "(.*)"$', project, re.MULTILINE)[0]
    (check,) = [step for step in load(OWN["release"])["jobs"]["build"]["steps"] if "name" in step]
    done = subprocess.run(
        ["bash", "-e", "-c", check["run"]],
        cwd=EXAMPLES.parent,
        env={**os.environ, "GITHUB_REF_NAME": tag.format(version)},
        check=False,
    )
    assert done.returncode == code


def test_the_project_is_tested_with_each_python_that_it_names() -> None:
    """The classifiers of the package and the matrix of the workflow say the same."""
    project = (EXAMPLES.parent / "pyproject.toml").read_text("utf-8")
    named = re.findall(r"Python :: (3\.\d+)", project)
    test = load(OWN["test"])["jobs"]["test"]
    assert test["strategy"]["matrix"]["python"] == named
    assert {"run": "make test"} in test["steps"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_are_in_form(path: Path) -> None:
    """Every key of a workflow exists, has the right type, and is tidy; no secret is written into it."""
    check_form(path)
    assert expressions(path) <= OF_THE_STATE | CREDENTIALS | {"github.ref"}


def test_only_trusted_jobs_get_credentials() -> None:
    """The preview of a pull request gets no id token; deployment and alarm get theirs in an environment. No one
    has a key."""
    for path in WORKFLOWS:
        workflow = load(path)
        (job,) = workflow["jobs"].values()
        assert "HW_" not in json.dumps(workflow)
        if path.stem == "preview":
            assert not expressions(path) & CREDENTIALS
            assert "id-token" not in workflow["permissions"]
        else:
            assert expressions(path) >= CREDENTIALS
            assert workflow["permissions"]["id-token"] == "write"
            assert job["environment"] == "production"


def test_a_deployment_is_never_cut_off() -> None:
    """What writes waits for what writes, and is not cancelled by it."""
    writing = [load(path)["concurrency"] for path in WORKFLOWS if path.stem != "preview"]
    assert writing == [{"group": "production", "cancel-in-progress": False}] * 2


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """An emulator that trusts the id tokens of the environment."""
    with Emulator(
        progression="immediate", stop_seconds=0.2, audience=AUDIENCE, agencies={"migrations": "acme"}
    ) as running:
        yield running


@pytest.fixture
def github() -> Iterator[str]:
    """Where a job asks GitHub for an id token."""

    @Request.application
    def answer(request: Request) -> Response:
        assert request.headers["Authorization"] == "bearer of-the-job"
        token = id_token(audience=request.args["audience"])
        return Response(json.dumps({"value": token}), content_type="application/json")

    server = make_server("127.0.0.1", 0, answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}/token?api-version=2.0"
    server.shutdown()
    thread.join()
    server.server_close()


def runner_for(example: Example, cloud: Emulator, github: str) -> Runner:
    """GitHub's machine: it has no key of the cloud, and gives id tokens to those who may have them."""
    environ = {key: value for key, value in example.environ.items() if not key.startswith("HW_")}
    del environ["PULUMI_BACKEND_URL"], environ["PULUMI_CONFIG_PASSPHRASE"]
    backend = example.root / "remote-state"
    backend.mkdir()
    known = {
        "vars.PULUMI_BACKEND_URL": backend.as_uri(),
        "secrets.PULUMI_CONFIG_PASSPHRASE": "of the pipeline",
        "vars.HUAWEICLOUD_OIDC_PROVIDER_URN": "iam::acme:oidcProvider:github",
        "vars.HUAWEICLOUD_OIDC_AGENCY_URN": "iam::acme:agency:migrations",
    }
    given = {
        "HW_DCS_ENDPOINT": cloud.url,
        "NO_COLOR": "1",
        "ACTIONS_ID_TOKEN_REQUEST_URL": github,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of-the-job",
    }
    return Runner(example.work, known, environ | given)


def runner_state_without_one(runner: Runner) -> str:
    """Take a task out of the state, as someone might by mistake; return its id."""
    environ = runner.environ | {
        "PULUMI_BACKEND_URL": runner.known["vars.PULUMI_BACKEND_URL"],
        "PULUMI_CONFIG_PASSPHRASE": runner.known["secrets.PULUMI_CONFIG_PASSPHRASE"],
    }

    def pulumi(*words: str) -> str:
        command = ["pulumi", *words, "--stack", "production"]
        return subprocess.run(
            command, cwd=runner.work, env=environ, check=True, capture_output=True, text=True
        ).stdout

    resources = json.loads(pulumi("stack", "export"))["deployment"]["resources"]
    (carts,) = [each for each in resources if each["urn"].endswith("dcs:MigrationTask::carts")]
    pulumi("state", "delete", carts["urn"], "--yes")
    return str(carts["id"])


def test_from_pull_request_to_alarm(example: NewExample, cloud: Emulator, github: str) -> None:
    """Preview, deploy, the quiet night and the alarm: each job runs step by step, and does its work."""
    runner = runner_for(example("github-actions"), cloud, github)
    preview, deploy, drift = (
        load(path) for name in ("preview", "deploy", "drift") for path in WORKFLOWS if path.stem == name
    )

    assert runner.run(preview, "preview") == 0, runner.log
    assert "+ 4 to create" in runner.log
    assert cloud.requests() == []

    assert runner.run(deploy, "up") == 0, runner.log
    assert "4 unchanged" in runner.said[-1]
    assert len(cloud.tasks()) == calls(cloud)["CreateMigrationTask"] == 2
    assert calls(cloud)["AssumeAgencyWithOIDC"] >= 1
    assert "eyJ" not in runner.log, "an id token"

    known = len(cloud.requests())
    assert runner.run(preview, "preview") == 0, runner.log  # of the next pull request: now there is a state
    assert "4 unchanged" in runner.log
    assert len(cloud.requests()) == known

    assert runner.run(drift, "alarm") == 0, runner.log

    cloud.set_status(cloud.tasks()[0]["id"], "FAILED", "the file is broken")
    assert runner.run(drift, "alarm") == 1
    assert "::error::" in runner.said[-1]
    assert "is FAILED" in runner.said[-1]
    cloud.set_status(cloud.tasks()[0]["id"], "SUCCESS")

    orphan = runner_state_without_one(runner)
    assert runner.run(drift, "alarm") != 0  # the preview would make it again; without it in the program:
    job = drift["jobs"]["alarm"]
    job["steps"] = [
        step for step in job["steps"] if step.get("run", "").startswith(("python id_token", "pulumi stack"))
    ]
    assert runner.run(drift, "alarm") == 3
    assert orphan in runner.said[-1]
    assert "1 ORPHAN" in runner.said[-1]
    assert calls(cloud)["CreateMigrationTask"] == 2
