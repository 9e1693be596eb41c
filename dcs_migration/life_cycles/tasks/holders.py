"""Which resource of the state holds which task, from the calls that this plugin process gets.

Pulumi doesn't tell a provider about other resources. But it calls diff for each resource that the program
declares, and read for each resource that it refreshes, with the ids of their tasks.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Collection

Claim = str | bool | None
"""A value in the state of a resource that holds an existing task; it is different for each resource."""


def new_claim() -> str:
    """Return a new unique claim."""
    return uuid.uuid4().hex


class Holders:
    """What the calls of one process show of the state; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[str, str] = {}  # task: URN
        self._declared: dict[str, str] = {}  # task: URN of the program's resource for it
        self._claims: dict[str, Claim] = {}  # task: claim of that resource
        self._started: dict[str, str] = {}  # task: URN of the resource that has just started it
        self._compared: set[str] = set()  # URNs that the state has and the program declares
        self._foreign: set[tuple[str, str]] = set()  # tasks that were taken over, with the URN
        self._replacing: set[str] = set()  # URNs whose tasks are to be replaced
        self._replaced: set[str] = set()  # URNs whose tasks were deleted
        self._replaced_before: set[str] = set()  # the URNs among these whose tasks no longer existed

    def read(self, urn: str | None, id_: str) -> None:
        """Record a task that a refresh reads; the URN may be an old one from before a rename."""
        with self._lock:
            self._holders.setdefault(id_, urn or "")

    def compared(
        self, urn: str | None, id_: str, claim: Claim, *, taken_over: bool, replaces: bool
    ) -> str | None:
        """Record the task of a program's resource; return another resource that also holds it.

        Several resources can take over the same task safely.
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

    def checked_without_olds(self, urn: str | None) -> None:
        """Record a check without old inputs. For a resource that was already compared, it means a replacement."""
        with self._lock:
            if urn in self._compared:
                self._replacing.add(urn or "")

    def created(self, urn: str, id_: str, claim: Claim, *, taken_over: bool = False) -> None:
        """Record a resource's new task, with a claim if the task existed already."""
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
        """Record a task that a refresh removes from the state."""
        with self._lock:
            self._holders.pop(id_, None)

    def deleted(self, urn: str | None, id_: str, *, was_there: bool = True) -> None:
        """Record a task that Pulumi deleted; it may not have existed any longer."""
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

        After a rename, the URN in a delete may be an old one that another resource has now. The claims then
        distinguish the two.
        """
        with self._lock:
            keeper = self._declared.get(id_)
            if not keeper and self._started.get(id_) != urn:
                keeper = self._started.get(id_)  # it started a migration on an instance that it took over
            if not keeper or keeper in self._replacing:
                return None
            return None if keeper == urn and self._claims.get(id_) == claim else keeper

    def owner_in_the_way(self, urn: str, id_: str) -> str | None:
        """Return the URN of another resource of the program that owns and keeps a task, or None."""
        with self._lock:
            owner = self._declared.get(id_) or self._started.get(id_)
            free = owner in (None, urn) or owner in self._replacing or (id_, owner) in self._foreign
            return None if free else owner

    def predecessors(self, urn: str) -> Collection[str]:
        """Return the state's tasks that a resource holds, except those that were taken over."""
        with self._lock:
            return [
                id_
                for id_, holder in self._holders.items()
                if holder == urn and (id_, urn) not in self._foreign
            ]

    def was_replaced(self, urn: str) -> bool:
        """Whether this process deleted the resource's task, which means that Pulumi asks for a new one."""
        with self._lock:
            return urn in self._replaced

    def was_replaced_before(self, urn: str) -> bool:
        """Whether that task no longer existed at the time: an earlier update with a lost state may have replaced it."""
        with self._lock:
            return urn in self._replaced_before
