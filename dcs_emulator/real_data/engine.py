"""The engine that moves data: a thread for each task whose target is a known Redis server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from dcs_emulator.progression import Engine, Phase
from dcs_emulator.real_data.addresses import Addresses
from dcs_emulator.real_data.backup_import import import_files
from dcs_emulator.real_data.copying import copy_online
from dcs_emulator.real_data.places import Place, parse_place
from dcs_emulator.real_data.progress import Cancelled, MoveError, Progress
from dcs_emulator.real_data.replication import follow
from dcs_emulator.task import FAILED, SUCCESS, Task

CLOSE_SECONDS = 20.0
"""How long the end of the emulator waits for moves to end; they are slow only when a server hangs."""

INTERRUPTED = "The emulator ended while the data was moved."

_NOWHERE = Place("0.0.0.0", 0)  # noqa: S104 - an instance that no server is given for

Move = Callable[[Progress], None]


class RealData:
    """Moves the data of tasks whose target id is in ``places``; ``otherwise`` has all other tasks.

    ``buckets`` are folders by the names of buckets. ``addresses`` are those that an exchange swaps. ``clock``
    returns the Unix time tasks live by.
    """

    def __init__(
        self,
        otherwise: Engine,
        places: Mapping[str, Place],
        buckets: Mapping[str, Path],
        addresses: Addresses,
        clock: Callable[[], float],
    ) -> None:
        self._otherwise = otherwise
        self._places = places
        self._buckets = buckets
        self._addresses = addresses
        self._clock = clock
        self._workers: dict[str, _Worker] = {}
        self._sides: dict[str, tuple[list[Place], Place]] = {}

    def start(self, task: Task, request: Mapping[str, Any]) -> None:
        """Begin to move the data of a new task."""
        target = self._target(request["target_instance"])
        if target is None:
            self._workers.pop(task.id, None)  # what an earlier run with other instances has left
            self._sides.pop(task.id, None)
            self._otherwise.start(task, request)
            return
        self._sides[task.id] = self._sources(request.get("source_instance")), target
        self._move_in_a_thread(task)

    def resume(self, task: Task) -> None:
        """Go on with a task that was stopped."""
        target = self._target(task.target or {})
        if task.id not in self._sides and target is not None:
            # A task of the state file, which holds no password.
            self._sides[task.id] = self._sources(task.source), target
        if task.id in self._sides:
            self._move_in_a_thread(task)
        else:
            self._otherwise.resume(task)

    def _move_in_a_thread(self, task: Task) -> None:
        self._workers = {key: worker for key, worker in self._workers.items() if not worker.told}
        sources, target = self._sides[task.id]
        passwords = [place.password for place in (*sources, target)]
        worker = _Worker(
            partial(self._move, task, sources, target),
            Progress(task, self._clock, passwords),
            task.id,
            self._workers.get(task.id),
        )
        self._workers[task.id] = worker
        worker.start()

    def phase(self, task: Task, now: float) -> Phase | None:
        """Return where the move has got to; its log rows and numbers go into the task."""
        worker = self._workers.get(task.id)
        if worker is not None:
            return worker.report(task)
        if task.id in self._sides or self._target(task.target or {}) is not None:
            return Phase(FAILED, now, INTERRUPTED)  # a task of the state file: its thread is no more
        return self._otherwise.phase(task, now)

    def stop(self, task: Task) -> None:
        """Ask the move to end."""
        worker = self._workers.get(task.id)
        if worker is not None:
            worker.progress.cancel()
        self._otherwise.stop(task)

    def exchange(self, task: Task) -> None:
        """Swap the addresses of source and target."""
        sides = str((task.source or {}).get("id")), task.target_id
        if set(sides) <= set(self._places):
            self._addresses.exchange(*sides)

    def stopped(self, task: Task) -> bool:
        """Whether nothing is moved any more."""
        worker = self._workers.get(task.id)
        if worker is None:
            return self._otherwise.stopped(task)
        worker.report(task)
        return not worker.is_alive()

    def close(self) -> None:
        """End all moves, and wait for their end."""
        workers = list(self._workers.values())
        for worker in workers:
            worker.progress.cancel()
        until = time.monotonic() + CLOSE_SECONDS
        for worker in workers:
            worker.join(max(0.0, until - time.monotonic()))
        self._addresses.close()
        self._otherwise.close()

    def _target(self, request: Mapping[str, Any]) -> Place | None:
        """Return the server of a target that is one of ours, named by id or by address."""
        named = {str(place): place for place in self._places.values()}
        place = self._places.get(request.get("id", "")) or named.get(request.get("addrs", ""))
        return place and place.with_password(request.get("password"))

    def _sources(self, request: Mapping[str, Any] | None) -> list[Place]:
        """Return the sources of a request; the password is the request's, or that of a known server."""
        if request is None:
            return []
        known = {(place.host, place.port): place.password for place in self._places.values()}
        named = self._places.get(request.get("id", ""))
        if named is not None and "addrs" not in request:
            return [named.with_password(request.get("password"))]
        if "addrs" not in request:
            return [_NOWHERE]
        sources = []
        for text in request["addrs"].split(","):
            host, _, port = text.rpartition(":")
            fallback = named.password if named else known.get((host, int(port)))
            sources.append(Place(host, int(port), request.get("password", fallback)))
        return sources

    def _move(self, task: Task, sources: list[Place], target: Place, progress: Progress) -> None:
        if not sources:
            folder, names = self._backup(task.backup_files or {})
            import_files(folder, names, target, progress)
            return
        for source in sources:
            if source is _NOWHERE:
                raise MoveError("the source is an instance that was not given with --redis")
            _check_port(source)
        if not task.never_ends:
            copy_online(sources, target, progress)
        elif len(sources) == 1:
            follow(sources[0], target, progress)
        else:
            raise MoveError("an incremental migration follows one source address only")

    def _backup(self, backup: Mapping[str, Any]) -> tuple[Path, list[str]]:
        if "bucket_name" not in backup or "files" not in backup:
            raise MoveError("backup records hold no data here: import files of a bucket")
        folder = self._buckets.get(backup["bucket_name"])
        if folder is None:
            raise MoveError(f"no bucket {backup['bucket_name']}: it was not given with --bucket")
        return folder, [file["file_name"] for file in backup["files"]]


def _check_port(source: Place) -> None:
    try:
        parse_place(str(source))
    except ValueError:
        raise MoveError(f"the source {source} cannot be reached: there is no such port") from None


class _Worker(threading.Thread):
    """The thread that moves the data of one task."""

    def __init__(self, move: Move, progress: Progress, task_id: str, before: _Worker | None) -> None:
        super().__init__(name=f"move-{task_id}", daemon=True)
        self._move = move
        self._before = before  # it lets go of the servers first
        self.progress = progress
        self.told = False
        """Whether its end was reported."""

    def run(self) -> None:
        """Move the data, and tell how that ended."""
        if self._before is not None:
            self._before.join()
            self._before = None
        try:
            self._move(self.progress)
        except Cancelled:
            self.progress.log("INFO", "The migration was stopped.", "stopped")
        except MoveError as error:
            self.progress.enter(FAILED, str(error))
        except Exception as error:
            # The kind of error only: its text may hold what the request held.
            self.progress.enter(FAILED, f"Internal error ({type(error).__name__}).")
        else:
            self.progress.enter(SUCCESS)

    def report(self, task: Task) -> Phase:
        """Give the task its new log rows and numbers, and return its phase."""
        ended = not self.is_alive()
        phase, numbers, rows = self.progress.take()
        self.told = ended
        task.logs.extend(rows)
        task.statistics = numbers
        return phase
