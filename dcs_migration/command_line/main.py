"""The command line: the arguments, and the exit codes."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence
from typing import NoReturn

from dcs_migration.clock import Clock, SystemClock
from dcs_migration.command_line import doctor, exits, logs, tasks, watch
from dcs_migration.command_line.console import PROGRAM, Console, OutputLost, discard
from dcs_migration.command_line.session import FLAGS, Session
from dcs_migration.dcs.errors import DcsMigrationError
from dcs_migration.dcs.texts import MAX_SERVER_TEXT, worded
from dcs_migration.life_cycles.secrets import scrub

COMMANDS = {"doctor": doctor, "tasks": tasks, "watch": watch, "logs": logs}
_DEBUG = "DCS_MIGRATION_DEBUG"
_DESCRIPTION = "Inspect DCS migration tasks. No command starts, stops or deletes anything."
_SETTINGS = (
    "The settings are the provider's environment variables: HW_REGION_NAME, HW_PROJECT_ID, HW_ACCESS_KEY, "
    "HW_SECRET_KEY, HW_DCS_ENDPOINT and others. See docs/guides/on-call.md."
)


class _Misused(Exception):
    """The command's arguments are wrong."""


class _Parser(argparse.ArgumentParser):
    """A parser with one-line errors."""

    def error(self, message: str) -> NoReturn:
        """Raise what `main` turns into one line and exit code 2."""
        raise _Misused(f"{message} (try {self.prog} --help)")


class _Version(argparse.Action):
    """Prints the version, which is read only then."""

    def __call__(self, parser: argparse.ArgumentParser, *values: object) -> NoReturn:
        """Print it and end."""
        from importlib.metadata import version

        Console().line(f"{PROGRAM} {version('pulumi-dcs-migration')}")
        parser.exit(exits.OK)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description=_DESCRIPTION, epilog=_SETTINGS)
    parser.add_argument("--version", action=_Version, nargs=0, help="show the installed version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.HELP, description=command.HELP, epilog=command.EPILOG)
        for flag in FLAGS.values():
            sub.add_argument(
                flag,
                metavar="NAME" if flag == "--region" else "ID",
                help="overrides the environment variable",
            )
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return parser


def main(
    words: Sequence[str] | None = None,
    *,
    console: Console | None = None,
    clock: Clock | None = None,
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Run a command; return the exit code."""
    if console is None:
        _open_streams()
        console = Console()
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal may not support Unicode
    return _ended(words, console, clock or SystemClock(), environ)


def _open_streams() -> None:
    """Replace the streams that the caller has closed (`>&-`), which Python leaves out."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # for the whole run


def _run(words: Sequence[str] | None, console: Console, clock: Clock, environ: Mapping[str, str]) -> int:
    args = _parser().parse_args(words)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # from libraries: `doctor` reports unsafe settings
        code: int = args.run(Session(args, console, clock, environ))
        return code


def _ended(words: Sequence[str] | None, console: Console, clock: Clock, environ: Mapping[str, str]) -> int:
    """Run a command; every error becomes a line and an exit code."""
    try:
        return _run(words, console, clock, environ)
    except _Misused as error:
        console.error(str(error))
        return exits.USAGE
    except DcsMigrationError as error:
        console.error(str(error))
        return exits.FAILED
    except KeyboardInterrupt:
        console.error("interrupted")
        return exits.INTERRUPTED
    except BrokenPipeError:  # `| head`
        discard(sys.stdout)
        return exits.FAILED
    except OutputLost as error:
        discard(sys.stdout)
        console.error(str(error))
        return exits.FAILED
    except Exception as error:
        said = worded(str(error), MAX_SERVER_TEXT, scrub)
        console.error(
            f"internal error: {type(error).__name__}: {said}; set {_DEBUG}=1 to see where, and please report it"
        )
        if environ.get(_DEBUG) == "1":
            console.error_text(scrub("".join(traceback.format_exception(error))))
        return exits.FAILED
