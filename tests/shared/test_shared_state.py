"""What the guide says about a shared state: life, locks, kills, and states that are lost or older than what was
done."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dcs_emulator import Emulator
from tests.docs.pages import ROOT, Page
from tests.e2e.running import Running, running
from tests.e2e.stack import PROJECT, Stack, calls, live
from tests.e2e.stores import locks_of, state_key
from tests.shared.servers import Server
from tests.shared.stores import PASSWORD, Bucket

CREATE = "CreateMigrationTask"
UP = ("up", "--yes", "--skip-preview")
GUIDE = Page(ROOT / "docs" / "guides" / "shared-state.md")
MORE = 'MigrationTask("stock", **BACKUP, target_instance=target(2))\n'

Checkout = Callable[[], Stack]


def require_two_tasks(stack: Stack, emulator: Emulator) -> None:
    """Each definition was started once, its task is there and in state, and nothing is to be done."""
    assert calls(emulator)[CREATE] == 2
    assert sorted(stack.ids()) == ["carts", "orders"]
    assert set(stack.ids().values()) == set(live(emulator))
    stack.require_no_changes()


def state_of(stack: Stack) -> bytes:
    """What the store keeps of a stack."""
    state = stack.store.read(state_key(PROJECT, stack.name))
    assert state is not None
    return state


def roll_back(stack: Stack, state: bytes) -> None:
    """Make an older state the one that is kept."""
    stack.store.write(state_key(PROJECT, stack.name), state)


def until_it_creates(command: Running, emulator: Emulator) -> None:
    """Wait until the service has both tasks; it answers later."""
    command.until(lambda: len(live(emulator)) == 2)


@contextmanager
def held_in_its_creates(stack: Stack, emulator: Emulator) -> Iterator[Running]:
    """Run `up`, whose CLI stands still from the time on at which its tasks are started, and its state has none of
    them."""
    emulator.fault(CREATE, "delay_after", seconds=2, times=2)
    with running(stack, *UP) as command:
        until_it_creates(command, emulator)
        command.signal(signal.SIGSTOP)
        yield command


def test_life_cycle(stack: Stack, emulator: Emulator, store: Server) -> None:
    """Two tasks and their completion come up, aren't changed, and go; no lock and no secret is left."""
    stack.up()
    require_two_tasks(stack, emulator)
    assert stack.refresh().count("unchanged") == 6
    stack.destroy()
    assert live(emulator) == {}
    assert locks_of(store) == []
    assert any(key.startswith(f".pulumi/history/{PROJECT}/dev/") for key in store.all_keys())
    for secret in (b"hunter2hunter2", emulator.secret_key.encode(), PASSWORD.encode(), b"SK4STATE"):
        assert secret not in stack.everything_written()


def test_two_pipelines(stack: Stack, emulator: Emulator, store: Server, checkout: Checkout) -> None:
    """The second one is refused at once, with the words of the guide; its preview is not; later it finds all done."""
    second = checkout()
    with held_in_its_creates(stack, emulator) as first:
        refused = second.up(ok=False).text
        assert "Previewing update (dev)" in second.preview().text
        first.signal(signal.SIGCONT)
        assert first.end() == 0, first.text
    told = [block.text for block in GUIDE.blocks("text") if "currently locked" in block.text]
    assert told
    for text in told:
        line, place = text.splitlines()
        assert line in refused
        scheme, _, path = place.strip().partition("://")
        if store.url.startswith(scheme):
            place = path.partition("/.pulumi")[2].replace("shop/prod", f"{PROJECT}/{stack.name}")
            shape = re.sub(r"<[A-Z]+>", r"\\S+", re.escape(place))
            assert re.search(f"{re.escape(scheme)}://.*/.pulumi{shape}", refused), refused
    assert PASSWORD not in refused
    assert second.up().count("unchanged") == 6
    require_two_tasks(second, emulator)


def test_two_pipelines_at_the_same_moment(stack: Stack, emulator: Emulator, checkout: Checkout) -> None:
    """One or none of them gets the lock; the next run finds or does the work, once."""
    second = checkout()
    with running(stack, *UP) as one, running(second, *UP) as other:
        codes = [one.end(), other.end()]
        texts = one.text + other.text
    assert codes != [0, 0] or calls(emulator)[CREATE] == 2
    assert texts.count("the stack is currently locked by") == sum(map(bool, codes))
    assert locks_of(stack.store) == []
    stack.up()
    require_two_tasks(second, emulator)


def test_a_lock_that_is_taken_away_from_a_run(stack: Stack, emulator: Emulator, checkout: Checkout) -> None:
    """`pulumi cancel` ends no one: two runs are at work then, and adopt what the other one has started."""
    second = checkout()
    with held_in_its_creates(stack, emulator) as first:
        second.run("cancel", "--yes")
        assert second.up().text.count("adopted task") >= 2
        assert calls(emulator)[CREATE] == 2
        first.signal(signal.SIGCONT)
        assert first.end() == 0, first.text
        assert "there was a problem deleting the lock at" in first.text
    stack.up()
    require_two_tasks(second, emulator)


@pytest.mark.parametrize("book", [False, True], ids=["up alone", "by the book"])
def test_a_killed_run(stack: Stack, emulator: Emulator, checkout: Checkout, book: bool) -> None:
    """The lock is left and stays; after `cancel` another machine continues, with what was started."""
    next_job = checkout()
    emulator.fault(CREATE, "delay_after", seconds=2, times=2)
    with running(stack, *UP) as first:
        until_it_creates(first, emulator)
        first.kill()
        assert "the stack is currently locked by 1 lock(s)" in next_job.up(ok=False).text
        assert "the stack is currently locked by 1 lock(s)" in next_job.refresh(ok=False).text
        assert (
            "The currently running update for 'dev' has been canceled!"
            in next_job.run("cancel", "--yes").text
        )
        if book:
            next_job.refresh("--clear-pending-creates")
        text = next_job.up().text
        assert ("pending operations from previous deployment" in text) is not book
        assert text.count("adopted task") >= 1
        require_two_tasks(next_job, emulator)
        next_job.refresh("--clear-pending-creates")
        assert "pending operations" not in next_job.up().text
    next_job.destroy()
    assert live(emulator) == {}
    assert locks_of(stack.store) == []


def test_a_cancel_where_nothing_is_locked(stack: Stack, emulator: Emulator) -> None:
    """It succeeds, so that a pipeline may start with it."""
    stack.up()
    stack.run("cancel", "--yes")
    require_two_tasks(stack, emulator)


@pytest.mark.parametrize(
    ("before", "after"),
    [("MigrationCompletion(", f"{MORE}MigrationCompletion("), ("target(1)", 'target(1), triggers=["again"]')],
    ids=["one more task", "one that was run again"],
)
def test_an_older_state(stack: Stack, emulator: Emulator, before: str, after: str) -> None:
    """Its provider has the stack's owner: what was started since is adopted, and no import runs again."""
    stack.up()
    older = state_of(stack)
    program = (stack.work / "__main__.py").read_text()
    (stack.work / "__main__.py").write_text(program.replace(before, after))
    stack.up()
    roll_back(stack, older)
    assert sorted(stack.ids()) == ["carts", "orders"]
    assert "adopted task" in stack.up().text
    assert calls(emulator)[CREATE] == 3
    assert set(stack.ids().values()) == set(live(emulator))
    stack.require_no_changes()


def test_a_state_from_before_the_destroy(stack: Stack, emulator: Emulator) -> None:
    """Tasks that no longer exist are not run again by themselves."""
    stack.up()
    older = state_of(stack)
    stack.destroy()
    roll_back(stack, older)
    stack.up()
    assert "GONE" in stack.refresh().text
    stack.up()
    assert calls(emulator)[CREATE] == 2
    stack.destroy()
    assert live(emulator) == {}


@pytest.mark.parametrize("lost", ["the object", "all resources"])
def test_a_lost_state(stack: Stack, emulator: Emulator, lost: str) -> None:
    """Without the owner nothing is started or adopted: `up` names each task, and says what to do; so does a restored
    state."""
    empty = state_of(stack)
    stack.up()
    whole, tasks = state_of(stack), live(emulator)
    if lost == "the object":
        stack.store.remove(state_key(PROJECT, stack.name))
        assert "no stack selected" in stack.up(ok=False).text
        assert "no stack named 'dev' found" in stack.run("stack", "select", "dev", ok=False).text
        stack.run("stack", "init", "dev")
    else:
        roll_back(stack, empty)
    refused = stack.up(ok=False).text
    for id_ in tasks:
        assert f'existing_task_id="{id_}"' in refused
    assert "belongs to another owner" in refused
    assert calls(emulator)[CREATE] == 2
    assert live(emulator) == tasks
    roll_back(stack, whole)
    require_two_tasks(stack, emulator)
    assert stack.up().count("unchanged") == 6


@pytest.mark.parametrize("server", ["s3"], indirect=True)
def test_the_bucket_keeps_older_versions(stack: Stack, emulator: Emulator, store: Bucket) -> None:
    """An object that was overwritten or deleted is restored from its versions."""
    key = state_key(PROJECT, stack.name)
    stack.up()
    whole = store.versions(key)[0]
    stack.destroy()
    store.remove(key)
    store.restore(key, whole)
    assert sorted(stack.ids()) == ["carts", "orders"]
