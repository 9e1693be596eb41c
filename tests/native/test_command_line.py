"""The commands for the person on call read the states of the native provider as well."""

from __future__ import annotations

from dcs_emulator import Emulator
from tests.e2e.test_command_line import compared
from tests.native.conftest import YamlStack, task


def test_a_stack_and_what_it_has_lost(stack: YamlStack, emulator: Emulator) -> None:
    """The owner is the provider of the resources, and stays when one of them leaves the state."""
    stack.resources_are(orders=task(0), carts=task(1), stock=task(2)).up()
    state = stack.in_state()
    ids = {name: state[f"MigrationTask {name}"]["id"] for name in ("orders", "carts", "stock")}
    assert compared(stack)[0] == 0
    stack.run("state", "delete", state["MigrationTask carts"]["urn"], "--yes")
    emulator.remove(ids["stock"])
    code, tasks = compared(stack)
    assert code == 3
    assert {name: tasks[id_]["stack"] for name, id_ in ids.items()} == {
        "orders": "in_state",
        "carts": "orphan",
        "stock": "gone",
    }
