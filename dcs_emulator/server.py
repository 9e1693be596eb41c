"""The emulator as a server in this process."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from werkzeug.serving import make_server

from dcs_emulator.app import OPERATIONS, Application
from dcs_emulator.control import Control
from dcs_emulator.faults import FaultQueue
from dcs_emulator.journal import Journal
from dcs_emulator.online import DEFAULT_EXCHANGE_SECONDS, DEFAULT_JOB_SECONDS
from dcs_emulator.operations import Operations
from dcs_emulator.progression import DEFAULT_DURATION_SECONDS, PROGRESSIONS, Engine
from dcs_emulator.quirks import QuirkSet
from dcs_emulator.real_data.addresses import Addresses, parse_addresses
from dcs_emulator.real_data.places import parse_buckets, parse_places
from dcs_emulator.signature import Credentials
from dcs_emulator.tasks import DEFAULT_LINGER_SECONDS, DEFAULT_STOP_SECONDS, TaskStore
from dcs_emulator.wire import Connections, handler_class

DEFAULT_ACCESS_KEY = "emulator"
DEFAULT_SECRET_KEY = "emulator"  # noqa: S105 - public, it guards nothing
_SHUTDOWN_POLL_SECONDS = 0.02
_BACKLOG = 128


class Emulator:
    """A DCS on this machine, listening as soon as it has been made. A context manager.

    ``port`` 0 takes any free one. ``progression`` is ``timed`` (a task takes ``duration`` seconds),
    ``immediate`` or ``manual``; a stop takes ``stop_seconds``; Show knows a deleted task for
    ``linger`` seconds; a migration instance is made in ``job_seconds``, an exchange of addresses takes
    ``exchange_seconds``. ``state`` is a file that keeps the tasks across restarts. ``quirks`` are names
    of `dcs_emulator.quirks.QUIRKS`. ``clock`` returns the Unix time that tasks and journal
    live by (signatures are judged by the real one). ``deterministic_ids`` gives the same ids each time.

    ``redis`` maps target ids to ``HOST:PORT[:PASSWORD]``: tasks with these targets move real data, whatever
    ``progression`` is. ``buckets`` maps names of buckets to folders with backup files for them. ``addresses`` maps ids in
    ``redis`` to ports of this machine (0: a free one) that lead to their servers: an exchange swaps these.

    Raises ValueError for bad options, OSError when the port cannot be had, `StateFileError` for a
    state file that cannot be used, ModuleNotFoundError when ``redis`` needs the library and it is missing.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        access_key: str | None = None,
        secret_key: str | None = None,
        auth_token: str | None = None,
        progression: str = "timed",
        duration: float = DEFAULT_DURATION_SECONDS,
        stop_seconds: float = DEFAULT_STOP_SECONDS,
        linger: float = DEFAULT_LINGER_SECONDS,
        job_seconds: float = DEFAULT_JOB_SECONDS,
        exchange_seconds: float = DEFAULT_EXCHANGE_SECONDS,
        state: str | os.PathLike[str] | None = None,
        quirks: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
        deterministic_ids: bool = False,
        redis: Mapping[str, str] | None = None,
        buckets: Mapping[str, str | os.PathLike[str]] | None = None,
        addresses: Mapping[str, int | str] | None = None,
    ) -> None:
        if (access_key is None) != (secret_key is None):
            raise ValueError("an access key and its secret key go together")
        if progression not in PROGRESSIONS:
            raise ValueError(f"progression must be one of {', '.join(PROGRESSIONS)}")
        self.access_key = access_key or DEFAULT_ACCESS_KEY
        self.secret_key = secret_key or DEFAULT_SECRET_KEY
        quirk_set = QuirkSet(quirks)
        self._engine, self._addresses = _engine(
            PROGRESSIONS[progression](duration), redis or {}, buckets or {}, addresses or {}, clock
        )
        try:
            self._store = TaskStore(
                self._engine,
                quirk_set,
                clock,
                stop_seconds=stop_seconds,
                linger=linger,
                job_seconds=job_seconds,
                exchange_seconds=exchange_seconds,
                deterministic_ids=deterministic_ids,
                state=None if state is None else Path(state),
            )
            self._faults = FaultQueue()
            self._journal = Journal()
            self._closing = threading.Event()
            self._control = Control(
                self._store, quirk_set, self._faults, self._journal, OPERATIONS, self.addresses
            )
            app = Application(
                Operations(self._store, quirk_set),
                self._control,
                Credentials(self.access_key, self.secret_key, auth_token),
                quirk_set,
                self._faults,
                self._journal,
                clock,
                self._closing,
            )
            self._listen(app, host, port)
        except BaseException:  # what was opened so far would go on without an owner
            self._engine.close()
            raise

    def _listen(self, app: Application, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Werkzeug ends the process when it cannot bind, so the socket is bound here.
        with socket.create_server((host, port), family=family, backlog=_BACKLOG) as listener:
            self.port: int = listener.getsockname()[1]
            self._connections = Connections()
            self._server = make_server(
                host,
                self.port,
                app,
                threaded=True,
                request_handler=handler_class(self._connections),
                fd=listener.fileno(),
            )
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            args=(_SHUTDOWN_POLL_SECONDS,),
            name=f"emulator-{self.port}",
            daemon=True,
        )
        self._thread.start()

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, cut all connections, and end all moves of data. May be called again."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._connections.close()
        self._engine.close()
        self._store.close()

    def tasks(self) -> list[dict[str, Any]]:
        """Return all tasks that have not been deleted, oldest first."""
        return self._control.tasks()

    def requests(self) -> list[dict[str, Any]]:
        """Return the journal: time, operation, method, path, status, task_ids of each request."""
        return self._journal.entries()

    def clear_requests(self) -> None:
        """Forget the journal."""
        self._journal.clear()

    def reset(self) -> None:
        """Forget tasks, requests and faults, and return to the quirks of the start."""
        self._control.reset()

    def set_status(
        self,
        task_id: str,
        status: str,
        error: str | None = None,
        *,
        task_status: str | None = None,
        offset: int | None = None,
    ) -> None:
        """Give a task a status, which then stays; ``offset`` is how many bytes its target is behind."""
        self._control.set_status(task_id, status, error, task_status=task_status, offset=offset)

    def remove(self, task_id: str) -> None:
        """Delete a task as somebody at the console would."""
        self._control.remove(task_id)

    def fault(self, operation: str, fault: str, **order: Any) -> None:
        """Order a fault for an operation, or for any with ``"*"``.

        ``order`` may have status, error_code, message, seconds and times, as in
        `dcs_emulator.faults.Fault`.
        """
        self._control.fault(operation=operation, fault=fault, **order)

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that no request has met yet."""
        return self._faults.entries()

    def clear_faults(self) -> None:
        """Withdraw the faults that no request has met yet."""
        self._faults.clear()

    def set_quirks(self, quirks: Iterable[str]) -> None:
        """Switch exactly these quirks on."""
        self._control.set_quirks(quirks)

    @property
    def quirks(self) -> list[str]:
        """The quirks that are on, each ``name`` or ``name=value``."""
        return self._control.quirks()

    @property
    def addresses(self) -> dict[str, str]:
        """Where applications connect to, by instance id: ``127.0.0.1:PORT``; an exchange leads it elsewhere."""
        return {instance_id: f"127.0.0.1:{port}" for instance_id, port in self._addresses.items()}


def _engine(
    clockwork: Engine,
    redis: Mapping[str, str],
    buckets: Mapping[str, str | os.PathLike[str]],
    addresses: Mapping[str, int | str],
    clock: Callable[[], float],
) -> tuple[Engine, dict[str, int]]:
    """Return what moves tasks, and the ports of addresses; the Redis client is loaded only for real data."""
    folders = parse_buckets(buckets)
    places = parse_places(redis)
    ports = parse_addresses(addresses, places)
    if not places:
        return clockwork, {}
    from dcs_emulator.real_data.engine import RealData

    doors = Addresses(ports, places)
    return RealData(clockwork, places, folders, doors, clock), doors.ports()
