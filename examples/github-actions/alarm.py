"""End with 1 where a migration is not as it should be."""

from __future__ import annotations

import json
import subprocess
import sys

GOOD = {"SUCCESS", "INCRMIGEATING"}  # done; following its source (the service's own spelling)
RUNNING = {"CREATING", "MIGRATING", "FULLMIGRATING"}

shown = subprocess.run(
    ["pulumi", "stack", "output", "statuses", "--json", *sys.argv[1:]], check=True, stdout=subprocess.PIPE
)
statuses = json.loads(shown.stdout)
bad = {name: status for name, status in statuses.items() if status not in GOOD | RUNNING}
for name, status in bad.items():
    print(f"::error::{name} is {status}")
sys.exit(1 if bad else 0)
