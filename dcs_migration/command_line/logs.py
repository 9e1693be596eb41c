"""`logs`: what the service wrote about one task, oldest first."""

from __future__ import annotations

import argparse
from typing import Any

from dcs_migration.command_line import exits
from dcs_migration.command_line.session import Session
from dcs_migration.dcs.client import MAX_PAGE, DcsClient
from dcs_migration.dcs.models import LogLine

HELP = "Show the log of a task, oldest line first."
EPILOG = None
LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")
MOST_LINES = 100_000  # endless pages must not fill the memory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("id", metavar="ID", help="task id")
    parser.add_argument("--level", type=str.upper, choices=LEVELS, help="show only lines of this level")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(session: Session) -> int:
    """Show the log."""
    lines = _read(session.account.client, session.args.id, session.args.level)
    if session.args.json:
        session.console.json({"id": session.args.id, "lines": [_document(line) for line in lines]})
        return exits.OK
    if not lines:
        session.console.line(f"no {session.args.level or 'log'} lines")
        return exits.OK
    width = max(len(line.created_at or "-") for line in lines)
    for line in lines:
        head = f"{(line.created_at or '-').ljust(width)}  {(line.level or '-').ljust(5)}  "
        code = f" ({line.code})" if line.code else ""
        session.console.wrapped(f"{line.message or ''}{code}" or "-", head, " " * len(head))
    return exits.OK


def _read(client: DcsClient, id_: str, level: str | None) -> list[LogLine]:
    """Return all lines; the service's order isn't documented."""
    lines: list[LogLine] = []
    while len(lines) < MOST_LINES:
        page = client.list_migration_task_logs(id_, level, MAX_PAGE, offset=len(lines))
        lines += page
        if len(page) < MAX_PAGE:
            break
    return sorted(lines, key=lambda line: line.created_at or "")


def _document(line: LogLine) -> dict[str, Any]:
    return {"created_at": line.created_at, "level": line.level, "message": line.message, "code": line.code}
