"""SVG pictures for the documentation: a frame that follows the reader's light or dark mode, and its elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

PLAIN = {
    "text": ("font: 13px system-ui, sans-serif; fill: #1f2328;", "fill: #e6edf3;"),
    ".title": ("font-weight: 600;", ""),
    ".quiet": ("fill: #656d76;", "fill: #8d96a0;"),
    ".edge": ("stroke: #d0d7de;", "stroke: #3d444d;"),
}


class Scale:
    """Maps a range of values to a range of the picture."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low = low
        self._start = start
        self._unit = (end - start) / (high - low)

    def __call__(self, value: float) -> float:
        """Return the position of a value."""
        return self._start + (value - self._low) * self._unit


def picture(
    size: tuple[int, int], label: str, colours: Mapping[str, tuple[str, str]], parts: Iterable[str]
) -> str:
    """Return a picture; ``colours`` are additional selectors with declarations for light and dark mode."""
    width, height = size
    rules = {**PLAIN, **colours}
    style = [f"{name} {{ {light} }}" for name, (light, _) in rules.items()]
    style += ["@media (prefers-color-scheme: dark) {"]
    style += [f"  {name} {{ {dark} }}" for name, (_, dark) in rules.items() if dark]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">',
            "<style>",
            *style,
            "}",
            "</style>",
            *parts,
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start", quiet: str = "") -> str:
    """Return a text, followed by a gray one."""
    more = f' <tspan class="quiet">{escape(quiet)}</tspan>' if quiet else ""
    place = _attributes(x=x, y=y, text_anchor="" if anchor == "start" else anchor)
    return f"<text{_attributes(class_=kind)}{place}>{escape(words)}{more}</text>"


def line(kind: str, start: tuple[float, float], end: tuple[float, float]) -> str:
    """Return a line from one point to another."""
    return f"<line{_attributes(class_=kind, x1=start[0], y1=start[1], x2=end[0], y2=end[1])}/>"


def box(kind: str, x: float, y: float, width: float, height: float) -> str:
    """Return a filled rectangle."""
    return f"<rect{_attributes(class_=kind, x=x, y=y, width=width, height=height)}/>"


def course(kind: str, points: Iterable[tuple[float, float]]) -> str:
    """Return a line through many points."""
    through = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
    return f"<polyline{_attributes(class_=kind, points=through)}/>"


def _attributes(**values: float | str) -> str:
    """Return the attributes of an element, without empty ones."""
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{value if isinstance(value, str) else _short(value)}"'
        for name, value in values.items()
        if value != ""
    )


def _short(value: float) -> str:
    return f"{round(value, 1):g}"
