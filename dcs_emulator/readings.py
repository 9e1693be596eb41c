"""Lists that are read page by page while their rows move: what the quirk ``rows-move`` does."""

from __future__ import annotations

from dataclasses import dataclass

from dcs_emulator.quirks import QuirkSet
from dcs_emulator.task import Task

Reader = tuple[str, str]
"""The project and the name that a list was asked for."""


@dataclass
class _Reading:
    """One reading, from its first page on: the row that is next, and whether it has moved."""

    next_id: str
    moved: bool = False


class Readings:
    """The readings that go on. It is used inside a transaction of the store."""

    def __init__(self, quirks: QuirkSet) -> None:
        self._quirks = quirks
        self._readings: dict[Reader, _Reading] = {}

    def move(self, reader: Reader, tasks: list[Task], offset: int, limit: int) -> None:
        """Put the row that begins the second page before all others, once the first page was read.

        There it is on no page that is still to be read, however much the pages overlap. The next reading
        finds it in its place again.
        """
        if offset == 0:
            self._readings.pop(reader, None)
            if limit < len(tasks):
                self._readings[reader] = _Reading(tasks[limit].id)
            return
        reading = self._readings.get(reader)
        if reading is None or not (reading.moved or self._quirks.use("rows-move")):
            return
        reading.moved = True
        tasks.sort(key=lambda task: task.id != reading.next_id)  # stable: all others keep their order
