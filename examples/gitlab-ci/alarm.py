"""End with 1 if a migration has failed, was stopped, or is `GONE`."""

from __future__ import annotations

import json
import subprocess
import sys

GOOD = {"SUCCESS", "INCRMIGEATING"}  # done; following its source (the service's own spelling)
RUNNING = {"CREATING", "MIGRATING", "FULLMIGRATING"}
TYPES = ("dcs:MigrationTask", "dcs:OnlineMigration")

# The state, which every refresh renews: the stack's outputs need a refresh with --run-program.
shown = subprocess.run(["pulumi", "stack", "export", *sys.argv[1:]], stdout=subprocess.PIPE)
if shown.returncode:
    sys.exit(shown.returncode)  # the CLI has said why
resources = json.loads(shown.stdout)["deployment"].get("resources", [])
bad = 0
for resource in resources:
    status = resource.get("outputs", {}).get("status")
    if resource["type"].endswith(TYPES) and status not in GOOD | RUNNING:
        bad += 1
        print(f"{resource['urn'].split('::')[-1]} is {status}")
sys.exit(1 if bad else 0)
