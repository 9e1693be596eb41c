"""What this tier has made is removed, for any answer of the service; what others made isn't touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from dcs_emulator import Emulator
from tests.fakes import FakeClock
from tests.verified.cloud import REAL, Cloud, played_by


@pytest.fixture
def cloud(clock: FakeClock, request: pytest.FixtureRequest) -> Iterator[Cloud]:
    """An emulator with some quirks at the pace of the real service, by a clock that no one waits for."""
    quirks = getattr(request, "param", [])
    with (
        Emulator(clock=lambda: clock.time(), quirks=quirks, duration=600.0) as emulator,
        closing(Cloud(played_by(emulator), REAL, clock)) as cloud,
    ):
        yield cloud


def make(cloud: Cloud, name: str) -> str:
    """Start an import; return its id."""
    return cloud.client.create_migration_task(cloud.import_body(name)).id


@pytest.mark.parametrize(
    "cloud",
    [
        [],
        ["stop-of-import-refused"],
        ["stop-is-slow"],
        ["delete-of-running-refused", "delete-answers-empty-list"],
        ["delete-of-running-ignored", "deleted-shows-success"],
    ],
    ids="+".join,
    indirect=True,
)
def test_only_its_own_tasks_are_removed(cloud: Cloud) -> None:
    """Running ones are stopped, or waited for where that is refused; one of others continues."""
    others = [make(cloud, "orders"), make(cloud, f"{cloud.prefix}orders")]
    for number in range(3):
        make(cloud, f"{cloud.prefix}-{number}")
    assert len(cloud.own()) == 3
    cloud.remove()
    assert sorted(cloud.listing()) == sorted(others)


def test_an_instance_that_is_being_made_is_removed_when_it_is(cloud: Cloud) -> None:
    """A migration instance cannot be stopped while it is made."""
    source = cloud.named.source
    assert source is not None
    cloud.client.create_online_migration_task({"name": f"{cloud.prefix}-online", **source.network})
    cloud.remove()
    assert cloud.listing() == {}


@pytest.mark.parametrize("cloud", [["stop-of-import-refused"]], indirect=True)
def test_what_stays_is_named(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its patience is over, the run fails and says what to delete by hand."""
    id_ = make(cloud, f"{cloud.prefix}-import")
    monkeypatch.setattr(cloud.client, "delete_migration_tasks", lambda ids: None)
    with pytest.raises(AssertionError, match=rf"left behind, .*{cloud.prefix}-import \({id_}, SUCCESS\)"):
        cloud.remove()
