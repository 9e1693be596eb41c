"""What a change of an online migration's inputs does, in words, and which changes are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.plugin.online_migration.fields import DEFINITION, RUNNING, STOPPED, SWITCHED, normalised
from dcs_migration.plugin.tasks.props import Props
from dcs_migration.plugin.tasks.spec import Changes


def refusals(changes: Changes, olds: Props, news: Props) -> Iterator[str]:
    """Say which changes the service does not allow from where the migration is.

    It is a check that asks for these: in a diff they would break a refresh, which only finds what others did.
    """
    before, after = (normalised(props)["state"] for props in (olds, news))
    if changes.replaces or after != SWITCHED:
        return
    if before == STOPPED:
        yield (
            'state: a stopped migration cannot be switched: write "running" first, and "switched" when the target '
            "has caught up"
        )
    others = [key for key in changes.in_place if key != "state"]
    if others:
        yield (
            f"{', '.join(others)}: cannot be changed while the migration is switched or is being switched, for the "
            "replication has ended then; take the change back, or write another state first"
        )


def warnings(changes: Changes, olds: Props, news: Props) -> Iterator[str]:
    """Say in words what an update will do to data and addresses."""
    old, new = normalised(olds), normalised(news)
    source, target = _named(new.get("source_instance")), _named(new.get("target_instance"))
    before, after = old["state"], new["state"]
    if changes.replaces:
        yield f"replaced because {', '.join(changes.replaces)} changed: {_RUNS_AGAIN.format(target=target)}"
        return
    if "state" in changes.in_place and (before, after) in _TRANSITIONS:
        yield _TRANSITIONS[before, after].format(source=source, target=target)
    why = [key for key in changes.in_place if key in (*DEFINITION, "triggers")]
    if why and after == RUNNING:
        ended = lookup(olds.get("status")).kind in (Kind.SUCCESS, Kind.GONE, Kind.RELEASED)
        words = _RUNS_AGAIN if ended else _CONFIGURES_ANEW
        yield f"{', '.join(why)} changed: {words.format(target=target)}"


def runs_again(news: Props) -> str:
    """Say what a migration with these inputs does to its target when it is made anew."""
    return _RUNS_AGAIN.format(target=_named(news.get("target_instance")))


_RUNS_AGAIN = "RUNS THE MIGRATION AGAIN over {target}; same keys are overwritten"
_CONFIGURES_ANEW = "CONFIGURES the running migration ANEW, which may copy all of it to {target} again; same keys are overwritten"
_SWITCHES_BACK = (
    "SWITCHES the addresses of {source} and {target} BACK; what was written to {target} since the switch is not in "
    "{source}"
)
_TRANSITIONS = {
    (RUNNING, STOPPED): "STOPS the replication into {target}; what was copied stays",
    (RUNNING, SWITCHED): (
        "SWITCHES the addresses of {source} and {target} once the target has caught up; the replication ends"
    ),
    (STOPPED, RUNNING): "STARTS the replication into {target} again; same keys are overwritten",
    (SWITCHED, STOPPED): _SWITCHES_BACK,
    (
        SWITCHED,
        RUNNING,
    ): f"{_SWITCHES_BACK}, and is overwritten: STARTS the replication into {{target}} again",
}


def _named(instance: Any) -> str:
    known = instance.get("id") if isinstance(instance, Mapping) else None
    if isinstance(known, str):
        return f"instance {known}"
    return "an instance"  # addresses may carry passwords
