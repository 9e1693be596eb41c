"""Definitions of migration tasks that are valid, for the tests of what happens to others."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:MigrationTask::orders"

BACKUP: dict[str, Any] = {
    "task_name": "orders-import",
    "description": "before the cut-over",
    "migration_type": "backupfile_import",
    "migration_method": "full_amount_migration",
    "backup_files": {
        "file_source": "self_build_obs",
        "bucket_name": "backups",
        "files": [{"file_name": "orders.rdb", "size": "7MB", "update_at": "yesterday"}],
    },
    "target_instance": {"id": "target-1", "name": "dcs-orders", "password": "T4rget!pass"},
    "region": "eu-west-101",
    "project_id": "p0",
    "triggers": ["monday"],
}

ONLINE: dict[str, Any] = {
    "task_name": "orders-sync",
    "migration_type": "online_migration",
    "migration_method": "incremental_migration",
    "network_type": "vpc",
    "source_instance": {"addrs": "10.0.0.1:6379,[::1]:6380", "password": "S0urce!pass"},
    "target_instance": {"id": "target-1", "password": "T4rget!pass"},
    "region": "eu-west-101",
    "project_id": "p0",
}

Path = tuple[str | int, ...]


def paths(value: Any, here: Path = ()) -> list[Path]:
    """Return the path of every value in a tree, branches before leaves, the root left out."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, Mapping):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    found: list[Path] = []
    for key, item in items:
        found += [(*here, key), *paths(item, (*here, key))]
    return found


def changed(definition: Mapping[str, Any], where: Path, value: Any) -> dict[str, Any]:
    """Return a copy with another value at a path; None takes the key away."""
    copied: dict[str, Any] = copy.deepcopy(dict(definition))
    inner: Any = copied
    for part in where[:-1]:
        inner = inner[part]
    if value is None:
        del inner[where[-1]]
    else:
        inner[where[-1]] = value
    return copied


def shown(where: Path) -> str:
    """Return a path as messages write it."""
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


_word = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
_BYTE_ORDER_MARK = "\ufeff"  # a text that starts with one is refused
_line = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters=_BYTE_ORDER_MARK),
    min_size=1,
    max_size=30,
)
_text = st.characters(codec="utf-8", exclude_characters=_BYTE_ORDER_MARK)
_port = st.integers(1, 65535).map(lambda port: f"10.0.0.1:{port}")

PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(_text, max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(_text, max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)

_COMMON = {
    "migration_method": st.sampled_from(["full_amount_migration", "incremental_migration"]),
    "target_instance": st.fixed_dictionaries({"id": _word}, optional={"name": _line, "password": _line}),
}
_OPTIONAL = {
    "task_name": _line,
    "description": _line,
    "region": st.sampled_from(["eu-west-101", "cn-north-4"]),
    "project_id": _word,
    "triggers": st.lists(PLAIN, max_size=3),
}
_FILE = st.fixed_dictionaries({"file_name": _line}, optional={"size": _line, "update_at": _line})
_FILES = st.one_of(
    st.fixed_dictionaries(
        {"bucket_name": _line, "files": st.lists(_FILE, min_size=1, max_size=3)},
        optional={"file_source": st.just("self_build_obs")},
    ),
    st.fixed_dictionaries({"backup_id": _word}, optional={"file_source": st.just("backup_record")}),
)

VALID: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries(
        {"migration_type": st.just("backupfile_import"), "backup_files": _FILES, **_COMMON},
        optional=_OPTIONAL,
    ),
    st.fixed_dictionaries(
        {
            "migration_type": st.just("online_migration"),
            "source_instance": st.fixed_dictionaries({"addrs": _port}, optional={"password": _word}),
            **_COMMON,
        },
        optional={**_OPTIONAL, "network_type": st.sampled_from(["vpc", "vpn"])},
    ),
)
