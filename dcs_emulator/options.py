"""The options of an emulator: the name, default, help and check of each, for `Emulator` and the command line."""

from __future__ import annotations

import inspect
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field, fields, replace
from functools import update_wrapper
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from dcs_emulator.identity import Trust
from dcs_emulator.progression import PROGRESSIONS
from dcs_emulator.quirks import parse_quirks
from dcs_emulator.real_data.endpoints import Endpoint, parse_addresses, parse_buckets, parse_endpoints
from dcs_emulator.signature import Credentials

DEFAULT_KEY = "emulator"  # for both keys: it is public, and protects nothing

_Arguments = ParamSpec("_Arguments")
_Made = TypeVar("_Made")
_Owner = TypeVar("_Owner")


def _check_port(value: int) -> None:
    if not 0 <= value <= 65535:
        raise ValueError("must be a number from 0 to 65535")


def _check_seconds(value: float) -> None:
    if not math.isfinite(value) or value < 0:
        raise ValueError("must be a number of seconds, 0 or more")


def _check_lifetime(value: float | None) -> None:
    if value is not None:
        _check_seconds(value)


def _check_host(value: str) -> None:
    if not value or value.startswith("["):
        raise ValueError("must be an address or a host name, without brackets: 127.0.0.1 or ::1")


def _read_port(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1  # the check refuses it


def _read_seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan  # the check refuses it


@dataclass(frozen=True)
class Argument:
    """An option's form on the command line.

    ``flag`` is its name there, if it differs; ``form`` is the form of a value, ``shown`` the default in the help,
    ``default`` the command's default, if it differs. ``many`` is list or dict for a repeatable option.
    """

    help: str
    flag: str = ""
    form: str | None = None
    shown: str | None = None
    default: Any = None
    many: type | None = None
    choices: tuple[str, ...] | None = None
    read: Callable[[str], Any] = str
    check: Callable[[Any], None] | None = None


def _argument(help: str, **rest: Any) -> dict[str, Argument]:
    return {"argument": Argument(help, **rest)}


def _seconds(help: str) -> dict[str, Argument]:
    return _argument(help, read=_read_seconds, check=_check_seconds)


@dataclass(frozen=True)
class Options:
    """The options of an emulator; raises ValueError for invalid ones.

    ``clock`` returns the Unix time for tasks and journal (signatures use the real time).
    ``deterministic_ids`` generates the same ids each time. The other options are also on the command line.
    """

    port: int = field(
        default=0,
        metadata=_argument(
            "port to listen on; 0 picks a free one", default=8788, read=_read_port, check=_check_port
        ),
    )
    _: KW_ONLY
    host: str = field(default="127.0.0.1", metadata=_argument("address to listen on", check=_check_host))
    access_key: str | None = field(
        default=None, metadata=_argument("access key that callers must use", shown=DEFAULT_KEY)
    )
    secret_key: str | None = field(
        default=None, repr=False, metadata=_argument("its secret key", shown=DEFAULT_KEY)
    )
    auth_token: str | None = field(
        default=None, repr=False, metadata=_argument("token that is accepted instead of a signature")
    )
    audience: str | None = field(
        default=None,
        metadata=_argument(
            "accept OpenID Connect id tokens for this audience; their signature isn't verified"
        ),
    )
    agencies: Mapping[str, str] | None = field(
        default=None,
        metadata=_argument(
            "an agency that callers can assume, and its account's name or id",
            flag="--agency",
            form="NAME=ACCOUNT",
            many=dict,
        ),
    )
    server_agency: str | None = field(
        default=None, metadata=_argument("act as the metadata service of a server with this agency")
    )
    pod_token: str | None = field(
        default=None, repr=False, metadata=_argument("issue keys to pods that send this token")
    )
    key_lifetime: float | None = field(
        default=None,
        metadata=_argument(
            "longest lifetime of temporary keys, in seconds",
            read=_read_seconds,
            check=_check_lifetime,
        ),
    )
    progression: str = field(
        default="timed", metadata=_argument("how tasks progress", choices=tuple(PROGRESSIONS))
    )
    duration: float = field(default=5.0, metadata=_seconds("seconds that a timed task takes"))
    stop_seconds: float = field(default=1.0, metadata=_seconds("seconds that a stop takes"))
    job_seconds: float = field(
        default=1.0, metadata=_seconds("seconds until a migration instance is created")
    )
    exchange_seconds: float = field(default=1.0, metadata=_seconds("seconds that an address exchange takes"))
    linger: float = field(default=60.0, metadata=_seconds("seconds that Show still returns a deleted task"))
    state: str | os.PathLike[str] | None = field(
        default=None, metadata=_argument("keep the tasks in this file", form="FILE")
    )
    redis: Mapping[str, str] | None = field(
        default=None,
        repr=False,
        metadata=_argument(
            "the Redis server behind instance ID; tasks move real data into it, with any --progression",
            form="ID=HOST:PORT[:PASSWORD]",
            many=dict,
        ),
    )
    buckets: Mapping[str, str | os.PathLike[str]] | None = field(
        default=None,
        metadata=_argument(
            "the folder behind bucket NAME, with backup files (.rdb, .aof, .zip, .tar.gz)",
            flag="--bucket",
            form="NAME=DIR",
            many=dict,
        ),
    )
    addresses: Mapping[str, int | str] | None = field(
        default=None,
        metadata=_argument(
            "the port that forwards to instance ID until addresses are exchanged; 0 picks a free one",
            flag="--address",
            form="ID=PORT",
            many=dict,
        ),
    )
    quirks: Iterable[str] = field(
        default=(),
        metadata=_argument(
            "turn on a quirk, or several separated by commas", flag="--quirk", form="NAME[=VALUE]", many=list
        ),
    )
    clock: Callable[[], float] = time.time
    deterministic_ids: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "quirks", tuple(self.quirks))  # it may be an iterator
        for name, argument in arguments().items():
            if argument.check is not None:
                try:
                    argument.check(getattr(self, name))
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("the access key and the secret key must be set together")
        if self.progression not in PROGRESSIONS:
            raise ValueError(f"progression must be one of {', '.join(PROGRESSIONS)}")
        parse_quirks(self.quirks)
        self.folders()
        self.ports()

    def credentials(self) -> Credentials:
        """Return what a caller must have."""
        return Credentials(self.access_key or DEFAULT_KEY, self.secret_key or DEFAULT_KEY, self.auth_token)

    def trust(self) -> Trust:
        """Return who gets temporary keys."""
        return Trust(
            self.audience, self.agencies or {}, self.server_agency, self.pod_token, self.key_lifetime
        )

    def folders(self) -> dict[str, Path]:
        """Return the folders of buckets."""
        return parse_buckets(self.buckets or {})

    def endpoints(self) -> dict[str, Endpoint]:
        """Return the Redis servers of instances."""
        return parse_endpoints(self.redis or {})

    def ports(self) -> dict[str, int]:
        """Return the ports of instances' addresses."""
        return parse_addresses(self.addresses or {}, self.endpoints())


def arguments() -> dict[str, Argument]:
    """Return the arguments of the command line, by the names of their options."""
    return {
        option.name: _completed(option.metadata["argument"], option.name, option.default)
        for option in fields(Options)
        if "argument" in option.metadata
    }


def _completed(argument: Argument, name: str, default: Any) -> Argument:
    """Fill in an argument's data from its option."""
    default = default if argument.default is None else argument.default
    known = None if default is None else f"{default:g}" if isinstance(default, float) else str(default)
    return replace(
        argument,
        flag=argument.flag or f"--{name.replace('_', '-')}",
        default=default,
        shown="repeatable" if argument.many else argument.shown or known,
    )


def by_keywords(
    make: Callable[_Arguments, _Made],
) -> Callable[[Callable[[_Owner, _Made], None]], Callable[Concatenate[_Owner, _Arguments], None]]:
    """Let callers of a constructor pass the arguments of ``make`` instead of its result.

    So names, types and defaults are only in one place, and type checkers and `help` know them.
    """

    def decorate(init: Callable[[_Owner, _Made], None]) -> Callable[Concatenate[_Owner, _Arguments], None]:
        def outer(self: _Owner, /, *args: _Arguments.args, **kwargs: _Arguments.kwargs) -> None:
            init(self, make(*args, **kwargs))

        owner, *_ = inspect.signature(init).parameters.values()
        signature = inspect.Signature([owner, *inspect.signature(make).parameters.values()])
        update_wrapper(outer, init).__signature__ = signature  # type: ignore[attr-defined]
        return outer

    return decorate
