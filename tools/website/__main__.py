"""Build the site into build/site/: ``python -m tools.website``. To build it elsewhere, name a folder."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

from tools.website.building import build_site

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Build the site; return the exit code."""
    started = time.monotonic()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    site = Path(arguments[0]).resolve() if arguments else ROOT / "build" / "site"
    if problem := build_site(ROOT, site):
        print(problem, file=sys.stderr)
        return 1
    print(f"Built in {time.monotonic() - started:.0f} s. To read it: python -m http.server -d {site}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
