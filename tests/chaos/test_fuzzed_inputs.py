"""Inputs drawn from the schema: each is accepted by the strict service, or refused by check with a path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dcs_emulator import Emulator
from dcs_migration.life_cycles.inputs import UNKNOWN
from tests.chaos.drawn_inputs import BY_SCHEMA, SPOILT
from tests.fakes import FakeClock, FakeEngine
from tests.unit.definitions import changed, paths
from tests.unit.life_cycle_world import CheckFailed, Resource, environment, start_plugin

PATH_AND_ADVICE = re.compile(r"[^\s].*?: \S")
EXAMPLES = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    database=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
    ],
)


@pytest.fixture(scope="module")
def strict() -> Iterator[Emulator]:
    """A service that is as strict as the real one."""
    with Emulator(progression="immediate") as cloud:
        yield cloud


def _resource(cloud: Emulator) -> Resource:
    cloud.reset()
    return Resource(start_plugin(environment(cloud.url), FakeClock(), FakeEngine()))


def _refused(resource: Resource, inputs: dict[str, Any], cloud: Emulator) -> bool:
    """Preview; return whether check refuses the inputs, and check that it does so correctly."""
    try:
        resource.preview(inputs)
    except CheckFailed as failed:
        for line in failed.lines:
            assert PATH_AND_ADVICE.match(line), line
            assert "\n" not in line
        with pytest.raises(CheckFailed):
            resource.up(inputs)
        assert cloud.requests() == []
        return True
    assert cloud.requests() == []
    return False


def _judge(cloud: Emulator, inputs: dict[str, Any]) -> None:
    resource = _resource(cloud)
    if _refused(resource, inputs, cloud):
        return
    resource.up(inputs)  # raises if the service refuses anything
    assert [task["id"] for task in cloud.tasks()] == [resource.id]
    assert resource.preview(inputs).step == "same"


@EXAMPLES
@given(inputs=BY_SCHEMA)
def test_what_the_schema_allows_is_accepted_or_refused_with_a_path(
    strict: Emulator, inputs: dict[str, Any]
) -> None:
    """Inputs that follow the schema pass check and the service takes them, or check says where they are wrong."""
    _judge(strict, inputs)


@EXAMPLES
@given(inputs=SPOILT)
def test_what_is_wrong_somewhere_is_accepted_or_refused_with_a_path(
    strict: Emulator, inputs: dict[str, Any]
) -> None:
    """Inputs with something wrong never reach the service to be refused there, and never raise anything else."""
    _judge(strict, inputs)


@EXAMPLES
@given(inputs=st.one_of(BY_SCHEMA, SPOILT), data=st.data())
def test_an_unknown_value_anywhere_never_raises_in_a_preview(
    strict: Emulator, inputs: dict[str, Any], data: st.DataObject
) -> None:
    """With something that only the update knows, a preview either passes or says where the rest is wrong."""
    places = paths(inputs)
    if places:
        inputs = changed(inputs, data.draw(st.sampled_from(places)), UNKNOWN)
    try:
        _resource(strict).preview(inputs)
        lines = []
    except CheckFailed as failed:
        lines = failed.lines
    assert [line for line in lines if not PATH_AND_ADVICE.match(line)] == []
    assert strict.requests() == []
