"""Migrate, wait, report: `python migrate.py orders.rdb INSTANCE_ID --stack orders`.

It ends with 0 when the data is in the target, and with 1 when it is not. Run again after an interruption or a
success, it starts no second import.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

from pulumi import automation as auto

HERE = Path(__file__).parent


def main(arguments: list[str] | None = None) -> int:
    """Bring the stack up, and say in a table how it went."""
    wanted = parsed(arguments)
    stack = auto.create_or_select_stack(stack_name=wanted.stack, work_dir=str(HERE))
    stack.set_all_config(configuration(wanted))
    began = time.monotonic()
    try:
        stack.up(on_output=print)
        succeeded = True
    except auto.CommandError:  # the reason is in what was just printed
        succeeded = False
    report(wanted, task_of(stack), time.monotonic() - began)
    return 0 if succeeded else 1


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description="Import a backup file into a DCS instance.")
    parser.add_argument("file", help="object key of the backup file")
    parser.add_argument("instance", help="id of the DCS instance")
    parser.add_argument("--bucket", default="backups", help="OBS bucket with the file")
    parser.add_argument("--stack", default="dev", help="one stack for each migration")
    parser.add_argument("--timeout", default="2h", help="how long to wait for the data")
    return parser.parse_args(arguments)


def configuration(wanted: argparse.Namespace) -> dict[str, auto.ConfigValue]:
    """Return the stack's configuration; the password comes from the environment and is kept as a secret."""
    settings = {
        "file": auto.ConfigValue(wanted.file),
        "instanceId": auto.ConfigValue(wanted.instance),
        "bucket": auto.ConfigValue(wanted.bucket),
        "timeout": auto.ConfigValue(wanted.timeout),
    }
    if password := os.environ.get("REDIS_PASSWORD"):
        settings["redisPassword"] = auto.ConfigValue(password, secret=True)
    return settings


def task_of(stack: auto.Stack) -> dict[str, Any]:
    """Return what the service says of the task, now; also of one that failed."""
    if task_in(stack):
        stack.refresh()
    return task_in(stack)


def task_in(stack: auto.Stack) -> dict[str, Any]:
    """Return the task's outputs in the state, or nothing if none was started."""
    state = stack.export_stack().deployment or {}
    for resource in state.get("resources", []):
        if resource["type"].endswith(":MigrationTask"):
            outputs: dict[str, Any] = resource["outputs"]
            return outputs
    return {}


def report(wanted: argparse.Namespace, task: dict[str, Any], seconds: float) -> None:
    """Print a table that also reads well in a chat or a pull request."""
    rows = {
        "file": f"{wanted.bucket}/{wanted.file}",
        "target": wanted.instance,
        "task": task.get("name") or "none was started",
        "status": task.get("status") or "-",
        "error": task.get("error") or "-",
        "time": f"{seconds:.0f} s",
    }
    print("\n| migration | |\n|---|---|")
    for key, value in rows.items():
        print(f"| {key} | {value} |")


if __name__ == "__main__":
    sys.exit(main())
