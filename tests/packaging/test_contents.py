"""What the distributions hold, and what they say about themselves."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.packaging.building import ROOT, build_wheel, contents

PACKAGES = ("dcs_migration/", "dcs_emulator/")
MARKER = "pulumi_dcs_migration/"  # read by the Pulumi CLI alone


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    """What the wheel says about itself."""
    (found,) = (data for name, data in contents(wheel).items() if name.endswith(".dist-info/METADATA"))
    return message_from_bytes(found)


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """Every module, each `py.typed`, every schema and the marker are in it, unchanged; no test and no tool is."""
    held = {name: data for name, data in contents(wheel).items() if ".dist-info/" not in name}
    sources = [
        path
        for folder in (*PACKAGES, MARKER)
        for kind in ("*.py", "*.json", "py.typed")
        for path in (ROOT / folder).rglob(kind)
    ]
    assert held == {str(path.relative_to(ROOT)): path.read_bytes() for path in sources}
    assert {f"{package}py.typed" for package in PACKAGES} <= held.keys()
    assert [name for name in held if name.startswith(MARKER)] == [
        f"{MARKER}__init__.py",
        f"{MARKER}pulumi-plugin.json",
    ]
    assert sum(name.endswith(".json") for name in held) >= 4


def test_the_source_distribution_makes_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    """Who builds from the source distribution gets the wheel that is made of the checkout."""
    assert contents(build_wheel(sdist, tmp_path)) == contents(wheel)
    assert f"{MARKER}pulumi-plugin.json" in contents(sdist)
    assert not [name for name in contents(sdist) if name.startswith(("tests/", "tools/", "venv/"))]


def test_the_metadata_is_complete(metadata: Message) -> None:
    """A package index can show its purpose, audience, license and Python versions."""
    assert metadata["Name"] == "pulumi-dcs-migration"
    assert re.fullmatch(r"\d+\.\d+\.\d+", metadata["Version"])
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Description-Content-Type"] == "text/markdown"
    readme = metadata.get_payload(decode=True)
    assert readme == (ROOT / "README.md").read_bytes()
    for field in ("Summary", "Keywords", "Requires-Python"):
        assert metadata[field], field
    lowest = metadata["Requires-Python"].removeprefix(">=")
    assert f"Programming Language :: Python :: {lowest}" in metadata.get_all("Classifier", [])
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])


def test_the_wheel_asks_for_what_requirements_txt_lists(metadata: Message) -> None:
    """pip and `pulumi install` read the same ranges, each with a lowest version and a bound above."""
    asked = {Requirement(text) for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text}
    assert asked == {
        Requirement(line) for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    }
    for item in asked:
        assert {clause.operator for clause in item.specifier} == {">=", "<"}, str(item)
