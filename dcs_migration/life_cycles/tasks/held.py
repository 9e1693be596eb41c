"""Which resource of the state holds which task, as far as this plugin process has heard.

Pulumi tells a provider nothing of other resources. But it asks for the difference of each one that a program
declares, and reads each one that it refreshes, with the ids of their tasks.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Collection

Claim = str | bool | None
"""What the state of a resource reports about a task that was there before it; no two resources say the same."""


def new_claim() -> str:
    """Return a claim that no other resource has."""
    return uuid.uuid4().hex


class Held:
    """What the calls of one process show of the state; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[str, str] = {}  # task: URN
        self._declared: dict[str, str] = {}  # task: URN of the resource that the program declares for it
        self._claims: dict[str, Claim] = {}  # task: claim of that resource
        self._started: dict[str, str] = {}  # task: URN of the resource that has just started it
        self._compared: set[str] = set()  # URNs that the state has and the program declares
        self._foreign: set[tuple[str, str]] = set()  # task and URN of those that were taken over
        self._replacing: set[str] = set()  # URNs whose tasks are to be replaced
        self._replaced: set[str] = set()  # URNs whose tasks were deleted
        self._replaced_before: set[str] = set()  # of these, URNs whose tasks were gone already

    def read(self, urn: str | None, id_: str) -> None:
        """Note a task that a refresh asks for; the URN may be the one before a renaming."""
        with self._lock:
            self._holders.setdefault(id_, urn or "")

    def compared(
        self, urn: str | None, id_: str, claim: Claim, *, taken_over: bool, replaces: bool
    ) -> str | None:
        """Note a task that a program's resource holds; return another resource that holds it, too.

        Several that have only taken it over do it no harm.
        """
        with self._lock:
            other = self._declared.get(id_)
            harmless = taken_over and (id_, other) in self._foreign
            self._holders[id_] = self._declared[id_] = urn or ""
            self._claims[id_] = claim
            self._compared.add(urn or "")
            if taken_over:
                self._foreign.add((id_, urn or ""))
            if replaces and urn:
                self._replacing.add(urn)
            return None if other in (None, urn) or harmless else other

    def checked_anew(self, urn: str | None) -> None:
        """Note a check without old inputs: of a resource that is compared already, it means a replacement."""
        with self._lock:
            if urn in self._compared:
                self._replacing.add(urn or "")

    def created(self, urn: str, id_: str, claim: Claim, *, taken_over: bool = False) -> None:
        """Note the task that a resource has got; one that was there before it has claimed."""
        with self._lock:
            self._declared = {known: holder for known, holder in self._declared.items() if holder != urn}
            self._holders[id_] = urn
            self._replacing.discard(urn)
            if claim is None:
                self._started[id_] = urn
            else:
                self._declared[id_] = urn
                self._claims[id_] = claim
            if taken_over:
                self._foreign.add((id_, urn))

    def removed(self, id_: str) -> None:
        """Note a task that a refresh takes out of the state."""
        with self._lock:
            self._holders.pop(id_, None)
            self._declared.pop(id_, None)

    def deleted(self, urn: str | None, id_: str, *, was_there: bool = True) -> None:
        """Note a task that Pulumi has had deleted; it may have been gone already."""
        with self._lock:
            holder = self._holders.pop(id_, "") or urn or ""
            self._replaced.add(holder)
            if not was_there:
                self._replaced_before.add(holder)
            self._declared.pop(id_, None)

    def holder(self, id_: str) -> str | None:
        """Return the URN of the resource that holds a task, or None."""
        with self._lock:
            return self._holders.get(id_)

    def keeper(self, urn: str | None, id_: str, claim: Claim) -> str | None:
        """Return the URN of another resource of the program that holds a task and keeps it, or None.

        The URN of one whose delete asks may be that of before a renaming, and another resource's by now: then
        the claims tell them apart.
        """
        with self._lock:
            keeper = self._declared.get(id_)
            if not keeper and self._started.get(id_) != urn:
                keeper = self._started.get(id_)  # on an instance that it took over it has started a migration
            if not keeper or keeper in self._replacing:
                return None
            return None if keeper == urn and self._claims.get(id_) == claim else keeper

    def owner_in_the_way(self, urn: str, id_: str) -> str | None:
        """Return the URN of another resource of the program whose own a task is, and who keeps it; or None."""
        with self._lock:
            owner = self._declared.get(id_) or self._started.get(id_)
            free = owner in (None, urn) or owner in self._replacing or (id_, owner) in self._foreign
            return None if free else owner

    def predecessors(self, urn: str) -> Collection[str]:
        """Return the tasks of the state that a resource holds, but for those that were taken over."""
        with self._lock:
            return [
                id_
                for id_, holder in self._holders.items()
                if holder == urn and (id_, urn) not in self._foreign
            ]

    def was_replaced(self, urn: str) -> bool:
        """Whether the resource's task was deleted in this process, so that a new one was asked for."""
        with self._lock:
            return urn in self._replaced

    def was_replaced_before(self, urn: str) -> bool:
        """Whether that task no longer existed already: an earlier run, whose state was lost, may have replaced it."""
        with self._lock:
            return urn in self._replaced_before
