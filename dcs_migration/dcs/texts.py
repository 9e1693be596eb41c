"""Makes texts from outside safe: one clean line each, without secrets.

The raw text is scrubbed first, because cutting, collapsing or removing parts of it could split a secret, which then
wouldn't be found. The text is scrubbed again after each change.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable
from typing import Any

Scrub = Callable[[str], str]

MAX_SERVER_TEXT = 500
"""Maximum characters of the service's messages."""
MAX_FIELD = 4096
"""Maximum characters of other texts: names, statuses and times are shorter."""
_MAX_ID = 256

# Only the start of a long text is read. The cut could split a secret, which would then remain, so the
# last part is also removed. In any encoding, secrets are shorter than that part.
_BEGINNING = 128 * 1024
_LONGEST_SECRET = 32 * 1024

# Values that sign requests are never shown, and must not be changed.
_OF_KEYS = {"secret", "secret_access_key", "securitytoken", "security_token"}

_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def is_blank(char: str) -> bool:
    """Whether a character is white space or invisible."""
    return char.isspace() or (not char.isprintable() and unicodedata.category(char) in _UNPRINTABLE)


def one_line(text: str, limit: int | None = None) -> str:
    """Return the text on one line, white space and control characters collapsed, cut at `limit`."""
    if limit is not None and len(text) > 8 * limit:
        text = text[: 8 * limit]
    if not text.isprintable():
        text = "".join(" " if is_blank(char) else char for char in text)
    plain = " ".join(text.split())
    if limit is not None and len(plain) > limit:
        plain = plain[: limit - 1].rstrip() + "…"
    return plain


def scrubbed(text: str, scrub: Scrub) -> str:
    """Return a raw text without secrets; only the start of a long one."""
    if len(text) <= _BEGINNING:
        return scrub(text)
    return scrub(text[:_BEGINNING])[:-_LONGEST_SECRET]


def worded(text: str, limit: int, scrub: Scrub) -> str:
    """Return a message as one clean line without secrets, cut at `limit`."""
    raw = scrubbed(text, scrub)
    line = one_line(raw)
    return one_line(line if line == raw else scrub(line), limit)


def clean(text: str, scrub: Scrub = str) -> str:
    """Return a name, status or time unchanged if it is printable; else as one line."""
    if len(text) > MAX_FIELD:
        return worded(text, MAX_FIELD, scrub)
    return text if text.isprintable() else one_line(text)


def clean_lines(text: str, scrub: Scrub = str) -> str:
    """Return a text of several lines, such as a description, with each line clean."""
    if len(text) > MAX_FIELD:
        return worded(text, MAX_FIELD, scrub)
    return "\n".join(clean(line) for line in text.split("\n"))


def decoded(body: bytes) -> str:
    """Return the text of a body, as Latin-1 if it isn't UTF-8, so that no part of a secret is lost."""
    return body.decode("utf-8", "latin-1 bytes").removeprefix("\ufeff")


def _latin1(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("latin-1 bytes", _latin1)

_WORDS = {"error", "error_msg", "error_message", "errorMsg", "message", "reason", "title"}


def harmless(answer: Any, scrub: Scrub) -> Any:
    """Return a decoded answer of the service with all its texts made safe."""
    return _harmless(answer, "", scrub)


def _harmless(value: Any, key: str, scrub: Scrub) -> Any:
    if isinstance(value, str):
        return _text(value, key, scrub)
    if isinstance(value, dict):
        return {name: _harmless(item, name, scrub) for name, item in value.items()}
    if isinstance(value, list):
        return [_harmless(item, key, scrub) for item in value]
    return value


def _text(value: str, key: str, scrub: Scrub) -> str:
    if key in _OF_KEYS:
        return value
    if key in _WORDS:
        return worded(value, MAX_FIELD, scrub)
    if key == "id" or key.endswith("_id"):
        # A malformed id must remain different from all others, and be valid in a URL and in the state.
        plain = value if value.isascii() and value.isprintable() else ascii(value[: _MAX_ID + 1])[1:-1]
        return plain if len(plain) <= _MAX_ID else worded(plain, _MAX_ID, scrub)
    return clean_lines(value, scrub) if key == "description" else clean(value, scrub)
