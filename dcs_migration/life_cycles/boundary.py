"""The checks that every call passes on its way in and out, for any resource.

In: the state must have the expected structure, because someone may have edited it by hand, and the scrubber
learns every password in the arguments before any message is written. Out: the service's texts and the lines of a
check are scrubbed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dcs_migration import durations
from dcs_migration.dcs.errors import TaskError
from dcs_migration.dcs.statuses import lookup
from dcs_migration.life_cycles.inputs import is_unknown
from dcs_migration.life_cycles.process import CheckResult
from dcs_migration.life_cycles.secrets import scrub
from dcs_migration.life_cycles.tasks.props import Props
from dcs_migration.names import (
    CREATE_TIMEOUT,
    DEFAULTS,
    DELETE_TIMEOUT,
    ENDPOINT,
    PASSWORD,
    TAKEN_OVER,
    TASKS,
    UNSENT,
    UPDATE_TIMEOUT,
    URN,
)

Test = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_duration(value: Any) -> bool:
    try:
        durations.seconds(value)
    except (ValueError, TypeError, AttributeError):
        return False
    return True


def _is_map_of_texts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, value.values()))


def _list_of(test: Test) -> Test:
    return lambda value: isinstance(value, (list, tuple)) and all(map(test, value))


def _is_map_of_some_texts(value: Any) -> bool:
    """A map of texts; a value can also be None or unknown."""
    return isinstance(value, Mapping) and all(
        item is None or is_unknown(item) or _is_text(item) for item in value.values()
    )


_TEXT = (_is_text, "a string")
_TEXTS = (_list_of(_is_text), "a list of strings")
_DURATION = (_is_duration, 'a duration such as "10m"')

# Only the provider writes hidden properties, so no check covers them.
HIDDEN: dict[str, tuple[Test, str]] = {
    URN: _TEXT,
    ENDPOINT: _TEXT,
    TAKEN_OVER: _TEXT,
    DEFAULTS: _TEXTS,
    UNSENT: _TEXTS,
    TASKS: (_list_of(_is_map_of_some_texts), "a list of maps of strings"),
    CREATE_TIMEOUT: _DURATION,
    UPDATE_TIMEOUT: _DURATION,
    DELETE_TIMEOUT: _DURATION,
}

# Of the visible properties, these are used before or without a check.
SHOWN: dict[str, tuple[Test, str]] = {
    **dict.fromkeys(("name", "status", "task_status", "state", "region", "project_id", "error"), _TEXT),
    "statuses": (_is_map_of_texts, "a map of strings"),
}

# Of these outputs, a resource that was created or read has at least one.
_ALWAYS_THERE = (ENDPOINT, "status", "statuses")


def require_sound(operation: str, args: Sequence[Any]) -> None:
    """Make sure that an operation can work with the properties that it gets from the state.

    Raises:
        TaskError: a property has a type that the provider never writes.
    """
    bags = [props for props in args if isinstance(props, Mapping)]
    if operation == "check":
        bags = bags[:1]  # the others come from the program
    if operation in ("diff", "update", "delete") and not any(key in bags[0] for key in _ALWAYS_THERE):
        raise TaskError(_without_outputs(bags[-1]))
    for props in bags:
        # A task that is only read (`MigrationTask.get`) also has properties from the program.
        sent = operation == "read" and ENDPOINT not in props
        for key, (test, wanted) in (HIDDEN if sent else {**HIDDEN, **SHOWN}).items():
            value = props.get(key)
            if value is not None and not is_unknown(value) and not test(value):
                raise TaskError(_damaged(key, wanted, props))


def _damaged(key: str, wanted: str, props: Props) -> str:
    return (
        f"the stack's state is damaged: {key} of {_name_of(props)} must be {wanted}; correct it between "
        "`pulumi stack export --file state.json` and `pulumi stack import --file state.json`, or restore "
        "an earlier state"
    )


def _without_outputs(props: Props) -> str:
    return (
        f"the stack's state is damaged: {_name_of(props)} has no outputs; restore an earlier state, or, if its "
        "task still exists, remove the resource with `pulumi state delete` and its URN: the next `pulumi up` finds "
        "the task by its owner mark"
    )


def _name_of(props: Props) -> str:
    urn = props.get(URN)
    return json.dumps(urn.split("::", 3)[-1]) if isinstance(urn, str) else "this resource"


# Outputs that only the service sets.
_SET_BY_SERVICE = ("status", "task_status", "created_at", "updated_at", "released_at", "error", "statuses")
# The service's texts can also be in these properties, but the user's own texts there aren't changed.
_FROM_SERVICE = (
    *(*_SET_BY_SERVICE, "name", "task_name", "description"),
    *("backup_files", "target_instance", "source_instance"),
)


def call(operation: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Call an operation of a lifecycle, and return its result without secrets in the service's texts."""
    bags = [arg for arg in args if isinstance(arg, Mapping)]
    for bag in bags:
        scrub.add_passwords(bag)
    result = operation(*args)
    written = {text for bag in bags for key in bag if key not in _SET_BY_SERVICE for text in _texts(bag[key])}
    outputs = getattr(result, "outputs", None)
    if outputs:
        observed = {key: _scrubbed(outputs[key], written) for key in _FROM_SERVICE if key in outputs}
        result.outputs = {**outputs, **observed}
    if isinstance(result, CheckResult):
        result.problems = [scrub(line) for line in result.problems]
    return result


def urn_among(args: tuple[Any, ...]) -> str | None:
    """Return the URN of the resource that a call is for, if it is known."""
    urns = (arg.get(URN) for arg in reversed(args) if isinstance(arg, Mapping))
    return next((urn for urn in urns if isinstance(urn, str)), None)


def _scrubbed(value: Any, written: set[str]) -> Any:
    if isinstance(value, str):
        return value if value in written or lookup(value).known else scrub(value)
    if isinstance(value, Mapping):
        return {key: item if key == PASSWORD else _scrubbed(item, written) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_scrubbed(item, written) for item in value]
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
