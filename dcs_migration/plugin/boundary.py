"""What every call of the engine passes on its way in and out, whichever resource it is for.

In: every password among the arguments is known to the scrubber before anything is said. Out: the words of the
service are scrubbed, and so are the lines of a check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dcs_migration.dcs.statuses import lookup
from dcs_migration.names import PASSWORD, URN
from dcs_migration.plugin.results import CheckResult
from dcs_migration.plugin.secrets import scrub

# Outputs that the service alone decides.
_DECIDED = ("status", "task_status", "created_at", "updated_at", "released_at", "error", "statuses")
# Where its words may stand: under these names, too, but there the user's own are left as they are.
_TOLD = (*_DECIDED, "name", "task_name", "description", "backup_files", "target_instance", "source_instance")


def passed(operation: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Call an operation of a life cycle, and return its result fit to leave the plugin."""
    bags = [arg for arg in args if isinstance(arg, Mapping)]
    for bag in bags:
        scrub.add_passwords(bag)
    result = operation(*args)
    written = {text for bag in bags for key in bag if key not in _DECIDED for text in _texts(bag[key])}
    outputs = getattr(result, "outputs", None)
    if outputs:
        told = {key: _scrubbed(outputs[key], written) for key in _TOLD if key in outputs}
        result.outputs = {**outputs, **told}
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
