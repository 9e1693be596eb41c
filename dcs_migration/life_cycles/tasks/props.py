"""The properties that the resources share, and how they are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from dcs_migration import durations
from dcs_migration.dcs.errors import TaskError
from dcs_migration.life_cycles.inputs import is_unknown
from dcs_migration.names import OWNER, PASSWORD, TIMEOUTS

Props = Mapping[str, Any]


class OnChange(Enum):
    """The effect of a changed input."""

    REPLACE = "the task is replaced, and what it does is done again"
    REPLACE_IF_GIVEN = (
        "as REPLACE; but leaving it out isn't a change, because state says where the task lives"
    )
    IN_PLACE = "the task is changed where it is"
    UPDATE = "state alone changes, no call is made"
    NOTHING = "used only at create"


DEFAULT_TIMEOUT = 600.0  # seconds

OUTPUTS = ("name", "status", "created_at", "updated_at", "released_at", "error")


def owner_of(props: Props) -> str:
    """Return the id of the provider resource, which no other stack has.

    Raises:
        TaskError: the program that declared the resource didn't pass one.
    """
    owner = props.get(OWNER)
    if isinstance(owner, str) and owner:
        return owner
    raise TaskError(
        "nothing was started: release 0.1.0 wrote the state of this resource, and it has no owner yet; "
        "run `pulumi up` once without --target and --refresh"
    )


def without_password(value: Any) -> Any:
    """Return an instance without its password; any other value unchanged."""
    if isinstance(value, Mapping):
        return {key: item for key, item in value.items() if key != PASSWORD}
    return value


def password_of(props: Props, key: str) -> Any:
    """Return the password of an instance among properties, if it has one."""
    instance = props.get(key)
    return instance.get(PASSWORD) if isinstance(instance, Mapping) else None


def without_nulls(value: Any) -> Any:
    """Remove keys without a value at every depth, because Pulumi removes them in some calls."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [without_nulls(item) for item in value]
    return value


def same(old: Any, new: Any, unknown_is_change: bool) -> bool:
    """Compare two values; an unknown value counts as different or as equal."""
    if is_unknown(new):
        return not unknown_is_change
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        if not unknown_is_change:
            unknown = {key for key, value in new.items() if is_unknown(value)}
            old, new = ({key: side[key] for key in side if key not in unknown} for side in (old, new))
        return old.keys() == new.keys() and all(same(old[key], new[key], unknown_is_change) for key in new)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(lambda a, b: same(a, b, unknown_is_change), old, new))
    # True equals 1 in Python, but not in Pulumi.
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)


def changed(key: str, rule: OnChange, old: Props, new: Props, *, unknown_is_change: bool) -> bool:
    """Whether an input has changed, ignoring passwords."""
    if rule is OnChange.NOTHING:
        return False
    if rule is OnChange.REPLACE_IF_GIVEN and (key not in new or key not in old):
        return False
    return not same(without_password(old.get(key)), without_password(new.get(key)), unknown_is_change)


def timeout_problems(news: Props) -> Iterator[str]:
    """Yield one line for each timeout that isn't a duration."""
    for operation, key in TIMEOUTS.items():
        text = news.get(key)
        if isinstance(text, str):
            try:
                durations.seconds(text)
            except ValueError as error:
                yield f"opts.custom_timeouts.{operation}: {error}"


def timeout_of(props: Props, key: str) -> float:
    """Return the maximum seconds of an operation."""
    text = props.get(key)
    return durations.seconds(text) if text else DEFAULT_TIMEOUT
