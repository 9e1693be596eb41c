"""The times that ``opts.custom_timeouts`` allow, which the engine does not hand to a dynamic provider."""

from __future__ import annotations

from collections.abc import Iterator

from dcs_migration import durations
from dcs_migration.plugin.tasks.props import CREATE_TIMEOUT, DELETE_TIMEOUT, UPDATE_TIMEOUT, Props

DEFAULT_TIMEOUT = 600.0  # seconds

_SHOWN = {CREATE_TIMEOUT: "create", UPDATE_TIMEOUT: "update", DELETE_TIMEOUT: "delete"}


def timeout_problems(news: Props) -> Iterator[str]:
    """Yield one line for each timeout that is not a duration."""
    for key, operation in _SHOWN.items():
        text = news.get(key)
        if isinstance(text, str):
            try:
                durations.seconds(text)
            except ValueError as error:
                yield f"opts.custom_timeouts.{operation}: {error}"


def timeout_of(props: Props, key: str) -> float:
    """Return how many seconds an operation may take."""
    text = props.get(key)
    return durations.seconds(text) if text else DEFAULT_TIMEOUT
