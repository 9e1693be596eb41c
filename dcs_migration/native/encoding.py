"""Properties as the protocol has them, and as the life cycles do: plain values, and ``UNKNOWN``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc

from dcs_migration.life_cycles.inputs import is_unknown
from dcs_migration.names import PASSWORD
from dcs_migration.wire import with_secrets


def decoded(struct: Struct) -> dict[str, Any]:
    """Return properties as plain values; numbers without a fraction are whole ones."""
    props: dict[str, Any] = _plain(rpc.deserialize_properties(struct, keep_unknowns=True))
    return props


def _plain(value: Any) -> Any:
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def encoded(props: Mapping[str, Any], secrets: Collection[str] = (PASSWORD,)) -> Struct:
    """Return properties in the protocol's form, with what stands under the names of ``secrets`` marked."""
    struct = Struct()
    struct.update(_sendable(with_secrets(props, secrets)))
    return struct


def _sendable(value: Any) -> Any:
    if is_unknown(value):
        return rpc.UNKNOWN
    if isinstance(value, Mapping):
        return {key: _sendable(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_sendable(item) for item in value]
    return value


def differing(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the path of each value that differs below a path, with both values; None is no value."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from differing(old.get(key), new.get(key), f"{path}.{key}")
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before, after = (side[index] if index < len(side) else None for side in (old, new))
            yield from differing(before, after, f"{path}[{index}]")
    elif old != new or is_unknown(new):
        yield path, old, new
