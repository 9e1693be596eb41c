"""Full online migration: the sources send all their keys to the target, once."""

from __future__ import annotations

from collections.abc import Sequence

from dcs_migration.emulator.real_data.copying import Meter, copy_all
from dcs_migration.emulator.real_data.peer import Peer, reached
from dcs_migration.emulator.real_data.places import Place
from dcs_migration.emulator.real_data.progress import MoveError, Progress


def copy_online(sources: Sequence[Place], target: Place, progress: Progress) -> None:
    """Copy the keys of each source, in this order. Raises `MoveError` or `Cancelled`."""
    with reached("target", target) as peer:
        for number, place in enumerate(sources):
            with reached("source", place) as source:
                refuse_itself(source, peer)
                meter = Meter(source, peer, progress, number, len(sources))
                progress.log("INFO", f"Copying {meter.total} keys from {place}.", "copying")
                copy_all(source, peer, meter, progress)
                progress.log("INFO", f"Copied {meter.copied} keys from {place}.", "copied")


def refuse_itself(source: Peer, target: Peer) -> None:
    """Raise `MoveError` when both are one server, which would wait for itself."""
    if source.info()["run_id"] == target.info()["run_id"]:
        raise MoveError(f"{source} and the target are the same Redis server")
