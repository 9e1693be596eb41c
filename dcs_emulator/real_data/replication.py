"""Incremental migration: the target follows the source as a replica, until it is stopped."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from dcs_emulator.real_data.copying import (
    databases,
    refuse_cluster,
    refuse_itself,
    refuse_unreadable,
    target_numbers,
)
from dcs_emulator.real_data.endpoints import Endpoint
from dcs_emulator.real_data.peer import Peer, connect
from dcs_emulator.real_data.progress import Cancelled, MigrationError, Progress
from dcs_emulator.real_data.versions import version_of
from dcs_emulator.task import INCREMENTAL

POLL_SECONDS = 0.1
POLL_ANSWER_SECONDS = 0.25
"""How long a look waits for the target; the lag of a hanging target must be reported in the meantime."""
START_SECONDS = 30.0
"""How long the first synchronization can make no progress."""
ATTEMPTS = 3
"""How many full copies a target can start until one arrives; a target that can't read them starts forever."""
RECONNECT_SECONDS = 10.0
"""How long a target that was in sync can be without its source."""
CATCH_UP_SECONDS = 2.0
"""How long a stop waits for a target that no longer receives the source's acknowledged data."""
_CATCH_UP_POLL_SECONDS = 0.01
_PASSWORD = "masterauth"  # noqa: S105 - a setting's name
_LOGIN = ("masteruser", _PASSWORD)
"""The target's login at its source: the default user, which isn't sent before server 6.0."""


def replicate(source_endpoint: Endpoint, target_endpoint: Endpoint, progress: Progress) -> None:
    """Make the target a replica of the source, and watch it until the task is stopped.

    The target loses its old data. At the end of the task, it keeps the received data, and accepts writes
    again. Raises `MigrationError` or `Cancelled`.
    """
    with (
        connect("source", source_endpoint) as source,
        connect("target", target_endpoint) as target,
        connect("target", target_endpoint, POLL_ANSWER_SECONDS) as seen,
    ):
        for peer in (source, target):
            refuse_cluster(peer)
        refuse_itself(source, target)
        refuse_unreadable(source, target, replicates=True)
        if target.info()["role"] != "master":
            raise MigrationError(f"{target} is a replica of another server")
        before = {name: value for name in _LOGIN for value in target.call("CONFIG GET", name).values()}
        progress.log("INFO", f"Following {source_endpoint}; the target is emptied first.", "following")
        try:
            for name in before:
                target.call("CONFIG SET", name, (source.password or "") if name == _PASSWORD else "")
            lag = _Lag(source.info()["master_repl_offset"])
            target.call("REPLICAOF", source.ip, source.port)
            _monitor(source, seen, lag, progress)
        except Cancelled:
            _catch_up(source, target)
            raise
        finally:
            _detach(source, target, before, progress)


@dataclass(frozen=True)
class _Observation:
    """The state of a replication: whether it is in sync with a running source, and its progress."""

    linked: bool
    position: object = None
    copies: int | None = None
    """The number of full copies that the source has sent."""
    trouble: str = "the target isn't connected to the source"


@dataclass
class _Lag:
    """How many bytes the target is behind: sent by the source, but not known to have arrived."""

    arrived: int
    """The offset up to which the target has everything; initially the source's offset when the copy starts."""

    def update(self, target: dict[str, Any]) -> None:
        """Update the offset of a target that is in sync; other targets report one of an earlier replication."""
        if target.get("master_link_status") == "up":
            self.arrived = target["slave_repl_offset"]

    def behind(self, source: dict[str, Any]) -> int:
        """Return the bytes; the target was read first, so the number is never too small."""
        bytes_: int = source["master_repl_offset"] - self.arrived
        return max(0, bytes_)


def _monitor(source: Peer, target: Peer, lag: _Lag, progress: Progress) -> None:
    """Report progress until the replication fails."""
    in_step = was_linked = False
    position, since = None, time.monotonic()
    copies: int | None = None  # before the first look at the source
    while True:
        observed = _observe(source, target, lag, progress)
        if observed.copies is not None:
            # Fewer copies than before: the source was restarted.
            if copies is None or observed.linked or observed.copies < copies:
                copies = observed.copies
            if observed.copies - copies >= ATTEMPTS:
                raise MigrationError(_never_synchronised(source, target))
        if observed.linked or observed.position != position:
            position, since = observed.position, time.monotonic()
        if observed.linked and not in_step:
            in_step = True
            progress.log("INFO", "The target is in sync with the source.", "in-step")
            progress.enter(INCREMENTAL)
        elif in_step and observed.linked != was_linked:
            if observed.linked:
                progress.log("INFO", "The target is connected again.", "reconnected")
            else:
                progress.log("WARN", f"Replication is interrupted: {observed.trouble}.", "interrupted")
        was_linked = observed.linked
        patience = RECONNECT_SECONDS if in_step else START_SECONDS
        if time.monotonic() - since > patience:
            raise MigrationError(f"{observed.trouble} (for more than {patience:g} seconds)")
        progress.pause(POLL_SECONDS)


def _catch_up(source: Peer, target: Peer) -> None:
    """Wait until the target has all data that the source has acknowledged, so that a stop doesn't lose any."""
    with suppress(MigrationError):
        goal = source.info()["master_repl_offset"]
        position, since = -1, time.monotonic()
        while time.monotonic() - since < CATCH_UP_SECONDS:
            ours = target.info()
            if ours.get("master_link_status") != "up" or ours["slave_repl_offset"] >= goal:
                return
            if ours["slave_repl_offset"] != position:
                position, since = ours["slave_repl_offset"], time.monotonic()
            time.sleep(_CATCH_UP_POLL_SECONDS)


def _observe(source: Peer, target: Peer, lag: _Lag, progress: Progress) -> _Observation:
    """Look at both servers once, and report the numbers."""
    ours, trouble = _try_info(target)
    if ours is not None and not _is_replica_of(ours, source):
        raise MigrationError(f"another client stopped the replication of {target}")
    if ours is not None:
        lag.update(ours)
        progress.measure(**target_numbers(ours))
    theirs, no_source = _try_info(source)
    if theirs is not None:
        progress.measure(offset=lag.behind(theirs), source_dbsize=sum(keys for _, keys in databases(theirs)))
    if ours is None or theirs is None:
        return _Observation(False, trouble=trouble or no_source)
    linked = ours.get("master_link_status") == "up"
    percent = ours.get("loading_loaded_perc", ours.get("master_sync_perc", 0))
    progress.measure(full_migration_progress=100 if linked else min(99, max(0, int(percent))))
    saving = theirs.get("rdb_current_bgsave_time_sec")  # the only visible progress while the source prepares
    position = (saving, ours.get("master_sync_left_bytes"), percent)
    return _Observation(linked, position, theirs.get("sync_full"))


def _never_synchronised(source: Peer, target: Peer) -> str:
    versions = ""
    with suppress(MigrationError):
        versions = (
            f"; the source runs {version_of(source.info())}, the target runs {version_of(target.info())}"
        )
    return (
        f"{target} started a full copy of {source} {ATTEMPTS} times, but none completed; "
        f"see its log{versions}"
    )


def _try_info(peer: Peer) -> tuple[dict[str, Any] | None, str]:
    """Return the INFO of a server, or None and the reason."""
    try:
        return peer.info(), ""
    except MigrationError as error:
        return None, str(error)


def _is_replica_of(info: dict[str, Any], source: Peer) -> bool:
    found = (info["role"], info.get("master_host"), info.get("master_port"))
    return found == ("slave", source.ip, source.port)


def _detach(source: Peer, target: Peer, before: Mapping[str, str], progress: Progress) -> None:
    """Make the target a master again, unless it follows another server by now."""
    try:
        if _is_replica_of(target.info(), source):
            target.call("REPLICAOF", "NO", "ONE")
            progress.log("INFO", "The target no longer follows the source and keeps its data.", "let-go")
        for name, value in before.items():
            target.call("CONFIG SET", name, value)
    except MigrationError as error:
        progress.log("WARN", f"The target may still be a replica of the source: {error}.", "let-go")
