"""Figures in the documentation: where they were measured, and how pages are generated from the files that contain
them."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

_MARKED = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, block: Callable[[str], str]) -> str:
    """Return the page with new text between each pair of markers; ``block`` returns the text for a name."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{block(found[2])}\n\n{found[3]}", page)


def write_or_check(texts: Mapping[Path, str], check: bool, command: str) -> int:
    """Write files, or only report which of them differ from what ``command`` writes; return the exit code."""
    if not check:
        for path, text in texts.items():
            path.write_text(text, "utf-8")
        return 0
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        print(f"{path.relative_to(ROOT)} is not what its figures say: run {command}")
    return int(bool(stale))


def machine(load_before: float) -> dict[str, Any]:
    """Describe this machine after a measurement; ``load_before`` is the load average before it."""
    cli = subprocess.run(["pulumi", "version"], capture_output=True, text=True, check=True).stdout
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "cli": cli.strip().lstrip("v"),
        "sdk": importlib.metadata.version("pulumi"),
        "load_before": round(load_before, 1),
        "load_after": round(os.getloadavg()[0], 1),
    }
