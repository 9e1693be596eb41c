"""The page of measurements, its picture and the file that `make bench` wrote are one."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from tools import figures
from tools.bench import overhead, plugin, report
from tools.bench.overhead import STEPS

PAGE = report.PAGE.read_text("utf-8")
FIGURES: dict[str, Any] = json.loads(report.FIGURES.read_text("utf-8"))
SIZES = (1, 100, 1_000)


def test_page_and_picture_are_what_the_file_says() -> None:
    """`python -m tools.bench.report` would write nothing new."""
    assert report.main(["--check"]) == 0


def test_a_figure_that_was_changed_by_hand_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page with another figure in it is named."""
    (tmp_path / "docs").mkdir()
    for name in ("PAGE", "PICTURE"):
        copy = tmp_path / "docs" / getattr(report, name).name
        copy.write_text(getattr(report, name).read_text("utf-8"), "utf-8")
        monkeypatch.setattr(report, name, copy)
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    assert report.main(["--check"]) == 0
    report.PAGE.write_text(re.sub(r"\| 1 \| preview, new \| \d", "| 1 | preview, new | 9", PAGE), "utf-8")
    assert report.main(["--check"]) == 1
    assert "docs/bench.md doesn't match its figures" in capsys.readouterr().out


def test_each_table_has_one_place() -> None:
    """Every part of the file stands once on the page, and none is there that isn't in the file."""
    marked = re.findall(r"^<!-- figures: (\w+) -->$", PAGE, re.MULTILINE)
    assert sorted(marked) == sorted([*report.TABLES, "machine"])


def test_the_whole_was_measured() -> None:
    """A quick run does not stand for the whole: each command with each number of resources, more than once."""
    rows = FIGURES["overhead"]
    assert [(row["resources"], row["step"]) for row in rows] == [
        (size, step) for size in SIZES for step in STEPS
    ]
    assert all(row["rounds"] >= 5 for row in rows if row["resources"] < max(SIZES))
    for row in rows:
        assert row["lowest_ratio"] <= row["ratio"] <= row["highest_ratio"]
    assert [row["tasks"] for row in FIGURES["completion"]] == [1, 10, 100, 1_000]


def test_the_calls_are_those_that_are_promised() -> None:
    """A preview makes no call, each task one create, and a wait of any size one call a poll up to a page."""
    calls = {(row["resources"], row["step"]): row["calls"] for row in FIGURES["overhead"]}
    for size in SIZES:
        assert calls[size, "preview, new"] == calls[size, "preview, unchanged"] == {}
        assert calls[size, "up"]["CreateMigrationTask"] == size
        assert set(calls[size, "refresh"]) == {"ListMigrationTask"}
    polls = {row["tasks"]: row["calls"]["ListMigrationTask"] for row in FIGURES["completion"]}
    assert max(polls[size] for size in (1, 10, 100)) - polls[1] <= 1


def test_the_picture_shows_each_row() -> None:
    """It is an SVG with two bars for each command and number of resources, and both words of the legend."""
    picture = ElementTree.fromstring(report.PICTURE.read_text("utf-8"))
    bars = [element for element in picture.iter("{http://www.w3.org/2000/svg}rect") if element.get("class")]
    assert len(bars) == 2 * (len(FIGURES["overhead"]) + 1)
    assert f"({report.PICTURE.relative_to(report.PAGE.parent)})" in PAGE


@pytest.mark.long
def test_the_parts_that_run_the_cli_and_the_plugin_still_run() -> None:
    """At their smallest: what measures is used rarely, and must not be found broken then."""
    measured = {**overhead.measure({1: 1}, print), **plugin.measure(1, print)}
    for name in ("overhead", "native", "plugin", "memory"):
        assert "Not measured yet" not in report.table(name, measured)
    (row,) = [row for row in measured["overhead"] if row["step"] == "up"]
    assert row["calls"] == {"CreateMigrationTask": 1, "ListMigrationTask": 1}
