"""Calls of several threads joined into one request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from dcs_migration.names import THREADS

Result = TypeVar("Result")

_STEPS = 10  # in a window
_QUIET_STEPS = 3  # steps without a new thread


class Batcher(Generic[Result]):
    """Joins the ids that several threads pass at about the same time into one call.

    The first thread waits briefly for others, and then makes the call for all of them. The wait ends when all
    threads have arrived or, if their number isn't known, when no thread has arrived for a while.
    """

    def __init__(
        self,
        call: Callable[[Sequence[str]], dict[str, Result]],
        sleep: Callable[[float], None],
        *,
        threads: int | None = THREADS,
        window: float = 0.05,
        most: int = 50,
    ) -> None:
        """Set up for a call that takes up to ``most`` ids and returns an answer for each.

        Args:
            call: Makes the request; an error is raised in every thread of the batch.
            sleep: Waits for so many seconds.
            threads: Maximum number of threads; None if unknown.
            window: Maximum time that the first thread waits for others, in seconds.
            most: The largest number of ids in one call.
        """
        self._call = call
        self._sleep = sleep
        self._enough = most if threads is None else threads
        self._pause = _QUIET_STEPS if threads is None else _STEPS
        self._window = window
        self._most = most
        self._lock = threading.Lock()
        self._open: _Batch[Result] | None = None

    def __call__(self, id_: str) -> Result:
        """Join a call, and return its answer for this id."""
        with self._lock:
            batch = self._open
            leads = batch is None or len(batch.ids) >= self._most
            if batch is None or leads:
                batch = self._open = _Batch()
            batch.ids.append(id_)
        if leads:
            self._lead(batch)
        batch.done.wait()
        if batch.error is not None:
            raise batch.error
        return batch.results[id_]

    def _lead(self, batch: _Batch[Result]) -> None:
        try:
            try:
                self._wait_for_others(batch)
            finally:
                with self._lock:  # no thread can join from here on
                    if self._open is batch:
                        self._open = None
            batch.results = self._call(list(dict.fromkeys(batch.ids)))
        except BaseException as error:  # every thread of the batch must be released
            batch.error = error
        finally:
            batch.done.set()

    def _wait_for_others(self, batch: _Batch[Result]) -> None:
        quiet, there = 0, 0
        for _ in range(_STEPS):
            quiet, there = (quiet + 1, there) if len(batch.ids) == there else (0, len(batch.ids))
            if there >= self._enough or quiet >= self._pause:
                return
            self._sleep(self._window / _STEPS)


class _Batch(Generic[Result]):
    def __init__(self) -> None:
        self.ids: list[str] = []
        self.done = threading.Event()
        self.results: dict[str, Result] = {}
        self.error: BaseException | None = None
