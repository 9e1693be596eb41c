"""How errors and warnings leave the plugin: as one line without secrets, tracebacks or file paths."""

from __future__ import annotations

import os
import re
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dcs_migration.dcs.errors import DcsMigrationError
from dcs_migration.dcs.texts import MAX_SERVER_TEXT, worded
from dcs_migration.life_cycles.engine import Engine
from dcs_migration.life_cycles.secrets import scrub


class ProviderError(Exception):
    """What Pulumi shows of a failed operation: its text is the whole message."""


@contextmanager
def guard(engine: Engine, urn: str | None = None) -> Iterator[None]:
    """Turn every exception into a :class:`ProviderError`, and show library warnings on the row of ``urn``.

    A ``BaseException`` (``SystemExit``, ``KeyboardInterrupt``) from a provider method would leave Pulumi's call
    without an answer, and the CLI would wait forever.
    """
    collected: list[str] = []
    _thread.collected = collected
    try:
        yield
    except BaseException as error:
        raise ProviderError(_message(error)) from None
    finally:
        _thread.collected = None
        for line in collected:
            if line not in _shown:
                _shown.add(line)
                engine.log("WARNING", line, urn)


def _message(error: BaseException) -> str:
    if isinstance(error, DcsMigrationError):
        text = str(error)
    elif isinstance(error, Exception):
        kind, said = type(error).__name__, worded(str(error), MAX_SERVER_TEXT, scrub)
        if isinstance(error, Warning):
            text = f"PYTHONWARNINGS turns a library's warning into an error ({kind}: {said}); unset it"
        else:
            text = f"internal error: {kind}: {said}; DCS_MIGRATION_DEBUG=1 shows where; please report it"
    else:
        text = f"interrupted ({type(error).__name__}); run `pulumi up` again"
    text = scrub(text)
    if os.environ.get("DCS_MIGRATION_DEBUG") == "1":
        text += "\n" + scrub("".join(traceback.format_exception(error)))
    # An error text that can't be sent would leave the call without an answer.
    return text.encode("utf-8", "backslashreplace").decode()


_thread = threading.local()  # `collected`: library warnings during a thread's current call, or None
_shown: set[str] = set()

# Python shows none of these by default: they are for developers.
_FOR_DEVELOPERS = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


def _unwanted(kind: type[Warning], text: str) -> bool:
    """Whether a library (or the user) has a filter for this kind of warning; a filter for all comes from
    PYTHONWARNINGS."""
    return any(
        action == "ignore"
        and category is not Warning
        and issubclass(kind, category)
        and (pattern is None or re.match(pattern, text) is not None)
        for action, pattern, category, _, _ in warnings.filters
    )


def collecting(warn: Callable[..., None]) -> Callable[..., None]:
    """Return a replacement for ``warnings.warn``: it keeps warnings in our calls and passes all others to `warn`.

    Filters apply to the whole process: PYTHONWARNINGS could turn a warning of `requests` into an error, and
    `catch_warnings` would affect the other threads.
    """

    def stand_in(
        message: Any, category: Any = None, stacklevel: int = 1, source: Any = None, **more: Any
    ) -> None:
        collected: list[str] | None = getattr(_thread, "collected", None)
        if collected is None:
            warn(message, category, stacklevel + 1, source, **more)
            return
        kind = type(message) if isinstance(message, Warning) else category or UserWarning
        if not issubclass(kind, _FOR_DEVELOPERS) and not _unwanted(kind, str(message)):
            collected.append(f"{message} ({kind.__name__})")

    return stand_in


def collect_warnings() -> None:
    """Start to collect library warnings in this process."""
    warnings.warn = collecting(warnings.warn)
