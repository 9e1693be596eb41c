"""The functions of a server (FUNCTION LOAD), which no key holds: carried over beside the keys."""

from __future__ import annotations

from dcs_emulator.real_data.peer import Peer
from dcs_emulator.real_data.progress import MoveError, Progress


def carry_functions(source: Peer, target: Peer, progress: Progress) -> None:
    """Carry the libraries of functions over; those of the same name are replaced, others stay, as with keys.

    What the target does not take is a WARN row of the log: the keys can do without.
    """
    try:
        libraries = len(source.call("FUNCTION LIST"))
    except MoveError:
        return  # older than Redis 7, which has none
    if not libraries:
        return
    told = f"{libraries} {'library' if libraries == 1 else 'libraries'} of functions"
    try:
        target.call("FUNCTION RESTORE", source.call("FUNCTION DUMP"), "REPLACE")
    except MoveError as error:
        progress.log("WARN", f"{told} not carried over: {error}", "functions")
    else:
        progress.log("INFO", f"Carried {told} over.", "functions")
