"""``python -m dcs_migration``, also installed as ``dcs-migration``: the commands for the person on call."""

from __future__ import annotations

import sys


def main() -> int:
    """Run a command; Ctrl-C while it is loaded ends as Ctrl-C later does."""
    try:
        from dcs_migration.command_line.main import main as run

        return run()
    except KeyboardInterrupt:
        sys.stderr.write("dcs-migration: interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
