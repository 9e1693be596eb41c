"""What this tier builds once: the two distributions, and an environment with the wheel alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.building import Environment, build_sdist, build_wheel, install


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution."""
    return build_sdist(tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="session")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout."""
    return build_wheel(sdist.parent / "source", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel and what it asks for."""
    return install(wheel, tmp_path_factory.mktemp("installed") / "env")
