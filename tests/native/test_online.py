"""An online migration as the component, from its start to the switch."""

from __future__ import annotations

import json
from typing import Any

from dcs_emulator import Emulator
from tests.e2e.stack import calls, live
from tests.native.conftest import PASSWORD, NewStack, YamlStack


def shop(**changes: Any) -> dict[str, Any]:
    """Return a component."""
    properties = {
        "vpcId": "vpc",
        "subnetId": "subnet",
        "securityGroupId": "group",
        "migrationMethod": "incremental_migration",
        "sourceInstance": {"id": "shop-1", "password": PASSWORD},
        "targetInstance": {"id": "orders-1"},
    }
    return {"type": "dcs:OnlineMigrationTask", "properties": {**properties, **changes}}


def follow(emulator: Emulator) -> None:
    """The targets catch up."""
    for each in emulator.tasks():
        emulator.set_status(each["id"], "INCRMIGEATING", offset=0)


def test_the_warning_about_a_switch_names_the_instances(stack: YamlStack, emulator: Emulator) -> None:
    """Their ids aren't secrets, although the component passes them within a secret. A password is one."""
    stack.resources_are(shop=shop())
    stack.up()
    follow(emulator)
    stack.resources_are(shop=shop(state="switched"))
    text = stack.preview().text
    assert (
        "SWITCHES the addresses of instance shop-1 and instance orders-1 once the target has caught up"
        in text
    )
    text = stack.up().text
    assert "source and target have switched addresses" in text
    assert PASSWORD not in text
    stack.require_no_changes()


def test_import_as_another_type(stack: YamlStack, new_stack: NewStack, emulator: Emulator) -> None:
    """As a MigrationTask, a replacement would create it by a call that most regions have withdrawn."""
    other = new_stack().resources_are(
        {"id": "${shop.taskId}"}, shop=shop(sourceInstance={"addrs": "10.0.0.1:6379"})
    )
    other.up()
    stack.resources_are()
    done = stack.run("import", "dcs:index:MigrationTask", "shop", other.outputs()["id"], "--yes", ok=False)
    assert (
        "is an online migration with an instance of its own; import it as a MigrationInstance and an"
        in done.text
    )
    assert "MigrationTask shop" not in stack.in_state()


def test_import_into_a_component(stack: YamlStack, new_stack: NewStack, emulator: Emulator) -> None:
    """The two resources in it, in one file as the guide shows it; then the program changes nothing in the cloud."""
    other = new_stack().resources_are({"id": "${shop.taskId}"}, shop=shop())
    other.up()
    id_ = other.outputs()["id"]
    follow(emulator)
    stack.resources_are()
    alone = stack.run("import", "dcs:index:OnlineMigrationTask", "shop", id_, "--yes", ok=False)
    assert "is a component, which can't be imported or read; import the two resources in it" in alone.text
    component = {"type": "dcs:index:OnlineMigrationTask", "name": "shop", "component": True, "remote": True}
    parts = [
        {"type": f"dcs:index:{kind}", "name": kind, "logicalName": "shop", "id": id_, "parent": "shop"}
        for kind in ("MigrationInstance", "OnlineMigration")
    ]
    (stack.work / "shop.json").write_text(json.dumps({"resources": [component, *parts]}))
    stack.run("import", "--file", "shop.json", "--yes", "--protect=false", "--generate-code=false")
    stack.resources_are(shop=shop())
    emulator.clear_requests()
    stack.up()
    assert {name for name in calls(emulator) if not name.startswith(("List", "Show", "Keystone"))} == set()
    stack.require_no_changes()
    stack.destroy()
    assert live(emulator) == {}
