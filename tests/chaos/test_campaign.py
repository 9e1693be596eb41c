"""What `make chaos` prints: tables that count each failure once, and the command that shows it again."""

from __future__ import annotations

import shlex

import pytest

from tests.chaos.summary import PARTS, PROMISES, Campaign, Failure
from tools.chaos import arguments


@pytest.mark.parametrize("of", PARTS)
def test_a_failure_is_shown_again(of: str) -> None:
    """Its command runs its seed, and nothing else."""
    _, _, *words = shlex.split(Failure(of, 7, "").again)
    seeds, *_ = arguments(words)
    assert {part: list(those) for part, those in seeds.items() if those} == {of: [7]}


@pytest.mark.parametrize("of", PARTS)
@pytest.mark.parametrize("promise", [*PROMISES, "anything else"])
def test_a_failure_is_counted_in_its_place(of: str, promise: str) -> None:
    """One row, one column; the rest is none of as many as were run."""
    campaign = Campaign()
    campaign.done.update(dict.fromkeys(PARTS, 10))
    campaign.failures.append(Failure(of, 7, PROMISES.get(promise, "hung") + " by seed 7"))
    counted = [line for line in campaign.table().splitlines() if " of 10" in line]
    assert len(counted) == len(PROMISES) + 1
    for line in counted:
        numbers = [cell for cell in line.split("  ") if " of 10" in cell]
        place = list(PARTS).index(of)
        mine = line.startswith(promise)
        assert [number.strip() for number in numbers] == [
            f"{int(mine and column == place)} of 10" for column in range(len(PARTS))
        ]
