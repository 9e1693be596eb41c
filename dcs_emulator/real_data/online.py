"""Full online migration: the sources send all their keys to the target, once."""

from __future__ import annotations

from collections.abc import Sequence

from dcs_emulator.real_data.copying import Meter, copy_all
from dcs_emulator.real_data.functions import carry_functions
from dcs_emulator.real_data.peer import Peer, reached
from dcs_emulator.real_data.places import Place
from dcs_emulator.real_data.progress import MoveError, Progress
from dcs_emulator.real_data.versions import needed, version_of


def copy_online(sources: Sequence[Place], target: Place, progress: Progress) -> None:
    """Copy the keys of each source, in this order. Raises `MoveError` or `Cancelled`."""
    with reached("target", target) as peer:
        refuse_cluster(peer)
        for number, place in enumerate(sources):
            with reached("source", place) as source:
                refuse_cluster(source)
                refuse_itself(source, peer)
                refuse_unreadable(source, peer)
                meter = Meter(source, peer, progress, number, len(sources))
                progress.log("INFO", f"Copying {meter.total} keys from {place}.", "copying")
                carry_functions(source, peer, progress)
                copy_all(source, peer, meter, progress)
                progress.log("INFO", f"Copied {meter.copied} keys from {place}.", "copied")


def refuse_cluster(peer: Peer) -> None:
    """Raise `MoveError` for a node of a cluster, which has a part of the data and takes a part."""
    if peer.info().get("cluster_enabled"):
        raise MoveError(
            f"{peer} is a node of a Redis Cluster, which is not supported here: give a single server"
        )


def refuse_itself(source: Peer, target: Peer) -> None:
    """Raise `MoveError` when both are one server, which would wait for itself."""
    if source.info()["run_id"] == target.info()["run_id"]:
        raise MoveError(f"{source} and the target are the same Redis server")


def refuse_unreadable(source: Peer, target: Peer, *, replicates: bool = False) -> None:
    """Raise `MoveError` when the source writes its data, or its replication, as the target cannot read it."""
    ours, theirs = version_of(source.info()), version_of(target.info())
    rdb = ours.replicates_to(theirs) if replicates else ours.rdb
    if not theirs.takes(rdb):
        raise MoveError(
            f"the data of {source}, which is {ours}, has RDB version {rdb}, "
            f"which {target}, which is {theirs}, does not read: migrate into {needed(rdb)}"
        )
