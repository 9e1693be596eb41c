"""Random courses of online migrations of several owners, half through each front end. `make chaos` runs as many
as one likes."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.chaos.online import run
from tests.e2e.stack import FRONT_END
from tests.unit.life_cycle_world import FRONT_ENDS

BLOCKS, COURSES = 4, 32


@pytest.mark.parametrize("block", range(BLOCKS))
def test_random_courses_break_no_promise(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Always: one instance for each, nothing of others, nothing unwanted, no leaked secret, the wanted end."""
    monkeypatch.setenv(FRONT_END, FRONT_ENDS[block % 2])
    met: Counter[str] = Counter()
    for seed in range(block * COURSES, (block + 1) * COURSES):
        try:
            met += run(seed)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    # What the courses are about has happened in them, again and again, and most of what was tried was not refused.
    for what in ("runs", "faults met", "deaths of the engine", "adoptions", "states lost"):
        assert met[what] >= 5, met
    for what in ("exchanges", "rollbacks", "renamed or moved", "targets changed"):
        assert met[what] >= 1, met
    for what in ("the target is occupied", "belongs to another owner", "is held by another resource"):
        assert met[f"refused: {what}"] >= 1, met
    assert met["`up` that succeeded"] >= met["`up`"] / 3, met
    assert met["`up` at the end that succeeded"] >= met["`up` at the end"] * 3 / 4, met
