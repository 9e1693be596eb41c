"""The reference is what the code says."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pulumi
import pytest

import dcs_migration
from tests.docs.pages import ROOT, Page
from tools import reference
from tools.reference_tables import nested_shapes

PAGE = Page(ROOT / "docs" / "reference.md")


def test_it_is_up_to_date() -> None:
    """`python tools/reference.py` would write nothing new."""
    # A process of its own: Pythons before 3.11.5 may fail to parse while other threads of a worker run (gh-106905).
    subprocess.run([sys.executable, "tools/reference.py", "--check"], cwd=ROOT, check=True)


def test_every_input_and_output_is_told() -> None:
    """Every property of every schema has words, and so has every output of every resource."""
    for file in reference.SCHEMAS.glob("*.json"):
        schema = json.loads(file.read_text("utf-8"))
        for name, described in schema["properties"].items():
            assert described.get("description"), (file.name, name)
    rows = [line for line in PAGE.text.splitlines() if line.startswith("| `")]
    assert all(row.rstrip(" |").rpartition("|")[2].strip() for row in rows)


def test_every_public_resource_is_there() -> None:
    """Each resource and each function that the package offers has a section, with an example for each resource."""
    for name in dcs_migration.__all__:
        each = getattr(dcs_migration, name)
        if isinstance(each, type) and issubclass(each, pulumi.Resource):
            assert f"\n## {name}\n" in PAGE.text
            assert reference.parsed(each.__doc__).example, name


RESOURCES = [
    each
    for each in (getattr(dcs_migration, name) for name in dcs_migration.__all__)
    if inspect.isclass(each) and issubclass(each, pulumi.Resource)
]


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_argument_has_words(resource: type[pulumi.Resource]) -> None:
    """An editor shows words for each argument of a resource and of its methods."""
    members = [getattr(member, "__func__", member) for member in vars(resource).values()]
    functions = [member for member in members if inspect.isfunction(member) and member.__doc__]
    assert resource.__init__ in functions
    for function in functions:
        names = set(inspect.signature(function).parameters) - {"self", "cls"}
        arguments = {name for name in names if not name.startswith("_")}
        assert arguments <= reference.parsed(function.__doc__).arguments.keys(), function


def test_every_key_of_a_nested_input_has_words() -> None:
    """An editor shows words for each key of a map, and the types have the keys that the schemas have."""
    tree = ast.parse((ROOT / "dcs_migration" / "resources" / "types.py").read_text("utf-8"))
    keys: dict[str, set[str]] = {}
    for shape in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        own = set()
        for entry, below in zip(shape.body, [*shape.body[1:], ast.Pass()], strict=True):
            if isinstance(entry, ast.AnnAssign):
                assert isinstance(below, ast.Expr), (shape.name, ast.unparse(entry))
                own.add(ast.unparse(entry.target))
        inherited = [keys.get(ast.unparse(base), set()) for base in shape.bases]
        keys[shape.name] = own.union(*inherited)
    for file in reference.SCHEMAS.glob("*.json"):
        for path, shape_of in nested_shapes(json.loads(file.read_text("utf-8"))):
            assert set(shape_of["properties"]) in keys.values(), (file.name, path)


def test_an_old_page_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` fails, and says what to do, where the page is another or is missing."""
    monkeypatch.setattr(reference, "PAGE", tmp_path / "reference.md")
    for text in (None, "old"):
        if text is not None:
            reference.PAGE.write_text(text)
        assert reference.main(["--check"]) == 1
        assert "run `python tools/reference.py`" in capsys.readouterr().err
