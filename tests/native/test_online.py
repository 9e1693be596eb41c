"""An online migration as the component, from its start to the switch."""

from __future__ import annotations

from typing import Any

from dcs_emulator import Emulator
from tests.native.conftest import PASSWORD, YamlStack


def shop(**changes: Any) -> dict[str, Any]:
    """Return a component."""
    properties = {
        **{"vpcId": "vpc", "subnetId": "subnet", "securityGroupId": "group"},
        "migrationMethod": "incremental_migration",
        "sourceInstance": {"id": "shop-1", "password": PASSWORD},
        "targetInstance": {"id": "orders-1"},
    }
    return {"type": "dcs:OnlineMigrationTask", "properties": {**properties, **changes}}


def follow(emulator: Emulator) -> None:
    """The targets catch up."""
    for each in emulator.tasks():
        emulator.set_status(each["id"], "INCRMIGEATING", offset=0)


def test_what_a_switch_says_names_the_instances(stack: YamlStack, emulator: Emulator) -> None:
    """Their ids are no secrets, though the component hands on a secret in which they stand; a password is one."""
    stack.resources_are(shop=shop())
    stack.up()
    follow(emulator)
    stack.resources_are(shop=shop(state="switched"))
    text = stack.preview().text
    assert "SWITCHES the addresses of instance shop-1 and instance orders-1 once the target has caught up" in text
    text = stack.up().text
    assert "source and target have exchanged their addresses" in text
    assert PASSWORD not in text
    stack.require_no_changes()
