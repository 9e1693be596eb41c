"""`doctor`: runs checks in order, from the settings to the permissions; each failed check says what to do."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dcs_migration.command_line import exits
from dcs_migration.command_line.checks import DEFAULT, Checks, Failed, Result, Verdict
from dcs_migration.command_line.console import plain
from dcs_migration.command_line.session import Session
from dcs_migration.dcs.errors import ApiError, DcsMigrationError

HELP = "Check settings, clock, network, credentials, project and rights, one line each."
EPILOG = "Exit code: 0 if every check passes (warnings included), 1 if one fails."


@dataclass(frozen=True)
class Check:
    """A row of the table: a check, the checks that it depends on, and what to do if an error doesn't say it."""

    name: str
    run: Callable[[Checks], Result]
    after: tuple[str, ...] = ()
    remedy: str = "try again later; report it if it persists"


CHECKS = (
    Check("settings", Checks.settings, (), "fix it where it's set"),
    Check("name", Checks.name, ("settings",)),
    Check("connection", Checks.connection, ("name",)),
    Check("clock", Checks.clock, ("connection",)),
    Check("credentials", Checks.credentials, ("clock",), "see docs/guides/credentials.md"),
    Check("project", Checks.project, ("credentials",), "pass --project-id or set HW_PROJECT_ID"),
    Check("rights", Checks.rights, ("project",), "grant dcs:migrationTask:list and dcs:migrationTask:get"),
    Check("instance", Checks.instance, ("rights",)),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--instance", metavar="ID", help="also list the tasks that run on this target instance"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(session: Session) -> int:
    """Run the checks."""
    checks, results = Checks(session), dict[str, Result]()
    for check in CHECKS:
        if check.name == "instance" and not session.args.instance:
            continue
        results[check.name] = result = _result(check, checks, results)
        if not session.args.json:
            _show(session, check.name, result)
    if session.args.json:
        session.console.json(
            {"ok": _all_well(results), "checks": [_document(*item) for item in results.items()]}
        )
    return exits.OK if _all_well(results) else exits.FAILED


def _result(check: Check, checks: Checks, results: dict[str, Result]) -> Result:
    for needed in check.after:
        if results[needed].verdict in (Verdict.FAILED, Verdict.SKIPPED):
            return Result(f"needs {needed}", Verdict.SKIPPED)
    try:
        return check.run(checks)
    except Failed as failure:
        return failure.result
    except ApiError as error:
        return Result(error.facts, Verdict.FAILED, error.hint or check.remedy)
    except DcsMigrationError as error:
        text, _, remedy = plain(str(error)).partition("; ")
        return Result(text, Verdict.FAILED, remedy or check.remedy)


def _all_well(results: dict[str, Result]) -> bool:
    return all(result.verdict in (Verdict.OK, Verdict.WARNING) for result in results.values())


_NAME = max(len(check.name) for check in CHECKS)
_VERDICT = max(len(verdict.value) for verdict in Verdict)


def _show(session: Session, name: str, result: Result) -> None:
    indent = " " * (_VERDICT + _NAME + 4)
    head = f"{result.verdict.value.ljust(_VERDICT)}  {name.ljust(_NAME)}  "
    session.console.wrapped(result.text, head, indent)
    for fact in (fact for fact in result.facts if fact["source"] != DEFAULT):
        session.console.wrapped(f"{fact['name']} {fact['value']} ({fact['source']})", indent, indent)
    if result.remedy:
        session.console.wrapped(result.remedy, f"{indent}-> ", f"{indent}   ")


def _document(name: str, result: Result) -> dict[str, Any]:
    return {
        "name": name,
        "result": result.verdict.value,
        "text": result.text,
        "remedy": result.remedy,
        "facts": result.facts,
    }
