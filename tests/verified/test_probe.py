"""The probe tells the emulator's answers apart: none of its quirks, or each of them by its name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dcs_emulator import Emulator
from dcs_emulator.errors import SHAPE_NAMES
from dcs_emulator.quirks import QUIRKS
from dcs_migration.dcs.errors import ApiError
from tests.e2e.stack import calls
from tests.fakes import FakeClock
from tests.verified.answers import (
    AS_DEFAULT,
    BY_NO_QUIRK,
    CANNOT_TELL,
    NOT_ASKED,
    QUESTIONS,
    Answer,
    refused,
    table,
)
from tests.verified.cloud import PLAYED, REAL, Cloud, played_by
from tests.verified.probe import Probe

TELLABLE = [name for name in QUIRKS if name not in CANNOT_TELL]
CODED = [
    name for name in TELLABLE if QUIRKS[name].default == "DCS.4957" or QUIRKS[name].default == "DCS.4026"
]


@contextmanager
def probed(clock: FakeClock, *quirks: str, duration: float = 120.0) -> Iterator[tuple[Cloud, Emulator]]:
    """An emulator with some quirks, at the pace of the real service but by a clock of the test's."""
    with Emulator(
        clock=lambda: clock.time(),
        deterministic_ids=True,
        duration=duration,
        stop_seconds=1.0,
        job_seconds=1.0,
        quirks=quirks,
    ) as emulator:
        cloud = Cloud(played_by(emulator), REAL, clock)
        yield cloud, emulator
        assert cloud.listing() == {}
        cloud.close()


def asked(clock: FakeClock, *quirks: str) -> dict[str, Answer]:
    """Probe an emulator with some quirks."""
    with probed(clock, *quirks) as (cloud, _):
        return Probe(cloud).run()


def quirks_named(answers: dict[str, Answer]) -> list[str]:
    """Return what is not as by default."""
    return [
        answer.played_by for answer in answers.values() if answer.played_by not in (AS_DEFAULT, NOT_ASKED)
    ]


def test_without_a_quirk_everything_is_as_by_default(clock: FakeClock) -> None:
    """Each question is asked, and answered by the emulator's default."""
    answers = asked(clock)
    assert {key: answer for key, answer in answers.items() if answer.played_by != AS_DEFAULT} == {}
    assert list(QUESTIONS) == sorted(answers, key=list(QUESTIONS).index)


@pytest.mark.parametrize("name", TELLABLE)
def test_each_quirk_is_told_by_its_name(clock: FakeClock, name: str) -> None:
    """One answer names it, with its value where it has one, and all others are as by default."""
    default = QUIRKS[name].default
    spec = f"{name}={default}" if isinstance(default, str) else name
    assert quirks_named(asked(clock, spec)) == [spec]


@pytest.mark.parametrize(
    "spec", [*(f"error-body={shape}" for shape in SHAPE_NAMES), *(f"{name}=DCS.4017" for name in CODED)]
)
def test_the_value_of_a_quirk_is_told(clock: FakeClock, spec: str) -> None:
    """The shape of an error, and the code of a refusal, are named as they are."""
    assert quirks_named(asked(clock, spec)) == [spec]


def test_without_a_source_only_imports_are_asked(clock: FakeClock) -> None:
    """Nothing that needs a machine or another Redis is started; the table says why."""
    with probed(clock) as (cloud, emulator):
        cloud.named = dataclasses.replace(cloud.named, source=None)
        answers = Probe(cloud).run()
    left_out = {key for key, answer in answers.items() if answer.told == "not asked: no source is named"}
    assert left_out == {key for key, question in QUESTIONS.items() if question.part in ("old_call", "online")}
    assert "CreateOnlineMigrationTask" not in calls(emulator)


def test_imports_that_are_over_too_soon_tell_nothing_wrong(clock: FakeClock) -> None:
    """What needs a running task is not asked of one that has ended; all else is as by default."""
    with probed(clock, duration=1.0) as (cloud, _):
        answers = Probe(cloud).run()
    assert quirks_named(answers) == []
    over = {key for key, answer in answers.items() if answer.told == "not asked: the import had ended"}
    assert over == {"resume", "second", "stop", "stop_time", "delete_running"}


def test_it_makes_few_tasks(clock: FakeClock) -> None:
    """Five at most, two at a time."""
    with probed(clock) as (cloud, emulator):
        Probe(cloud).run()
    made = calls(emulator)
    assert made["CreateMigrationTask"] + made["CreateOnlineMigrationTask"] == 5


def test_a_part_without_an_answer_leaves_the_others(clock: FakeClock) -> None:
    """A lost connection costs the questions of one experiment."""
    with probed(clock) as (cloud, emulator):
        emulator.fault("ShowMigrationTask", "drop_before")
        answers = Probe(cloud).run()
    unasked = {key: answer.told for key, answer in answers.items() if answer.played_by == NOT_ASKED}
    assert unasked == {"shape": "not asked: no answer came (ConnectionError)"}


def test_a_refusal_that_quotes_a_password_is_told_without_it(clock: FakeClock) -> None:
    """The service's own words are in the table, but for what is secret."""
    message = f"no such password: {PLAYED['TARGET_PASSWORD']}"
    with probed(clock) as (cloud, emulator):
        emulator.fault(
            "CreateMigrationTask", "error", status=400, error_code="DCS.4080", message=message, times=2
        )
        told = Probe(cloud).run()["stop"].told
    assert "DCS.4080: no such password: " in told
    assert PLAYED["TARGET_PASSWORD"] not in told


@pytest.mark.parametrize(
    ("error", "played_by"),
    [
        (ApiError("StopMigrationTask", 400, "DCS.4017"), "a-quirk=DCS.4017"),
        (ApiError("StopMigrationTask", 400, "DCS.4999"), BY_NO_QUIRK),
        (ApiError("StopMigrationTask", 404), BY_NO_QUIRK),
    ],
)
def test_a_refusal_that_nothing_plays_is_told(error: ApiError, played_by: str) -> None:
    """A code that no document knows is what this is for."""
    assert refused(error, "a-quirk").played_by == played_by


def test_a_refusal_with_another_code_is_told() -> None:
    """The quirk plays the refusal, but not its code."""
    answer = refused(ApiError("ShowMigrationTask", 400, "DCS.4957"), "a-quirk", "DCS.4133")
    assert answer == Answer("refused: HTTP 400 DCS.4957", "a-quirk, but with DCS.4133")


def test_every_quirk_is_told_or_left_out_for_a_reason() -> None:
    """What cannot be asked stands below the table, with the reason."""
    assert set(CANNOT_TELL) <= set(QUIRKS)
    told = table({}).partition("Not asked")[2]
    assert [name for name in CANNOT_TELL if f"`{name}`" not in told] == []
