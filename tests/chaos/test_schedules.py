"""The bounded campaign: 800 random schedules, half through each front end. `make chaos` runs as many as one likes."""

from __future__ import annotations

import pytest

from tests.chaos.plan import MOMENTS, draw
from tests.chaos.schedules import Broken, Machine
from tests.e2e.stack import FRONT_END
from tests.unit.life_cycle_world import FRONT_ENDS

CHUNKS = 16
CHUNK = 50


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_schedules_break_no_promise(
    machine: Machine, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No duplicate, no orphan, no unwanted import, no one else's task touched, no leak, for every failure."""
    monkeypatch.setenv(FRONT_END, FRONT_ENDS[chunk % 2])
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        schedule = draw(seed)
        try:
            machine.run(schedule)
        except Broken as error:
            pytest.fail(
                f"{error}\nthe shortest sequence that reproduces it:\n{machine.shrunk(schedule)}",
                pytrace=False,
            )


def test_a_seed_always_means_the_same_schedule() -> None:
    """What a seed showed once it shows again."""
    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


@pytest.mark.long
def test_the_campaign_reaches_what_it_is_about(machine: Machine) -> None:
    """Adoptions, kills of every kind and every kind of fault are met within a few hundred schedules."""
    figures = machine.figures
    for seed in range(100_000, 100_250):
        machine.run_seed(seed)
    assert figures.counts["adoptions"]
    for who in ("all", "plugin", "orphan", "overtaken"):
        assert figures.counts[f"killed: {who}"]
    for moment in MOMENTS:
        assert figures.counts[f"killed at: {moment}"]
    assert figures.counts["delayed POST carried out for nobody else"]
    assert set(figures.faults) >= {
        "error",
        "drop_before",
        "drop_after",
        "garbage",
        "truncate",
        "refused",
        "late",
        "crossing",
    }
