"""Durations as Pulumi's users write them, which is Go's form: "90s", "10m", "1h30m"."""

from __future__ import annotations

import math
import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def of(value: str | float) -> float:
    """Return the seconds of a number of seconds, or of a duration.

    Raises:
        ValueError: as for :func:`seconds`.
    """
    if isinstance(value, str) and not re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
        return seconds(value)
    return seconds(f"{float(value):f}s")


def seconds(text: str) -> float:
    """Return the seconds of a duration.

    Raises:
        ValueError: it isn't one, not positive, or beyond all numbers.
    """
    text = text.strip()
    if not _WHOLE.fullmatch(text):
        raise ValueError('isn\'t a duration; use a value such as "90s", "10m" or "1h30m"')
    total = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if total <= 0:
        raise ValueError('must be greater than zero; use a value such as "10m"')
    if math.isinf(total):
        raise ValueError('is too long; use a value such as "10m"')
    return total


def elapsed(seconds: float) -> str:
    """Word a span of time: ``45s``, ``4m10s``, ``2h05m``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02}m"
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
