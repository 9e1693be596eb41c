"""`tasks`: the project's tasks, their owners, and whether the stack has them."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from dcs_migration.command_line import exits
from dcs_migration.command_line.comparing import Entry, Finding, compared, statistics
from dcs_migration.command_line.session import Session
from dcs_migration.command_line.stack_export import StackState, load
from dcs_migration.dcs.models import Stats
from dcs_migration.dcs.statuses import Kind, Status, lookup
from dcs_migration.life_cycles.migration_completion.progress import statistics_text
from dcs_migration.life_cycles.tasks.mark import Mark
from dcs_migration.names import BACKUP_IMPORT, ONLINE_MIGRATION

HELP = "List the project's running tasks; with --stack, also how a stack and the project differ."
EPILOG = (
    "Exit code: 0 if all is well, 1 for an error, 3 if --stack finds an orphan, or a task that disappeared before "
    "its end was recorded. Several --stack files are combined."
)

TYPES = {BACKUP_IMPORT: "backup import", ONLINE_MIGRATION: "online"}
_OUR_OWN = "this stack"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_stack(parser)
    parser.add_argument("--all", action="store_true", help="also show tasks that have ended")
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_stack(parser: argparse.ArgumentParser) -> None:
    """Add the option for a stack's export."""
    parser.add_argument(
        "--stack",
        metavar="FILE",
        action="append",
        help="a file from `pulumi stack export`; - for standard input",
    )


def run(session: Session) -> int:
    """List the tasks."""
    stack = load(session.args.stack, session.console)
    entries = compared(session.accounts, stack)
    shown = [entry for entry in entries if session.args.all or _is_news(entry)]
    stats = statistics(shown)
    shown = [replace(entry, stats=stats.get(entry.id)) for entry in shown]
    counts = Counter(entry.finding for entry in entries)
    if session.args.json:
        session.console.json(_document(entries, shown, stack, counts))
    else:
        _show(session, entries, shown, stack, counts)
    return exits.DIFFERS if counts[Finding.ORPHAN] or any(map(_is_lost, entries)) else exits.OK


def _is_lost(entry: Entry) -> bool:
    """Whether a task no longer exists and the state doesn't have its end: the service forgets tasks some time
    after they end."""
    known = {resource.status for resource in entry.resources}
    return entry.finding is Finding.GONE and not all(lookup(status).ended for status in known)


def _is_news(entry: Entry) -> bool:
    return not entry.status.ended or entry.finding in (Finding.ORPHAN, Finding.GONE)


def _show(
    session: Session,
    entries: Sequence[Entry],
    shown: Sequence[Entry],
    stack: StackState | None,
    counts: Counter[Finding | None],
) -> None:
    console = session.console
    rows = [("STATUS", "ID", "STACK" if stack else ""), *(_row(entry) for entry in shown)]
    lines = console.table(rows)
    if shown:
        console.line(lines[0])
    indent = " " * (max(len(row[0]) for row in rows) + 2)
    for entry, line in zip(shown, lines[1:], strict=True):
        console.line(line)
        console.details(_details(entry, stack), indent)
    running = sum(not entry.status.ended for entry in entries)
    ended = len(entries) - running - counts[Finding.GONE]
    console.line(
        f"{running} running, {ended} ended"
        + ("" if session.args.all else " (--all shows them)") * bool(ended)
    )
    for finding, advice in _ADVICE.items():
        if counts[finding]:
            console.wrapped(f"{counts[finding]} {advice}", "", "  ")


_ADVICE = {
    Finding.ORPHAN: "ORPHAN: started by this stack but not in any state; set existing_task_id to take it over, or stop and "
    "delete it in the console",
    Finding.GONE: "GONE: in the state but no longer known to the service; `pulumi refresh` records this, and `pulumi up` doesn't "
    "run it again",
}


def _row(entry: Entry) -> tuple[str, str, str]:
    status = (entry.row.status if entry.row else None) or entry.status.name
    if entry.finding is None:
        return status, entry.id, ""
    names = ", ".join(dict.fromkeys(resource.name for resource in entry.resources))
    return status, entry.id, f"{entry.finding.value} ({names})" if names else entry.finding.value


def _details(entry: Entry, stack: StackState | None) -> Iterator[str]:
    row = entry.row
    if row is None:
        last = next((resource.status for resource in entry.resources if resource.status), None)
        yield f"last in state: {last}" if last else ""
        yield from (resource.urn for resource in entry.resources)
        return
    yield row.name or ""
    yield progress(entry.status, entry.stats)
    kind = TYPES.get(row.migration_type or "", row.migration_type or "")
    target = row.target_instance_id or row.target_instance_addrs
    yield f"{kind} into {target}" if target else kind
    yield f"created {row.created_at}" if row.created_at else ""
    yield f"owner: {_owner(entry.mark, stack)}"
    if entry.marked_urn:
        yield f"started as {entry.marked_urn}"
        if stack and entry.marked_urn in stack.interrupted:
            yield "its creation was interrupted: `pulumi up` adopts it"
    yield row.error or ""


def progress(status: Status, stats: Stats | None) -> str:
    """Format a task's progress, if there is more than its status."""
    if stats is None:
        return "" if status.known else "unknown status"
    if status.kind is Kind.REPLICATING and stats.offset == 0:
        return "in sync"
    return statistics_text(stats)


def _owner(mark: Mark | None, stack: StackState | None) -> str:
    if mark is None:
        return "no mark"
    if not mark.owner:
        return "release 0.1.0"
    return _OUR_OWN if stack and mark.owner in stack.owners else mark.owner


def _document(
    entries: Sequence[Entry],
    shown: Sequence[Entry],
    stack: StackState | None,
    counts: Counter[Finding | None],
) -> dict[str, Any]:
    summary = {
        "running": sum(not entry.status.ended for entry in entries),
        "orphans": counts[Finding.ORPHAN] if stack else None,
        "gone": counts[Finding.GONE] if stack else None,
    }
    return {"tasks": [_task(entry, stack) for entry in shown], **summary}


_FINDINGS = {
    Finding.HELD: "in_state",
    Finding.ORPHAN: "orphan",
    Finding.GONE: "gone",
    Finding.FOREIGN: "foreign",
}


def _task(entry: Entry, stack: StackState | None) -> dict[str, Any]:
    row, stats = entry.row, entry.stats
    owner = entry.mark.owner or None if entry.mark else None
    return {
        "id": entry.id,
        "name": row.name if row else None,
        "status": row.status if row else None,
        "phase": entry.status.kind.value,
        "ended": entry.status.ended,
        "type": row.migration_type if row else None,
        "method": row.migration_method if row else None,
        "progress_percent": stats.full_progress if stats else None,
        "lag_bytes": stats.offset if stats else None,
        "target_id": row.target_instance_id if row else None,
        "target_addrs": row.target_instance_addrs if row else None,
        "created_at": row.created_at if row else None,
        "error": row.error if row else None,
        "region": entry.account.region,
        "project_id": entry.account.project_id,
        "owner": owner,
        "owned_by_stack": owner in stack.owners if stack and owner else None,
        "stack": _FINDINGS[entry.finding] if entry.finding else None,
        "urns": [resource.urn for resource in entry.resources] or [urn for urn in (entry.marked_urn,) if urn],
    }
