"""The inputs of an ``OnlineMigration``, the effect of a change of each one, and its texts. No calls are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.inputs import certain
from dcs_migration.life_cycles.process import CheckResult
from dcs_migration.life_cycles.tasks import spec
from dcs_migration.life_cycles.tasks.props import OnChange, Props, without_nulls
from dcs_migration.life_cycles.tasks.spec import Changes, Spec
from dcs_migration.names import CREATE_TIMEOUT, DELETE_TIMEOUT, FULL, INCREMENTAL, UNSENT, UPDATE_TIMEOUT

RUNNING, STOPPED, SWITCHED = "running", "stopped", "switched"

INPUTS: dict[str, OnChange] = {
    "task_id": OnChange.REPLACE,
    "job_id": OnChange.NOTHING,
    "migration_method": OnChange.IN_PLACE,
    "resume_mode": OnChange.IN_PLACE,
    "bandwidth_limit_mb": OnChange.IN_PLACE,
    "source_instance": OnChange.IN_PLACE,
    "target_instance": OnChange.IN_PLACE,
    "state": OnChange.IN_PLACE,
    "triggers": OnChange.IN_PLACE,
    "region": OnChange.REPLACE,
    "project_id": OnChange.REPLACE_IF_GIVEN,
    "existing_task_id": OnChange.UPDATE,
}

# The data, the source and the target: a change of these is another migration. The other inputs only tune it.
DEFINITION = ("migration_method", "source_instance", "target_instance")
TUNING = ("resume_mode", "bandwidth_limit_mb")

WITH_PASSWORD = ("source_instance", "target_instance")

OUTPUTS = ("status", "task_status", "error")

_DEFAULTS = {"resume_mode": "auto", "state": RUNNING}


def normalised(props: Props) -> dict[str, Any]:
    """Return the inputs in a property bag in the form that is compared and sent, with their defaults."""
    inputs: dict[str, Any] = {key: without_nulls(props[key]) for key in INPUTS if props.get(key) is not None}
    if inputs.get("triggers") == []:
        del inputs["triggers"]  # no triggers, in any form
    limit = inputs.get("bandwidth_limit_mb")
    if isinstance(limit, float) and limit.is_integer():
        inputs["bandwidth_limit_mb"] = int(limit)  # Pulumi passes 100 as 100.0
    return {**_DEFAULTS, **inputs}


def _across_fields(written: Mapping[str, Any], new: bool) -> Iterator[str]:
    existing = written.get("existing_task_id")
    if (
        certain(written, "task_id")
        and certain(written, "existing_task_id")
        and existing != written["task_id"]
    ):
        yield "task_id: differs from existing_task_id; use the same id, or leave it out"
    for key in WITH_PASSWORD:
        if isinstance(written.get(key), Mapping):
            yield from _id_or_addrs(key, written[key])
    if written.get("migration_method") == FULL and certain(written, "bandwidth_limit_mb"):
        yield f"bandwidth_limit_mb: is only used for {INCREMENTAL}; leave it out"
    if written.get("state") != SWITCHED:
        return
    if new and existing is None:
        yield (
            'state: a new migration can\'t start as switched; use "running" first, and "switched" when the '
            "target has caught up"
        )
    if written.get("migration_method") == FULL:
        yield f'state: only {INCREMENTAL} can be switched; use "running" or "stopped"'
    for key in WITH_PASSWORD:
        instance = written.get(key)
        if isinstance(instance, Mapping) and "id" not in instance:
            yield (
                f"{key}.id: is required to switch addresses, which only DCS instances can; use the "
                "instance's id"
            )


def _id_or_addrs(key: str, instance: Mapping[str, Any]) -> Iterator[str]:
    if "id" not in instance and "addrs" not in instance:
        yield (
            f'{key}: has neither id nor addrs; use {{"id": ...}} for a DCS instance or {{"addrs": "host:port"}} for '
            "another Redis"
        )
    elif certain(instance, "id") and certain(instance, "addrs"):
        yield f"{key}: has both id and addrs; use only one of them"


SPEC = Spec(
    "online_migration",
    INPUTS,
    normalised,
    timeouts=(CREATE_TIMEOUT, UPDATE_TIMEOUT, DELETE_TIMEOUT),
    with_password=WITH_PASSWORD,
    across=_across_fields,
)


def check(olds: Props, news: Props, settings: Settings) -> CheckResult:
    """Validate and complete the inputs; a migration that is taken over has its instance's id in
    ``existing_task_id``."""
    if news.get("existing_task_id") is not None and news.get("task_id") is None:
        news = {**news, "task_id": news["existing_task_id"]}
    return spec.check(SPEC, olds, news, settings)


def refusals(changes: Changes, olds: Props, news: Props) -> Iterator[str]:
    """Return the changes that the service doesn't allow in the migration's current state.

    Only check calls this. In a diff, the errors would break a refresh, which only finds others' changes.
    """
    before, after = (normalised(props)["state"] for props in (olds, news))
    if changes.replaces or after != SWITCHED:
        return
    if before == STOPPED:
        yield (
            'state: a stopped migration can\'t be switched; use "running" first, and "switched" when the '
            "target has caught up"
        )
    others = [key for key in changes.in_place if key != "state"]
    if others:
        yield (
            f"{', '.join(others)}: can't be changed while the migration is switched or is being switched, "
            "because the replication has ended; undo the change, or set another state first"
        )


def warnings(changes: Changes, olds: Props, news: Props) -> Iterator[str]:
    """Describe the effects of an update on data and addresses."""
    old, new = normalised(olds), normalised(news)
    source, target = _named(new.get("source_instance")), _named(new.get("target_instance"))
    before, after = old["state"], new["state"]
    if changes.replaces:
        yield f"replaced because {', '.join(changes.replaces)} changed: {_RUNS_AGAIN.format(target=target)}"
        return
    if "state" in changes.in_place and (before, after) in _TRANSITIONS:
        yield _TRANSITIONS[before, after].format(source=source, target=target)
    why = [key for key in unsent(changes, olds) if key in (*DEFINITION, "triggers")]
    if why and after == RUNNING:
        runs = lookup(olds.get("status")).kind in (Kind.RUNNING, Kind.REPLICATING)
        words = _CONFIGURES_ANEW if runs else _RUNS_AGAIN
        yield f"{', '.join(why)} changed: {words.format(target=target)}"


def unsent(changes: Changes, olds: Props) -> list[str]:
    """Return the inputs that changed since they were last sent, except the state. A stop doesn't send settings."""
    earlier = olds.get(UNSENT) or ()
    return [key for key in INPUTS if (key in changes.in_place or key in earlier) and key != "state"]


def runs_again(news: Props) -> str:
    """Return the effect on the target if a migration with these inputs is created again."""
    return _RUNS_AGAIN.format(target=_named(news.get("target_instance")))


_RUNS_AGAIN = "RUNS THE MIGRATION AGAIN into {target}; keys with the same name are overwritten"
_CONFIGURES_ANEW = (
    "RECONFIGURES the running migration, which may copy everything to {target} again; keys with the same "
    "name are overwritten"
)
_SWITCHES_BACK = (
    "SWITCHES the addresses of {source} and {target} BACK; data written to {target} since the switch "
    "isn't in {source}"
)
_TRANSITIONS = {
    (RUNNING, STOPPED): "STOPS the replication into {target}; copied data remains",
    (RUNNING, SWITCHED): (
        "SWITCHES the addresses of {source} and {target} once the target has caught up; the replication ends"
    ),
    (STOPPED, RUNNING): "STARTS the replication into {target} again; keys with the same name are overwritten",
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
    return "an instance"  # addresses may contain passwords
