"""The emulator as a server in this process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import replace
from types import TracebackType
from typing import Any

from werkzeug.serving import make_server

from dcs_emulator.app import IDENTITY_OPERATIONS, OPERATIONS, Application
from dcs_emulator.control import Control
from dcs_emulator.faults import FaultQueue
from dcs_emulator.identity import BY_TOKEN, Identity
from dcs_emulator.journal import Journal
from dcs_emulator.operations import Operations
from dcs_emulator.options import Options, by_keywords
from dcs_emulator.progression import PROGRESSIONS, Engine
from dcs_emulator.quirks import QuirkSet
from dcs_emulator.real_data.addresses import Addresses
from dcs_emulator.store import TaskStore
from dcs_emulator.wire import Connections, handler_class

_SHUTDOWN_POLL_SECONDS = 0.02
_BACKLOG = 128


class Emulator:
    """A DCS on this machine that listens from its creation. A context manager.

    Takes the fields of `Options` as keyword arguments; ``port`` 0, the default, uses any free one.

    Raises ValueError for bad options, OSError if the port isn't available, `StateFileError` for a
    state file that can't be used, and ModuleNotFoundError if ``redis`` needs the library and it is missing.
    """

    @by_keywords(Options)
    def __init__(self, options: Options) -> None:
        identity = Identity(options.trust(), time.time)
        credentials = replace(options.credentials(), issued=identity.keys_of)
        self.access_key = credentials.access_key
        self.secret_key = credentials.secret_key
        quirk_set = QuirkSet(options.quirks)
        self._engine, self._addresses = _engine(options)
        try:
            self._store = TaskStore(self._engine, quirk_set, options)
            self._faults = FaultQueue()
            self._journal = Journal()
            self._closing = threading.Event()
            self._control = Control(
                self._store,
                quirk_set,
                self._faults,
                self._journal,
                (*OPERATIONS, *IDENTITY_OPERATIONS, BY_TOKEN),
                self.addresses,
            )
            app = Application(
                Operations(self._store, quirk_set),
                self._control,
                identity,
                credentials,
                quirk_set,
                self._faults,
                self._journal,
                options.clock,
                self._closing,
            )
            self._listen(app, options.host, options.port)
        except BaseException:  # otherwise the opened parts would keep running without an owner
            self._engine.close()
            raise

    def _listen(self, app: Application, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Werkzeug exits if it can't bind, so the socket is bound here.
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
        """Stop listening, cut all connections, and end all moves of data. Can be called more than once."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._connections.close()
        self._engine.close()
        self._store.close()

    def tasks(self) -> list[dict[str, Any]]:
        """Return all tasks that aren't deleted, oldest first."""
        return self._control.tasks()

    def requests(self) -> list[dict[str, Any]]:
        """Return the journal: time, operation, method, path, status and task_ids of each request."""
        return self._journal.entries()

    def clear_requests(self) -> None:
        """Clear the journal."""
        self._journal.clear()

    def reset(self) -> None:
        """Remove tasks, requests and faults, and restore the initial quirks."""
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
        """Set a task's status, which then doesn't change; ``offset`` is how many bytes its target is behind."""
        self._control.set_status(task_id, status, error, task_status=task_status, offset=offset)

    def remove(self, task_id: str) -> None:
        """Delete a task as the console does."""
        self._control.remove(task_id)

    def fault(self, operation: str, fault: str, **order: Any) -> None:
        """Add a fault for an operation, or for any with ``"*"``.

        ``order`` can have status, error_code, message, seconds and times, as in
        `dcs_emulator.faults.Fault`.
        """
        self._control.fault(operation=operation, fault=fault, **order)

    def faults(self) -> list[dict[str, Any]]:
        """Return the unused faults."""
        return self._faults.entries()

    def clear_faults(self) -> None:
        """Remove the unused faults."""
        self._faults.clear()

    def set_quirks(self, quirks: Iterable[str]) -> None:
        """Activate exactly these quirks."""
        self._control.set_quirks(quirks)

    @property
    def quirks(self) -> list[str]:
        """The active quirks, each ``name`` or ``name=value``."""
        return self._control.quirks()

    @property
    def addresses(self) -> dict[str, str]:
        """The applications' addresses by instance id: ``127.0.0.1:PORT``. An exchange changes the servers behind
        them."""
        return {instance_id: f"127.0.0.1:{port}" for instance_id, port in self._addresses.items()}


def _engine(options: Options) -> tuple[Engine, dict[str, int]]:
    """Return the task engine, and the ports of addresses; the Redis client is loaded only for real data."""
    clockwork = PROGRESSIONS[options.progression](options.duration)
    endpoints = options.endpoints()
    if not endpoints:
        return clockwork, {}
    from dcs_emulator.real_data.engine import RealData

    addresses = Addresses(options.ports(), endpoints)
    return RealData(clockwork, endpoints, options.folders(), addresses, options.clock), addresses.ports()
