"""Durations as users write them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs_migration.durations import seconds


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("90s", 90),
        ("10m", 600),
        ("1h", 3600),
        ("1h30m", 5400),
        ("1h2m3s", 3723),
        ("1.5h", 5400),
        ("0.5s", 0.5),
        ("500ms", 0.5),
        ("1m500ms", 60.5),
        ("30m1h", 5400),
        ("0h5m", 300),
        (" 5m ", 300),
        ("007s", 7),
    ],
)
def test_a_duration_is_read(text: str, meant: float) -> None:
    """Hours, minutes, seconds and milliseconds add up, fractions included."""
    assert seconds(text) == pytest.approx(meant)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "10",
        "m",
        "10 m",
        "1h 30m",
        "-5m",
        "+5m",
        "5M",
        "1d",
        "5min",
        "1.m",
        ".5h",
        "1,5h",
        "1e3s",
        "5m!",
        "5m\n5m",
    ],
)
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    """A form that is not understood is never guessed at."""
    with pytest.raises(ValueError, match=r'^isn\'t a duration; use a value such as "90s", "10m" or "1h30m"$'):
        seconds(text)


@pytest.mark.parametrize("text", ["0s", "0h0m", "0.0ms"])
def test_no_time_at_all_is_refused(text: str) -> None:
    """A bound of nothing would stop everything at once."""
    with pytest.raises(ValueError, match=r"^must be greater than zero; use "):
        seconds(text)


def test_a_time_beyond_all_numbers_is_refused() -> None:
    """A bound that no clock ever reaches is a mistake."""
    with pytest.raises(ValueError, match=r"^is too long; use "):
        seconds("9" * 400 + "h")


def test_a_long_text_is_judged_at_once() -> None:
    """Nothing in the form makes reading slow."""
    started = time.process_time()
    for text in ("1" * 1_000_000, "1h" * 200_000 + "x", "1." * 200_000):
        with pytest.raises(ValueError, match="isn't a duration"):
            seconds(text)
    assert time.process_time() - started < 5


@settings(deadline=None)
@given(st.integers(0, 99), st.integers(0, 59), st.integers(1, 59))
def test_every_clock_time_is_read(hours: int, minutes: int, rest: int) -> None:
    """Any number of hours, minutes and seconds means their sum."""
    assert seconds(f"{hours}h{minutes}m{rest}s") == hours * 3600 + minutes * 60 + rest


@settings(deadline=None)
@given(st.text().filter(lambda text: not any(char.isdigit() for char in text)))
def test_any_other_text_is_refused(text: str) -> None:
    """A text without a number isn't a duration, and raises only a ValueError."""
    with pytest.raises(ValueError, match="isn't a duration"):
        seconds(text)
