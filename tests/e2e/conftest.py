"""Fixtures of the tier that runs the real CLI."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from tests.e2e.stack import Stack, require_cli

NewStack = Callable[..., Stack]


@pytest.fixture(scope="session", autouse=True)
def _cli() -> None:
    require_cli()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator whose tasks move only when a test says so, and which stops them quickly."""
    with Emulator(progression="manual", stop_seconds=0.2) as running:
        yield running


@pytest.fixture
def new_stack(tmp_path: Path, emulator: Emulator) -> NewStack:
    """Make stacks; each has a backend, a project directory and a home of its own unless ``root`` is shared."""
    numbers = itertools.count()

    def make(name: str = "dev", root: Path | None = None) -> Stack:
        return Stack(root or tmp_path / f"stack{next(numbers)}", emulator, name)

    return make


@pytest.fixture
def stack(new_stack: NewStack) -> Stack:
    """One stack."""
    return new_stack()
