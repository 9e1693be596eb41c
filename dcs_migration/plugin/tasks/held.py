"""Which resource of the state holds which task, as far as this plugin process has heard.

The engine tells a provider nothing of other resources. But it asks for the difference of each one that a program
declares, and reads each one that it refreshes, with the ids of their tasks.
"""

from __future__ import annotations

import threading
from collections.abc import Collection


class Held:
    """What the calls of one process tell of the state; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[str, str] = {}  # task: URN
        self._declared: dict[str, str] = {}  # task: URN of the resource that the program declares for it
        self._got: dict[str, str] = {}  # task: URN of the resource that has got it in this process
        self._compared: set[str] = set()  # URNs that the state has and the program declares
        self._foreign: set[str] = set()  # tasks that were taken over
        self._replacing: set[str] = set()  # URNs whose tasks are to be replaced
        self._replaced: set[str] = set()  # URNs whose tasks were deleted

    def read(self, urn: str | None, id_: str) -> None:
        """Note a task that a refresh asks for; the URN may be the one before a renaming."""
        with self._lock:
            self._holders.setdefault(id_, urn or "")

    def compared(self, urn: str | None, id_: str, *, taken_over: bool, replaces: bool) -> str | None:
        """Note a task that a program's resource holds; return another resource that holds it, too."""
        with self._lock:
            other = self._declared.get(id_)
            self._holders[id_] = self._declared[id_] = urn or ""
            self._compared.add(urn or "")
            if self._got.get(id_) != urn:
                self._got.pop(id_, None)
            if taken_over:
                self._foreign.add(id_)
            if replaces and urn:
                self._replacing.add(urn)
            return other if other not in (None, urn) else None

    def checked_anew(self, urn: str | None) -> None:
        """Note a check without old inputs: of a resource that is compared already, it means a replacement."""
        with self._lock:
            if urn in self._compared:
                self._replacing.add(urn or "")

    def created(self, urn: str, id_: str) -> None:
        """Note the task that a resource of the program has got."""
        with self._lock:
            self._holders[id_] = self._got[id_] = urn

    def removed(self, id_: str) -> None:
        """Note a task that a refresh takes out of the state."""
        with self._lock:
            self._holders.pop(id_, None)
            self._declared.pop(id_, None)

    def deleted(self, urn: str | None, id_: str) -> None:
        """Note a task that the engine has had deleted."""
        with self._lock:
            self._replaced.add(self._holders.pop(id_, "") or urn or "")
            self._declared.pop(id_, None)

    def holder(self, id_: str) -> str | None:
        """Return the URN of the resource that holds a task, or None."""
        with self._lock:
            return self._holders.get(id_)

    def is_needed_elsewhere(self, urn: str | None, id_: str) -> str | None:
        """Return the URN of another resource of the program that holds a task and keeps it, or None."""
        with self._lock:
            other = self._declared.get(id_)
            return other if other and other != urn and other not in self._replacing else None

    def got_elsewhere(self, urn: str | None, id_: str) -> str | None:
        """Return the URN of another resource that has got a task in this process, or None."""
        with self._lock:
            other = self._got.get(id_)
            return other if other != urn else None

    def taken_elsewhere(self, urn: str | None, id_: str) -> str | None:
        """Return the URN of another resource of the program that has taken a task over and keeps it, or None."""
        return self.is_needed_elsewhere(urn, id_) if id_ in self._foreign else None

    def predecessors(self, urn: str) -> Collection[str]:
        """Return the tasks of the state that a resource holds, but for those that were taken over."""
        with self._lock:
            return [
                id_ for id_, holder in self._holders.items() if holder == urn and id_ not in self._foreign
            ]

    def was_replaced(self, urn: str) -> bool:
        """Whether the resource's task was deleted in this process, so that a new one was asked for."""
        with self._lock:
            return urn in self._replaced
