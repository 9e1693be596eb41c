"""Fixtures of the tier that runs programs in other languages."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from tests.languages.program import Program
from tools.install_languages import HOSTS
from tools.sdks import SDKS

NewProgram = Callable[[str], Program]


@pytest.fixture(scope="session", autouse=True)
def _languages() -> None:
    """The tier is never skipped: without hosts and SDKs it fails, and says what to do."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for name in ("pulumi", "pulumi-resource-dcs", *(host.main for host in HOSTS)):
        assert shutil.which(name, path=path), f"no {name} on PATH: run `make languages`"
    assert SDKS.is_dir(), "no SDKs: run `make languages`"


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """An emulator whose tasks are done at the first look."""
    with Emulator(progression="immediate", stop_seconds=0.2) as running:
        yield running


@pytest.fixture
def program(tmp_path: Path, cloud: Emulator) -> NewProgram:
    """Make a copy of a native example."""
    return lambda language: Program(language, tmp_path / language, cloud)
