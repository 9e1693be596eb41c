"""The Pulumi engine as the plugin sees it: whether it still answers, and the log lines that it shows."""

from __future__ import annotations

import logging
import threading
from functools import cached_property
from typing import Any, Literal, Protocol

from dcs_migration.dcs.errors import EngineGone
from dcs_migration.dcs.texts import worded
from dcs_migration.life_cycles.secrets import scrub

_log = logging.getLogger("dcs_migration")
_TIMEOUT = 2.0  # seconds; Pulumi is on this machine
_LONGEST = 4000  # characters of a line

Severity = Literal["INFO", "WARNING", "ERROR"]


def as_line(message: str) -> str:
    """Return a message as it is logged: always one line without secrets."""
    return worded(message, _LONGEST, scrub)


class Engine(Protocol):
    """What the lifecycles need of Pulumi."""

    def require(self) -> None:
        """Raise :class:`EngineGone` unless Pulumi answers. To be called before every write."""

    def log(self, severity: Severity, message: str, urn: str | None, *, ephemeral: bool = False) -> None:
        """Show a message on the resource's row, as one line; Pulumi repeats it under Diagnostics unless it is
        ephemeral."""


class GrpcEngine:
    """The Pulumi engine that started this plugin, at the address that it passed."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._said: set[tuple[str | None, str]] = set()
        self._lock = threading.Lock()

    @cached_property
    def _stub(self) -> Any:
        import grpc
        from pulumi.runtime.proto import engine_pb2_grpc

        return engine_pb2_grpc.EngineStub(grpc.insecure_channel(self._address))

    def require(self) -> None:
        """See :class:`Engine`.

        The plugin outlives a CLI that was killed. What it wrote after that would be recorded nowhere, and
        the next run would start the same task again.
        """
        import grpc
        from pulumi.runtime.proto import engine_pb2

        try:
            self._stub.GetRootResource(engine_pb2.GetRootResourceRequest(), timeout=_TIMEOUT)
        except grpc.RpcError as error:
            # Any other status means that Pulumi is still running.
            if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                raise EngineGone(
                    "the Pulumi engine no longer responds (was `pulumi` killed?); no further changes are made; "
                    "run `pulumi up` again"
                ) from None

    def log(self, severity: Severity, message: str, urn: str | None, *, ephemeral: bool = False) -> None:
        """See :class:`Engine`. Never raises; a warning is shown once per resource and process."""
        message = as_line(message)
        if not ephemeral:
            with self._lock:
                if (urn, message) in self._said:
                    return
                self._said.add((urn, message))
        self._send(severity, message, urn, ephemeral)
        if urn and not ephemeral:
            # Without a terminal the CLI repeats the last message of a row with every step of its resource, which
            # for a replacement are three. An empty message takes its place; the summary has the warning, too.
            self._send("INFO", "", urn, True)

    def _send(self, severity: Severity, message: str, urn: str | None, ephemeral: bool) -> None:
        from pulumi.runtime.proto import engine_pb2

        try:
            request = engine_pb2.LogRequest(
                severity=getattr(engine_pb2, severity), message=message, urn=urn or "", ephemeral=ephemeral
            )
            self._stub.Log(request, timeout=_TIMEOUT)
        except Exception as error:  # a log line must never fail an operation
            _log.debug("the Pulumi engine didn't accept a log line: %s", type(error).__name__)


class NoEngine:
    """Used if Pulumi didn't start this process (unit tests, program mocks)."""

    def require(self) -> None:
        """Nothing to ask."""

    def log(self, severity: Severity, message: str, urn: str | None, *, ephemeral: bool = False) -> None:
        """Send the line to the logger."""
        _log.log(getattr(logging, severity), "%s: %s", urn, as_line(message))
