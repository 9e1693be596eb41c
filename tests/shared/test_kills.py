"""The campaign's kills with a state that is shared: `make chaos CHAOS="--backend s3"` continues them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.kills import TARGETS, draw, strike
from tests.chaos.neighbour import Neighbour, bring_up
from tests.e2e.stack import PROJECT
from tests.e2e.stores import locks_of, state_key
from tests.shared.servers import Server


@pytest.fixture(scope="session")
def neighbour(tmp_path_factory: pytest.TempPathFactory) -> Neighbour:
    """The tasks of someone else in the same account."""
    return bring_up(TARGETS["tasks"], tmp_path_factory.mktemp("neighbour"))


# A first `up`, recovered with the bare command, and a replacement, by the book.
@pytest.mark.parametrize("seed", [0, 10])
def test_one_task_per_resource_after_a_kill(
    seed: int, tmp_path: Path, neighbour: Neighbour, store: Server
) -> None:
    """After any kill, the promises hold, the state is in the store, and no lock is left there."""
    strike(draw(seed), tmp_path, neighbour, store)
    assert store.read(state_key(PROJECT, "dev"))
    assert locks_of(store) == []
    assert not list(tmp_path.rglob("dev.json"))
