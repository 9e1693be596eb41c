"""``python -m dcs_migration``, also installed as ``dcs-migration``: the commands for the person on call."""

from __future__ import annotations

import sys

from dcs_migration.command_line.main import main

if __name__ == "__main__":
    sys.exit(main())
