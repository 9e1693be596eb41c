"""The pictures of the architecture show what is there."""

from __future__ import annotations

import re
from pathlib import Path

from dcs_migration.dcs.statuses import STATUSES, Kind
from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "architecture.md")
FLOW, STATES = PAGE.blocks("mermaid")


def test_the_flow_is_well_formed() -> None:
    """Every arrow of the first picture joins two boxes that are drawn, and every box is joined."""
    assert FLOW.text.startswith("flowchart LR\n")
    boxes = set(re.findall(r"^\s+(\w+)\[", FLOW.text, re.MULTILINE))
    ends = set()
    for line in FLOW.text.splitlines():
        arrow = re.fullmatch(r'\s+(\w+) <?-->(?:\|"[^"|]+"\|)? (\w+)', line)
        assert arrow or "-->" not in line, line
        ends |= set(arrow.groups()) if arrow else set()
    assert ends == boxes
    assert FLOW.text.count("subgraph") == len(re.findall(r"^\s+end$", FLOW.text, re.MULTILINE))


def test_the_states_are_those_of_the_code() -> None:
    """The second picture has no state but those of the table of statuses, and every kind of them."""
    assert STATES.text.startswith("stateDiagram-v2\n")
    drawn = set()
    for line in STATES.text.splitlines()[1:]:
        arrow = re.fullmatch(r"    (\[\*\]|\w+) --> (\[\*\]|\w+)(: [^:;]+)?", line)
        assert arrow, line
        drawn |= {arrow[1], arrow[2]}
    drawn -= {"[*]"}
    assert drawn <= STATUSES.keys()
    assert {STATUSES[name].kind for name in drawn} == set(Kind)


def test_the_table_of_states_is_that_of_the_code() -> None:
    """Each status stands once, in the row of its kind."""
    rows = re.findall(r"^\| (\w+)(?:, idle)? \| ([^|]+) \|[^|]+\|[^|]+\|$", PAGE.text, re.MULTILINE)
    told = {name: kind for kind, cell in rows for name in re.findall(r"`([A-Z_]+)`", cell)}
    assert told == {name: status.kind.value for name, status in STATUSES.items()}


def test_the_modules_exist() -> None:
    """Each part that the page names is a package, or a module."""
    parts = re.findall(r"^\| `(dcs_migration\.\w+|dcs_emulator)` \|", PAGE.text, re.MULTILINE)
    assert len(parts) == 8
    for part in parts:
        path = Path(ROOT, *part.split("."))
        assert (path / "__init__.py").is_file() or path.with_suffix(".py").is_file()
