"""The figures of the online cut-over: the file, the picture, the guide and the example's README are one."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tools.cutover import __main__ as cutover
from tools.cutover import report
from tools.cutover.picture import MARKS, cutover_picture, step_of

FIGURES: dict[str, Any] = json.loads(report.FIGURES.read_text("utf-8"))
SVG = "{http://www.w3.org/2000/svg}"


def test_pages_and_picture_are_what_the_file_says(capsys: pytest.CaptureFixture[str]) -> None:
    """What is written is what `python -m tools.cutover.report` would write."""
    assert report.main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", ["cutover", "gate", "machine"])
def test_the_guide_has_every_block(name: str) -> None:
    """Each block is between its markers, with the load and the machine that are in the file."""
    assert f"<!-- figures: {name} -->\n\n{report.block(name, FIGURES)}\n" in report.GUIDE.read_text("utf-8")


def test_another_figure_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file with another figure does not agree with the pages."""
    other = {**FIGURES, "figures": {**FIGURES["figures"], "lost": 1}}
    monkeypatch.setattr(report, "FIGURES", tmp_path / "other.json")
    report.FIGURES.write_text(report.as_json(other), "utf-8")
    assert report.main(["--check"]) == 1


def test_the_file_is_written_as_the_tool_writes_it() -> None:
    """No one has edited it, and it is of the load that the tool makes."""
    assert report.as_json(FIGURES) == report.FIGURES.read_text("utf-8")
    assert FIGURES["load"] == cutover.LOAD


def test_the_lag_rises_and_falls() -> None:
    """The copy and the held target are seen; between them, and before the switch, the target has caught up."""
    lags = report.lags(FIGURES)
    assert max(lags["copy"]) > 10_000
    assert max(lags["hung"]) > 100_000
    assert max(lags["else"]) < 10_000
    assert FIGURES["figures"]["highest_lag_bytes"] == max(lag for _, lag, _ in FIGURES["series"])


def test_the_series_is_whole() -> None:
    """From the start to the switch there is a look about ten times a second, and no write is taken back."""
    times, _, writes = zip(*FIGURES["series"], strict=True)
    moments = FIGURES["moments"]
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert times[0] == 0 <= moments["copied"] < moments["held"] < moments["released"] < moments["gate"]
    assert moments["gate"] < moments["stopped"] < moments["exchange"] < moments["switched"] < times[-1]
    assert sum(steps) / len(steps) == pytest.approx(0.1, abs=0.02)
    assert max(steps) < 1
    assert list(writes) == sorted(writes)


def test_writes_stop_for_the_switch_only() -> None:
    """None is acknowledged between the stop and the start, some in every other two seconds; none is lost."""
    moments, figures = FIGURES["moments"], FIGURES["figures"]
    while_stopped = {row[2] for row in FIGURES["series"] if moments["stopped"] < row[0] < moments["again"]}
    assert len(while_stopped) <= 2, "the last look before the file was written, and the rest"
    assert figures["no_writes_s"] == pytest.approx(moments["again"] - moments["stopped"], abs=0.1)
    assert max(while_stopped) == figures["acknowledged_during"]
    assert figures["lost"] == 0


def test_the_picture_has_both_series_and_the_moments() -> None:
    """It is well-formed, has a point for each look, and names each moment with its time."""
    picture = ElementTree.fromstring(cutover_picture(FIGURES))
    points = [len(line.attrib["points"].split()) for line in picture.iter(f"{SVG}polyline")]
    assert points == [len(FIGURES["series"]) + 2, len(FIGURES["series"])]
    said = ["".join(text.itertext()) for text in picture.iter(f"{SVG}text")]
    for name, words in MARKS:
        assert f"{words} {FIGURES['moments'][name]:.1f} s" in said


@pytest.mark.parametrize(
    ("highest", "step"), [(376.0, 100), (47.6, 20), (43.8, 20), (1_200.0, 500), (3.0, 1)]
)
def test_ticks_are_round(highest: float, step: float) -> None:
    """Three or so of them, at 1, 2 or 5 and noughts."""
    assert step_of(highest) == step
