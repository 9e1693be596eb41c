"""Draws the overhead as SVG: for each command a bar without us and one with us, a panel for each number of resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

Row = Mapping[str, Any]

WIDTH = 760
LEFT, RIGHT = 150, 150  # for the names of the commands, and for the figures
BAR, GAP, TITLE = 11, 12, 44  # heights
LEGEND = 30

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; }
.quiet { fill: #656d76; }
.nothing { fill: #afb8c1; }
.ours { fill: #0969da; }
.edge { stroke: #d0d7de; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .quiet { fill: #8d96a0; }
  .nothing { fill: #6e7681; }
  .ours { fill: #4493f8; }
  .edge { stroke: #3d444d; }
}
""".strip()


def overhead_picture(rows: Sequence[Row]) -> str:
    """Return the picture; each panel has a scale of its own."""
    sizes = list(dict.fromkeys(row["resources"] for row in rows))
    parts: list[str] = [*_legend()]
    top = LEGEND
    for size in sizes:
        panel = [row for row in rows if row["resources"] == size]
        parts += _panel(f"{size:,} resource{'s' if size > 1 else ''}", panel, top)
        top += TITLE + len(panel) * (2 * BAR + GAP)
    height = top + GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img" '
            'aria-label="Seconds of Pulumi commands with a do-nothing provider and with this package">',
            f"<style>\n{STYLE}\n</style>",
            *parts,
            "</svg>\n",
        ]
    )


def _legend() -> Iterator[str]:
    for x, kind, words in (
        (LEFT, "nothing", "a provider that does nothing"),
        (LEFT + 220, "ours", "this package"),
    ):
        yield f'<rect class="{kind}" x="{x}" y="8" width="{BAR}" height="{BAR}"/>'
        yield f'<text x="{x + BAR + 6}" y="18">{words}</text>'


def _panel(title: str, rows: Sequence[Row], top: int) -> Iterator[str]:
    longest = max(max(row["nothing_s"], row["ours_s"]) for row in rows)
    scale = (WIDTH - LEFT - RIGHT) / longest
    bottom = top + TITLE + len(rows) * (2 * BAR + GAP) - GAP
    yield f'<text class="title" x="{LEFT}" y="{top + TITLE - 14}">{escape(title)}</text>'
    yield f'<line class="edge" x1="{LEFT}" y1="{top + TITLE - 4}" x2="{LEFT}" y2="{bottom + 4}"/>'
    for number, row in enumerate(rows):
        y = top + TITLE + number * (2 * BAR + GAP)
        yield f'<text x="{LEFT - 10}" y="{y + BAR + 4}" text-anchor="end">{escape(row["step"])}</text>'
        for offset, kind in enumerate(("nothing", "ours")):
            width = row[f"{kind}_s"] * scale
            yield f'<rect class="{kind}" x="{LEFT}" y="{y + offset * BAR}" width="{width:.1f}" height="{BAR}"/>'
        end = LEFT + max(row["nothing_s"], row["ours_s"]) * scale + 8
        yield (
            f'<text x="{end:.1f}" y="{y + BAR + 4}">{row["ours_s"]:.2f} s '
            f'<tspan class="quiet">{row["ratio"]:.2f}x</tspan></text>'
        )
