"""The real CLI and the real plugin are struck at random moments, and a user recovers with the usual commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.kills import draw, strike


@pytest.mark.parametrize("seed", range(10))
def test_one_task_per_resource_after_a_kill(seed: int, tmp_path: Path) -> None:
    """Whatever was struck, when and how: each resource has one task, nothing ran unasked, the preview is empty."""
    strike(draw(seed), tmp_path)
