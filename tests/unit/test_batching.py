"""Threads that ask at about the same time share one call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pulumi.dynamic
import pytest

from dcs_migration.life_cycles.batching import Batcher
from dcs_migration.names import THREADS

PATIENCE = 20.0  # seconds after which a test has failed


class Window:
    """A `sleep` that ends when a number of threads have been started after it, or at once."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.release = threading.Event()
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Wait for the test."""
        self.slept.append(seconds)
        self.entered.release()
        assert self.release.wait(PATIENCE)


class Calls:
    """The service's side: records the ids of each call and answers for them."""

    def __init__(self, fail: BaseException | None = None) -> None:
        self.made: list[list[str]] = []
        self.fail = fail
        self._lock = threading.Lock()

    def __call__(self, ids: Sequence[str]) -> dict[str, str]:
        """Note the ids; fail, or answer for each."""
        with self._lock:
            self.made.append(list(ids))
        if self.fail is not None:
            raise self.fail
        return {id_: f"done {id_}" for id_ in ids}


def _run(jobs: Sequence[Callable[[], object]], between: Callable[[], None] = lambda: None) -> list[object]:
    """Run jobs in threads, `between` after all have been started; return results or what was raised."""
    results: list[object] = [None] * len(jobs)

    def work(index: int) -> None:
        try:
            results[index] = jobs[index]()
        except BaseException as error:
            results[index] = error

    threads = [threading.Thread(target=work, args=(index,), daemon=True) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    between()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), "a thread was never released"
    return results


def _joined(batcher: Batcher[str], ids: int) -> None:
    """Wait until so many ids are in the open batch."""
    deadline = threading.Event()
    for _ in range(int(PATIENCE * 1000)):
        batch = batcher._open
        if batch is not None and len(batch.ids) >= ids:
            return
        deadline.wait(0.001)
    raise AssertionError("the threads did not join")


def test_one_thread_makes_one_call_after_the_window() -> None:
    """Who is alone waits for the window, and gets an answer."""
    slept: list[float] = []
    calls = Calls()
    batcher = Batcher(calls, slept.append, window=0.25)
    assert batcher("a") == "done a"
    assert batcher("b") == "done b"
    assert calls.made == [["a"], ["b"]]
    assert sum(slept) == pytest.approx(2 * 0.25)


@pytest.mark.parametrize(("threads", "naps"), [(THREADS - 1, 10), (THREADS, 1)])
def test_nobody_is_waited_for_when_all_have_come(threads: int, naps: int) -> None:
    """The window is over as soon as each thread of the process is in the batch."""
    window, calls = Window(), Calls()
    batcher: Batcher[str] = Batcher(calls, window.sleep)

    def between() -> None:
        _joined(batcher, threads)
        window.release.set()

    _run([lambda id_=f"t{n}": batcher(id_) for n in range(threads)], between)  # type: ignore[misc]
    assert len(calls.made) == 1
    assert len(window.slept) == naps


def test_where_the_number_of_threads_is_not_known_a_pause_in_their_coming_ends_the_wait() -> None:
    """A single thread doesn't wait for the whole window; the window continues while others arrive."""
    calls = Calls()
    slept: list[float] = []
    batcher: Batcher[str] = Batcher(calls, slept.append, threads=None, window=0.05)
    assert batcher("a") == "done a"
    assert slept == [0.005] * 3
    naps: list[float] = []

    def others_come(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) <= 4:
            late._open.ids.append(f"other{len(naps)}")  # type: ignore[union-attr]

    late: Batcher[str] = Batcher(calls, others_come, threads=None, window=0.05)
    assert late("b") == "done b"
    assert len(naps) == 4 + 3


def test_pulumi_has_that_many_threads() -> None:
    """The number is the SDK's own; with more of them a batch would be called before all have come."""
    host = Path(pulumi.dynamic.__file__).with_name("__main__.py")
    assert f"max_workers={THREADS}" in host.read_text("utf-8")


def test_threads_that_come_within_the_window_share_a_call() -> None:
    """Eight threads make one call, and each gets its own answer."""
    window, calls = Window(), Calls()
    batcher: Batcher[str] = Batcher(calls, window.sleep)

    def between() -> None:
        _joined(batcher, 8)
        window.release.set()

    results = _run([lambda id_=f"t{n}": batcher(id_) for n in range(8)], between)  # type: ignore[misc]
    assert results == [f"done t{n}" for n in range(8)]
    assert [sorted(ids) for ids in calls.made] == [[f"t{n}" for n in range(8)]]
    assert len(window.slept) == 1


def test_the_same_id_from_two_threads_is_sent_once() -> None:
    """A repeated id is in the call once and is answered to both."""
    window, calls = Window(), Calls()
    batcher: Batcher[str] = Batcher(calls, window.sleep)

    def between() -> None:
        _joined(batcher, 3)
        window.release.set()

    assert _run([lambda: batcher("a")] * 3, between) == ["done a"] * 3
    assert calls.made == [["a"]]


def test_no_call_takes_more_than_its_most() -> None:
    """Seven ids in calls of at most three: all are answered, none twice."""
    window, calls = Window(), Calls()
    batcher: Batcher[str] = Batcher(calls, window.sleep, most=3)

    def between() -> None:
        for _ in range(3):  # three batches, each with a leader in its window
            assert window.entered.acquire(timeout=PATIENCE)
        window.release.set()

    results = _run([lambda id_=f"t{n}": batcher(id_) for n in range(7)], between)  # type: ignore[misc]
    assert results == [f"done t{n}" for n in range(7)]
    assert sorted(len(ids) for ids in calls.made) in ([1, 3, 3], [2, 2, 3])
    assert sorted(id_ for ids in calls.made for id_ in ids) == [f"t{n}" for n in range(7)]


@pytest.mark.parametrize("error", [RuntimeError("refused"), KeyboardInterrupt(), SystemExit(1)], ids=repr)
def test_an_error_of_the_call_reaches_every_thread(error: BaseException) -> None:
    """An error of the call is raised in all threads that took part, and no thread waits forever."""
    window, calls = Window(), Calls(error)
    batcher: Batcher[str] = Batcher(calls, window.sleep)

    def between() -> None:
        _joined(batcher, 4)
        window.release.set()

    results = _run([lambda id_=f"t{n}": batcher(id_) for n in range(4)], between)  # type: ignore[misc]
    assert results == [error] * 4
    assert len(calls.made) == 1


def test_an_interrupted_window_reaches_every_thread() -> None:
    """A leader that is interrupted while it waits releases the others, and makes no call."""
    calls = Calls()
    interrupt = KeyboardInterrupt()

    def sleep(seconds: float) -> None:
        _joined(batcher, 4)
        raise interrupt

    batcher: Batcher[str] = Batcher(calls, sleep)
    assert _run([lambda id_=f"t{n}": batcher(id_) for n in range(4)]) == [interrupt] * 4  # type: ignore[misc]
    assert calls.made == []
    assert batcher._open is None


def test_after_an_error_the_next_call_starts_afresh() -> None:
    """A failed batch is not remembered."""
    calls = Calls(RuntimeError("once"))
    batcher: Batcher[str] = Batcher(calls, lambda seconds: None)
    with pytest.raises(RuntimeError, match="once"):
        batcher("a")
    calls.fail = None
    assert batcher("a") == "done a"


def test_an_id_without_an_answer_harms_only_itself() -> None:
    """A call that forgets an id raises to the thread of that id."""
    window = Window()
    batcher: Batcher[str] = Batcher(lambda ids: {"a": "done a"}, window.sleep)

    def between() -> None:
        _joined(batcher, 2)
        window.release.set()

    done, forgotten = _run([lambda: batcher("a"), lambda: batcher("b")], between)
    assert done == "done a"
    assert isinstance(forgotten, KeyError)


def test_who_comes_after_the_window_gets_a_call_of_its_own() -> None:
    """A call that is under way takes no one aboard."""
    running, finish = threading.Event(), threading.Event()
    made: list[list[str]] = []

    def call(ids: Sequence[str]) -> dict[str, str]:
        made.append(list(ids))
        if ids[0] == "early":
            running.set()
            assert finish.wait(PATIENCE)
        return {id_: id_ for id_ in ids}

    batcher: Batcher[str] = Batcher(call, lambda seconds: None)

    def late() -> str:
        assert running.wait(PATIENCE)
        try:
            return batcher("late")
        finally:
            finish.set()

    assert _run([lambda: batcher("early"), late]) == ["early", "late"]
    assert made == [["early"], ["late"]]
