"""The real CLI and the real plugin are struck at random moments, and a user recovers with the usual commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.blows import BLOWS
from tests.chaos.kills import RECOVERIES, TARGETS, draw, strike
from tests.chaos.neighbour import Neighbour
from tests.e2e.stack import FRONT_END

Neighbours = Callable[[str, str], Neighbour]


# `make chaos` strikes every command with every blow.
@pytest.mark.parametrize(
    ("seed", "front_end"),
    [
        (1, "dynamic"),
        pytest.param(4, "dynamic", marks=pytest.mark.long),
        pytest.param(3, "native", marks=pytest.mark.long),
        pytest.param(8, "native", marks=pytest.mark.long),
    ],
)
def test_one_task_per_resource_after_a_kill(
    seed: int, front_end: str, tmp_path: Path, neighbour: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any kill: each resource has one task, nothing ran unwanted, the preview is empty."""
    monkeypatch.setenv(FRONT_END, front_end)
    strike(draw(seed), tmp_path, neighbour("tasks", front_end))


# 15 is of the kind that has found a refresh that failed.
@pytest.mark.parametrize(
    ("seed", "front_end"),
    [
        pytest.param(3, "dynamic", marks=pytest.mark.long),
        pytest.param(15, "dynamic", marks=pytest.mark.long),
        (0, "native"),
        pytest.param(10, "native", marks=pytest.mark.long),
    ],
)
def test_one_migration_per_resource_after_a_kill(
    seed: int, front_end: str, tmp_path: Path, neighbour: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One instance, one run, one exchange for each switch, after any kill."""
    monkeypatch.setenv(FRONT_END, front_end)
    strike(draw(seed, "online"), tmp_path, neighbour("online", front_end))


@pytest.mark.parametrize(("of", "kills"), [("tasks", 126), ("online", 154)])
@pytest.mark.parametrize("first", [0, 1000])
def test_neighbouring_seeds_reach_everything(of: str, kills: int, first: int) -> None:
    """Every command with every blow and both recoveries, once each."""
    met = {(each.command, each.blow, each.recovery) for each in (draw(first + n, of) for n in range(kills))}
    assert len(met) == kills == len(TARGETS[of].scenarios) * len(BLOWS) * len(RECOVERIES)
