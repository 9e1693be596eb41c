"""Draws a cut-over: the lag, and below it the acknowledged writes, over the same time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.svg import Scale, box, course, line, picture, text

WIDTH, LEFT, RIGHT = 760, 70, 20
LABELS, PANEL, GAP, AXIS, LINE = 84, 150, 26, 34, 18  # heights
TOPS = (LABELS, LABELS + PANEL + GAP)  # of the two panels
HEIGHT = TOPS[1] + PANEL + AXIS

COLOURS = {
    ".mark": ("stroke: #656d76; stroke-dasharray: 3 3;", "stroke: #8d96a0;"),
    ".held": ("fill: #afb8c1; fill-opacity: 0.3;", "fill: #6e7681;"),
    ".lag": (
        "fill: #0969da; fill-opacity: 0.25; stroke: #0969da; stroke-width: 1.5;",
        "fill: #4493f8; stroke: #4493f8;",
    ),
    ".writes": ("fill: none; stroke: #1a7f37; stroke-width: 2;", "stroke: #3fb950;"),
}
LABEL = "How far the target is behind, and the writes that were acknowledged, over time"

MARKS = (
    ("copied", "full copy done"),
    ("gate", "gate passed"),
    ("stopped", "writes stopped"),
    ("switched", "switched"),
)
HELD = "the target hangs"


def cutover_picture(figures: Mapping[str, Any]) -> str:
    """Return the picture; the series are rows of seconds, bytes behind and writes."""
    series, moments = figures["series"], figures["moments"]
    seconds = [row[0] for row in series]
    across = Scale(0, seconds[-1], LEFT, WIDTH - RIGHT)
    free = across(moments["released"]) + 40  # where the panels have space for their titles
    kilobytes = _points(seconds, [row[1] / 1000 for row in series])
    writes = _points(seconds, [row[2] / 1000 for row in series])
    parts = [
        *_held(across(moments["held"]), across(moments["released"])),
        *_panel("kB behind", "lag", kilobytes, across, free, TOPS[0]),
        *_panel("thousand writes acknowledged", "writes", writes, across, free, TOPS[1]),
        *_marks(moments, across),
        *_seconds(across, seconds[-1]),
    ]
    return picture((WIDTH, HEIGHT), LABEL, COLOURS, parts)


def _points(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float]]:
    return list(zip(xs, ys, strict=True))


def step_of(highest: float, steps: int = 3) -> float:
    """Return a round tick distance, for about this many ticks up to the highest value."""
    size = 1.0
    while size * 10 * steps <= highest:
        size *= 10
    return next(size * factor for factor in (1, 2, 5, 10) if size * factor * (steps + 1) >= highest)


def _panel(
    title: str, kind: str, points: Sequence[tuple[float, float]], across: Scale, free: float, top: int
) -> Iterator[str]:
    highest = max(value for _, value in points)
    step = step_of(highest)
    up = Scale(0, highest, top + PANEL, top)
    yield text(free, top - 6, title, "title")
    for tick in range(int(highest / step) + 1):
        y = up(tick * step)
        yield line("edge", (LEFT, y), (WIDTH - RIGHT, y))
        yield text(LEFT - 8, y + 4, f"{tick * step:,.0f}", "quiet", "end")
    drawn = [(across(x), up(y)) for x, y in points]
    if kind == "lag":  # it is filled down to the axis
        drawn = [(drawn[0][0], up(0)), *drawn, (drawn[-1][0], up(0))]
    yield course(kind, drawn)


def _held(start: float, end: float) -> Iterator[str]:
    top = TOPS[0]
    yield box("held", start, top, end - start, HEIGHT - AXIS - top)
    yield text((start + end) / 2, top - 6, HELD, "quiet", "middle")


def _marks(moments: Mapping[str, float], across: Scale) -> Iterator[str]:
    """Draw the events, with labels that other lines don't cross."""
    sides: dict[str, list[tuple[str, str]]] = {"start": [], "end": []}
    for name, words in MARKS:
        sides["end" if across(moments[name]) > WIDTH / 2 else "start"].append((name, words))
    for anchor, marks in (("start", sides["start"]), ("end", sides["end"][::-1])):
        for number, (name, words) in enumerate(marks):
            x, y = across(moments[name]), LINE * (number + 1)
            beside = x + (6 if anchor == "start" else -6)
            yield line("mark", (x, y - 12), (x, HEIGHT - AXIS))
            yield text(beside, y, words, anchor=anchor, quiet=f"{moments[name]:.1f} s")


def _seconds(across: Scale, last: float) -> Iterator[str]:
    step = step_of(last, 5)
    for tick in range(int(last / step) + 1):
        yield text(across(tick * step), HEIGHT - AXIS + LINE, f"{tick * step:.0f} s", "quiet", "middle")
