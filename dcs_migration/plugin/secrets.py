"""Every secret value this process has seen, and their removal from any text that leaves it."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"

# Shorter values are removed only where they stand alone: they would otherwise eat every message.
_SHORT = 4

# What stands between `://` and `@`. A password may hold a slash or an `@` that nobody encoded, so it ends at
# the last `@`; but digits and a slash after the colon are a port and a path.
_URL_CREDENTIALS = re.compile(r"(?<=://)(?::\S{0,4096}@|[^\s/@:]+:(?!\d{1,5}\b)\S{0,4096}@|[^\s/]{0,4096}@)")

# Encoders for JSON differ in what they escape: Go's and Java's also escape these.
_ALSO_ESCAPED = re.compile("[<>&]"), re.compile("[<>&='\u2028\u2029]")

Span = tuple[int, int]
_NONE: tuple[tuple[int, ...], frozenset[str]] = ((), frozenset())


class Scrubber:
    """Collects secret values and replaces them, also URL-, JSON-, HTML- and base64-encoded, by ``***``.

    Forms are found by their first characters: the time that a text takes depends on its length and not on
    how many secrets are known, and adding one costs the same for the thousandth as for the first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._long: dict[str, tuple[tuple[int, ...], set[str]]] = {}  # first characters: lengths, forms
        self._short: set[str] = set()
        self._alone: re.Pattern[str] | None = None

    def add(self, *values: Any) -> None:
        """Remember secret values; anything but a non-empty string is ignored."""
        with self._lock:
            for value in values:
                if isinstance(value, str) and value and value not in self._values:
                    self._values.add(value)
                    self._learn(value)

    def _learn(self, value: str) -> None:
        if len(value) < _SHORT:
            self._short |= _forms(value)
            self._alone = _standing_alone(self._short)
            return
        for form in _forms(value):
            lengths, forms = self._long.get(form[:_SHORT], ((), set()))
            forms.add(form)
            if len(form) not in lengths:
                lengths = tuple(sorted((*lengths, len(form)), reverse=True))
            # Readers take no lock: they see the old lengths or the new ones.
            self._long[form[:_SHORT]] = lengths, forms

    def add_passwords(self, props: Mapping[str, Any]) -> None:
        """Remember every ``password`` in a property bag, at any depth."""
        self.add(*_passwords(props))

    def __call__(self, text: str) -> str:
        """Return the text without any secret, and without credentials in URLs."""
        return _URL_CREDENTIALS.sub(MASK + "@", _masked(text, self._spans(text)))

    def _spans(self, text: str) -> list[Span]:
        spans: list[Span] = []
        if self._long:
            for start in range(len(text) - _SHORT + 1):
                lengths, forms = self._long.get(text[start : start + _SHORT], _NONE)
                for length in lengths:
                    if text[start : start + length] in forms:
                        spans.append((start, start + length))
                        break  # the longest one covers the others
        if self._alone is not None:
            spans += [found.span() for found in self._alone.finditer(text)]
        return sorted(spans)


def _masked(text: str, spans: Iterable[Span]) -> str:
    """Replace spans, in their order; those that overlap become one, so that no part of a secret stays."""
    parts: list[str] = []
    done = 0
    for start, end in spans:
        if start >= done:
            parts += [text[done:start], MASK]
        done = max(done, end)
    return "".join([*parts, text[done:]])


def _passwords(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "password":
                yield item
            else:
                yield from _passwords(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _passwords(item)


def _standing_alone(forms: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(rf"(?<!\w){re.escape(form)}(?!\w)" for form in longest_first))


def _forms(value: str) -> set[str]:
    """The value as it stands, and as the usual encodings would show it; none is shorter than the value."""
    raw = value.encode("utf-8", "surrogatepass")
    forms = {value, repr(value)[1:-1], *_json_forms(value)}
    forms |= {
        html.escape(value),
        html.escape(value, quote=False),
        html.escape(value).replace("&#x27;", "&#39;"),
    }
    for escaped in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        forms |= {escaped, re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), escaped)}
    if len(value) >= _SHORT:
        # Messages are put on one line, which collapses white space.
        forms |= {" ".join(value.split()), *_base64_forms(raw)}
        return {form for form in forms if len(form) >= _SHORT}
    return forms


def _json_forms(value: str) -> Iterator[str]:
    """As JSON shows it, and as JSON does whose text is JSON: an error may quote a whole request."""
    for once in _escaped(value):
        yield once
        yield from _escaped(once)


def _escaped(value: str) -> Iterator[str]:
    for ascii_only in (True, False):
        plain = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield plain
        yield plain.replace("/", "\\/")
        for also in _ALSO_ESCAPED:
            yield also.sub(lambda found: f"\\u{ord(found[0]):04x}", plain)


def _base64_forms(raw: bytes) -> Iterator[str]:
    """What stays the same of its base64 form wherever the value stands in an encoded text."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode()
        # The first and the last character also carry bits of the neighbouring bytes.
        start = (0, 2, 3)[before]
        end = len(encoded) - (0, 3, 2)[(before + len(raw)) % 3]
        core = encoded[start:end]
        yield core
        yield core.replace("+", "-").replace("/", "_")
    whole = base64.b64encode(raw).decode()
    yield whole
    yield whole.rstrip("=")
    yield whole.replace("+", "-").replace("/", "_")
    yield whole.replace("+", "-").replace("/", "_").rstrip("=")


scrub = Scrubber()
"""The process's one scrubber."""
