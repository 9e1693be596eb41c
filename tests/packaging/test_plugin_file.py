"""The Pulumi CLI looks for no plugin of this package: its Python host finds the file that says there is none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from tests.e2e.stack import Stack, require_cli
from tests.packaging.building import ROOT, Environment, build_editable, install

DISTRIBUTION = "pulumi-dcs-migration"

# How Pulumi's Python host looks: in the import package that is named like the distribution.
LOOK = f"""
import json
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

spec = find_spec(distribution("{DISTRIBUTION}").metadata["Name"].replace("-", "_"))
files = [Path(folder, "pulumi-plugin.json") for folder in spec.submodule_search_locations] if spec else []
print(json.dumps([file.read_text() for file in files if file.is_file()]))
"""


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment that reads the package from the checkout, as `pip install -e` leaves it."""
    folder = tmp_path_factory.mktemp("editable")
    return install(build_editable(ROOT, folder), folder / "env")


@pytest.fixture(params=["installed", "editable"])
def environment(request: pytest.FixtureRequest) -> Environment:
    """An environment with the wheel, and one with an editable install."""
    found: Environment = request.getfixturevalue(request.param)
    return found


def test_the_host_finds_that_there_is_no_plugin(environment: Environment) -> None:
    """The file lies in the import package that is named like the distribution, and says that there is none."""
    (said,) = json.loads(environment.run(LOOK))
    assert json.loads(said) == {"resource": False}


def test_the_version_is_that_of_the_metadata(environment: Environment) -> None:
    """`dcs_migration.__version__` shows which release is installed."""
    said = environment.run(
        "import dcs_migration, importlib.metadata as m\n"
        f"print(dcs_migration.__version__ == m.version('{DISTRIBUTION}'), hasattr(dcs_migration, '__versio__'))"
    )
    assert said == "True False"


def test_the_cli_downloads_nothing(installed: Environment, tmp_path: Path) -> None:
    """`pulumi install` succeeds, and `pulumi about` doesn't list a plugin, although downloads are allowed.

    From the wheel alone: the older Python host that `make setup` builds looks next to the metadata, where an
    editable install has no file. Today's host looks as the first test does.
    """
    require_cli()
    with Emulator() as emulator:
        stack = Stack(tmp_path, emulator).program("")
        stack.environ["PATH"] = os.pathsep.join([str(installed.bin), stack.environ["PATH"]])
        stack.environ.pop("PYTHONPATH", None)
        del stack.environ["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"]
        assert "dcs-migration" not in stack.run("install", "--no-dependencies").text
        about = json.loads(stack.run("about", "--json").text)
        assert [plugin for plugin in about["plugins"] or () if "dcs" in plugin["name"]] == []
        assert DISTRIBUTION in {package["name"] for package in about["dependencies"]}
