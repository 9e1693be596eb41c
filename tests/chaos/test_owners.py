"""Owners and kills: what is judged of them bites, and the kills for which the moment counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dcs_migration.life_cycles.tasks.mark import mark_of
from tests.chaos import kills, owners
from tests.chaos.blows import BLOWS, OPTIONS, Service
from tests.chaos.neighbour import Neighbour
from tests.chaos.struck_online import LOST as BEGIN_LOST
from tests.chaos.struck_tasks import LOST_AGAIN
from tests.e2e.running import Running
from tests.e2e.stack import Stack
from tests.signing import SignedClient


class Account:
    """A service in which tasks of ours and of others are started by hand."""

    def __init__(self, state: Path) -> None:
        self.service = Service(state)
        emulator = self.service.emulator
        self.client = SignedClient(
            emulator.url, access_key=OPTIONS["access_key"], secret_key=OPTIONS["secret_key"]
        )
        self.others: dict[str, owners.Record] = {}

    def start(self, owner: str, target: str, definition: str, urn: str = "urn") -> str:
        """Start a task."""
        mark = mark_of(owner, urn, {"does": definition})
        return self.client.create("task", description=str(mark), target_instance={"id": target})

    def end(self, id_: str, status: str = "SUCCESS") -> str:
        """Let a task come to its end."""
        self.service.emulator.set_status(id_, status)
        return id_

    def note_others(self) -> None:
        """Everything there belongs to someone else."""
        self.others = {task["id"]: task for task in self.service.ever()}

    def judge(self, *held: str) -> None:
        """Hold the promises for a state that holds tasks."""
        ever = self.service.ever()
        ours = [task for task in ever if task["id"] not in self.others]
        requests = [entry for entry in self.service.requests() if entry["operation"] != "CreateMigrationTask"]
        owners.require_untouched(self.others, ever, requests, [[{"id": id_} for id_ in held]])
        owners.require_one_on_a_target(ours, ever)
        owners.require_one_of_a_definition(ours, list(self.others.values()))


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """An account with a running task of someone else, and one that has ended."""
    account = Account(tmp_path / "service.json")
    account.start("theirs", "elsewhere", "one")
    account.end(account.start("theirs", "target", "two"))
    account.end(account.start("theirs", "target", "three"), "FAILED")
    account.note_others()
    yield account
    account.service.emulator.close()


def running(account: Account) -> str:
    """The task of someone else that runs."""
    return next(id_ for id_, task in account.others.items() if task["status"] == "MIGRATING")


def test_what_is_promised_breaks_nothing(account: Account) -> None:
    """Other targets, other definitions, a task that failed, and one after the other on a target."""
    first = account.end(account.start("ours", "target", "three"))
    second = account.start("ours", "target", "four")
    account.client.stop(second)
    account.client.delete(first)
    account.judge(first, second)


BREAKS: dict[str, Callable[[Account], object]] = {
    "StopMigrationTask of the task of another owner": lambda account: account.client.stop(running(account)),
    "DeleteMigrationTask of the task of another owner": lambda account: account.client.delete(
        running(account)
    ),
    "change of the task of another owner": lambda account: account.end(running(account)),
    "two running on one target": lambda account: account.start("ours", "elsewhere", "four"),
    "run a second time for another owner": lambda account: account.start("ours", "target", "two"),
    "duplicate": lambda account: [
        account.end(account.start("ours", "target", "four")),
        account.start("ours", "target", "four"),
    ],
}


@pytest.mark.parametrize("promise", BREAKS)
def test_a_broken_promise_is_seen(account: Account, promise: str) -> None:
    """Each by its own words."""
    BREAKS[promise](account)
    with pytest.raises(AssertionError, match=promise):
        account.judge()


def test_two_that_ran_on_one_target_are_seen_when_both_are_over(account: Account) -> None:
    """What the service recorded about it, including deleted tasks."""
    first, second = account.start("ours", "target", "four"), account.start("ours", "target", "five")
    account.end(second)
    account.client.delete(first)
    with pytest.raises(AssertionError, match="two running on one target"):
        account.judge()


def test_an_adoption_is_seen(account: Account) -> None:
    """The state holds what is someone else's."""
    with pytest.raises(AssertionError, match="adoption of the task of another owner"):
        account.judge(running(account))


def test_a_lost_owner_is_seen(account: Account) -> None:
    """Of a task that is there, and of a state."""
    account.start("ours", "target", "four")
    ever = account.service.ever()
    ours, theirs = ([{"type": owners.PROVIDERS[0], "id": id_}] for id_ in ("ours", "theirs"))
    owners.require_known(ever[-1:], ours)
    with pytest.raises(AssertionError, match="no owner in the state"):
        owners.require_known(ever[-1:], theirs)
    owners.require_kept(ours, [*ours, *theirs])
    with pytest.raises(AssertionError, match="another owner in the state"):
        owners.require_kept(ours, theirs)


@pytest.mark.parametrize(
    ("of", "blow"),
    [
        pytest.param("tasks", "kill -9 of the CLI", marks=pytest.mark.long),
        pytest.param("online", "kill -9 of both", marks=pytest.mark.long),
    ],
)
def test_a_death_between_the_provider_and_its_tasks(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    neighbour: Callable[[str, str], Neighbour],
    of: str,
    blow: str,
) -> None:
    """The owner is in the state before anything is asked of the service, and it is the same in the next run."""
    seen: list[set[str]] = []

    def kill_between(command: Running, service: Service, stack: Stack) -> None:
        command.until(lambda: owners.owners(kills.entries_of(stack)))
        strike(command, service, stack)
        assert service.requests() == []
        seen.append(owners.owners(kills.entries_of(stack)))

    strike = BLOWS[blow]
    monkeypatch.setitem(BLOWS, blow, kill_between)
    drawn = replace(kills.draw(0, of), blow=blow, after=0, pause=0.0)
    assert kills.strike(drawn, tmp_path, neighbour(of, "dynamic")).struck
    assert len(*seen) == 1


@pytest.mark.parametrize(
    ("of", "command", "tasks", "adopted", "refused"),
    [pytest.param("online", BEGIN_LOST, 2, 0, 2, marks=pytest.mark.long), ("tasks", LOST_AGAIN, 3, 3, 0)],
)
def test_a_death_before_the_state_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    neighbour: Callable[[str, str], Neighbour],
    of: str,
    command: str,
    tasks: int,
    adopted: int,
    refused: int,
) -> None:
    """The tasks are there: the next run adopts them, or names each where the owner is lost, and starts none again."""

    def kill_when_started(command: Running, service: Service, stack: Stack) -> None:
        before, there = kills.entries_of(stack), len(service.ever())
        command.until(lambda: len(service.ever()) == there + tasks)
        strike(command, service, stack)
        assert kills.entries_of(stack) == before

    blow = "kill -9 of both"
    strike = BLOWS[blow]
    monkeypatch.setitem(BLOWS, blow, kill_when_started)
    drawn = replace(kills.draw(0, of), command=command, blow=blow, after=0, pause=0.0)
    outcome = kills.strike(drawn, tmp_path, neighbour(of, "dynamic"))
    assert (outcome.adoptions, outcome.refused) == (adopted, refused)
