"""The command line: ``python -m dcs_emulator``."""

from __future__ import annotations

import argparse
import math
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

EXIT_UNUSABLE = 2
DEFAULT_PORT = 8788
PROGRAM = "dcs_emulator"
REDIS_FORM, BUCKET_FORM, ADDRESS_FORM = "ID=HOST:PORT[:PASSWORD]", "NAME=DIR", "ID=PORT"
MISSING_WERKZEUG = "Werkzeug is missing: pip install 'pulumi-dcs-migration[emulator]'"
MISSING_REDIS = "the Redis client is missing: pip install 'pulumi-dcs-migration[emulator]'"
_MISSING = {"werkzeug": MISSING_WERKZEUG, "redis": MISSING_REDIS}


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        """End with one line on stderr and status 2."""
        _fail(message)


def _fail(message: str) -> NoReturn:
    print(f"{PROGRAM}: {message}", file=sys.stderr)
    raise SystemExit(EXIT_UNUSABLE)


def _fail_for_library(error: ModuleNotFoundError) -> NoReturn:
    """Say what to install, when one of the emulator's libraries is what is missing."""
    message = _MISSING.get((error.name or "").partition(".")[0])
    if message is None:
        raise error
    _fail(message)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds < 0:
        raise argparse.ArgumentTypeError("a duration is a number of seconds that is not negative")
    return seconds


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description="A DCS for one machine: data-migration tasks without a cloud.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="0 takes a free one (%(default)s)")
    parser.add_argument("--allow-remote", action="store_true", help="let --host be more than this machine")
    parser.add_argument("--access-key", help="the access key that callers must use (default: emulator)")
    parser.add_argument("--secret-key", help="its secret key (default: emulator)")
    parser.add_argument("--auth-token", help="a token that is accepted instead of a signature")
    parser.add_argument(
        "--progression",
        choices=("timed", "immediate", "manual"),
        default="timed",
        help="how tasks get on (default: %(default)s)",
    )
    parser.add_argument("--duration", type=_seconds, default=5.0, help="seconds a timed task takes (5)")
    parser.add_argument("--stop-seconds", type=_seconds, default=1.0, help="seconds a stop takes (1)")
    parser.add_argument(
        "--job-seconds", type=_seconds, default=1.0, help="seconds until a migration instance is made (1)"
    )
    parser.add_argument(
        "--exchange-seconds", type=_seconds, default=1.0, help="seconds an exchange of addresses takes (1)"
    )
    parser.add_argument(
        "--linger", type=_seconds, default=60.0, help="seconds Show knows a deleted task (60)"
    )
    parser.add_argument("--state", metavar="FILE", help="keep the tasks in this file")
    parser.add_argument(
        "--redis",
        action="append",
        default=[],
        metavar=REDIS_FORM,
        help="the Redis server that is instance ID: tasks move real data into it; repeatable",
    )
    parser.add_argument(
        "--bucket",
        action="append",
        default=[],
        metavar=BUCKET_FORM,
        help="the folder that is bucket NAME, for backup files (.rdb, .aof, .zip, .tar.gz); repeatable",
    )
    parser.add_argument(
        "--address",
        action="append",
        default=[],
        metavar=ADDRESS_FORM,
        help="the port that leads to instance ID, until addresses are exchanged; repeatable",
    )
    parser.add_argument(
        "--quirk",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="switch a quirk on; repeatable, or several with commas",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run an emulator until SIGTERM or SIGINT; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        from dcs_emulator.control import is_loopback
        from dcs_emulator.real_data.places import parse_pairs
        from dcs_emulator.server import Emulator
        from dcs_emulator.state import StateFileError
    except ModuleNotFoundError as error:
        _fail_for_library(error)
    if not options.allow_remote and not is_loopback(options.host):
        _fail(f"{options.host} is not this machine only; add --allow-remote if that is meant")

    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    try:
        emulator = Emulator(
            options.port,
            host=options.host,
            access_key=options.access_key,
            secret_key=options.secret_key,
            auth_token=options.auth_token,
            progression=options.progression,
            duration=options.duration,
            stop_seconds=options.stop_seconds,
            linger=options.linger,
            state=options.state,
            quirks=options.quirk,
            redis=parse_pairs("--redis", REDIS_FORM, options.redis),
            buckets=parse_pairs("--bucket", BUCKET_FORM, options.bucket),
            addresses=parse_pairs("--address", ADDRESS_FORM, options.address),
            job_seconds=options.job_seconds,
            exchange_seconds=options.exchange_seconds,
        )
    except ModuleNotFoundError as error:
        _fail_for_library(error)
    except (ValueError, StateFileError) as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"cannot listen on {options.host}:{options.port}: {error.strerror or error}")
    with emulator:
        print(f"listening on {emulator.url}", flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
