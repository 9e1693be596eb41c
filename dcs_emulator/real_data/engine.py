"""The task engine that moves data: a thread for each task whose target is a known Redis server."""

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
from dcs_emulator.real_data.copying import copy_sources
from dcs_emulator.real_data.endpoints import Endpoint, parse_endpoint
from dcs_emulator.real_data.progress import Cancelled, MigrationError, Progress
from dcs_emulator.real_data.replication import replicate
from dcs_emulator.task import FAILED, SUCCESS, Task

CLOSE_SECONDS = 20.0
"""How long a stopping emulator waits for moves to end; they are only slow if a server hangs."""

INTERRUPTED = "The emulator stopped while the data was being moved."

_NOWHERE = Endpoint("0.0.0.0", 0)  # noqa: S104 - an instance without a server

Move = Callable[[Progress], None]


class RealData:
    """Moves the data of tasks whose target id is in ``endpoints``; ``fallback`` handles all other tasks.

    ``buckets`` has folders by bucket name. ``addresses`` are those that an exchange swaps. ``clock``
    returns the Unix time for tasks.
    """

    def __init__(
        self,
        fallback: Engine,
        endpoints: Mapping[str, Endpoint],
        buckets: Mapping[str, Path],
        addresses: Addresses,
        clock: Callable[[], float],
    ) -> None:
        self._fallback = fallback
        self._endpoints = endpoints
        self._buckets = buckets
        self._addresses = addresses
        self._clock = clock
        self._workers: dict[str, _Worker] = {}
        self._sides: dict[str, tuple[list[Endpoint], Endpoint]] = {}

    def start(self, task: Task, request: Mapping[str, Any]) -> None:
        """Start to move the data of a new task."""
        target = self._target(request["target_instance"])
        if target is None:
            self._workers.pop(task.id, None)  # left from an earlier run with other instances
            self._sides.pop(task.id, None)
            self._fallback.start(task, request)
            return
        self._sides[task.id] = self._sources(request.get("source_instance")), target
        self._move_in_a_thread(task)

    def resume(self, task: Task) -> None:
        """Continue a task that was stopped."""
        target = self._target(task.target or {})
        if task.id not in self._sides and target is not None:
            # A task of the state file, which doesn't have passwords.
            self._sides[task.id] = self._sources(task.source), target
        if task.id in self._sides:
            self._move_in_a_thread(task)
        else:
            self._fallback.resume(task)

    def _move_in_a_thread(self, task: Task) -> None:
        self._workers = {key: worker for key, worker in self._workers.items() if not worker.reported}
        sources, target = self._sides[task.id]
        passwords = [endpoint.password for endpoint in (*sources, target)]
        worker = _Worker(
            partial(self._move, task, sources, target),
            Progress(task, self._clock, passwords),
            task.id,
            self._workers.get(task.id),
        )
        self._workers[task.id] = worker
        worker.start()

    def phase(self, task: Task, now: float) -> Phase | None:
        """Return the phase of the move, and store its log rows and numbers in the task."""
        worker = self._workers.get(task.id)
        if worker is not None:
            return worker.report(task)
        if task.id in self._sides or self._target(task.target or {}) is not None:
            return Phase(FAILED, now, INTERRUPTED)  # a task of the state file no longer has a thread
        return self._fallback.phase(task, now)

    def stop(self, task: Task) -> None:
        """Request the end of the move."""
        worker = self._workers.get(task.id)
        if worker is not None:
            worker.progress.cancel()
        self._fallback.stop(task)

    def exchange(self, task: Task) -> None:
        """Swap the addresses of source and target."""
        sides = str((task.source or {}).get("id")), task.target_id
        if set(sides) <= set(self._endpoints):
            self._addresses.exchange(*sides)

    def stopped(self, task: Task) -> bool:
        """Whether nothing is moving any more."""
        worker = self._workers.get(task.id)
        if worker is None:
            return self._fallback.stopped(task)
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
        self._fallback.close()

    def _target(self, request: Mapping[str, Any]) -> Endpoint | None:
        """Return the server of a target with a known id or address."""
        named = {str(endpoint): endpoint for endpoint in self._endpoints.values()}
        endpoint = self._endpoints.get(request.get("id", "")) or named.get(request.get("addrs", ""))
        return endpoint and endpoint.with_password(request.get("password"))

    def _sources(self, request: Mapping[str, Any] | None) -> list[Endpoint]:
        """Return the sources of a request; the password comes from the request or from a known server."""
        if request is None:
            return []
        known = {(endpoint.host, endpoint.port): endpoint.password for endpoint in self._endpoints.values()}
        named = self._endpoints.get(request.get("id", ""))
        if named is not None and "addrs" not in request:
            return [named.with_password(request.get("password"))]
        if "addrs" not in request:
            return [_NOWHERE]
        sources = []
        for text in request["addrs"].split(","):
            host, _, port = text.rpartition(":")
            fallback = named.password if named else known.get((host, int(port)))
            sources.append(Endpoint(host, int(port), request.get("password", fallback)))
        return sources

    def _move(self, task: Task, sources: list[Endpoint], target: Endpoint, progress: Progress) -> None:
        if not sources:
            folder, names = self._backup(task.backup_files or {})
            import_files(folder, names, target, progress)
            return
        for source in sources:
            if source is _NOWHERE:
                raise MigrationError("the source instance is unknown; add it with --redis")
            _check_port(source)
        if not task.incremental:
            copy_sources(sources, target, progress)
        elif len(sources) == 1:
            replicate(sources[0], target, progress)
        else:
            raise MigrationError("an incremental migration needs exactly one source address")

    def _backup(self, backup: Mapping[str, Any]) -> tuple[Path, list[str]]:
        if "bucket_name" not in backup or "files" not in backup:
            raise MigrationError("backup records contain no data here; import files from a bucket")
        folder = self._buckets.get(backup["bucket_name"])
        if folder is None:
            raise MigrationError(f"no bucket {backup['bucket_name']}; add it with --bucket")
        return folder, [file["file_name"] for file in backup["files"]]


def _check_port(source: Endpoint) -> None:
    try:
        parse_endpoint(str(source))
    except ValueError:
        raise MigrationError(f"the source {source} can't be reached: not a valid port") from None


class _Worker(threading.Thread):
    """The thread that moves the data of one task."""

    def __init__(self, move: Move, progress: Progress, task_id: str, before: _Worker | None) -> None:
        super().__init__(name=f"move-{task_id}", daemon=True)
        self._move = move
        self._before = before  # it must release the servers first
        self.progress = progress
        self.reported = False
        """Whether its end was reported."""

    def run(self) -> None:
        """Move the data, and report the result."""
        if self._before is not None:
            self._before.join()
            self._before = None
        try:
            self._move(self.progress)
        except Cancelled:
            self.progress.log("INFO", "The migration was stopped.", "stopped")
        except MigrationError as error:
            self.progress.enter(FAILED, str(error))
        except Exception as error:
            # Only the error's type: its text may contain data of the request.
            self.progress.enter(FAILED, f"Internal error ({type(error).__name__}).")
        else:
            self.progress.enter(SUCCESS)

    def report(self, task: Task) -> Phase:
        """Add the new log rows and numbers to the task, and return its phase."""
        ended = not self.is_alive()
        phase, numbers, rows = self.progress.take()
        self.reported = ended
        task.logs.extend(rows)
        task.statistics = numbers
        return phase
