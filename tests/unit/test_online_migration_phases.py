"""The phase of an online migration, from all of the service's spellings."""

from __future__ import annotations

import pytest

from dcs_migration.dcs.models import Malformed, Online, parse_online
from dcs_migration.life_cycles.online_migration.observer import (
    Phase,
    differing,
    is_switched,
    phase_of,
    state_of,
)

INPUTS = {
    "migration_method": "incremental_migration",
    "resume_mode": "auto",
    "bandwidth_limit_mb": 100,
    "source_instance": {"addrs": "10.0.0.1:6379,10.0.0.2:6379", "password": "p"},
    "target_instance": {"id": "orders"},
}


def told(**answer: object) -> Online:
    """Return what an answer of Show tells."""
    return parse_online({"task_id": "t-1", **answer}, "t-1")


@pytest.mark.parametrize(
    ("status", "task_status", "phase", "state"),
    [
        ("CREATING", None, Phase.MAKING, None),
        ("RUNNING", None, Phase.IDLE, None),
        ("FULLMIGRATING", None, Phase.COPYING, "running"),
        ("MIGRATING", None, Phase.COPYING, "running"),
        ("A_NEW_ONE", None, Phase.COPYING, "running"),
        ("INCRMIGEATING", None, Phase.FOLLOWING, "running"),
        ("INCRMIGRATING", "ROLLBACK_SUCCESS", Phase.FOLLOWING, "running"),
        ("TERMINATING", None, Phase.CHANGING, None),
        ("INCRMIGEATING", "EXCHANGING", Phase.CHANGING, None),
        ("TERMINATED", "ROLLBACKING", Phase.CHANGING, None),
        ("TERMINATED", None, Phase.STOPPED, "stopped"),
        ("TERMINATED", "ROLLBACK_SUCCESS", Phase.STOPPED, "stopped"),
        ("TERMINATED", "EXCHANGE_SUCCESS", Phase.STOPPED, "switched"),
        ("SUCCESS", None, Phase.DONE, None),
        ("MIGRATION_FAILED", None, Phase.FAILED, None),
        ("RELEASED", None, Phase.LOST, None),
        ("DELETED", None, Phase.LOST, None),
    ],
)
def test_phases(status: str, task_status: str | None, phase: Phase, state: str | None) -> None:
    """Each status, with what is told of an exchange, is one phase; some tell the state that a user would write."""
    online = told(status=status, task_status=task_status)
    assert (phase_of(online), state_of(online)) == (phase, state)
    assert is_switched(online) == (state == "switched")


def test_as_asked() -> None:
    """Numbers as text, addresses in another order, and filled-in ones of DCS instances aren't a difference."""
    online = told(
        migration_method="incremental_migration",
        resume_mode="auto",
        bandwidth_limit_mb="100",
        source_instance={"id": None, "addrs": "10.0.0.2:6379, 10.0.0.1:6379"},
        target_instance={"id": "orders", "addrs": "192.168.0.9:6379", "password": "***"},
    )
    assert differing(INPUTS, online) == set()


def test_what_is_not_told_does_not_differ() -> None:
    """A service that says nothing contradicts nothing."""
    assert differing(INPUTS, told(status="FULLMIGRATING")) == set()


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        ({"migration_method": "full_amount_migration"}, "migration_method"),
        ({"resume_mode": "manual"}, "resume_mode"),
        ({"bandwidth_limit_mb": 99}, "bandwidth_limit_mb"),
        ({"source_instance": {"addrs": "10.0.0.3:6379"}}, "source_instance"),
        ({"target_instance": {"id": "another"}}, "target_instance"),
    ],
)
def test_each_difference(answer: dict[str, object], key: str) -> None:
    """Each setting that the service tells is compared."""
    assert differing(INPUTS, told(**answer)) == {key}


@pytest.mark.parametrize("answer", [{"task_id": "another", "status": "RUNNING"}, {}])
def test_an_answer_that_is_not_of_this_task(answer: dict[str, object]) -> None:
    """It isn't an answer."""
    with pytest.raises(Malformed):
        parse_online(answer, "t-1")
