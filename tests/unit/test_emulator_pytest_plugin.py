"""The fixture that the package brings to other people's test suites, as pytest finds it: by its entry point."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
ENTRY_POINT = "dcs_migration_emulator"


def test_the_entry_point_is_installed() -> None:
    """An installation has the plugin under its name, so that no suite has to ask for it."""
    (entry,) = importlib.metadata.entry_points(group="pytest11", name=ENTRY_POINT)
    assert entry.value == "dcs_emulator.pytest_plugin"


def test_each_test_gets_a_fresh_emulator(pytester: pytest.Pytester) -> None:
    """Two tests have two emulators, empty ones, with the same ids; each is closed after its test."""
    pytester.makepyfile(
        """
        import socket
        import pytest
        from tests.signing import SignedClient

        SEEN = []

        @pytest.mark.parametrize("turn", [1, 2])
        def test_task(dcs_emulator, turn):
            for url, _ in SEEN:
                with pytest.raises(OSError):
                    SignedClient(url).rows()
            client = SignedClient(dcs_emulator.url)
            assert client.rows() == []
            task_id = client.create()
            assert client.status(task_id) == "MIGRATING"
            dcs_emulator.set_status(task_id, "SUCCESS")
            assert client.status(task_id) == "SUCCESS"
            assert [known for _, known in SEEN] in ([], [task_id])
            SEEN.append((dcs_emulator.url, task_id))
        """
    )
    pytester.runpytest().assert_outcomes(passed=2)


def test_options_come_from_a_fixture(pytester: pytest.Pytester) -> None:
    """A fixture of the suite chooses the emulator's options, and so does a parametrization."""
    pytester.makepyfile(
        """
        import pytest
        from tests.signing import SignedClient

        @pytest.fixture
        def dcs_emulator_options():
            return {"progression": "immediate", "quirks": ["fuzzy-name"]}

        def test_of_the_module(dcs_emulator):
            client = SignedClient(dcs_emulator.url)
            assert client.status(client.create()) == "SUCCESS"
            assert dcs_emulator.quirks == ["fuzzy-name"]

        @pytest.mark.parametrize("dcs_emulator_options", [{"quirks": ["list-unsorted"]}, {}])
        def test_of_its_own(dcs_emulator, dcs_emulator_options):
            assert dcs_emulator.quirks == dcs_emulator_options.get("quirks", [])
        """
    )
    pytester.runpytest().assert_outcomes(passed=3)


def test_wrong_options_are_an_error_of_the_test(pytester: pytest.Pytester) -> None:
    """An option that does not exist is an error of the test that has it, not of the run."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("dcs_emulator_options", [{"quirks": ["nope"]}])
        def test_with_it(dcs_emulator):
            pass

        def test_without():
            pass
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*unknown quirk 'nope'*"])


def test_workers_run_side_by_side(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under pytest-xdist every worker has emulators of its own."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(
        """
        import pytest
        from tests.signing import SignedClient

        @pytest.mark.parametrize("number", range(8))
        def test_alone(dcs_emulator, number):
            client = SignedClient(dcs_emulator.url)
            client.create()
            assert len(client.rows()) == 1
        """
    )
    pytester.runpytest_subprocess("-n", "2").assert_outcomes(passed=8)


def test_a_suite_that_does_not_ask_pays_nothing(pytester: pytest.Pytester) -> None:
    """Where no one asks for the fixture, neither Werkzeug nor the server is loaded, and no Pulumi."""
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_loaded():
            assert "dcs_emulator.pytest_plugin" in sys.modules
            assert "dcs_emulator.server" not in sys.modules
            assert not {"werkzeug", "dcs_migration", "pulumi", "grpc"} & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_a_suite_without_werkzeug(pytester: pytest.Pytester) -> None:
    """Without Werkzeug other tests run, and the one that uses the fixture says what to install."""
    pytester.makeconftest("import sys\nsys.modules['werkzeug'] = None")
    pytester.makepyfile(
        """
        def test_without():
            pass

        def test_with_it(dcs_emulator):
            pass
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*Werkzeug is missing: pip install 'pulumi-dcs-migration[[]emulator]'*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_it_is_listed_among_the_fixtures(pytester: pytest.Pytester) -> None:
    """``pytest --fixtures`` shows what there is, in a sentence."""
    result = pytester.runpytest("--fixtures")
    result.stdout.fnmatch_lines(
        [
            "dcs_emulator_options *",
            "*Options of the*",
            "dcs_emulator *",
            "*A fresh DCS on a free port of this machine, for one test.",
        ]
    )
