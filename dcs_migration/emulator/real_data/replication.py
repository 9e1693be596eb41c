"""Incremental migration: the target follows the source as a replica, until it is stopped."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from dcs_migration.emulator.real_data.copying import databases, target_numbers
from dcs_migration.emulator.real_data.online import refuse_itself
from dcs_migration.emulator.real_data.peer import Peer, reached
from dcs_migration.emulator.real_data.places import Place
from dcs_migration.emulator.real_data.progress import Cancelled, MoveError, Progress
from dcs_migration.emulator.task import INCREMENTAL

LOOK_SECONDS = 0.1
START_SECONDS = 30.0
"""How long the first synchronisation may get no further."""
RECONNECT_SECONDS = 10.0
"""How long a target that was in step may be without its source."""
CATCH_UP_SECONDS = 2.0
"""How long a stop waits for what the source had acknowledged before it."""
_CATCH_UP_LOOK_SECONDS = 0.01


def follow(source_place: Place, target_place: Place, progress: Progress) -> None:
    """Make the target a replica of the source, and watch it until the task is stopped.

    The target loses what it had; whatever ends the task, it keeps what it has received, and takes writes
    again. Raises `MoveError` or `Cancelled`.
    """
    with reached("source", source_place) as source, reached("target", target_place) as target:
        refuse_itself(source, target)
        if target.info()["role"] != "master":
            raise MoveError(f"{target} is the replica of another server")
        password = target.call("CONFIG GET", "masterauth").get("masterauth", "")
        progress.log("INFO", f"Following {source_place}; the target is emptied first.", "following")
        try:
            target.call("CONFIG SET", "masterauth", source.password or "")
            target.call("REPLICAOF", source.ip, source.port)
            _watch(source, target, progress)
        finally:
            _let_go(source, target, password, progress)


@dataclass(frozen=True)
class _Look:
    """What was seen of a replication: whether it is in step with a live source, and how far it has got."""

    linked: bool
    position: object = None
    trouble: str = "the target is not connected to the source"


def _watch(source: Peer, target: Peer, progress: Progress) -> None:
    """Tell how it goes, until it goes no more."""
    in_step = was_linked = False
    position, since = None, time.monotonic()
    while True:
        look = _look(source, target, progress)
        if look.linked or look.position != position:
            position, since = look.position, time.monotonic()
        if look.linked and not in_step:
            in_step = True
            progress.log("INFO", "The target is in step with the source.", "in-step")
            progress.enter(INCREMENTAL)
        elif in_step and look.linked != was_linked:
            if look.linked:
                progress.log("INFO", "The target is connected again.", "reconnected")
            else:
                progress.log("WARN", f"The replication is interrupted: {look.trouble}.", "interrupted")
        was_linked = look.linked
        patience = RECONNECT_SECONDS if in_step else START_SECONDS
        if time.monotonic() - since > patience:
            raise MoveError(f"{look.trouble}, for more than {patience:g} seconds")
        try:
            progress.pause(LOOK_SECONDS)
        except Cancelled:
            if look.linked:
                _catch_up(source, target)
            raise


def _catch_up(source: Peer, target: Peer) -> None:
    """Let the target receive what the source has acknowledged until now, so that a stop loses none of it."""
    with suppress(MoveError):
        goal = source.info()["master_repl_offset"]
        until = time.monotonic() + CATCH_UP_SECONDS
        while time.monotonic() < until:
            ours = target.info()
            if ours.get("master_link_status") != "up" or ours.get("slave_repl_offset", 0) >= goal:
                return
            time.sleep(_CATCH_UP_LOOK_SECONDS)


def _look(source: Peer, target: Peer, progress: Progress) -> _Look:
    """Look at both servers once, and tell the numbers."""
    try:
        ours = target.info()
    except MoveError as error:
        return _Look(False, trouble=str(error))
    if not _follows(ours, source):
        raise MoveError(f"somebody has ended the replication of {target}")
    numbers = target_numbers(ours)
    try:
        theirs = source.info()
    except MoveError as error:
        progress.measure(**numbers)
        return _Look(False, trouble=str(error))
    linked = ours.get("master_link_status") == "up"
    behind = max(0, theirs["master_repl_offset"] - ours.get("slave_repl_offset", 0))
    percent = ours.get("loading_loaded_perc", ours.get("master_sync_perc", 0))
    progress.measure(
        full_migration_progress=100 if linked else min(99, max(0, int(percent))),
        offset=behind,
        source_dbsize=sum(keys for _, keys in databases(theirs)),
        **numbers,
    )
    saving = theirs.get("rdb_current_bgsave_time_sec")  # all that is seen while the source prepares
    return _Look(linked, (saving, ours.get("master_sync_left_bytes"), percent))


def _follows(info: dict[str, Any], source: Peer) -> bool:
    found = (info["role"], info.get("master_host"), info.get("master_port"))
    return found == ("slave", source.ip, source.port)


def _let_go(source: Peer, target: Peer, password: str, progress: Progress) -> None:
    """Make the target a server of its own again, unless it follows somebody else by now."""
    try:
        if _follows(target.info(), source):
            target.call("REPLICAOF", "NO", "ONE")
            progress.log("INFO", "The target no longer follows the source, and keeps its data.", "let-go")
        target.call("CONFIG SET", "masterauth", password)
    except MoveError as error:
        progress.log("WARN", f"The target may still be a replica of the source: {error}.", "let-go")
