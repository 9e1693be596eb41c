"""GitHub's workflows, run on this machine: every step in order, the actions as what they document to do."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{\s*([\w.]+)\s*\}\}")


class _Strict(yaml.SafeLoader):
    """Refuses a key that is written twice, and reads `on` as a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Make a dictionary."""
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"{node.start_mark}: a key is written twice in {keys}"
        return super().construct_mapping(node, deep)


_Strict.yaml_implicit_resolvers = {
    key: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for key, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Strict.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


def load(path: Path) -> dict[str, Any]:
    """Read a workflow."""
    document: dict[str, Any] = yaml.load(path.read_text("utf-8"), _Strict)
    return document


def expressions(path: Path) -> set[str]:
    """The names in a workflow's ``${{ }}``."""
    text = path.read_text("utf-8")
    found = _EXPRESSION.findall(text)
    assert len(found) == text.count("${{"), f"{path.name}: an expression is not a plain name"
    return set(found)


@dataclass
class Runner:
    """A machine that runs jobs: what GitHub knows, and the environment of the machine."""

    work: Path
    known: dict[str, str]  # what ${{ }} may name
    environ: dict[str, str]
    said: list[str] = field(default_factory=list)
    code: int = 0

    def run(self, workflow: dict[str, Any], job: str) -> int:
        """Run a job's steps until one fails; return its exit code."""
        self.said, self.code = [], 0
        steps = workflow["jobs"][job]["steps"]
        for step in steps:
            environ = self.environ | self._filled(workflow.get("env", {}) | step.get("env", {}))
            for command in self._commands(step):
                done = subprocess.run(
                    ["bash", "-e", "-o", "pipefail", "-c", command],
                    cwd=self.work,
                    env=environ,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    timeout=120,
                    check=False,
                )
                self.said.append(f"$ {command}\n{done.stdout}")
                self.code = done.returncode
                if self.code:
                    return self.code
        return self.code

    @property
    def log(self) -> str:
        """What the last job printed."""
        return "\n".join(self.said)

    def _filled(self, values: dict[str, Any]) -> dict[str, str]:
        return {
            key: _EXPRESSION.sub(lambda name: self.known[name[1]], _written(value))
            for key, value in values.items()
        }

    def _commands(self, step: dict[str, Any]) -> list[str]:
        if "run" in step:
            return [step["run"]]
        action, _, _ = step["uses"].partition("@")
        given = self._filled(step.get("with", {}))
        # the files and Python are here already
        return [] if action.startswith("actions/") else pulumi_action(given)


def _written(value: object) -> str:
    """A value as the action sees it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


OF_COMMAND = {
    "up": ["up", "--yes", "--skip-preview"],
    "refresh": ["refresh", "--yes", "--skip-preview"],
    "destroy": ["destroy", "--yes", "--skip-preview"],
    "preview": ["preview"],
}
SWITCHES = ("diff", "refresh", "expect-no-changes")
NOT_OURS = {"comment-on-pr", "comment-on-summary", "pulumi-version"}  # what the action itself does


def pulumi_action(given: dict[str, str]) -> list[str]:
    """The commands that pulumi/actions v7 runs: log in, select the stack, run the command."""
    if "command" not in given:
        return []  # it installs the CLI
    options = [f"--{name}" for name in SWITCHES if given.get(name) == "true"]
    handled = {"command", "stack-name", "cloud-url", "upsert", *SWITCHES, *NOT_OURS}
    assert given.keys() <= handled, given.keys() - handled
    select = ["stack", "select", "--stack", given["stack-name"]]
    return [
        shlex.join(["pulumi", *words, "--non-interactive"])
        for words in (
            ["login", given["cloud-url"]],
            [*select, "--create"] if given.get("upsert") == "true" else select,
            [*OF_COMMAND[given["command"]], "--stack", given["stack-name"], *options],
        )
    ]
