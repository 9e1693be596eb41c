"""All ways to read a text: as it is, and with the usual encodings undone, also nested ones.

A secret can be quoted in JSON, the JSON in a URL, and the URL in a web page. So instead of listing encoded forms
of secrets, this module undoes the encodings. Every reading keeps the position in the text of each of its bytes.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from html.entities import html5
from itertools import accumulate

from dcs_migration.dcs.texts import is_blank

Span = tuple[int, int]
Edit = tuple[int, int, bytes]  # from start to end, read these bytes instead

# Limits for texts that are made to keep us busy: the number of readings, and their bytes as a multiple of the text's.
_MOST = 100
_MOST_BYTES = 64
_FEW_BYTES = 1 << 18


class Reading:
    """One way to read a text: its bytes, and their positions in the text. This is the text itself."""

    binary = False
    """Whether it was decoded from something that may not have been encoded, so that it may be noise."""

    def __init__(self, data: bytes, text: str = "") -> None:
        """Set up the first reading of a text."""
        self.data = data
        self._text = text
        self._ends: list[int] = []  # where each character of the text ends; computed on demand

    def origin(self, start: int, end: int) -> Span:
        """Return where in the text the bytes from `start` to `end` came from."""
        if len(self.data) == len(self._text):
            return start, end
        if not self._ends:
            self._ends = list(accumulate(len(char.encode("utf-8", "surrogatepass")) for char in self._text))
        return bisect_right(self._ends, start), bisect_right(self._ends, end - 1) + 1


class _Edited(Reading):
    """Another reading with some of its bytes replaced."""

    def __init__(self, parent: Reading, edits: list[Edit], *, binary: bool = False) -> None:
        parts: list[bytes] = []
        self._edits = edits
        self._at: list[int] = []  # where each edit starts in the new bytes
        self._after: list[int] = []  # and ends
        size = done = 0
        for start, end, new in edits:
            parts += (parent.data[done:start], new)
            size += start - done
            self._at.append(size)
            size += len(new)
            self._after.append(size)
            done = end
        super().__init__(b"".join([*parts, parent.data[done:]]))
        self._parent = parent
        self.binary = parent.binary or binary

    def origin(self, start: int, end: int) -> Span:
        return self._parent.origin(self._place(start)[0], self._place(end - 1)[1])

    def _place(self, position: int) -> Span:
        index = bisect_right(self._at, position) - 1
        if index < 0:
            return position, position + 1
        start, end, _ = self._edits[index]
        beyond = position - self._after[index]
        return (start, end) if beyond < 0 else (end + beyond, end + beyond + 1)


class _Decoded(Reading):
    """All possible base64 in another reading, decoded from each possible start."""

    binary = True

    def __init__(self, parent: Reading, runs: Iterable[re.Match[bytes]]) -> None:
        parts: list[bytes] = []
        self._at: list[int] = []  # where each part starts
        self._runs: list[Span] = []  # the encoded range, including padding
        size = 0
        for run in runs:
            chars = run[1].translate(_ONE_ALPHABET)
            for skipped in range(4):
                length = len(chars) - skipped
                usable = length - (length % 4 == 1)
                code = chars[skipped : skipped + usable]
                part = binascii.a2b_base64(code + b"=" * (-usable % 4)) + b"\n"
                start = run.start() + skipped
                self._runs.append((start, run.end() if usable == length else start + usable))
                self._at.append(size)
                parts.append(part)
                size += len(part)
        super().__init__(b"".join(parts))
        self._parent = parent

    def origin(self, start: int, end: int) -> Span:
        index = bisect_right(self._at, start) - 1
        at, (run, run_end) = self._at[index], self._runs[index]
        following = self._at[index + 1] if index + 1 < len(self._at) else len(self.data)
        first, last = start - at, end - 1 - at
        begin = run + first // 3 * 4 + first % 3
        whole = end >= following - 1  # up to the last byte, with its padding
        return self._parent.origin(begin, run_end if whole else run + last // 3 * 4 + last % 3 + 2)


def readings(text: str) -> Iterator[Reading]:
    """Yield the readings of a text, starting with the fewest encodings undone; their number is limited."""
    first = Reading(text.encode("utf-8", "surrogatepass"), text)
    left = _FEW_BYTES + _MOST_BYTES * len(first.data)
    seen: set[bytes] = set()
    waiting = deque([first])
    while waiting and len(seen) < _MOST and left >= 0:
        reading = waiting.popleft()
        if reading.data in seen:
            continue
        seen.add(reading.data)
        left -= len(reading.data)
        yield reading
        waiting.extend(_undone(reading))


def _undone(reading: Reading) -> Iterator[Reading]:
    """Yield the readings that result from undoing one kind of encoding everywhere."""
    data = reading.data
    for sign, pattern, decode in _ESCAPES:
        if sign in data:
            edits = [(found.start(), found.end(), decode(found)) for found in pattern.finditer(data)]
            if edits:
                yield _Edited(reading, edits)
    if not reading.binary:
        edits = list(_blanks(data))
        if edits:
            yield _Edited(reading, edits)
    runs = list(_BASE64.finditer(data))
    if runs:
        yield _Decoded(reading, runs)
    dumps = [(found.start(), found.end(), bytes.fromhex(found[0].decode())) for found in _HEX.finditer(data)]
    if dumps:
        yield _Edited(reading, dumps, binary=True)


_BASE64 = re.compile(rb"([A-Za-z0-9+/_-]{6,})={0,2}")  # at least four bytes
_ONE_ALPHABET = bytes.maketrans(b"-_", b"+/")

_PAIR = rb"[dD][89abAB][0-9A-Fa-f]{2}%s[dD][c-fC-F][0-9A-Fa-f]{2}"
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_PERCENT_U = re.compile(rb"%u(" + _PAIR % rb"%u" + rb"|[0-9A-Fa-f]{4})|%([0-9A-Fa-f]{2})")
# The semicolon is optional: a number also ends at the next character that isn't a digit.
_ENTITY = re.compile(rb"&(?:#([0-9]{1,7});?|#[xX]([0-9A-Fa-f]{1,6});?|([A-Za-z][A-Za-z0-9]{1,31});)")
_BACKSLASH = re.compile(
    rb"\\(?:u("
    + _PAIR % rb"\\u"
    + rb"|[0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|([^A-Za-z0-9]|[abfnrtv0]))"
)
_PRINTABLE = re.compile(rb"=([0-9A-F]{2})")
_DOUBLED = re.compile(rb"''|\"\"")
_SHELL_QUOTE = re.compile(rb"'\"'\"'|'\\''")
_HEX = re.compile(rb"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){4,}(?![0-9A-Fa-f])")  # at least four bytes
_RAW_BYTE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|([0-3][0-7]{2})|([^A-Za-z0-9]|[abfnrtv]))")
_CONTROLS = dict(zip(b"abfnrtv0", b"\a\b\f\n\r\t\v\0", strict=True))


def _utf8(code: int) -> bytes:
    return chr(code).encode("utf-8", "surrogatepass") if code < 0x110000 else b"?"


def _units(digits: bytes) -> bytes:
    """Return the character of one or two UTF-16 units in hexadecimal digits, two with `\\u` between them."""
    if len(digits) == 4:
        return _utf8(int(digits, 16))
    high, low = int(digits[:4], 16), int(digits[-4:], 16)
    return _utf8(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _char(char: bytes) -> bytes:
    return bytes([_CONTROLS.get(char[0], char[0])])


def _percent(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 16)])


def _percent_u(found: re.Match[bytes]) -> bytes:
    return _units(found[1]) if found[1] else _utf8(int(found[2], 16))


def _entity(found: re.Match[bytes]) -> bytes:
    decimal, hexadecimal, name = found.groups()
    if name:
        return html5.get(f"{name.decode()};", found[0].decode()).encode()
    return _utf8(int(decimal) if decimal else int(hexadecimal, 16))


def _backslash(found: re.Match[bytes]) -> bytes:
    units, braced, wide, byte, char = found.groups()
    if units:
        return _units(units)
    return _char(char) if char else _utf8(int(braced or wide or byte, 16))


def _half(found: re.Match[bytes]) -> bytes:
    return found[0][:1]


def _raw_byte(found: re.Match[bytes]) -> bytes:
    byte, octal, char = found.groups()
    return _char(char) if char else bytes([int(byte, 16) if byte else int(octal, 8)])


# Bytes that the text must contain, the escape's pattern, and what it means.
_ESCAPES: tuple[tuple[bytes, re.Pattern[bytes], Callable[[re.Match[bytes]], bytes]], ...] = (
    (b"%", _PERCENT, _percent),  # URLs and forms
    (b"%", _PERCENT_U, _percent_u),  # `escape()` of JavaScript, which has Latin-1 without an `u`
    (b"\\", _BACKSLASH, _backslash),  # JSON, JavaScript, `repr` of a text
    (b"&", _ENTITY, _entity),  # HTML and XML
    (b"\\", _RAW_BYTE, _raw_byte),  # `repr` of bytes, C
    (b"=", _PRINTABLE, _percent),  # e-mail
    (b"''", _DOUBLED, _half),  # SQL, YAML
    (b'""', _DOUBLED, _half),  # CSV
    (b"'", _SHELL_QUOTE, _half),
)


def _blanks(data: bytes) -> Iterator[Edit]:
    """Find spaces, line breaks and unprintable characters: `one_line` replaces each run of them by one space."""
    text = data.decode("utf-8", "surrogateescape")
    if text.isprintable() and "  " not in text:
        return
    position, begin, run = 0, 0, ""
    for char in text + "x":
        size = 1 if char < "\x80" else len(char.encode("utf-8", "surrogateescape"))
        if is_blank(char):
            begin, run = (begin, run + char) if run else (position, char)
        elif run:
            if run != " ":
                yield begin, position, b" "
            run = ""
        position += size
