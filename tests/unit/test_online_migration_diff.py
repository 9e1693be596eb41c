"""What a change of an online migration asks for, and what its preview says, from state alone."""

from __future__ import annotations

from typing import Any

import pytest

from dcs_migration.life_cycles.inputs import UNKNOWN
from dcs_migration.life_cycles.online_migration.inputs import INPUTS, SPEC, normalised, refusals, warnings
from dcs_migration.life_cycles.tasks.props import OnChange
from dcs_migration.life_cycles.tasks.spec import Changes, compare
from tests.unit.life_cycle_world import PASSWORD
from tests.unit.online_world import FULL, MIGRATION

OLD: dict[str, Any] = {**MIGRATION, "task_id": "t-1", "region": "eu-west-101", "status": "INCRMIGEATING"}
OTHER: dict[str, Any] = {
    "task_id": "t-2",
    "job_id": "j-2",
    "migration_method": "full_amount_migration",
    "resume_mode": "manual",
    "bandwidth_limit_mb": 7,
    "source_instance": {"id": "another", "password": PASSWORD},
    "target_instance": {"id": "another", "password": PASSWORD},
    "state": "stopped",
    "triggers": ["again"],
    "region": "elsewhere",
    "project_id": "another",
    "existing_task_id": "another",
}


def said(changes: dict[str, Any], olds: dict[str, Any] = OLD) -> list[str]:
    """Return the warnings of a preview."""
    news = {**olds, **changes}
    return list(warnings(compare(SPEC, "", olds, news, preview=True), olds, news))


def refused(olds: dict[str, Any], news: dict[str, Any]) -> list[str]:
    """Return what a check refuses."""
    return list(refusals(compare(SPEC, "", olds, news, preview=True), olds, news))


@pytest.mark.parametrize("key", INPUTS)
def test_each_input_changes_as_the_table_says(key: str) -> None:
    """Replaced, changed in place, or not at all."""
    rule = INPUTS[key]
    olds = {**OLD, "project_id": "p-1"}
    changes = compare(SPEC, "", olds, {**olds, key: OTHER[key]}, preview=True)
    assert (
        changes
        == {
            OnChange.REPLACE: Changes(replaces=(key,)),
            OnChange.REPLACE_IF_GIVEN: Changes(replaces=(key,)),
            OnChange.IN_PLACE: Changes(in_place=(key,)),
            OnChange.UPDATE: Changes(updates=(key,)),
            OnChange.NOTHING: Changes(),
        }[rule]
    )


@pytest.mark.parametrize(
    "changes",
    [{"resume_mode": "auto"}, {"state": "running"}, {"triggers": []}, {"job_id": "another"}],
    ids=str,
)
def test_a_default_that_is_written_is_no_change(changes: dict[str, Any]) -> None:
    """Nor is one that is left out again."""
    assert not compare(SPEC, "", OLD, {**OLD, **changes}, preview=True)
    assert not compare(SPEC, "", {**OLD, **changes}, OLD, preview=True)


def test_pulumi_s_floats_are_whole_numbers() -> None:
    """State holds 100.0 where the program says 100."""
    assert not compare(
        SPEC, "", {**OLD, "bandwidth_limit_mb": 100.0}, {**OLD, "bandwidth_limit_mb": 100}, preview=True
    )
    assert normalised({"bandwidth_limit_mb": 100.0})["bandwidth_limit_mb"] == 100


def test_a_password_alone_is_an_update_of_state() -> None:
    """A rotation must not copy everything again."""
    changed = {"source_instance": {"id": "shop", "password": "another"}}
    assert compare(SPEC, "", OLD, {**OLD, **changed}, preview=True) == Changes(
        updates=("source_instance.password",)
    )
    assert said(changed) == []


def test_unknown_values_by_phase() -> None:
    """A change in a preview; in an update Pulumi asks again with the value."""
    news = {**OLD, "task_id": UNKNOWN, "source_instance": UNKNOWN}
    assert compare(SPEC, "", OLD, news, preview=True).replaces == ("task_id",)
    assert not compare(SPEC, "", OLD, news, preview=False)


class TestWords:
    """A preview says what will happen to data and addresses."""

    @pytest.mark.parametrize(
        ("before", "after", "words"),
        [
            ("running", "stopped", "STOPS the replication into instance orders; copied data remains"),
            (
                "running",
                "switched",
                "SWITCHES the addresses of instance shop and instance orders once the target has caught up; the "
                "replication ends",
            ),
            (
                "stopped",
                "running",
                "STARTS the replication into instance orders again; keys with the same name are overwritten",
            ),
            (
                "switched",
                "stopped",
                "SWITCHES the addresses of instance shop and instance orders BACK; data written to "
                "instance orders since the switch isn't in instance shop",
            ),
            (
                "switched",
                "running",
                "SWITCHES the addresses of instance shop and instance orders BACK; data written to "
                "instance orders since the switch isn't in instance shop, and is overwritten: STARTS the "
                "replication into instance orders again",
            ),
        ],
    )
    def test_each_transition(self, before: str, after: str, words: str) -> None:
        """In one line."""
        assert said({"state": after}, {**OLD, "state": before}) == [words]

    def test_a_migration_that_runs_again(self) -> None:
        """Over a target that has the data already."""
        olds = {**OLD, **FULL, "status": "SUCCESS"}
        words = "RUNS THE MIGRATION AGAIN into instance orders; keys with the same name are overwritten"
        assert said({"triggers": ["again"]}, olds) == [f"triggers changed: {words}"]
        assert said({"task_id": "t-2"}, olds) == [f"replaced because task_id changed: {words}"]
        assert said({"task_id": UNKNOWN}, olds) == [f"replaced because task_id changed: {words}"]
        assert said({"resume_mode": "manual"}, olds) == []

    def test_a_running_one_that_gets_another_source(self) -> None:
        """The service may start from the start."""
        (line,) = said({"source_instance": {"addrs": "user:secret@host:1"}})
        assert line.startswith("source_instance changed: RECONFIGURES the running migration")
        assert "secret" not in line


class TestRefused:
    """Transitions that the service doesn't allow fail in preview."""

    def test_from_stopped_to_switched(self) -> None:
        """The target of a stopped replication is behind."""
        (line,) = refused({**OLD, "state": "stopped"}, {**OLD, "state": "switched"})
        assert 'use "running" first' in line

    @pytest.mark.parametrize("before", ["running", "switched"])
    def test_other_changes_together_with_a_switch(self, before: str) -> None:
        """There is no replication any more that could be changed."""
        news = {**OLD, "state": "switched", "bandwidth_limit_mb": 7}
        (line,) = refused({**OLD, "state": before}, news)
        assert line.startswith("bandwidth_limit_mb: can't be changed while")

    def test_another_instance_is_another_migration(self) -> None:
        """What the old one was does not matter to the one that replaces it."""
        assert not refused({**OLD, "state": "stopped"}, {**OLD, "state": "switched", "task_id": "t-2"})
