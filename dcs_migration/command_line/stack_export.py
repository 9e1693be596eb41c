"""Reads the file of `pulumi stack export`, for both front ends: its tasks, and their owners."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dcs_migration.command_line.console import Console
from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.life_cycles.secrets import scrub
from dcs_migration.life_cycles.tasks.mark import hashed
from dcs_migration.names import ENDPOINT, OWNER

STDIN = "-"
KINDS = ("MigrationTask", "MigrationInstance", "OnlineMigration")
_TYPES = tuple(f"{prefix}:{kind}" for prefix in ("pulumi-python:dynamic/dcs", "dcs:index") for kind in KINDS)
_PROVIDERS = ("pulumi:providers:pulumi-python", "pulumi:providers:dcs")
_MOST_CHARACTERS = 500_000_000
_HOW = "create it with `pulumi stack export --file state.json`"


@dataclass(frozen=True)
class Resource:
    """A resource of the state with a task.

    home: the task's location in the state, with the names of the core (region, project_id, the endpoint).
    """

    urn: str
    id: str
    status: str | None
    home: Mapping[str, str | None]

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.urn.split("::", 3)[-1]


@dataclass
class StackState:
    """The content of one or more stacks.

    owners: the hashes of the stacks' providers in owner marks. urns: the URN of each of our resources, by its hash in
    owner marks, including resources with an interrupted creation.
    """

    resources: list[Resource] = field(default_factory=list)
    owners: set[str] = field(default_factory=set)
    urns: dict[str, str] = field(default_factory=dict)
    interrupted: set[str] = field(default_factory=set)
    """URNs whose creation was interrupted: the next `up` adopts what it started."""

    def holding(self, id_: str) -> list[Resource]:
        """Return the resources of a task: an online task has two."""
        return [resource for resource in self.resources if resource.id == id_]

    @property
    def ids(self) -> list[str]:
        """The ids of the tasks."""
        return list(dict.fromkeys(resource.id for resource in self.resources))


def load(paths: Iterable[str] | None, console: Console) -> StackState | None:
    """Return the combined content of the files; None without files.

    Raises:
        ConfigurationError: a file can't be read, or isn't an export.
    """
    if not paths:
        return None
    state = StackState()
    for path in paths:
        shown = "standard input" if path == STDIN else path
        deployment = _deployment(_text(path, shown, console), shown)
        scrub.add_passwords(deployment)
        scrub.add(*_plaintexts(deployment))
        for entry in _entries(deployment, shown):
            _add(entry, state)
        for operation in deployment.get("pending_operations") or []:
            if isinstance(operation, dict) and operation.get("type") == "creating":
                state.interrupted.add(operation["resource"]["urn"])
    return state


def _text(path: str, shown: str, console: Console) -> str:
    try:
        if path == STDIN:
            content = console.source.read(_MOST_CHARACTERS) if console.source is not None else b""
        else:
            with open(path, "rb") as file:
                content = file.read(_MOST_CHARACTERS)
        text = content.decode(json.detect_encoding(content))  # PowerShell's > writes UTF-16
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "not a text file"
        raise ConfigurationError(f"can't read {shown}: {why}") from None
    text = text.removeprefix("\ufeff")  # a byte order mark, which editors and shells on Windows write
    if not text.strip():
        raise ConfigurationError(f"{shown} is empty; {_HOW} (did `pulumi stack export` fail?)")
    return text


def _deployment(text: str, shown: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigurationError(f"{shown} isn't valid JSON or is cut off; {_HOW}") from None
    deployment = document.get("deployment") if isinstance(document, dict) else None
    if not isinstance(deployment, dict):
        raise ConfigurationError(f"{shown} isn't a stack export: it has no deployment; {_HOW}")
    return deployment


def _entries(deployment: Mapping[str, Any], shown: str) -> Iterator[Mapping[str, Any]]:
    """Yield the resources, including those of interrupted operations."""
    resources = deployment.get("resources") or []
    pending = deployment.get("pending_operations") or []
    if not isinstance(resources, list) or not isinstance(pending, list):
        raise ConfigurationError(f"{shown} isn't a stack export: its resources aren't a list; {_HOW}")
    for entry in (*resources, *(each.get("resource") for each in pending if isinstance(each, dict))):
        if not isinstance(entry, dict) or not isinstance(entry.get("urn"), str):
            raise ConfigurationError(f"{shown} isn't a stack export: a resource has no URN; {_HOW}")
        yield entry


def _add(entry: Mapping[str, Any], state: StackState) -> None:
    kind, urn, id_ = entry.get("type"), entry["urn"], entry.get("id")
    if kind in _PROVIDERS and isinstance(id_, str):
        state.owners.add(hashed(id_))
    if kind not in _TYPES:
        return
    state.urns[hashed(urn)] = urn
    props = {**_map(entry.get("inputs")), **_map(entry.get("outputs"))}
    # The dynamic front end hands the owner over as an input; the owner of a native resource is its provider.
    provider = entry.get("provider")
    for owner in (props.get(OWNER), provider.rpartition("::")[2] if isinstance(provider, str) else None):
        if isinstance(owner, str) and owner:
            state.owners.add(hashed(owner))
    if isinstance(id_, str) and id_:
        home = {
            "region": _word(props.get("region")),
            "project_id": _word(props.get("project_id")) or _word(props.get("projectId")),
            ENDPOINT: _word(props.get(ENDPOINT)),
        }
        state.resources.append(Resource(urn, id_, _word(props.get("status")), home))


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _plaintexts(value: Any) -> Iterator[str]:
    """Yield the secrets of an export with --show-secrets."""
    if isinstance(value, Mapping):
        hidden = value.get("plaintext")
        if isinstance(hidden, str):
            try:
                yield from _texts(json.loads(hidden))
            except (ValueError, RecursionError):
                yield hidden
        for item in value.values():
            yield from _plaintexts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _plaintexts(item)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (Mapping, list)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)
