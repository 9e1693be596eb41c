"""What a user may write for a completion: checked offline, with the path and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.inputs import UNKNOWN
from dcs_migration.life_cycles.migration_completion.inputs import (
    DEFAULT_INTERVAL,
    DEFAULT_TIMEOUT,
    check,
    interval_of,
    timeout_of,
)

ID = "8aa6999e71cb638b0171f485f5266ef0"
OTHER = "8aa6999e71cb638b0171f485f5266ef1"
REAL = {"HW_REGION_NAME": "eu-west-101"}
LOOPBACK = {**REAL, "HW_DCS_ENDPOINT": "http://127.0.0.1:8788"}


def checked(environ: Mapping[str, str] = REAL, /, **inputs: Any) -> tuple[dict[str, Any], list[str]]:
    """Check inputs that wait for one task, by default in the real service."""
    return check({"task_ids": [ID], **inputs}, Settings(environ=environ))


def problems(environ: Mapping[str, str] = REAL, /, **inputs: Any) -> list[str]:
    """Return the lines of the problems."""
    return checked(environ, **inputs)[1]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("2h", 7200),
        ("1h30m", 5400),
        (90, 90),
        (90.0, 90),
        (12.5, 12.5),
        ("90", 90),
        ("12.5", 12.5),
        (" 90 ", 90),
    ],
)
def test_a_duration_is_written_in_any_usual_form(written: str | float, seconds: float) -> None:
    """Seconds as a number or a text, and Pulumi's own form, mean the same in both places."""
    inputs, found = checked(timeout=written, interval=written)
    assert found == []
    assert timeout_of(inputs, "create") == timeout_of(inputs, "update") == seconds
    assert interval_of(inputs) == seconds


def test_the_defaults_are_an_hour_and_ten_seconds() -> None:
    """Nothing written means these."""
    inputs, found = checked()
    assert found == []
    assert timeout_of(inputs, "create") == DEFAULT_TIMEOUT == 3600
    assert interval_of(inputs) == DEFAULT_INTERVAL == 10


@pytest.mark.parametrize("key", ["timeout", "interval"])
@pytest.mark.parametrize("written", ["", "soon", "10 m", "-5m", "1e3", "1d", -90, float("nan")])
def test_what_is_no_duration_is_refused(key: str, written: Any) -> None:
    """The line names the input and shows how a duration is written."""
    assert f'{key}: isn\'t a duration; use a value such as "90s", "10m" or "1h30m"' in problems(
        **{key: written}
    )


@pytest.mark.parametrize("written", [0, 0.0, "0", "0s", "0h0m"])
def test_no_time_at_all_is_refused(written: str | float) -> None:
    """A wait of nothing would always fail."""
    assert problems(timeout=written) == ['timeout: must be greater than zero; use a value such as "10m"']


@pytest.mark.parametrize("key", ["timeout", "interval"])
@pytest.mark.parametrize("written", [True, [], {"seconds": 90}])
def test_another_type_is_refused_once(key: str, written: Any) -> None:
    """Neither a flag nor a list nor a map is a time."""
    (line,) = problems(**{key: written})
    assert line.startswith(f"{key}: must be a string or a number; use ")


@pytest.mark.parametrize("written", ["9s", 9.9, "500ms", 1])
def test_an_interval_below_the_services_limits_is_refused_with_the_reason(written: str | float) -> None:
    """The real service counts calls per minute: ten seconds are the least."""
    assert problems(interval=written) == [
        'interval: is too short for the service\'s limits on calls per minute; use "10s" or more'
    ]
    assert problems(interval="10s") == []


def test_an_emulator_may_be_polled_every_second() -> None:
    """An endpoint on this machine has no such limit; but no time at all is too short there, too."""
    assert problems(LOOPBACK, interval="1s") == []
    (line,) = problems(LOOPBACK, interval="500ms")
    assert line.endswith('use "1s" or more')


@pytest.mark.parametrize("endpoint", ["https://dcs.example.com", "http://[", "https://dcs.example.com/path"])
def test_any_other_endpoint_counts_as_the_real_service(endpoint: str) -> None:
    """Also one that can't be read, which another line reports."""
    lines = problems({**REAL, "HW_DCS_ENDPOINT": endpoint}, interval="1s")
    assert len([line for line in lines if line.startswith("interval: ")]) == 1
    assert all("HW_DCS_ENDPOINT" in line for line in lines[1:])


def test_the_interval_is_judged_by_the_region_that_is_written() -> None:
    """No region need be configured for that."""
    tasks = [{"urn": "urn", "name": "orders"}]
    assert problems({}, __tasks=tasks, interval="10s") == []
    assert len(problems({}, __tasks=tasks, interval="9s")) == 1


def test_custom_timeouts_bound_the_wait() -> None:
    """The shorter of the two bounds holds, each operation by its own."""
    inputs, found = checked(timeout="2h", __create_timeout="30m", __update_timeout="3h")
    assert found == []
    assert timeout_of(inputs, "create") == 1800
    assert timeout_of(inputs, "update") == 7200
    alone, _ = checked(__create_timeout="3h")
    assert timeout_of(alone, "create") == 3 * 3600


def test_a_bad_custom_timeout_is_named_as_it_was_written() -> None:
    """No one has ever written `__create_timeout`."""
    assert problems(__create_timeout="soon", __update_timeout="never") == [
        'opts.custom_timeouts.create: isn\'t a duration; use a value such as "90s", "10m" or "1h30m"',
        'opts.custom_timeouts.update: isn\'t a duration; use a value such as "90s", "10m" or "1h30m"',
    ]


def test_no_task_at_all_is_refused() -> None:
    """A completion of nothing would always be done."""
    assert problems(task_ids=[]) == [f'task_ids: is empty; use a value such as ["{ID[:-1]}0"]']
    (line,) = check({}, Settings(environ=REAL))[1]
    assert line.startswith("task_ids: is required; ")


def test_a_task_that_is_written_twice_is_refused_with_both_places() -> None:
    """Also when one of them came by `tasks`: those come first."""
    assert problems(task_ids=[ID, OTHER, ID, OTHER]) == [
        "task_ids[2]: is the same as task_ids[0]; list each task once",
        "task_ids[3]: is the same as task_ids[1]; list each task once",
    ]


@pytest.mark.parametrize("id_", ["a b", "../x", "x/y", "x" * 65, "x\n", "ä"])
def test_a_malformed_id_is_refused_and_not_shown(id_: str) -> None:
    """It would address something else in the path of a call."""
    (line,) = problems(task_ids=[ID, id_])
    assert line.startswith("task_ids[1]: ")
    assert line.endswith(("]", ".strip()")) or "use a value such as" in line
    assert id_ not in line


def test_an_empty_id_is_refused() -> None:
    """An output that was empty is a mistake of the program."""
    (line,) = problems(task_ids=[""])
    assert line.startswith("task_ids[0]: is empty; ")


@pytest.mark.parametrize("ids", [ID, 7, {ID: 1}, [7], [None], [[ID]]])
def test_ids_are_a_list_of_texts(ids: Any) -> None:
    """Anything else is refused in one line."""
    (line,) = problems(task_ids=ids)
    assert line.startswith(("task_ids: must be a list", "task_ids[0]: must be a string"))


@pytest.mark.parametrize("value", ["yes", 1, []])
def test_fail_fast_is_a_flag(value: Any) -> None:
    """Texts that look like one are refused."""
    (line,) = problems(fail_fast=value)
    assert line.startswith("fail_fast: must be true or false")


@pytest.mark.parametrize("key", ["region", "project_id"])
def test_a_malformed_place_is_refused(key: str) -> None:
    """A region or project that could not be one is not sent."""
    inputs: dict[str, Any] = {key: "a/b"}
    (line,) = problems(**inputs)
    assert line.startswith(f"{key}: has the wrong format")


@pytest.mark.parametrize("key", ["task_ids", "timeout", "interval", "fail_fast", "region", "project_id"])
def test_what_is_known_only_later_passes(key: str) -> None:
    """A preview before the tasks exist is as good as any."""
    inputs: dict[str, Any] = {key: UNKNOWN}
    assert problems(**inputs) == []


def test_ids_and_facts_that_are_known_only_later_pass() -> None:
    """So it is in the preview of the program's own tasks, whole or in part."""
    facts = {"urn": UNKNOWN, "name": UNKNOWN, "status": UNKNOWN, "region": UNKNOWN, "project_id": UNKNOWN}
    assert problems({}, task_ids=[UNKNOWN, UNKNOWN], __tasks=[facts, facts]) == []
    assert problems(task_ids=[UNKNOWN, UNKNOWN, ID]) == []
    assert problems({}, task_ids=UNKNOWN, __tasks=UNKNOWN) == []


def test_the_configured_region_is_written_into_the_inputs_of_bare_ids() -> None:
    """State then says where the tasks live; one that is written stays."""
    assert checked()[0]["region"] == "eu-west-101"
    assert checked(region="ap-south-1")[0]["region"] == "ap-south-1"


def test_bare_ids_need_a_region() -> None:
    """The line says how to set one; tasks of the program bring their own."""
    (line,) = problems({})
    assert line.startswith("region: no region; set huaweicloud:region")
    assert problems({}, __tasks=[{"urn": "urn", "region": "eu-west-101"}]) == []


def test_every_problem_is_told_at_once() -> None:
    """No one has to run the preview once per mistake."""
    lines = problems({}, task_ids=[ID, ID], timeout="soon", interval=1, fail_fast="no")
    assert [line.partition(":")[0] for line in lines] == [
        "fail_fast",
        "task_ids[1]",
        "timeout",
        "interval",
        "region",
    ]


def test_the_hidden_inputs_stay() -> None:
    """State must keep them: the update and the failure texts need them."""
    hidden: dict[str, Any] = {"__tasks": [{"urn": "urn"}], "__urn": "urn", "__create_timeout": "1h"}
    inputs, _ = checked(**hidden, __update_timeout=None)
    assert {key: inputs[key] for key in inputs if key.startswith("__")} == hidden


def test_the_passwords_of_the_tasks_are_not_kept() -> None:
    """State and plans get no second copy."""
    inputs, found = checked(__passwords=["of the target", None, UNKNOWN])
    assert (set(inputs), found) == ({"task_ids", "region"}, [])
