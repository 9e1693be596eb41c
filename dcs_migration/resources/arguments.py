"""Arguments of types that can't be sent: they fail in the program, and the error says what to write instead.

Such a value never reaches the provider's check. Pulumi fails on it with a traceback that doesn't show the path,
or it sends something else instead. Values that do reach the provider are checked there.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pulumi
from pulumi._types import is_input_type
from pulumi.dynamic import Resource, ResourceProvider
from pulumi.output import Unknown

from dcs_migration.resources.component import Child

_DEEPEST = 100  # a list that contains itself has no end
_NOT_LISTS = (str, bytes, bytearray, memoryview, range)
_SENT = (bool, float, str, type(None), Unknown, pulumi.Output, pulumi.Asset, pulumi.Archive)

# The first type that matches gives the advice.
_ADVICE: tuple[tuple[Any, str], ...] = (
    (pulumi.CustomResource, "use the output that you need, such as its .id"),
    (pulumi.Resource, "use the id of a resource in it"),
    (pulumi.ResourceOptions, "pass it as opts=..."),
    (type, "use a value"),
    (enum.Enum, "use its .value"),
    (timedelta, "use its .total_seconds()"),
    ((datetime, date, time), "use a string: its .isoformat()"),
    ((bytes, bytearray), "use a string: its .decode()"),
    ((set, frozenset), "use a list, because a set has no order: sorted(...)"),
    (Iterable, "use a list: list(...)"),
    (Callable, "use what it returns"),
)


class CheckedResource(Child, Resource):
    """A dynamic resource whose arguments are data that Pulumi can send."""

    def __init_subclass__(cls, module: str = "", name: str = "", **more: Any) -> None:
        """Set the type in the state. A user's subclass has the same type as its base: Pulumi would call it Resource.

        Raises:
            TypeError: a subclass sets another type.
        """
        inherited = cls._resource_type_name
        is_ours = cls.__base__ is CheckedResource
        if not is_ours and (module or name):
            raise TypeError(
                f"class {cls.__name__}: its type is that of its base class; leave out module= and name="
            )
        super().__init_subclass__(module=module, name=name, **more)
        if not is_ours:
            cls._resource_type_name = inherited

    def __init__(
        self, provider: ResourceProvider, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions
    ) -> None:
        """Declare it.

        Raises:
            TypeError: an argument has a type that can't be sent.
            ValueError: an argument has a value that can't be sent.
        """
        for key, value in props.items():
            require_plain(argument(type(self), name, key), value)
        self.note_parent(opts)
        if type(self).__base__ is not CheckedResource and opts.id is None:
            opts = pulumi.ResourceOptions.merge(opts, _TYPE_OF_SUBCLASSES_BEFORE)
        super().__init__(provider, name, props, opts)


_TYPE_OF_SUBCLASSES_BEFORE = pulumi.ResourceOptions(
    aliases=[pulumi.Alias(type_="pulumi-python:dynamic:Resource")]
)


def require_name(kind: type, name: Any) -> None:
    """Refuse a name that isn't a string: Pulumi does, too, but each message with an Output's text is a warning.

    Raises:
        TypeError: it isn't a string.
    """
    if not isinstance(name, str):
        raise TypeError(f"{kind.__name__}: the name is {described(name)}; use a string")


def argument(kind: type, name: str, key: str) -> str:
    """Return the name of a resource's argument for a message."""
    return f"{kind.__name__} '{name}': {key}"


def require_plain(where: str, value: Any, depth: int = 0) -> None:
    """Refuse a value that Pulumi can't send, at any depth.

    Raises:
        TypeError: the type can't be sent.
        ValueError: the value can't be sent.
    """
    if isinstance(value, str) and not value.isascii():
        _require_characters(where, value)
    elif isinstance(value, _SENT):
        return
    elif isinstance(value, int):
        _require_size(where, value)
    elif depth > _DEEPEST:
        raise ValueError(f"{where}: is nested too deeply, or contains itself")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where}: has {described(key)} as a key; use strings as keys")
            require_plain(f"{where}.{key}", item, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, _NOT_LISTS):
        for index, item in enumerate(value):
            require_plain(f"{where}[{index}]", item, depth + 1)
    elif not inspect.isawaitable(value) and not is_input_type(type(value)):
        raise TypeError(f"{where}: is {described(value)}; {_advice(value)}")


def _require_characters(where: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{where}: contains half a character (a lone surrogate); remove it") from None


def _require_size(where: str, number: int) -> None:
    try:
        float(number)
    except OverflowError:
        raise ValueError(f"{where}: is too large a number; use a string") from None


def _advice(value: Any) -> str:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return "use a map: dataclasses.asdict(...)"
    for kinds, words in _ADVICE:
        if isinstance(value, kinds):
            return words
    return "use strings, numbers, lists or maps"


def described(value: Any) -> str:
    """Describe a value by its type only: it may be a password."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    if isinstance(value, pulumi.Resource):
        return f"a resource ({name} '{value._name}')"
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def seconds_of(duration: Any) -> Any:
    """Return the seconds of a ``timedelta``, Python's type for durations; return any other value unchanged."""
    return duration.total_seconds() if isinstance(duration, timedelta) else duration
