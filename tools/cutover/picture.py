"""Draws a cut-over as SVG: the lag, and below it the acknowledged writes, over the same time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

WIDTH, LEFT, RIGHT = 760, 70, 20
LABELS, PANEL, GAP, AXIS, LINE = 84, 150, 26, 34, 18  # heights
TOPS = (LABELS, LABELS + PANEL + GAP)  # of the two panels
HEIGHT = TOPS[1] + PANEL + AXIS

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; }
.quiet { fill: #656d76; }
.edge { stroke: #d0d7de; }
.mark { stroke: #656d76; stroke-dasharray: 3 3; }
.held { fill: #afb8c1; fill-opacity: 0.3; }
.lag { fill: #0969da; fill-opacity: 0.25; stroke: #0969da; stroke-width: 1.5; }
.writes { fill: none; stroke: #1a7f37; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .quiet { fill: #8d96a0; }
  .edge { stroke: #3d444d; }
  .mark { stroke: #8d96a0; }
  .held { fill: #6e7681; }
  .lag { fill: #4493f8; stroke: #4493f8; }
  .writes { stroke: #3fb950; }
}
""".strip()

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
    across = _Scale(0, seconds[-1], LEFT, WIDTH - RIGHT)
    free = across(moments["released"]) + 40  # where the panels have room for their titles
    kilobytes = _points(seconds, [row[1] / 1000 for row in series])
    writes = _points(seconds, [row[2] / 1000 for row in series])
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'aria-label="How far the target is behind, and the writes that were acknowledged, over time">',
            f"<style>\n{STYLE}\n</style>",
            *_held(across(moments["held"]), across(moments["released"])),
            *_panel("kB behind", "lag", kilobytes, across, free, TOPS[0]),
            *_panel("thousand writes acknowledged", "writes", writes, across, free, TOPS[1]),
            *_marks(moments, across),
            *_seconds(across, seconds[-1]),
            "</svg>\n",
        ]
    )


class _Scale:
    """Leads a range of values to a range of the picture."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low = low
        self._start = start
        self._unit = (end - start) / (high - low)

    def __call__(self, value: float) -> float:
        return round(self._start + (value - self._low) * self._unit, 1)


def _points(xs: Sequence[float], ys: Sequence[float]) -> list[tuple[float, float]]:
    return list(zip(xs, ys, strict=True))


def step_of(highest: float, steps: int = 3) -> float:
    """Return a round distance of ticks, so that about so many reach the highest value."""
    size = 1.0
    while size * 10 * steps <= highest:
        size *= 10
    return next(size * factor for factor in (1, 2, 5, 10) if size * factor * (steps + 1) >= highest)


def _panel(
    title: str, kind: str, points: Sequence[tuple[float, float]], across: _Scale, free: float, top: int
) -> Iterator[str]:
    highest = max(value for _, value in points)
    step = step_of(highest)
    up = _Scale(0, highest, top + PANEL, top)
    yield f'<text class="title" x="{free:.1f}" y="{top - 6}">{title}</text>'
    for tick in range(int(highest / step) + 1):
        y = up(tick * step)
        yield f'<line class="edge" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>'
        yield f'<text class="quiet" x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{tick * step:,.0f}</text>'
    line = [f"{across(x)},{up(y)}" for x, y in points]
    if kind == "lag":
        line = [f"{across(points[0][0])},{up(0)}", *line, f"{across(points[-1][0])},{up(0)}"]
    yield f'<polyline class="{kind}" points="{" ".join(line)}"/>'


def _held(start: float, end: float) -> Iterator[str]:
    top = TOPS[0]
    yield f'<rect class="held" x="{start}" y="{top}" width="{end - start:.1f}" height="{HEIGHT - AXIS - top}"/>'
    yield f'<text class="quiet" x="{(start + end) / 2:.1f}" y="{top - 6}" text-anchor="middle">{HELD}</text>'


def _marks(moments: Mapping[str, float], across: _Scale) -> Iterator[str]:
    """Draw the moments; their words stand where the lines of the others do not cross them."""
    sides: dict[str, list[tuple[str, str]]] = {"start": [], "end": []}
    for name, words in MARKS:
        sides["end" if across(moments[name]) > WIDTH / 2 else "start"].append((name, words))
    for anchor, marks in (("start", sides["start"]), ("end", sides["end"][::-1])):
        for number, (name, words) in enumerate(marks):
            x, y = across(moments[name]), LINE * (number + 1)
            beside = x + (6 if anchor == "start" else -6)
            yield f'<line class="mark" x1="{x}" y1="{y - 12}" x2="{x}" y2="{HEIGHT - AXIS}"/>'
            yield (
                f'<text x="{beside:.1f}" y="{y}" text-anchor="{anchor}">{words} '
                f'<tspan class="quiet">{moments[name]:.1f} s</tspan></text>'
            )


def _seconds(across: _Scale, last: float) -> Iterator[str]:
    step = step_of(last, 5)
    for tick in range(int(last / step) + 1):
        yield (
            f'<text class="quiet" x="{across(tick * step)}" y="{HEIGHT - AXIS + LINE}" text-anchor="middle">'
            f"{tick * step:.0f} s</text>"
        )
