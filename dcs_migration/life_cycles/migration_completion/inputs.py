"""The inputs of a wait, beyond the schema. No calls are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dcs_migration import durations
from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.life_cycles.config import NO_REGION, Settings
from dcs_migration.life_cycles.inputs import name_problems, problems
from dcs_migration.life_cycles.settings_check import problems as problems_of_settings
from dcs_migration.names import TASKS, TIMEOUTS, URN

SCHEMA = "migration_completion"
INPUTS = ("task_ids", "region", "project_id", "timeout", "interval", "fail_fast", "until", "max_lag_bytes")
IN_SYNC = "in_sync"

CUSTOM_TIMEOUTS = {name: TIMEOUTS[name] for name in ("create", "update")}

# The passwords of the tasks (`__passwords`) are the only hidden input that `check` doesn't return: otherwise state
# and plans would have a second copy.

# All times in seconds.
DEFAULT_TIMEOUT = 3600.0
DEFAULT_INTERVAL = 10.0
LEAST_INTERVAL = 10.0  # the service limits calls per minute, and refused calls also count
LEAST_ON_LOOPBACK = 1.0  # an emulator has no such limits

Props = Mapping[str, Any]


def check(news: Props, settings: Settings) -> tuple[dict[str, Any], list[str]]:
    """Validate the inputs of a wait; return them with defaults, and one line for each problem."""
    written = {key: news[key] for key in news if not key.startswith("__") and news[key] is not None}
    found = [*name_problems(news.get(URN)), *problems(SCHEMA, written), *_ids(written)]
    found += [*_durations(news, settings), *_lag(written)]
    found += problems_of_settings(settings)
    inputs = dict(written)
    if _bare_ids(news) and "region" not in written:
        try:
            region = settings.region
            if region is None:
                raise ConfigurationError(NO_REGION)
            inputs["region"] = region
        except ConfigurationError as error:
            if str(error) not in found:
                found.append(f"region: {error}")
    hidden = {key: news[key] for key in (TASKS, URN, *CUSTOM_TIMEOUTS.values()) if news.get(key) is not None}
    return {**inputs, **hidden}, found


def _ids(written: Props) -> Iterator[str]:
    ids = written.get("task_ids")
    if not isinstance(ids, Sequence) or isinstance(ids, str):
        return
    first: dict[str, int] = {}
    for index, id_ in enumerate(ids):
        if isinstance(id_, str) and first.setdefault(id_, index) != index:
            yield f"task_ids[{index}]: is the same as task_ids[{first[id_]}]; list each task once"


def _lag(written: Props) -> Iterator[str]:
    until = written.get("until", "done")
    if "max_lag_bytes" in written and isinstance(until, str) and until != IN_SYNC:
        yield f'max_lag_bytes: is only used with until="{IN_SYNC}"; leave it out'


def _bare_ids(news: Props) -> bool:
    ids = news.get("task_ids")
    known = news.get(TASKS) or ()
    if not isinstance(ids, Sequence) or not isinstance(known, Sequence):
        return False  # not known yet, or refused by the schema
    return len(ids) > len(known)


def _durations(news: Props, settings: Settings) -> Iterator[str]:
    for key, shown in (
        ("timeout", "timeout"),
        ("interval", "interval"),
        *((hidden, f"opts.custom_timeouts.{name}") for name, hidden in CUSTOM_TIMEOUTS.items()),
    ):
        value = news.get(key)
        if not isinstance(value, (str, int, float)) or isinstance(value, bool):
            continue  # not set, not known yet, or refused by the schema
        try:
            seconds = durations.of(value)
        except ValueError as error:
            yield f"{shown}: {error}"
            continue
        least = least_interval(settings, news.get("region"))
        if key == "interval" and seconds < least:
            yield (
                "interval: is too short for the service's limits on calls per minute; use "
                f'"{least:.0f}s" or more'
            )


def least_interval(settings: Settings, region: Any) -> float:
    """Return the minimum interval."""
    try:
        loopback = settings.on_loopback(region if isinstance(region, str) else settings.region or "any")
    except ConfigurationError:
        loopback = False
    return LEAST_ON_LOOPBACK if loopback else LEAST_INTERVAL


def timeout_of(props: Props, operation: str) -> float:
    """Return the limit of a wait: ``timeout`` or ``custom_timeouts``, the shorter of the two."""
    written = [
        durations.of(value)
        for value in (props.get("timeout"), props.get(CUSTOM_TIMEOUTS[operation]))
        if value is not None
    ]
    return min(written, default=DEFAULT_TIMEOUT)


def max_lag_of(props: Props) -> float | None:
    """Return how many bytes an incremental migration can be behind its source; None if it doesn't matter."""
    return float(props.get("max_lag_bytes") or 0) if props.get("until") == IN_SYNC else None


def interval_of(props: Props) -> float:
    """Return the time between two polls."""
    value = props.get("interval")
    return DEFAULT_INTERVAL if value is None else durations.of(value)
