"""What `make chaos` prints: tables that count each failure once, and the command that shows it again."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from tests.chaos.summary import PARTS, PROMISES, Campaign, Failure
from tests.e2e.stack import FRONT_END
from tests.shared.servers import Server
from tests.shared.stores import Bucket, Table
from tests.unit.life_cycle_world import FRONT_ENDS
from tools.chaos import arguments, options


@pytest.mark.parametrize("of", PARTS)
def test_a_failure_is_shown_again(of: str) -> None:
    """Its command runs its seed, and nothing else."""
    _, _, *words = shlex.split(Failure(of, 7, "").again)
    seeds, *_ = arguments(words)
    assert {part: list(those) for part, those in seeds.items() if those} == {of: [7]}


@pytest.mark.parametrize("front_end", FRONT_ENDS)
@pytest.mark.parametrize("server", [Bucket(1), Table(1, Path("psql")), None])
def test_a_failure_is_shown_again_as_it_was(
    front_end: str, server: Server | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its command goes through the same front end, and keeps the state where it was kept."""
    monkeypatch.setenv(FRONT_END, front_end)
    _, _, *words = shlex.split(Failure("kill", 7, "", options(server)).again)
    monkeypatch.setenv(FRONT_END, "")
    *_, backend = arguments(words)
    assert os.environ[FRONT_END] == front_end
    assert backend == (server.kind if server else "file")


@pytest.mark.parametrize("of", PARTS)
@pytest.mark.parametrize("promise", [*PROMISES, "anything else"])
def test_a_failure_is_counted_in_its_place(of: str, promise: str) -> None:
    """One row, one column; the rest is zero out of the number that ran."""
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
