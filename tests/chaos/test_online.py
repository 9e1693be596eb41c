"""Random courses of an online migration. `make chaos` runs as many as one likes."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.chaos.online import run

BLOCKS, COURSES = 8, 40


@pytest.mark.parametrize("block", range(BLOCKS))
def test_random_courses_break_no_promise(block: int) -> None:
    """Whatever happens: one instance, nothing unasked, no secret told, and in the end what is wanted."""
    met: Counter[str] = Counter()
    for seed in range(block * COURSES, (block + 1) * COURSES):
        try:
            met += run(seed)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    # What the courses are about has happened in them, again and again.
    for what in ("runs", "exchanges", "rollbacks", "faults met", "deaths of the engine"):
        assert met[what] >= 10, met
