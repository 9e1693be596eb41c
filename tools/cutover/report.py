"""Writes the figures of the guide and of the example, and the picture, from docs/guides/online-cutover.json.

``python -m tools.cutover.report`` writes them; with ``--check`` it only tells, by its exit code, whether they agree.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.bench.report import machine
from tools.cutover.picture import cutover_picture
from tools.figures import ROOT, filled, write_or_check

GUIDE = ROOT / "docs" / "guides" / "online-cutover.md"
EXAMPLE = ROOT / "examples" / "online-cutover" / "README.md"
FIGURES = GUIDE.with_suffix(".json")
PICTURE = GUIDE.with_suffix(".svg")

RECOVERY = 1.0  # seconds for what was written during the copy, or while the target hung, to arrive

Figures = Mapping[str, Any]

Cell = Callable[[Figures], str]


def lags(figures: Figures) -> dict[str, list[int]]:
    """Return what the looks found during the copy, while the target hung, and else until writes stopped."""
    moments = figures["moments"]
    found: dict[str, list[int]] = {"copy": [], "hung": [], "else": []}
    for at, lag, _ in figures["series"]:
        if at < moments["copied"] + RECOVERY:
            found["copy"].append(lag)
        elif moments["held"] <= at < moments["released"] + RECOVERY:
            found["hung"].append(lag)
        elif at < moments["stopped"]:
            found["else"].append(lag)
    return found


def _highest(part: str) -> Cell:
    return lambda figures: f"{max(lags(figures)[part]) / 1000:,.1f} kB"


def _zeros(figures: Figures) -> str:
    found = lags(figures)["else"]
    return f"{found.count(0)} of {len(found)}"


def _figure(key: str, form: str = "{:.1f} s") -> Cell:
    return lambda figures: form.format(figures["figures"][key])


# What stands in the table: the words, and the figure.
ROWS: tuple[tuple[str, Cell], ...] = (
    (
        "keys at the start",
        lambda figures: "{keys:,} of {value_bytes:,} bytes".format(**figures["load"]),
    ),
    (
        "writes acknowledged during the migration",
        lambda figures: "{:,} by {} applications".format(
            figures["figures"]["acknowledged_during"], figures["load"]["writers"]
        ),
    ),
    ("highest lag during the full copy", _highest("copy")),
    ("highest lag while the target hung", _highest("hung")),
    ("highest lag otherwise, until the writes stopped", _highest("else")),
    ("samples in that time with a lag of 0 bytes", _zeros),
    ("`up` with the gate, which polls every 10 s", _figure("gate_s")),
    ("`up` that switches", _figure("switch_s")),
    ("of this, the exchange (in the emulator; unknown for the service)", _figure("exchange_s")),
    ("the application could not write for", _figure("no_writes_s")),
    ("**acknowledged writes lost**", _figure("lost", "**{}**")),
)


def main(arguments: Sequence[str] = ()) -> int:
    """Write the pages and the picture, or check them; return the exit code."""
    figures = json.loads(FIGURES.read_text("utf-8"))
    texts = {
        page: filled(page.read_text("utf-8"), lambda name: block(name, figures)) for page in (GUIDE, EXAMPLE)
    }
    texts[PICTURE] = cutover_picture(figures)
    return write_or_check(texts, "--check" in arguments, "python -m tools.cutover.report")


def block(name: str, figures: Figures) -> str:
    """Return the text of one pair of marks."""
    return _BLOCKS[name](figures)


def _table(figures: Figures) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {words} | {cell(figures)} |" for words, cell in ROWS)])


def _gate(figures: Figures) -> str:
    said = re.sub(r" \([0-9a-f-]{36}\)", "", figures["figures"]["gate_said"][0])
    return f"```text\n{said}\n```"


def _sentence(figures: Figures) -> str:
    """Say it in the example's words."""
    load, found = figures["load"], figures["figures"]
    return (
        f"From one run of the above with {load['keys']:,} keys at the start and {load['writers']} applications: "
        f"{found['acknowledged_during']:,} writes were\nacknowledged during the migration, and {found['lost']} of them were "
        f"missing at the address after the switch. `up` with the switch took\n{found['switch_s']:.1f} s, of which "
        f"the exchange took {found['exchange_s']:.1f} s (in the emulator; unknown for the service)."
    )


def as_json(figures: Figures) -> str:
    """Return the file's text: each look of the series on a line of its own."""
    rest = {key: value for key, value in figures.items() if key != "series"}
    head = json.dumps(rest, indent=2, ensure_ascii=False)
    rows = ",\n".join(f"    {json.dumps(row)}" for row in figures["series"])
    return f'{head[:-2]},\n  "series": [\n{rows}\n  ]\n}}\n'


_BLOCKS: dict[str, Callable[[Figures], str]] = {
    "cutover": _table,
    "machine": lambda figures: machine(figures["machine"]),
    "gate": _gate,
    "example": _sentence,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
