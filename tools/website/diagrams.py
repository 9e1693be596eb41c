"""Draws Mermaid diagrams when the site is built, so that the browser doesn't load a script from another host."""

from __future__ import annotations

import functools
import hashlib
import json
import re

try:
    import merman
except ImportError:  # no wheel for this platform: the site shows the diagram's source
    merman = None

THEMES = {"light": "default", "dark": "dark"}  # the site's color scheme: Mermaid's theme
WIDE = 1200  # pixels; a flowchart wider than this is drawn from top to bottom
MARGIN = 24  # pixels on both sides, because a title can be wider than its box


def name_of(source: str) -> str:
    """Return a name that depends on the diagram's content."""
    return hashlib.sha256(source.encode()).hexdigest()[:12]


@functools.cache
def pictures(source: str) -> dict[str, str]:
    """Return the SVG for each color scheme; empty if merman isn't installed."""
    if merman is None:
        return {}
    if _box(_drawn(source, THEMES["light"]))[2] > WIDE:
        source = re.sub(r"^flowchart LR", "flowchart TB", source)
    return {scheme: _drawn(source, theme) for scheme, theme in THEMES.items()}


def _drawn(source: str, theme: str) -> str:
    svg = merman.Merman().render_svg(source, json.dumps({"site_config": {"theme": theme}}))
    left, top, width, height = _box(svg)
    box = f'viewBox="{left - MARGIN} {top} {width + 2 * MARGIN} {height}"'
    return re.sub(r'viewBox="[^"]*"', box, svg, count=1)


def _box(svg: str) -> list[float]:
    box = re.search(r'viewBox="([^"]*)"', svg)
    assert box is not None
    return [float(each) for each in box[1].split()]
