"""Fixtures of the tier that may meet the real service."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import CliStack, require_cli
from tests.verified.cloud import Cloud, the_cloud
from tests.verified.settings import Missing, Source, variable

PROGRAM = """
import os
from dcs_migration import OnlineMigrationTask

def named(name):
    return os.environ.get("DCS_MIGRATION_VERIFIED_" + name) or None

def instance(side):
    told = {key: named(side + "_" + key.upper()) for key in ("id", "addrs", "password")}
    return {key: value for key, value in told.items() if value}

IMPORT = dict(
    migration_type="backupfile_import",
    migration_method="full_amount_migration",
    backup_files={"bucket_name": named("BUCKET"), "files": [{"file_name": named("FILE")}]},
    target_instance=instance("TARGET"),
)
"""
# Loaded by every Python of the stack: it writes the calls that the plugin makes into a file.
WATCH = """
import logging
handler = logging.FileHandler({file!r})
logging.getLogger("dcs_migration").addHandler(handler)
logging.getLogger("dcs_migration").setLevel(logging.INFO)
"""
_CALL = re.compile(r"^(\w+): (?:GET|POST|PUT|DELETE) /", re.MULTILINE)


class VerifiedStack(CliStack):
    """A stack that meets this run's cloud, and whose calls are counted on this side."""

    def __init__(self, root: Path, cloud: Cloud) -> None:
        """Make it; its programs start with what is named."""
        self._calls = root / "calls.log"
        watch = root / "watch"
        watch.mkdir()
        (watch / "sitecustomize.py").write_text(WATCH.format(file=str(self._calls)))
        settings = {**cloud.environ, "PYTHONPATH": str(watch)}
        super().__init__(root, settings, timeout=2 * cloud.pace.patience)

    def declare(self, text: str) -> VerifiedStack:
        """Write the program: what is named, then this."""
        return self.program(PROGRAM + text)

    def calls(self) -> list[str]:
        """The operations that were called since the last look, in order."""
        text = self._calls.read_text("utf-8") if self._calls.exists() else ""
        self._calls.unlink(missing_ok=True)
        return _CALL.findall(text)


@pytest.fixture(scope="session", autouse=True)
def _cli() -> None:
    require_cli()


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """The cloud: an emulator, or the real service if the environment of the command asks for it."""
    try:
        with the_cloud() as found:
            yield found
    except Missing as error:
        pytest.exit(str(error), returncode=2)


@pytest.fixture
def stack(tmp_path: Path, cloud: Cloud) -> Iterator[VerifiedStack]:
    """A stack; everything that the test has left at the service is removed, also after a failure."""
    try:
        yield VerifiedStack(tmp_path, cloud)
    finally:
        cloud.remove()


@pytest.fixture
def source(cloud: Cloud) -> Source:
    """The source of online migrations, which must be named for the real service."""
    found = cloud.named.source
    assert found is not None, f"no source is named: set {variable('SOURCE_ID')} and its network"
    return found
