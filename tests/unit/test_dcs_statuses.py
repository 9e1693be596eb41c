"""What each status of a task means."""

from __future__ import annotations

import pytest

from dcs_migration.dcs.statuses import STATUSES, Kind, lookup


@pytest.mark.parametrize(
    ("name", "kind", "ended"),
    [
        ("CREATING", Kind.RUNNING, False),
        ("RUNNING", Kind.RUNNING, False),
        ("MIGRATING", Kind.RUNNING, False),
        ("FULLMIGRATING", Kind.RUNNING, False),
        ("INCRMIGEATING", Kind.REPLICATING, False),
        ("INCRMIGRATING", Kind.REPLICATING, False),
        ("TERMINATING", Kind.RUNNING, False),
        ("TERMINATED", Kind.STOPPED, True),
        ("SUCCESS", Kind.SUCCESS, True),
        ("MIGRATION_SUCCESS", Kind.SUCCESS, True),
        ("FAILED", Kind.FAILURE, True),
        ("MIGRATION_FAILED", Kind.FAILURE, True),
        ("ERROR", Kind.FAILURE, True),
        ("RELEASED", Kind.RELEASED, True),
        ("DELETED", Kind.GONE, True),
        ("GONE", Kind.GONE, True),
    ],
)
def test_known_statuses(name: str, kind: Kind, ended: bool) -> None:
    """Each documented status has one meaning and says whether a stop is needed before a deletion."""
    status = lookup(name)
    assert (status.name, status.kind, status.ended, status.known) == (name, kind, ended, True)


def test_every_status_of_the_table_is_tested() -> None:
    """The table holds the sixteen statuses above and no other."""
    assert len(STATUSES) == 16


@pytest.mark.parametrize("name", ["EXCHANGING", "", None, "SUCCESSFUL"])
def test_an_unknown_status_counts_as_running(name: str | None) -> None:
    """A status that isn't in the table is still running, not ended, and known to be unknown."""
    status = lookup(name)
    assert (status.kind, status.ended, status.known) == (Kind.RUNNING, False, False)
    assert status.name == (name or "")


def test_only_terminating_is_stopping() -> None:
    """A stop is under way in TERMINATING and in no other status."""
    assert [name for name, status in STATUSES.items() if status.stopping] == ["TERMINATING"]


def test_spelling_is_tolerated() -> None:
    """Case and surrounding space of a status do not matter."""
    assert lookup(" success ").kind is Kind.SUCCESS
