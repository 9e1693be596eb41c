"""What a ``MigrationInstance`` is: its inputs, its owner mark, what will run on it, and the body of its create call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dcs_migration.dcs.errors import TaskError
from dcs_migration.dcs.models import Online, TaskRow, addresses
from dcs_migration.dcs.statuses import Kind
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.online_migration.observer import is_another
from dcs_migration.life_cycles.tasks import mark as marks
from dcs_migration.life_cycles.tasks.look_up import Definition, Shown
from dcs_migration.life_cycles.tasks.props import OUTPUTS as TASK_OUTPUTS
from dcs_migration.life_cycles.tasks.props import OnChange, Props, owner_of, without_nulls
from dcs_migration.life_cycles.tasks.read import described
from dcs_migration.life_cycles.tasks.spec import Spec
from dcs_migration.names import DEFAULTS, DELETE_TIMEOUT, IDENTITY, URN

# The API can't change any of these.
INPUTS: dict[str, OnChange] = {
    "name": OnChange.REPLACE,
    "description": OnChange.REPLACE,
    "vpc_id": OnChange.REPLACE,
    "subnet_id": OnChange.REPLACE,
    "security_group_id": OnChange.REPLACE,
    "region": OnChange.REPLACE,
    "project_id": OnChange.REPLACE_IF_GIVEN,
    "existing_task_id": OnChange.UPDATE,
}

NETWORK = ("vpc_id", "subnet_id", "security_group_id")
SENT = ("name", "description", *NETWORK)

# The name is an input here: a name that was changed in the console doesn't create another instance.
OUTPUTS = (*(key for key in TASK_OUTPUTS if key != "name"), "job_id")


def normalised(props: Props) -> dict[str, Any]:
    """Return the inputs in a property bag in the form that is compared and sent."""
    return {key: without_nulls(props[key]) for key in INPUTS if props.get(key) is not None}


SPEC = Spec(
    "migration_instance", INPUTS, normalised, timeouts=(DELETE_TIMEOUT,), name="name", hidden=(IDENTITY,)
)


AGAIN = "run `pulumi up --replace` with its URN"

_SIDES = ("source_instance", "target_instance")


def definition_of(props: Props) -> Definition:
    """Return the definition of checked inputs.

    An instance of an ``OnlineMigrationTask`` is identified by the migration that will run on it, so there is one
    for each migration. For a separately declared instance only the network is known, and any number of instances
    can be the same.
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
        # A stopped migration on it can be started again, so only a failed instance doesn't count.
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


def _compared(inputs: Props, identity: Mapping[str, Any], observed: Online) -> Shown:
    return Shown(observed.status, tuple(_differences(inputs, identity, observed)))


def _differences(inputs: Props, identity: Mapping[str, Any], observed: Online) -> Iterator[str]:
    """Yield how an instance differs. Values that the service doesn't return can't differ."""
    for key in NETWORK:
        word = getattr(observed, key)
        if word is not None and inputs.get(key) not in (None, word):
            yield key
    for key, side in zip(_SIDES, (observed.source, observed.target), strict=True):
        if is_another(identity.get(key) or {}, side):
            yield key


def existing(account: Account, props: Props) -> TaskRow:
    """Return the instance in ``existing_task_id``.

    Raises:
        TaskError: the instance doesn't exist, or doesn't match the inputs.
        DcsMigrationError: what the service answered.
    """
    id_ = str(props["existing_task_id"])
    row = account.look(id_, max_age=0.0).row
    if row is None:
        raise TaskError(
            f"existing_task_id: there is no migration instance {id_} in project {account.project_id} of "
            f"{account.region}; correct the id, or remove it to create a new instance"
        )
    inputs = normalised(props)
    identity: Mapping[str, Any] = props.get(IDENTITY) or {}
    differing = [*_differences(inputs, identity, account.client.show_online_migration(id_))]
    observed = described(row)
    if "name" not in (props.get(DEFAULTS) or ()) and observed.get("task_name") not in (
        None,
        inputs.get("name"),
    ):
        differing.insert(0, "name")
    if "description" in inputs and not marks.same_text(inputs["description"], observed.get("description")):
        differing.append("description")
    if differing:
        raise TaskError(
            f"existing_task_id: migration instance {id_} differs from the inputs in {', '.join(differing)}; "
            "correct the inputs, or remove existing_task_id to create a new instance"
        )
    return row
