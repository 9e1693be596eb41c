"""The format of requests, as tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dcs_emulator.errors import ApiError, api_error, invalid
from dcs_emulator.task import BACKUP_IMPORT, FULL, INCREMENTAL_METHOD, ONLINE

OBS = "self_build_obs"
BACKUP_RECORD = "backup_record"
MAX_BATCH = 50
MAX_PAGE = 1000
DEFAULT_PAGE = 10
LOG_LEVELS = ("INFO", "ERROR", "WARN", "DEBUG")

_PROJECT_ID = re.compile(r"[0-9a-zA-Z_-]{1,64}")
_TASK_ID = re.compile(r"[0-9a-fA-F-]{32,36}")
_INSTANCE_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
INSTANCE_NAME = re.compile(r"[0-9A-Za-z_-]{4,64}")
_ADDRESS = r"(\[[^\s,\]]+\]|[^\s,:]+):[0-9]{1,5}"
_ADDRS = re.compile(rf"{_ADDRESS}(,{_ADDRESS})*")
_NUMBER = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True)
class String:
    """A string that isn't empty."""

    required: bool = False
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    refusal: Callable[[str], ApiError] = invalid


@dataclass(frozen=True)
class Boolean:
    """A boolean."""

    required: bool = False


@dataclass(frozen=True)
class Integer:
    """A whole number within bounds; it can be a string."""

    least: int
    most: int
    required: bool = False


@dataclass(frozen=True)
class Object:
    """An object with only these fields; those that aren't required are optional."""

    fields: Mapping[str, Rule]
    required: bool = False


@dataclass(frozen=True)
class Array:
    """A list of values of one type, with a maximum length."""

    item: Rule
    required: bool = False
    min_items: int = 1
    max_items: int | None = None


Rule = String | Boolean | Integer | Object | Array


def _invalid_instance_id(path: str) -> ApiError:
    return api_error("DCS.4061")


# Fields other than addrs, id, name and password belong to answers, but requests can contain them.
_INSTANCE: dict[str, Rule] = {
    "name": String(),
    "password": String(),
    "task_status": String(),
    "ip": String(),
    "port": String(),
    "db": String(),
    "proxy_multi_db": Boolean(),
}

CREATE = Object(
    {
        "task_name": String(required=True, max_length=255),
        "description": String(max_length=1024),
        "migration_type": String(required=True, choices=(BACKUP_IMPORT, ONLINE)),
        "migration_method": String(required=True, choices=(FULL, INCREMENTAL_METHOD)),
        "network_type": String(choices=("vpc", "vpn")),
        "backup_files": Object(
            {
                "file_source": String(choices=(OBS, BACKUP_RECORD)),
                "bucket_name": String(),
                "files": Array(
                    Object({"file_name": String(required=True), "size": String(), "update_at": String()})
                ),
                "backup_id": String(),
            }
        ),
        "source_instance": Object(
            {**_INSTANCE, "addrs": String(required=True, pattern=_ADDRS), "id": String(pattern=_INSTANCE_ID)}
        ),
        "target_instance": Object(
            {
                **_INSTANCE,
                "id": String(required=True, pattern=_INSTANCE_ID, refusal=_invalid_instance_id),
                "addrs": String(pattern=_ADDRS),
            },
            required=True,
        ),
    }
)
CREATE_ONLINE = Object(
    {
        "name": String(required=True, max_length=255),
        "description": String(max_length=1024),
        **dict.fromkeys(
            ("vpc_id", "subnet_id", "security_group_id"), String(required=True, pattern=_INSTANCE_ID)
        ),
    }
)
_SIDE = Object(
    {
        **_INSTANCE,
        "id": String(pattern=_INSTANCE_ID, refusal=_invalid_instance_id),
        "addrs": String(pattern=_ADDRS),
    },
    required=True,
)
SET_ONLINE = Object(
    {
        "migration_method": String(required=True, choices=(FULL, INCREMENTAL_METHOD)),
        "resume_mode": String(required=True, choices=("auto", "manual")),
        "bandwidth_limit_mb": Integer(1, 10_240),
        "source_instance": _SIDE,
        "target_instance": _SIDE,
    }
)
EXCHANGE = Object({"exchanged_ip": Array(String(), min_items=0), "is_exchange_domain": Boolean()})
BATCH = Object({"migration_tasks": Array(String(), required=True, max_items=MAX_BATCH)})
UPDATE = Object({"resume_mode": String(required=True, choices=("auto", "manual"))})
DELETE = Object({"task_id_list": Array(String(), required=True)})

# migration type -> required and forbidden fields
_BY_TYPE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    BACKUP_IMPORT: (("backup_files",), ("source_instance", "network_type")),
    ONLINE: (("source_instance",), ("backup_files",)),
}
_BY_FILE_SOURCE: dict[str, tuple[str, ...]] = {
    OBS: ("bucket_name", "files"),
    BACKUP_RECORD: ("backup_id",),
}


def check_body(rule: Object, body: object) -> dict[str, Any]:
    """Return the body, or raise the `ApiError` of its first problem."""
    if not isinstance(body, dict):
        raise api_error("DCS.4005", "not an object")
    _check(rule, body, "")
    return body


def check_create(body: object) -> dict[str, Any]:
    """Return a creation request, or raise the `ApiError` of its first problem."""
    request = check_body(CREATE, body)
    needed, refused = _BY_TYPE[request["migration_type"]]
    _need(request, needed, "")
    for name in refused:
        if name in request:
            raise invalid(name)
    if "backup_files" in request:
        files = request["backup_files"]
        _need(files, _BY_FILE_SOURCE[files.get("file_source", OBS)], "backup_files.")
    return request


def check_set_online(body: object) -> dict[str, Any]:
    """Return a request to configure a task, or raise the `ApiError` of its first problem."""
    if isinstance(body, dict):  # the unused side can be null
        body = {
            key: {name: item for name, item in value.items() if item is not None}
            if isinstance(value, dict)
            else value
            for key, value in body.items()
            if value is not None
        }
    request = check_body(SET_ONLINE, body)
    for side in ("source_instance", "target_instance"):
        if "id" not in request[side] and "addrs" not in request[side]:
            raise invalid(side)
        if "id" in request[side]:  # the addrs can be those of an earlier instance
            request[side].pop("addrs", None)
    if "bandwidth_limit_mb" in request and request["migration_method"] == FULL:
        raise invalid("bandwidth_limit_mb")
    return request


def _need(record: Mapping[str, Any], names: tuple[str, ...], prefix: str) -> None:
    for name in names:
        if name not in record:
            raise invalid(prefix + name)


def _check(rule: Rule, value: object, path: str) -> None:
    if isinstance(rule, String):
        _check_string(rule, value, path)
    elif isinstance(rule, Boolean):
        if not isinstance(value, bool):
            raise invalid(path)
    elif isinstance(rule, Integer):
        _check_integer(rule, value, path)
    elif isinstance(rule, Object):
        _check_object(rule, value, path)
    else:
        _check_array(rule, value, path)


def _check_string(rule: String, value: object, path: str) -> None:
    if not isinstance(value, str) or not value:
        raise invalid(path)
    if rule.max_length is not None and len(value) > rule.max_length:
        raise invalid(path)
    if rule.choices and value not in rule.choices:
        raise invalid(path)
    if rule.pattern is not None and not rule.pattern.fullmatch(value):
        raise rule.refusal(path)


def _check_integer(rule: Integer, value: object, path: str) -> None:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not rule.least <= value <= rule.most:
        raise invalid(path)


def _check_object(rule: Object, value: object, path: str) -> None:
    if not isinstance(value, dict):
        raise invalid(path)
    prefix = f"{path}." if path else ""
    for name in value:
        if name not in rule.fields:
            raise invalid(prefix + name)
    for name, inner in rule.fields.items():
        if name in value:
            _check(inner, value[name], prefix + name)
        elif inner.required:
            raise invalid(prefix + name)


def _check_array(rule: Array, value: object, path: str) -> None:
    if not isinstance(value, list) or len(value) < rule.min_items:
        raise invalid(path)
    if rule.max_items is not None and len(value) > rule.max_items:
        raise invalid(path)
    for index, item in enumerate(value):
        _check(rule.item, item, f"{path}[{index}]")


def check_project_id(project_id: str) -> None:
    """Raise unless this is a valid project id."""
    if not _PROJECT_ID.fullmatch(project_id):
        raise api_error("DCS.4002")


def check_task_id(task_id: str) -> None:
    """Raise unless this is a valid task id."""
    if not _TASK_ID.fullmatch(task_id):
        raise api_error("DCS.4070")


def check_page(query: Mapping[str, str]) -> tuple[int, int]:
    """Return the offset and the limit of a listing request."""
    offset = _number(query, "offset", 0)
    limit = _number(query, "limit", DEFAULT_PAGE)
    if offset < 0:
        raise invalid("offset")
    if not 1 <= limit <= MAX_PAGE:
        raise invalid("limit")
    return offset, limit


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text):
        raise invalid(name)
    return int(text)


def check_log_level(query: Mapping[str, str]) -> str | None:
    """Return the requested log level, or None for all levels."""
    level = query.get("log_level")
    if level is not None and level not in LOG_LEVELS:
        raise invalid("log_level")
    return level
