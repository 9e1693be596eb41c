"""Every secret value this process has seen, and their removal from any text that leaves it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dcs_migration.dcs.texts import one_line
from dcs_migration.life_cycles.readings import Span, readings
from dcs_migration.names import PASSWORD, PASSWORDS

MASK = "***"

# Shorter values are removed only as whole words; otherwise they would mask parts of every message.
_SHORT = 4

# The part between `://` and `@`. A password can contain an unencoded slash or `@`, so it ends at the last `@`.
# But digits and a slash after the colon are a port and a path.
_CREDENTIALS = r"(?<=://)(?::\S{0,4096}@|[^\s/@:]+:(?!\d{1,5}\b)\S{0,4096}@|[^\s/]{0,4096}@)"
_URL_CREDENTIALS = re.compile(_CREDENTIALS)
_ENCODED_CREDENTIALS = re.compile(_CREDENTIALS.encode())

_NONE: tuple[tuple[int, ...], frozenset[bytes]] = ((), frozenset())
_NOWHERE = re.compile(rb"(?!)")


class Scrubber:
    """Collects secret values and replaces them by ``***``, even if they are encoded several times.

    A text is compared in each of its :func:`~dcs_migration.life_cycles.readings.readings`, and the parts that
    read as a secret are masked. Most texts have two readings. Secrets are found by their first bytes, so the time
    depends on the text's length and not on the number of secrets. Adding a secret always costs the same.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._long: dict[bytes, tuple[tuple[int, ...], set[bytes]]] = {}  # first bytes: lengths, forms
        self._begins = _NOWHERE  # finds the first byte of any of them
        self._firsts: set[int] = set()
        self._short: set[bytes] = set()
        self._alone: re.Pattern[bytes] | None = None

    def add(self, *values: Any) -> None:
        """Remember secret values; anything but a non-empty string is ignored."""
        with self._lock:
            for value in values:
                if isinstance(value, str) and value and value not in self._values:
                    self._values.add(value)
                    self._learn(value)

    def _learn(self, value: str) -> None:
        for form in _forms(value):
            if len(form) < _SHORT:
                self._short.add(form)
                self._alone = _standing_alone(self._short)
                continue
            lengths, forms = self._long.get(form[:_SHORT], ((), set()))
            forms.add(form)
            if len(form) not in lengths:
                lengths = tuple(sorted((*lengths, len(form)), reverse=True))
            # Readers take no lock: they see the old lengths or the new ones.
            self._long[form[:_SHORT]] = lengths, forms
            if form[0] not in self._firsts:
                self._firsts.add(form[0])
                self._begins = re.compile(b"[" + b"".join(b"\\x%02x" % byte for byte in self._firsts) + b"]")

    def add_passwords(self, props: Mapping[str, Any]) -> None:
        """Remember every ``password`` in a property bag, at any depth."""
        self.add(*_passwords(props))

    def __call__(self, text: str) -> str:
        """Return the text without any secret, and without credentials in URLs."""
        return _URL_CREDENTIALS.sub(MASK + "@", _masked(text, sorted(self._spans(text))))

    def _spans(self, text: str) -> Iterator[Span]:
        if not self._values and "%" not in text and "\\" not in text and "&" not in text:
            return
        for number, reading in enumerate(readings(text)):
            for start, end in self._found(reading.data, binary=reading.binary):
                yield reading.origin(start, end)
            if number and not reading.binary:
                for found in _ENCODED_CREDENTIALS.finditer(reading.data):
                    if found.end() - found.start() > 1:
                        yield reading.origin(found.start(), found.end() - 1)

    def _found(self, data: bytes, *, binary: bool) -> Iterator[Span]:
        for begin in self._begins.finditer(data):
            start = begin.start()
            lengths, forms = self._long.get(data[start : start + _SHORT], _NONE)
            for length in lengths:
                if data[start : start + length] in forms:
                    yield start, start + length
                    break  # the longest match covers the others
        if self._alone is not None and not binary:
            for alone in self._alone.finditer(data):
                yield alone.span()


def _masked(text: str, spans: Iterable[Span]) -> str:
    """Replace spans in order; overlapping spans are merged, so that no part of a secret remains."""
    parts: list[str] = []
    done = 0
    for start, end in spans:
        if start >= done:
            parts += [text[done:start], MASK]
        done = max(done, end)
    return "".join([*parts, text[done:]])


def _passwords(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in (PASSWORD, PASSWORDS):
                yield from _texts(item)
            else:
                yield from _passwords(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _passwords(item)


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in a password's value: a value with the wrong structure is also a password."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        yield from _texts(list(value.values()))


def _standing_alone(forms: Iterable[bytes]) -> re.Pattern[bytes]:
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile(b"|".join(rb"(?<!\w)" + re.escape(form) + rb"(?!\w)" for form in longest_first))


def _forms(value: str) -> set[bytes]:
    """The value's forms in a reading: unchanged, on one line, form-encoded, in Latin-1."""
    texts = {value, one_line(value)}
    texts |= {text.replace(" ", "+") for text in texts}
    forms = {text.encode("utf-8", "surrogatepass") for text in texts}
    forms |= {text.encode("latin-1", "ignore") for text in texts if max(text, default="") < "\u0100"}
    return {form for form in forms if len(form) >= _SHORT or form.strip()}


scrub = Scrubber()
"""The process's scrubber."""
