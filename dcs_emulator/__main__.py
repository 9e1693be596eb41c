"""The command line: ``python -m dcs_emulator``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from types import FrameType
from typing import Any, NoReturn

from dcs_emulator.options import Argument, arguments

EXIT_UNUSABLE = 2
_LOOK_EVERY = 1.0  # seconds
PROGRAM = "dcs_emulator"
MISSING_WERKZEUG = "Werkzeug isn't installed; run pip install 'pulumi-dcs-migration[emulator]'"
MISSING_REDIS = "the Redis client isn't installed; run pip install 'pulumi-dcs-migration[emulator]'"
_MISSING = {"werkzeug": MISSING_WERKZEUG, "redis": MISSING_REDIS}


class _Parser(argparse.ArgumentParser):
    """A parser with one-line errors."""

    def error(self, message: str) -> NoReturn:
        """Exit with one line on stderr and status 2."""
        _fail(message)


def _fail(message: str) -> NoReturn:
    print(f"{PROGRAM}: {message}", file=sys.stderr)
    raise SystemExit(EXIT_UNUSABLE)


def _fail_for_library(error: ModuleNotFoundError) -> NoReturn:
    """Return what to install if one of the emulator's libraries is missing."""
    message = _MISSING.get((error.name or "").partition(".")[0])
    if message is None:
        raise error
    _fail(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog=f"python -m {PROGRAM}",
        description="Emulate DCS data-migration tasks on this machine, without a cloud.",
    )
    parser.add_argument(
        "--allow-remote", action="store_true", help="allow a --host that other machines can reach"
    )
    for name, argument in arguments().items():
        parser.add_argument(
            argument.flag,
            dest=name,
            action="append" if argument.many else "store",
            default=[] if argument.many else argument.default,
            type=_reader(argument),
            choices=argument.choices,
            metavar=argument.form,
            help=f"{argument.help} ({argument.shown})" if argument.shown else argument.help,
        )
    return parser


def _reader(argument: Argument) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        value = argument.read(text)
        try:
            if argument.check is not None:
                argument.check(value)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return value

    return read


def _chosen(parsed: argparse.Namespace) -> dict[str, Any]:
    """Return the command line as keyword arguments of `Emulator`; raises ValueError."""
    return {
        name: _pairs(argument, getattr(parsed, name)) if argument.many is dict else getattr(parsed, name)
        for name, argument in arguments().items()
    }


def _pairs(argument: Argument, items: Iterable[str]) -> dict[str, str]:
    """Read ``NAME=VALUE`` items; raises ValueError with a message without values."""
    pairs: dict[str, str] = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not equals:
            raise ValueError(f"{argument.flag}: must have the form {argument.form}")
        if name in pairs:
            raise ValueError(f"{argument.flag}: {name} is set twice")
        pairs[name] = value
    return pairs


def main(words: Sequence[str] | None = None) -> int:
    """Run an emulator until SIGTERM or SIGINT; returns the exit status."""
    parsed = _parser().parse_args(words)
    try:
        from dcs_emulator.control import is_loopback
        from dcs_emulator.server import Emulator
        from dcs_emulator.state_file import StateFileError
    except ModuleNotFoundError as error:
        _fail_for_library(error)
    if not parsed.allow_remote and not is_loopback(parsed.host):
        _fail(f"{parsed.host} is reachable from other machines; add --allow-remote to allow that")

    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    try:
        emulator = Emulator(**_chosen(parsed))
    except ModuleNotFoundError as error:
        _fail_for_library(error)
    except (ValueError, StateFileError) as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"can't listen on {parsed.host}:{parsed.port}: {error.strerror or error}")
    with emulator:
        _announce(f"listening on {emulator.url}")
        while not stop.wait(_LOOK_EVERY):  # on Windows, a wait without an end doesn't notice Ctrl-C
            pass
    return 0


def _announce(line: str) -> None:
    """Write a line to standard output, which others wait for."""
    try:
        print(line, flush=True)
    except OSError as error:
        # Otherwise Python tries to write it again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _fail(f"can't write to standard output: {error.strerror}")


if __name__ == "__main__":
    sys.exit(main())
