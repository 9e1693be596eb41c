"""Requests and answers in the log, without secrets.

The logger is `dcs_migration`: one line per request and answer at INFO, their bodies at DEBUG. It is silent
until someone configures it.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any

from dcs_migration.dcs.texts import Scrub, scrubbed, worded

LOGGER = logging.getLogger("dcs_migration")
LOGGER.addHandler(logging.NullHandler())

MAX_BODY_TEXT = 4000
_SECRET_KEY = re.compile(r"passw|secret|token|credential|authoriz|access_?key|^addrs$", re.IGNORECASE)


def request_sent(operation: str, method: str, target: str, body: bytes | None, scrub: Scrub) -> None:
    """Log a request that is about to leave; `target` is its path and query."""
    if LOGGER.isEnabledFor(logging.INFO):
        LOGGER.info("%s: %s %s", operation, method, worded(target, MAX_BODY_TEXT, scrub))
    if body:
        _log_body(operation, "request", body, scrub)


def answer_received(
    operation: str, status: int, milliseconds: float, request_id: str | None, body: bytes, scrub: Scrub
) -> None:
    """Log an answer."""
    if LOGGER.isEnabledFor(logging.INFO):
        shown = worded(request_id, 128, scrub) if request_id else "-"
        LOGGER.info("%s: HTTP %d in %.0f ms, request id %s", operation, status, milliseconds, shown)
    if body:
        _log_body(operation, "answer", body, scrub)


def no_answer(operation: str, milliseconds: float, reason: str) -> None:
    """Log that there was no usable answer; `reason` no longer has secrets."""
    LOGGER.info("%s: no response after %.0f ms: %s", operation, milliseconds, reason)


def _log_body(operation: str, what: str, body: bytes, scrub: Scrub) -> None:
    if LOGGER.isEnabledFor(logging.DEBUG):
        LOGGER.debug("%s %s: %s", operation, what, worded(redact(body, scrub), MAX_BODY_TEXT, scrub))


def redact(body: bytes, scrub: Scrub = str) -> str:
    """Return a JSON body with *** instead of every password; for any other body, only the size."""
    try:
        value = json.loads(body)
        if isinstance(value, (dict, list)):  # anything else may be a token
            return json.dumps(_redacted(value, scrub), ensure_ascii=False)
    except (ValueError, RecursionError):
        pass
    return f"({len(body)} bytes, not JSON)"


def _redacted(value: Any, scrub: Scrub) -> Any:
    if isinstance(value, dict):
        return {
            key: "***" if _SECRET_KEY.search(key) and item is not None else _redacted(item, scrub)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_redacted(item, scrub) for item in value]
    return scrubbed(value, scrub) if isinstance(value, str) else value
