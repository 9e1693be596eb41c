"""The import rule: which part of the packages may know which other, and which libraries."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = "dcs_migration"
EMULATOR = "dcs_emulator"  # one part, with all its folders
TYPES_ONLY = "_typeshed"  # known to type checkers alone
ROOT = Path(__file__).parents[2]
MODULES = sorted(path for package in (PACKAGE, EMULATOR) for path in (ROOT / package).rglob("*.py"))


@dataclass(frozen=True)
class Rule:
    """What the modules of one part may import, in addition to themselves and the standard library."""

    ours: frozenset[str]
    libraries: frozenset[str]


def _rule(ours: str = "", libraries: str = "") -> Rule:
    return Rule(frozenset(ours.split()), frozenset(libraries.split()))


RULES = {
    "__init__": _rule("resources"),
    "clock": _rule(),
    "names": _rule(),
    "durations": _rule(),
    "resources": _rule("providers names durations", "pulumi"),
    "providers": _rule("life_cycles dynamic_host", "pulumi"),
    "dynamic_host": _rule("providers life_cycles clock names", "pulumi"),
    "credentials": _rule("dcs", "requests huaweicloudsdkcore"),
    "command_line": _rule("life_cycles dcs clock names durations", "rich"),
    "__main__": _rule("command_line"),
    "native": _rule("life_cycles dcs clock names", "pulumi grpc google"),
    "life_cycles": _rule("credentials dcs clock names durations", "pulumi jsonschema grpc requests"),
    "dcs": _rule("clock", "requests urllib3"),
    "emulator": _rule(EMULATOR),  # its former name
    "schemas": _rule(),
    EMULATOR: _rule("", "pytest werkzeug redis"),
}


@dataclass(frozen=True)
class Import:
    """One import: the full name of what is imported, and whether it happens when the module loads."""

    name: str
    line: int
    at_load: bool


def part(path: Path) -> str:
    """Return the first folder (or the module) of the package in which a file lies."""
    return _part(*path.relative_to(ROOT).with_suffix("").parts)


def _part(package: str, *rest: str) -> str:
    return EMULATOR if package == EMULATOR else rest[0]


def imports(path: Path) -> Iterator[Import]:
    """Yield every import of a module, at any level."""
    tree = ast.parse(path.read_text("utf-8"))
    lazy = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or _is_type_checking(outer)
        for inner in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield Import(name, node.lineno, id(node) not in lazy)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def test_every_part_has_a_rule() -> None:
    """A new folder of the package must say what it may import."""
    assert {part(path) for path in MODULES} <= set(RULES)


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: str(path.relative_to(ROOT)).removeprefix(f"{PACKAGE}/")
)
def test_a_module_imports_what_its_part_may(path: Path) -> None:
    """The program side doesn't use HTTP, the cloud API doesn't use Pulumi, and the emulator doesn't use the rest."""
    rule = RULES[part(path)]
    for item in imports(path):
        top, *rest = item.name.split(".")
        if top in (PACKAGE, EMULATOR):
            assert _part(top, *rest) in {part(path), *rule.ours}, f"{path}:{item.line}: {item.name}"
        elif top == TYPES_ONLY:
            assert not item.at_load, f"{path}:{item.line}: {item.name}"
        elif top not in sys.stdlib_module_names:
            assert top in rule.libraries, f"{path}:{item.line}: {item.name}"


def test_resources_know_providers_by_their_classes_only() -> None:
    """The program side uses a provider class as a reference and nothing else of that side."""
    for path in MODULES:
        if part(path) == "resources":
            names = [item.name for item in imports(path) if item.name.startswith(f"{PACKAGE}.providers")]
            assert all(name.endswith("Provider") for name in names), f"{path}: {names}"


def test_provider_classes_load_the_plugin_side_late() -> None:
    """The program loads the provider classes, so that only their methods may import what they run."""
    for path in MODULES:
        if part(path) == "providers":
            early = [item.name for item in imports(path) if item.at_load and item.name.startswith(PACKAGE)]
            assert all(name.startswith(f"{PACKAGE}.providers") for name in early), str(path)


def test_no_module_sets_a_traceback_limit() -> None:
    """On the program side it hangs previews; in the plugin it would silence everybody's errors."""
    for path in MODULES:
        attributes = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Attribute)
        }
        assert "tracebacklimit" not in attributes, str(path)
