"""The stack: one import for each service."""

from __future__ import annotations

import pulumi
from shop import imports

tasks = imports(pulumi.Config().require_object("services"))

pulumi.export("statuses", {name: task.status for name, task in tasks.items()})
