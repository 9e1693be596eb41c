"""What was `dcs_migration.emulator` keeps working: the class, the command, the pytest plugin."""

from __future__ import annotations

import subprocess
import sys

import pytest

import dcs_emulator
import dcs_migration.emulator
from tests.unit.emulator_world import ROOT, running

pytest_plugins = ["pytester"]

FORMER_COMMAND = [sys.executable, "-m", "dcs_migration.emulator"]


def test_the_class_is_the_same() -> None:
    """Programs that import `Emulator` from its former place get it, and no name that there is not."""
    from dcs_migration.emulator import Emulator

    assert Emulator is dcs_emulator.Emulator
    assert not hasattr(dcs_migration.emulator, "nope")


def test_the_command_runs() -> None:
    """The former command serves, says the same line, and ends with status 0."""
    with running(command=FORMER_COMMAND) as (process, _):
        process.terminate()
        assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def test_the_command_refuses_bad_options() -> None:
    """The former command ends with status 2 and one line, as the command does."""
    done = subprocess.run(
        [*FORMER_COMMAND, "--port", "x"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("installed", [True, False])
def test_the_plugin_gives_the_fixture(pytester: pytest.Pytester, installed: bool) -> None:
    """A suite that names the plugin by its former path has the fixture, even together with the installed one."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def dcs_emulator_options():
            return {"quirks": ["fuzzy-name"]}

        def test_it(dcs_emulator):
            assert dcs_emulator.quirks == ["fuzzy-name"]
        """
    )
    without = () if installed else ("-p", "no:dcs_migration_emulator")
    result = pytester.runpytest_subprocess(*without, "-p", "dcs_migration.emulator.pytest_plugin")
    result.assert_outcomes(passed=1)
