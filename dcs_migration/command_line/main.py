"""The command line: the arguments, and the exit codes."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from dcs_migration.clock import Clock, SystemClock
from dcs_migration.command_line import doctor, exits, logs, tasks, watch
from dcs_migration.command_line.console import PROGRAM, Console, OutputLost
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

        sys.stdout.write(f"{PROGRAM} {version('pulumi-dcs-migration')}\n")
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
    try:
        args = _parser().parse_args(words)
    except _Misused as error:
        console.error(str(error))
        return exits.USAGE
    session = Session(args, console, clock or SystemClock(), environ)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # from libraries: `doctor` reports unsafe settings
        return _ended(args.run, session)


def _open_streams() -> None:
    """Replace the streams that the caller has closed (`>&-`), which Python leaves out."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # for the whole run


def _discard_output() -> None:
    """Keep Python from writing at its end what couldn't be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _ended(run: Callable[[Session], int], session: Session) -> int:
    """Run a command; every error becomes a line and an exit code."""
    console = session.console
    try:
        return run(session)
    except DcsMigrationError as error:
        console.error(str(error))
        return exits.FAILED
    except KeyboardInterrupt:
        console.error("interrupted")
        return exits.INTERRUPTED
    except BrokenPipeError:  # `| head`
        _discard_output()
        return exits.FAILED
    except OutputLost as error:
        _discard_output()
        console.error(str(error))
        return exits.FAILED
    except Exception as error:
        said = worded(str(error), MAX_SERVER_TEXT, scrub)
        console.error(
            f"internal error: {type(error).__name__}: {said}; set {_DEBUG}=1 to see where, and please report it"
        )
        if session.environ.get(_DEBUG) == "1":
            print(scrub("".join(traceback.format_exception(error))), file=console.err)
        return exits.FAILED
