"""A stack of the same names in another backend, whose tasks are in the same account as those of the struck one.

It is brought up once for many kills: each of them starts with a service that has its tasks, and at the end asks whether
it still sees no change.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcs_emulator import Emulator
from tests.chaos.blows import Service
from tests.chaos.scenarios import Target
from tests.e2e.stack import Stack


@dataclass(frozen=True)
class Neighbour:
    """Where its project and backend are, and the file with its tasks."""

    root: Path
    tasks: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records of its tasks."""
        records: list[dict[str, Any]] = json.loads(self.tasks)["tasks"]
        return records

    def require_no_changes(self, emulator: Emulator) -> None:
        """Ask the service about each of its tasks.

        Raises:
            AssertionError: something has changed; the message has what the preview shows.
        """
        stack = Stack(self.root, emulator, exists=True)
        # Each service has a port of its own.
        moved = {"DCS_MIGRATION_ACCEPT_ENDPOINT": f"127.0.0.1:{emulator.port}"}
        done = stack.preview("--refresh", "--expect-no-changes", ok=None, **moved)
        assert done.code == 0, f"a task of another owner has changed: {done.text}"


def bring_up(target: Target, root: Path) -> Neighbour:
    """Bring it up, with its tasks in the states that a target wants them in."""
    root.mkdir(parents=True, exist_ok=True)
    tasks = root / "service.json"
    service = Service(tasks)
    try:
        stack = Stack(root, service.emulator).program(target.neighbour)
        stack.up()
        target.settle(service.emulator)
        for task in service.emulator.tasks():
            status = next(
                (word for name, word in target.ended.items() if task["name"].startswith(name)), None
            )
            if status is not None:
                service.emulator.set_status(task["id"], status)
        stack.refresh()
        stack.preview("--refresh", "--expect-no-changes")
    finally:
        service.emulator.close()
    return Neighbour(root, tasks.read_text())
