"""The Stack object of examples/kubernetes-operator is in form, and what the operator does with it works."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from dcs_emulator import Emulator
from tests.docs.test_stories import require_lines
from tests.e2e.running import running
from tests.examples.conftest import NewExample
from tests.examples.example import EXAMPLES, Example, told

FOLDER = EXAMPLES / "kubernetes-operator"
SCHEMA = json.loads((Path(__file__).parent / "stack_schema.json").read_text("utf-8"))
OBJECTS = {entry["kind"]: entry for entry in yaml.safe_load_all((FOLDER / "stack.yaml").read_text("utf-8"))}
SPEC = OBJECTS["Stack"]["spec"]
SECRET = yaml.safe_load((FOLDER / "secret.yaml").read_text("utf-8"))


def test_the_stack_object_is_in_form() -> None:
    """Each field exists in the operator's release that the schema names, and has its type."""
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(OBJECTS["Stack"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("refesh", True),  # codespell:ignore refesh
        ("resyncFrequencySeconds", "3600"),
        ("envRefs", {"A": {"type": "Secret"}}),
    ],
)
def test_the_schema_refuses(field: str, value: object) -> None:
    """A misspelt field, a wrong type and a reference to nothing are found: the schema can fail."""
    assert not Draft202012Validator(SCHEMA).is_valid({**OBJECTS["Stack"], "spec": {**SPEC, field: value}})


def test_the_objects_belong_together() -> None:
    """Names agree: account, secret with each key that is asked for, volume and claim; all in one namespace."""
    account = OBJECTS["ServiceAccount"]["metadata"]["name"]
    assert SPEC["serviceAccountName"] == account
    assert OBJECTS["ClusterRoleBinding"]["subjects"][0]["name"] == account
    spaced = [entry for kind, entry in OBJECTS.items() if kind != "ClusterRoleBinding"]
    assert {entry["metadata"]["namespace"] for entry in [*spaced, SECRET]} == {"migrations"}
    for reference in [*SPEC["envRefs"].values(), *SPEC["secretsRef"].values()]:
        if reference["type"] == "Secret":
            assert reference["secret"]["name"] == SECRET["metadata"]["name"]
            assert reference["secret"]["key"] in SECRET["stringData"]
    pod = SPEC["workspaceTemplate"]["spec"]["podTemplate"]["spec"]
    (mount,) = pod["containers"][0]["volumeMounts"]
    (volume,) = pod["volumes"]
    assert mount["name"] == volume["name"]
    claim = volume["persistentVolumeClaim"]["claimName"]
    assert claim == OBJECTS["PersistentVolumeClaim"]["metadata"]["name"]
    assert SPEC["envRefs"]["PULUMI_BACKEND_URL"]["literal"]["value"] == f"file://{mount['mountPath']}"


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """An emulator that is the agent of the cluster, too."""
    with Emulator(progression="immediate", stop_seconds=0.2, pod_token="of-the-pod") as running:
        yield running


def test_there_is_no_key_of_the_cloud() -> None:
    """No credential is written into the Stack object, nor does it name one."""
    wanted = {"PULUMI_CONFIG_PASSPHRASE"}
    assert {name for name, entry in SPEC["envRefs"].items() if entry["type"] == "Secret"} == wanted
    assert not any("ecret" in key or "assword" in key for key in SPEC["config"])  # codespell:ignore ecret


class Workspace:
    """The operator's workspace: the folder, and the environment that the Stack object describes."""

    def __init__(self, example: Example, cloud: Emulator) -> None:
        """Fill in the secret, and configure the stack as the Stack object says."""
        self.example = example
        secret = {
            "passphrase": "of the cluster",
            "redisPassword": "correct-horse-battery",
        }
        assert secret.keys() == SECRET["stringData"].keys()
        for name in ("HW_ACCESS_KEY", "HW_SECRET_KEY", "PULUMI_CONFIG_PASSPHRASE"):
            del example.environ[name]
        token = example.root / "pod-token"  # what the add-on puts into the pod
        token.write_text("of-the-pod")
        example.environ["HC_CONTAINER_CREDENTIALS_FULL_URI"] = f"{cloud.url}/pod-identity/credentials"
        example.environ["HC_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(token)
        for name, reference in SPEC["envRefs"].items():
            if reference["type"] == "Secret":
                example.environ[name] = secret[reference["secret"]["key"]]
        example.run("stack", "select", "--create", SPEC["stack"])
        values: dict[str, Any] = SPEC["config"]
        example.run("config", "set-all", *_pairs("--plaintext", values))
        hidden = {key: secret[entry["secret"]["key"]] for key, entry in SPEC["secretsRef"].items()}
        example.run("config", "set-all", *_pairs("--secret", hidden))

    @property
    def update(self) -> list[str]:
        """What the operator runs for an update."""
        return ["up", "--yes", "--skip-preview", "--stack", SPEC["stack"], *["--refresh"] * SPEC["refresh"]]

    def kubectl(self, command: str) -> str:
        """Do in the workspace what a `kubectl` command has done, a command or an update; return what it printed."""
        words = shlex.split(command)
        options = words[2 : words.index("--")] if "--" in words else words[2:]
        assert options[options.index("--namespace") + 1] == OBJECTS["Stack"]["metadata"]["namespace"]
        if words[1] == "exec":
            assert f"{OBJECTS['Stack']['metadata']['name']}-workspace-0" in options
            return self.example.run(*words[words.index("--") + 2 :]).text
        assert words[1:3] == ["annotate", "stack"]
        return self.example.run(*self.update).text


def _pairs(option: str, values: dict[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        yield from (option, f"{key}={value}")


def test_recovery_from_an_interrupted_update(example: NewExample, cloud: Emulator) -> None:
    """The pod is lost while the service makes the task: the README's commands find that task again."""
    workspace = Workspace(example("kubernetes-operator"), cloud)
    stack = workspace.example
    cloud.fault("CreateMigrationTask", "delay_after", seconds=5)
    with running(stack, *workspace.update) as update:
        update.until(cloud.tasks)
        update.kill()  # and, at the end of this block, its plugins: nothing in the pod survives
    (begun,) = cloud.tasks()

    locked = stack.run(*workspace.update, ok=False)
    assert "locked" in locked.text

    for command, expected in told(stack.readme, "Recovery from an interrupted update"):
        require_lines(workspace.kubectl(command), expected, command)
    assert stack.outputs()["id"] == begun["id"]
    stack.preview("--expect-no-changes")

    stack.run(*workspace.update)  # the resync of the next hour
    assert [task["id"] for task in cloud.tasks()] == [begun["id"]]
