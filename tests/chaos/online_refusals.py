"""The refusals of a course: each is counted, must be right, and says what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.online_cast import Owned
from tests.chaos.online_promises import TASK, Promises

KINDS: dict[str, str] = {
    "the target is occupied": "the target is still occupied by",
    "belongs to another owner": "belongs to another owner",
    "belongs to another resource of the stack": "belongs to another resource of this stack",
    "bears no mark": "has no owner mark",
    "is held by another resource": "is held by another resource",
    "is configured for something else": "is configured for something else",
    "can't be taken over": "existing_task_id: migration",
    "isn't there": "existing_task_id: there is no",
}
# The second where a replacement was cut off: the state still has the task that was deleted.
_NOT_THAT_ONE = ("existing_task_id: there is no", "which can't be changed", "remove existing_task_id")
_TO_TAKE_OVER = re.compile(r'existing_task_id="([\w-]+)"')
_AS_IT_IS = re.compile(r'set state="(running|stopped|switched)" to take it over')
_DIFFERS = re.compile(r"differs from the inputs in ([a-z_, ]+)")


@dataclass(frozen=True)
class Advice:
    """What an error says to do, and with what."""

    kind: str
    words: tuple[str, ...] = ()


class Refusals:
    """Judges the errors of a course."""

    def __init__(self, promises: Promises) -> None:
        self._promises = promises
        self._judges: dict[str, Callable[[Owned, list[str]], bool]] = {
            "the target is occupied": self._is_occupied,
            "belongs to another owner": self._is_another_owner_s,
            "belongs to another resource of the stack": self._is_another_resource_s,
            "bears no mark": lambda owned, ids: ids[0] in self._promises.foreign,
            "is held by another resource": lambda owned, ids: (
                self._promises.holder(ids[0]) not in (None, owned)
            ),
            "is configured for something else": self._is_another,
        }

    def judge(self, owned: Owned, message: str) -> str:
        """Count an error, see that it is right, and return it."""
        for kind, words in KINDS.items():
            if words in message:
                self._promises.counts[f"refused: {kind}"] += 1
                right = self._judges.get(kind)
                if right is not None and not right(owned, TASK.findall(message)):
                    self._promises.broken.append(f"wrongly refused: {message}")
        return message

    def advice(self, owned: Owned) -> Advice | None:
        """Return what the last error says to do, as a user reads it who looks whose task it is."""
        message = owned.refusal
        if any(words in message for words in _NOT_THAT_ONE):
            return Advice("leave existing_task_id out")
        as_it_is, differs = _AS_IT_IS.search(message), _DIFFERS.search(message)
        if as_it_is:
            return Advice("as it is", (as_it_is[1],))
        if differs:
            return Advice("correct", tuple(differs[1].split(", ")))
        if "or give this resource another name" in message:
            return Advice("another name")
        taken = _TO_TAKE_OVER.search(message)
        if taken:
            nobody_s = self._promises.holder(taken[1]) is None
            return Advice("take it over", (taken[1],)) if nobody_s else Advice("run it again")
        # Two whose targets are exchanged wait for each other, until one of them is stopped.
        waits = "the target is still occupied by" in message and self._promises.holder(
            TASK.findall(message)[0]
        )
        if ("DCS.4957" in message or waits) and owned.online.state is not None:
            return Advice("stop it first")
        return Advice("replace") if "--replace" in message else None

    def _is_occupied(self, owned: Owned, ids: list[str]) -> bool:
        lags = any(spec.startswith("listing-lags") for spec in self._promises.world.cloud.quirks)
        return lags or bool(set(ids) & set(self._promises.on_target(owned.target)))

    def _is_another_owner_s(self, owned: Owned, ids: list[str]) -> bool:
        made = self._promises.made.get(ids[0])
        copied = self._promises.foreign.get(ids[0])
        key = made.key if made else copied.copied_from if copied else None
        return key is not None and key[0] != owned.owner and key[2] == owned.definition

    def _is_another_resource_s(self, owned: Owned, ids: list[str]) -> bool:
        made = self._promises.made.get(ids[0])
        copied = self._promises.foreign.get(ids[0])
        key = made.key if made else copied.copied_from if copied else None
        return key is not None and key[0] == owned.owner and key[1] != owned.instance.urn

    def _is_another(self, owned: Owned, ids: list[str]) -> bool:
        return bool(self._promises.tasks()[ids[0]]["target_instance_id"] != owned.target)
