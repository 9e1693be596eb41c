"""Property names: the lifecycles use Python's form, ``backup_files``, and the protocol uses Pulumi's, ``backupFiles``.

The contracts say which keys are properties. Keys in other maps, such as ``statuses`` or in ``triggers``, belong to the
user and aren't changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from dcs_migration.life_cycles.inputs import Schema, schema
from dcs_migration.names import CREATE_TIMEOUT, DEFAULTS, DELETE_TIMEOUT, OWNER, UPDATE_TIMEOUT, URN

Props = dict[str, Any]

CONTRACTS = ("migration_task", "migration_completion", "migration_instance", "online_migration")

OUTPUTS = (
    *("name", "status", "task_status", "statuses", "error", "job_id"),
    *("created_at", "updated_at", "released_at"),
)
"""Outputs of any resource that aren't inputs."""

INJECTED = (URN, OWNER, CREATE_TIMEOUT, UPDATE_TIMEOUT, DELETE_TIMEOUT)
"""Hidden properties that the protocol passes with each call, so that the state doesn't need them."""

_PROVIDER = "__provider"  # the pickled class in a state of the dynamic provider


@lru_cache(maxsize=1024)
def camel(name: str) -> str:
    """Return ``backup_files`` as ``backupFiles``; hidden names aren't changed."""
    if name.startswith("__"):
        return name
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@lru_cache(maxsize=1024)
def snake(name: str) -> str:
    """Return ``backupFiles`` as ``backup_files``; hidden names aren't changed."""
    return (
        name if name.startswith("__") else re.sub(r"(?<=[a-z0-9])[A-Z]", lambda m: "_" + m[0].lower(), name)
    )


def camel_path(path: str) -> str:
    """Return the path of a property, ``target_instance.id``, in the protocol's form."""
    return ".".join(map(camel, path.split(".")))


def written(contract: str, value: Mapping[str, Any]) -> tuple[Props, list[str]]:
    """Return a program's properties with the contract's names, and a line for each name in Python's form.

    Such a name counts as the intended one, so that the check of the other properties doesn't report a missing key.
    """
    problems: list[str] = []

    def name(key: str, where: str) -> str:
        if "_" in key and not key.startswith("__"):
            problems.append(f"{where}{key}: unknown key; did you mean {camel(key)}?")
        return snake(key)

    return _renamed(value, schema(contract), name), problems


def stored(contract: str, value: Mapping[str, Any]) -> Props:
    """Return a state's properties with the contract's names, which a state of the dynamic provider already uses."""
    props = _renamed(value, schema(contract), lambda key, where: snake(key))
    props.pop(_PROVIDER, None)
    return _with_defaults(props, snake)


def shown(contract: str, value: Mapping[str, Any]) -> Props:
    """Return properties with the protocol's names, without those that the protocol passes itself."""
    kept = {key: item for key, item in value.items() if key not in INJECTED and item is not None}
    return _with_defaults(_renamed(kept, schema(contract), lambda key, where: camel(key)), camel)


def was_dynamic(value: Mapping[str, Any]) -> bool:
    """Whether the dynamic provider wrote the state."""
    return _PROVIDER in value


def _renamed(value: Any, part: Schema, name: Callable[[str, str], str], where: str = "") -> Any:
    known = part.get("properties")
    if isinstance(value, Mapping) and known is not None:
        outputs = OUTPUTS if "title" in part else ()  # the top level of a contract has a title
        found: Props = {}
        for key, item in value.items():
            is_property = snake(key) in known or snake(key) in outputs
            new = name(key, where) if is_property else key
            found[new] = _renamed(item, known.get(snake(key), {}), name, f"{where}{key}.")
        return found
    if isinstance(value, (list, tuple)) and "items" in part:
        place = where.rstrip(".")
        return [_renamed(item, part["items"], name, f"{place}[{index}].") for index, item in enumerate(value)]
    return value


def _with_defaults(props: Props, form: Callable[[str], str]) -> Props:
    names = props.get(DEFAULTS)
    if isinstance(names, (list, tuple)):
        props[DEFAULTS] = [form(name) if isinstance(name, str) else name for name in names]
    return props


PHRASES = (
    # Texts of the lifecycles for Python programs, and the same for other languages.
    ("huaweicloud:", "dcs:"),
    ("opts=ResourceOptions(depends_on=[first.completion()])", "dependsOn on a MigrationCompletion of it"),
    ("opts=ResourceOptions(aliases=[Alias(name=...)])", "options.aliases: [{name: ...}]"),
    (
        'opts=ResourceOptions(custom_timeouts=CustomTimeouts(create="30m", update="30m"))',
        "options.customTimeouts: {create: 30m, update: 30m}",
    ),
    (
        'opts=ResourceOptions(custom_timeouts=CustomTimeouts(delete="30m"))',
        "options.customTimeouts: {delete: 30m}",
    ),
    ("project_id= with", "projectId with"),
    ("timeout= (and custom_timeouts", "timeout (and customTimeouts"),
    ("opts.custom_timeouts", "options.customTimeouts"),
    ("opts.provider", "options.provider"),
    ("retain_on_delete", "retainOnDelete"),
    ("delete_before_replace=True", "deleteBeforeReplace: true"),
    (
        "use pulumi.Output.concat(...), pulumi.Output.format(...) or .apply(...)",
        "use pulumi.interpolate (in Go, pulumi.Sprintf), or apply",
    ),
)


_WRITTEN = re.compile(r"\b(write|use|set|with|or) (\w+)=(?=[\"\[{])")  # set state="running"


def translated(text: str) -> str:
    """Return a lifecycle's message with the names for users of any language."""
    for ours, theirs in PHRASES:
        text = text.replace(ours, theirs)
    text = _WRITTEN.sub(r"\1 \2: ", text)
    return _known_names().sub(lambda match: camel(match[0]), text)


@cache
def known() -> frozenset[str]:
    """Return the contracts' names with two or more words, in Python's form."""

    def names(part: Any) -> Iterator[str]:
        if isinstance(part, Mapping):
            yield from part.get("properties", {})
            for item in part.values():
                yield from names(item)

    every = (name for contract in CONTRACTS for name in (*names(schema(contract)), *OUTPUTS))
    return frozenset(name for name in every if "_" in name)


@cache
def _known_names() -> re.Pattern[str]:
    return re.compile(rf"(?<![\w/])(?:{'|'.join(sorted(known(), key=len, reverse=True))})(?!\w)")
