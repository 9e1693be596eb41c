"""Looks at the service and at the application ten times a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.bench.caller import Caller
from tools.bench.stacks import BenchError
from tools.demo import control

EVERY = 0.1  # seconds


@dataclass(frozen=True)
class Sample:
    """One look: the Unix time, the service's lag, and the acknowledged writes so far."""

    at: float
    lag: int
    acknowledged: int
    status: str
    exchange: str | None


class Sampler:
    """Looks from the start of the migration until it is stopped."""

    def __init__(self, url: str, acknowledged: Callable[[], int]) -> None:
        """Set up with the service's URL and the counter of the writes."""
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._url = url
        self._caller = Caller(url)
        self._acknowledged = acknowledged
        self._end = threading.Event()
        self._error: Exception | None = None
        self.samples: list[Sample] = []

    def start(self) -> None:
        """Start the looks."""
        self._thread.start()

    def _run(self) -> None:
        task_id = ""
        due = time.monotonic()
        try:
            while not self._end.wait(max(0.0, due - time.monotonic())):
                due = max(due + EVERY, time.monotonic())
                task_id = task_id or self._begun()
                if task_id:
                    self.samples.append(self._look(task_id))
        except Exception as error:  # raised in the waiting thread
            self._error = error

    def _begun(self) -> str:
        """Return the id of the migration if it is copying, else None."""
        running = [task["id"] for task in control(self._url, "GET", "tasks") if task["status"] in _BEGUN]
        return running[0] if running else ""

    def _look(self, task_id: str) -> Sample:
        task = self._ask(
            f"migration-task/{task_id}"
        )  # first, because a lag after the end of the copy doesn't count
        stats = self._ask(f"migration-task/{task_id}/stats")
        acknowledged, at = self._acknowledged(), time.time()
        return Sample(at, int(stats["offset"]), acknowledged, task["status"], task.get("task_status"))

    def _ask(self, rest: str) -> Any:
        return self._caller.answer(self._caller.request("GET", rest))

    def until(self, seen: Callable[[Sample], bool], seconds: float) -> Sample:
        """Wait for the first look with a result, and return it.

        Raises:
            BenchError: there was none after this many seconds.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until and self._error is None:
            for sample in self.samples:
                if seen(sample):
                    return sample
            time.sleep(EVERY / 10)
        raise BenchError(f"the migration makes no progress: {self._error or self.samples[-1:]}")

    def end(self) -> None:
        """Stop the looks.

        Raises:
            BenchError: a look has failed.
        """
        self._end.set()
        self._thread.join()
        if self._error is not None:
            raise BenchError(f"can't read the task from the service: {self._error}")


_BEGUN = ("FULLMIGRATING", "INCRMIGEATING")
