"""How errors leave the plugin: one line, no secret, no traceback."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from dcs_migration.dcs.errors import DcsMigrationError
from dcs_migration.plugin.engine import in_plugin_process
from dcs_migration.plugin.secrets import scrub


class ProviderError(Exception):
    """What Pulumi shows of a failed operation: its text is the whole message."""


@contextmanager
def guard() -> Iterator[None]:
    """Let nothing but :class:`ProviderError` out.

    A ``BaseException`` (``SystemExit``, ``KeyboardInterrupt``) that left a provider method would never
    answer the engine's call, and the CLI would wait for ever.
    """
    try:
        yield
    except BaseException as error:
        raise ProviderError(_message(error)) from None


def _message(error: BaseException) -> str:
    if isinstance(error, DcsMigrationError):
        text = str(error)
    elif isinstance(error, Exception):
        said = " ".join(str(error).split())
        text = f"internal error: {type(error).__name__}: {said}; DCS_MIGRATION_DEBUG=1 shows where; please report it"
    else:
        text = f"interrupted ({type(error).__name__}); run `pulumi up` again"
    text = scrub(text)
    if os.environ.get("DCS_MIGRATION_DEBUG") == "1":
        text += "\n" + scrub("".join(traceback.format_exception(error)))
    return text


def install() -> None:
    """Have the dynamic host show a :class:`ProviderError` as its text alone.

    The host answers every exception with ``traceback.format_exc()``. Its result is replaced for our own
    error only: other providers in this process keep their tracebacks, as ``sys.tracebacklimit`` would not
    let them.
    """
    if not in_plugin_process():
        return
    original = traceback.format_exc

    def format_exc(limit: int | None = None, chain: bool = True) -> str:
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, ProviderError) else original(limit, chain)

    traceback.format_exc = format_exc


install()
