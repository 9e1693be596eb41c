"""Converts properties between the protocol's form and the lifecycles' form: plain values, and ``UNKNOWN``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pulumi
from google.protobuf.struct_pb2 import Struct, Value
from pulumi.runtime import rpc

from dcs_migration.life_cycles.inputs import UNKNOWN, is_unknown
from dcs_migration.life_cycles.secrets import scrub
from dcs_migration.names import (
    BACKUP_IMPORT,
    FROM_BUCKET,
    FROM_RECORD,
    FULL,
    IDENTITY,
    INCREMENTAL,
    ONLINE_MIGRATION,
    PASSWORD,
)
from dcs_migration.native.names import OUTPUTS, camel

Path = tuple[str | int, ...]

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (the protocol's constant)
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_UNKNOWN = frozenset(
    # for a string, a boolean, a number, a list and a map
    (
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    )
)

# These aren't secrets even if the whole map is one, because messages need them.
_WORDS = frozenset((BACKUP_IMPORT, ONLINE_MIGRATION, FULL, INCREMENTAL, FROM_BUCKET, FROM_RECORD))
_OUTPUTS = frozenset(map(camel, OUTPUTS))


class Properties:
    """The properties of one call: secrets remain secrets in the answer, and so do all passwords.

    The scrubber learns the texts of secrets here. An output that repeats a secret, such as the name of a task, is also
    a secret.
    """

    def __init__(self) -> None:
        self._secret: set[Path] = set()
        self._texts: set[str] = set()

    def decode(self, struct: Struct) -> dict[str, Any]:
        """Return properties as plain values; numbers without a fraction become integers."""
        props = {key: self._plain(_python(value), (key,)) for key, value in struct.fields.items()}
        scrub.add(*self._texts)
        return props

    def encode(self, props: Mapping[str, Any], secrets: Collection[str] = (PASSWORD,)) -> Struct:
        """Return properties in the protocol's form; the properties in ``secrets`` become secrets."""
        struct = Struct()
        struct.update(self._sendable(props, (), secrets))
        return struct

    def _plain(self, value: Any, path: Path, *, secret: bool = False) -> Any:
        if isinstance(value, dict):
            kind = value.get(_SIGNATURE)
            if kind == _SECRET or (kind == _OUTPUT and value.get("secret")):
                self._secret.add(path)
                secret = True
            if kind in (_SECRET, _OUTPUT):
                return self._plain(value["value"], path, secret=secret) if "value" in value else UNKNOWN
            if kind is not None:
                return pulumi.StringAsset("")  # isn't plain data; the check reports it
            return {key: self._plain(item, (*path, key), secret=secret) for key, item in value.items()}
        if isinstance(value, list):
            return [self._plain(item, (*path, index), secret=secret) for index, item in enumerate(value)]
        if isinstance(value, str) and value in _UNKNOWN:
            return UNKNOWN
        # An identity is a secret as a whole, because an address may hold one; a message needs its ids.
        if secret and isinstance(value, str) and value not in _WORDS and path[0] != IDENTITY:
            self._texts.add(value)
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def _sendable(self, value: Any, path: Path, secrets: Collection[str]) -> Any:
        if is_unknown(value):
            return rpc.UNKNOWN
        if path and (path in self._secret or path[-1] in secrets or self._repeats(value, path)):
            return rpc.wrap_rpc_secret(_in_a_secret(value))
        if isinstance(value, Mapping):
            items = ((key, item) for key, item in value.items() if item is not None)
            return {key: self._sendable(item, (*path, key), secrets) for key, item in items}
        if isinstance(value, (list, tuple)):
            return [self._sendable(item, (*path, index), secrets) for index, item in enumerate(value)]
        return value

    def _repeats(self, value: Any, path: Path) -> bool:
        """Whether an output contains a text that was a secret input: a name, or the ids in the statuses of a wait."""
        if len(path) != 1 or path[0] not in _OUTPUTS:
            return False
        return any(text in self._texts for text in (value if isinstance(value, Mapping) else (value,)))


def _python(value: Value) -> Any:
    """Return a value as Python has it: `MessageToDict` refuses numbers that JSON doesn't have."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return {key: _python(item) for key, item in value.struct_value.fields.items()}
    if kind == "list_value":
        return [_python(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)


def _in_a_secret(value: Any) -> Any:
    if is_unknown(value):
        return rpc.UNKNOWN
    if isinstance(value, Mapping):
        return {key: _in_a_secret(item) for key, item in value.items() if item is not None}
    return [_in_a_secret(item) for item in value] if isinstance(value, (list, tuple)) else value


def differing(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the path of each value that differs below a path, with both values; None means no value."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from differing(old.get(key), new.get(key), f"{path}.{key}")
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before, after = (side[index] if index < len(side) else None for side in (old, new))
            yield from differing(before, after, f"{path}[{index}]")
    elif old != new or is_unknown(new):
        yield path, old, new
