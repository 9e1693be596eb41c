"""The command's previous name: ``python -m dcs_migration.emulator`` is ``python -m dcs_emulator``."""

from __future__ import annotations

import sys

from dcs_emulator.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
