"""How warnings of libraries and errors of any kind leave the plugin."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from dcs_migration.life_cycles import reporting
from tests.fakes import FakeEngine


class Insecure(Warning):
    """Stands for a warning of a library."""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """An engine that keeps what is logged, in a process whose filters make an error of each warning."""
    made = FakeEngine()
    monkeypatch.setattr(reporting, "_shown", set())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monkeypatch.setattr(warnings, "warn", reporting.collecting(warnings.warn))
        yield made


def messages(engine: FakeEngine) -> list[tuple[Any, ...]]:
    """Return what was logged, and for which resource."""
    return [(line.severity, line.message, line.urn) for line in engine.lines]


def test_a_warning_in_our_call_is_a_line_once(engine: FakeEngine) -> None:
    """With any filters, and for any number of repetitions by a library."""
    for urn in ("urn:a", "urn:b"):
        with reporting.guard(engine, urn):
            warnings.warn("bad\ncertificate", Insecure, stacklevel=2)
            warnings.warn(Insecure("another"), stacklevel=2)
    assert messages(engine) == [
        ("WARNING", "bad certificate (Insecure)", "urn:a"),
        ("WARNING", "another (Insecure)", "urn:a"),
    ]


def test_a_call_that_fails_shows_its_warnings_too(engine: FakeEngine) -> None:
    """What a library warned of may be why."""

    def fail() -> None:
        warnings.warn("look here", stacklevel=1)
        raise ZeroDivisionError

    with pytest.raises(reporting.ProviderError, match="ZeroDivisionError"), reporting.guard(engine, "urn:a"):
        fail()
    assert messages(engine) == [("WARNING", "look here (UserWarning)", "urn:a")]


def test_warnings_for_developers_are_no_news(engine: FakeEngine) -> None:
    """Python shows none of them, nor what a library has a filter against."""
    warnings.filterwarnings("ignore", message="left out", category=Insecure)
    with reporting.guard(engine, "urn:a"):
        for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.warn("old", kind, stacklevel=1)
        warnings.warn("left out of this", Insecure, stacklevel=1)
    assert messages(engine) == []


def test_warnings_of_others_stay_theirs(engine: FakeEngine) -> None:
    """Outside our calls, and in other threads meanwhile: the filters of the process hold, and so does the place."""
    with pytest.raises(Insecure):
        warnings.warn("of another provider", Insecure, stacklevel=1)
    raised: list[BaseException] = []

    def other() -> None:
        try:
            warnings.warn("in another thread", Insecure, stacklevel=1)
        except Insecure as error:
            raised.append(error)

    with reporting.guard(engine, "urn:a"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(raised) == 1
    assert messages(engine) == []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn("seen", Insecure, stacklevel=1)
    assert [warning.filename for warning in caught] == [__file__]


def test_a_warning_that_became_an_error_is_called_that() -> None:
    """One that Python itself raises isn't handled: it isn't our error."""
    said = r"PYTHONWARNINGS turns .*; unset it"
    with pytest.raises(reporting.ProviderError, match=said), reporting.guard(FakeEngine()):
        raise SyntaxWarning("invalid escape sequence")


def test_an_error_can_always_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an emoji in an exception, with the traceback asked for: the host must be able to answer."""
    monkeypatch.setenv("DCS_MIGRATION_DEBUG", "1")
    with pytest.raises(reporting.ProviderError) as caught, reporting.guard(FakeEngine()):
        raise RuntimeError("half \ud83d")
    assert str(caught.value).encode().startswith(b"internal error: RuntimeError: half; ")
