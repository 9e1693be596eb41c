"""Fixtures of the tier that runs the examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from tests.e2e.stack import require_cli
from tests.examples.example import Example

NewExample = Callable[[str], Example]


@pytest.fixture(scope="session", autouse=True)
def _cli() -> None:
    require_cli()


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """An emulator whose tasks are done at the first look."""
    with Emulator(progression="immediate", stop_seconds=0.2) as running:
        yield running


@pytest.fixture
def example(tmp_path: Path, cloud: Emulator) -> NewExample:
    """Make a copy of an example."""
    return lambda name: Example(name, tmp_path / name, cloud)
