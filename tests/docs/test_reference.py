"""The reference is what the code says."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest

import dcs_migration
from tests.docs.pages import ROOT, Page
from tools import reference
from tools.reference_tables import nested_shapes
from tools.reference_words import Chinese

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
    assert all(row.endswith("|") for row in rows), "words of several lines end a table"
    assert all(row.rstrip(" |").rpartition("|")[2].strip() for row in rows)


def test_every_section_has_a_text() -> None:
    """No heading is followed by another heading of the same or a higher level, or by the end."""
    headings = re.findall(r"^(#+) .+\n+(?:(?=(#+) )|\Z)", PAGE.text, re.MULTILINE)
    assert all(len(after) > len(before) for before, after in headings), headings


def test_every_description_is_in_chinese_too() -> None:
    """Each description in a schema has a Chinese one; the native provider's schema has none."""

    def described(part: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(part, list):
            yield from (found for each in part for found in described(each))
        elif isinstance(part, dict):
            if isinstance(part.get("description"), str):
                yield part["description"], part.get("x-description-zh")
            yield from (found for each in part.values() for found in described(each))

    for file in reference.SCHEMAS.glob("*.json"):
        for english, chinese in described(json.loads(file.read_text("utf-8"))):
            assert chinese, (file.name, english)
    native = (ROOT / "dcs_migration" / "native" / "schema.json").read_text("utf-8")
    assert not re.search(r"[\u4e00-\u9fff]|x-description", native)


def test_a_wrong_translation_is_found(tmp_path: Path) -> None:
    """A missing or unused translation, or one with different code, numbers or links."""
    table = tmp_path / "table.yaml"
    table.write_text(
        "right: 等待`a`，最多10秒\ncode: 等待`b`\nnumber: 等待11秒\nlink: 见[乙](2)\nunused: 无\n", "utf-8"
    )
    words = Chinese(table)
    assert words("right", "Wait for `a`, at most 10 s") == "等待`a`，最多10秒"
    words("code", "Wait for `a`")
    words("number", "Wait 10 s")
    words("link", "See [b](b.md)")
    assert words("missing", "Wait.") == "Wait."
    words.described({"description": "Wait."})
    assert words.problems() == [
        "code: the languages differ: `a`, `b`",
        "number: the languages differ: 10, 11",
        "link: the languages differ in their links",
        "missing: not translated: Wait.",
        "schema: Wait.: not translated: Wait.",
        "unused: not used",
    ]


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
