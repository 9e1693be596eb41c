"""Draws the overhead: two bars for each command, without and with this package; a panel for each number of
resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.svg import Scale, box, line, picture, text

Row = Mapping[str, Any]

WIDTH = 760
LEFT, RIGHT = 150, 150  # for command names and figures
BAR, GAP, TITLE = 11, 12, 44  # heights
LEGEND = 30

COLOURS = {
    ".nothing": ("fill: #afb8c1;", "fill: #6e7681;"),
    ".ours": ("fill: #0969da;", "fill: #4493f8;"),
}
LABEL = "Seconds of Pulumi commands with a do-nothing provider and with this package"


def overhead_picture(rows: Sequence[Row]) -> str:
    """Return the picture; each panel has its own scale."""
    parts = [*_legend()]
    top = LEGEND
    for size in dict.fromkeys(row["resources"] for row in rows):
        panel = [row for row in rows if row["resources"] == size]
        parts += _panel(f"{size:,} resource{'s' if size > 1 else ''}", panel, top)
        top += TITLE + len(panel) * (2 * BAR + GAP)
    return picture((WIDTH, top + GAP), LABEL, COLOURS, parts)


def _legend() -> Iterator[str]:
    for x, kind, words in (
        (LEFT, "nothing", "a provider that does nothing"),
        (LEFT + 220, "ours", "this package"),
    ):
        yield box(kind, x, 8, BAR, BAR)
        yield text(x + BAR + 6, 18, words)


def _panel(title: str, rows: Sequence[Row], top: int) -> Iterator[str]:
    longest = max(max(row["nothing_s"], row["ours_s"]) for row in rows)
    across = Scale(0, longest, LEFT, WIDTH - RIGHT)
    bottom = top + TITLE + len(rows) * (2 * BAR + GAP) - GAP
    yield text(LEFT, top + TITLE - 14, title, "title")
    yield line("edge", (LEFT, top + TITLE - 4), (LEFT, bottom + 4))
    for number, row in enumerate(rows):
        y = top + TITLE + number * (2 * BAR + GAP)
        yield text(LEFT - 10, y + BAR + 4, row["step"], anchor="end")
        ends = {kind: across(row[f"{kind}_s"]) for kind in ("nothing", "ours")}
        for offset, (kind, end) in enumerate(ends.items()):
            yield box(kind, LEFT, y + offset * BAR, end - LEFT, BAR)
        figures = f"{row['ours_s']:.2f} s", f"{row['ratio']:.2f}x"
        yield text(max(ends.values()) + 8, y + BAR + 4, figures[0], quiet=figures[1])
