"""The options of the emulator: one table for the command line and for `Emulator`."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

import pytest

from dcs_emulator import Emulator
from dcs_emulator.options import Options

SECRET = "a-secret"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"port": 65_536}, "port: must be a number from 0 to 65535"),
        ({"port": -1}, "port: must be a number from 0 to 65535"),
        ({"duration": -1.0}, "duration: must be a number of seconds, 0 or more"),
        ({"linger": float("nan")}, "linger: must be a number of seconds, 0 or more"),
        ({"progression": "sideways"}, "progression must be one of timed, immediate, manual"),
        ({"secret_key": SECRET}, "the access key and the secret key must be set together"),
        ({"quirks": ["stop-is-slow=1"]}, "quirk stop-is-slow takes no value"),
        ({"redis": {"shop": f"host:0:{SECRET}"}}, "--redis: a Redis server must be HOST:PORT"),
        ({"addresses": {"shop": 7001}}, "--address: shop isn't an instance from --redis"),
    ],
)
def test_bad_options_are_refused_in_process(options: dict[str, Any], said: str) -> None:
    """What the command line refuses is a ValueError of one line, which holds no password."""
    with pytest.raises(ValueError, match=said) as caught:
        Emulator(**options)
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_the_emulator_takes_the_options_as_keywords() -> None:
    """Its signature is that of the options, and an option that does not exist is a TypeError."""
    parameters = inspect.signature(Emulator).parameters
    assert list(parameters) == [option.name for option in fields(Options)]
    assert [name for name, each in parameters.items() if each.kind is each.POSITIONAL_OR_KEYWORD] == ["port"]
    with pytest.raises(TypeError, match="nope"):
        Emulator(nope=1)  # type: ignore[call-arg]


def test_quirks_may_be_read_once() -> None:
    """A generator of quirks is checked and used."""
    with Emulator(quirks=(name for name in ("fuzzy-name", "retry-after=1"))) as cloud:
        assert cloud.quirks == ["fuzzy-name", "retry-after=1"]


def test_no_secret_is_shown() -> None:
    """Options that are printed show no key, no token and no password."""
    options = Options(
        access_key="AK", secret_key=SECRET, auth_token=SECRET, redis={"shop": f"localhost:6379:{SECRET}"}
    )
    assert SECRET not in repr(options)
