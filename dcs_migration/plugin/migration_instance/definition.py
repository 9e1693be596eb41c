"""What a ``MigrationInstance`` is to the service: its mark, what will run on it, and the body of its create call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dcs_migration.dcs.errors import TaskError
from dcs_migration.dcs.models import Online, TaskRow, addresses
from dcs_migration.dcs.statuses import Kind
from dcs_migration.names import DEFAULTS, IDENTITY, URN
from dcs_migration.plugin.account import Account
from dcs_migration.plugin.migration_instance.fields import NETWORK, SENT, normalised
from dcs_migration.plugin.online_migration.phases import is_another
from dcs_migration.plugin.tasks import mark as marks
from dcs_migration.plugin.tasks.look_up import Definition, Shown
from dcs_migration.plugin.tasks.props import Props, owner_of
from dcs_migration.plugin.tasks.read import described

AGAIN = "`pulumi up --replace` its URN"

_SIDES = ("source_instance", "target_instance")


def definition_of(props: Props) -> Definition:
    """Return the definition that checked inputs make.

    An instance of an ``OnlineMigrationTask`` is known by what will run on it, and there is one for each
    migration. Of one that was declared alone only the network is known: any number of them may be alike.
    """
    urn, inputs = str(props.get(URN, "")), normalised(props)
    identity: Mapping[str, Any] = props.get(IDENTITY) or {}
    mark = marks.mark_of(
        owner_of(props), urn, _identity_of(identity) or {key: inputs.get(key) for key in NETWORK}
    )
    body = {key: inputs[key] for key in SENT if key in inputs}
    body["description"] = marks.marked(inputs.get("description"), mark)
    return Definition(
        urn=urn,
        mark=mark,
        mark_of_0_1_0=marks.mark_of_0_1_0(urn, inputs, SENT),
        name=inputs.get("name"),
        operation="CreateOnlineMigrationTask",
        post=lambda client: client.create_online_migration_task(body),
        shown=lambda client, row: _compared(inputs, identity, client.show_online_migration(row.id)),
        # A migration that was stopped on it can be started again: only what failed cannot stand for it.
        ended_badly=(Kind.FAILURE,),
        again=AGAIN,
        unique=bool(identity),
    )


def _identity_of(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return what will run on an instance: from where, into which target, how, and for which triggers."""
    if not identity:
        return {}
    sides = {key: identity.get(key) or {} for key in _SIDES}
    return {
        "method": identity.get("migration_method"),
        **{key: side.get("id") or sorted(addresses(side.get("addrs"))) for key, side in sides.items()},
        "triggers": identity.get("triggers") or None,
    }


def _compared(inputs: Props, identity: Mapping[str, Any], told: Online) -> Shown:
    return Shown(told.status, tuple(_differences(inputs, identity, told)))


def _differences(inputs: Props, identity: Mapping[str, Any], told: Online) -> Iterator[str]:
    """Yield in what an instance is another one. What the service does not tell cannot differ."""
    for key in NETWORK:
        word = getattr(told, key)
        if word is not None and inputs.get(key) not in (None, word):
            yield key
    for key, side in zip(_SIDES, (told.source, told.target), strict=True):
        if is_another(identity.get(key) or {}, side):
            yield key


def existing(account: Account, props: Props) -> TaskRow:
    """Return the instance that ``existing_task_id`` names.

    Raises:
        TaskError: there is no such instance, or it is not what the inputs describe.
        DcsMigrationError: what the service answered.
    """
    id_ = str(props["existing_task_id"])
    row = account.look(id_, max_age=0.0).row
    if row is None:
        raise TaskError(
            f"existing_task_id: there is no migration instance {id_} in project {account.project_id} of "
            f"{account.region}; correct it, or remove it to make a new one"
        )
    inputs = normalised(props)
    identity: Mapping[str, Any] = props.get(IDENTITY) or {}
    differing = [*_differences(inputs, identity, account.client.show_online_migration(id_))]
    told = described(row)
    if "name" not in (props.get(DEFAULTS) or ()) and told.get("task_name") not in (None, inputs.get("name")):
        differing.insert(0, "name")
    if "description" in inputs and not marks.same_text(inputs["description"], told.get("description")):
        differing.append("description")
    if differing:
        raise TaskError(
            f"existing_task_id: migration instance {id_} is not what the inputs describe: it differs in "
            f"{', '.join(differing)}; correct them, or remove existing_task_id to make a new one"
        )
    return row
