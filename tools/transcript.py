"""Write the transcript of ``make demo`` into the README, between its two markers.

It's the real output, shortened to the steps, the commands, a summary of what they did, and the data. Lines that differ
from run to run (ports, ids, folders, times) are left out.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BEGIN, END = "<!-- transcript: begin (python tools/transcript.py) -->", "<!-- transcript: end -->"

LEFT_OUT = "What it cost"  # the title of the last step
KEPT = (
    re.compile(rf"== (?!{LEFT_OUT})"),
    re.compile(r"\$ pulumi (up|preview|refresh|destroy|stack output)\b"),
    re.compile(r"\s+(the shop|keys|order:1|own:note)\s"),
    re.compile(r"[A-Z]{5,}$"),  # a status
)
SUMMARY = re.compile(r"\s+\S{0,3}\s?\d+ (created|deleted|replaced|unchanged)$")
BEGINNING = re.compile(r"(Previewing|Updating|Refreshing|Destroying) ")


def main() -> int:
    """Run the demo and write what it printed; return the exit code."""
    command = [sys.executable, str(ROOT / "tools" / "demo.py")]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"})
    if done.returncode:
        print("transcript: the demo failed; README.md is as it was", file=sys.stderr)
        return 1
    README.write_text(replaced(README.read_text("utf-8"), shortened(done.stdout)), "utf-8")
    return 0


def shortened(printed: str) -> str:
    """Return the lines to keep."""
    text = "\n".join(_told(printed.splitlines())) + "\n"
    return re.sub(r"\n(?===.*\n(?!==))", r"\n\n", text)  # an empty line before a step with output


def _told(lines: list[str]) -> Iterator[str]:
    """Yield the lines to keep; for a command with a preview and an update, the summary of the update."""
    summary: list[str] = []
    for line in lines:
        if BEGINNING.match(line):
            summary = []
        elif SUMMARY.fullmatch(line):
            summary.append(line)
        elif any(pattern.match(line) for pattern in KEPT):
            yield from summary
            summary = []
            yield line.rstrip()
    yield from summary


def replaced(page: str, transcript: str) -> str:
    """Return the page with the transcript between its markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"transcript: README.md has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n```text\n{transcript}```\n{END}{after}"


if __name__ == "__main__":
    sys.exit(main())
