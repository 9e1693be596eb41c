"""The commands for the person on call, with real stacks: they report what the real CLI has left."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from dcs_emulator import Emulator
from tests.e2e.stack import Stack

PROGRAM = """
for number, name in enumerate(("orders", "carts", "stock")):
    MigrationTask(name, **BACKUP, target_instance=target(number, password="correct-horse-battery"))
"""


def command(stack: Stack, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command with the settings of a stack's environment."""
    return subprocess.run(
        [sys.executable, "-m", "dcs_migration", *words],
        env=stack.environ,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def compared(stack: Stack, *options: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code of `tasks`, and each task by its id, compared with the stack's export."""
    state = stack.run("stack", "export", *options).text
    done = command(stack, "tasks", "--stack", "-", "--json", stdin=state)
    assert done.stderr == ""
    assert "correct-horse-battery" not in done.stdout
    return done.returncode, {task["id"]: task for task in json.loads(done.stdout)["tasks"]}


def test_a_stack_and_what_it_has_lost(stack: Stack, emulator: Emulator) -> None:
    """In state, orphan and gone are told apart; taking the orphan over and dropping what no longer exists makes
    peace."""
    stack.program(PROGRAM).up()
    ids = stack.ids()
    urns = {name: entry["urn"] for name, entry in stack.resources().items()}
    code, tasks = compared(stack, "--show-secrets")
    assert code == 0
    assert {id_: task["urns"] for id_, task in tasks.items()} == {ids[name]: [urns[name]] for name in ids}

    stack.run("state", "delete", urns["carts"], "--yes")
    emulator.remove(ids["stock"])
    code, tasks = compared(stack)
    assert code == 3
    assert {name: tasks[id_]["stack"] for name, id_ in ids.items()} == {
        "orders": "in_state",
        "carts": "orphan",
        "stock": "gone",
    }
    assert tasks[ids["carts"]]["owned_by_stack"] is True
    shown = command(stack, "tasks", "--stack", "-", stdin=stack.run("stack", "export").text)
    assert f"{ids['carts']}  ORPHAN" in shown.stdout
    assert f"{ids['stock']}  GONE (stock)" in shown.stdout

    emulator.set_status(ids["orders"], "SUCCESS")
    emulator.set_status(ids["carts"], "FAILED", "the file is broken")
    assert command(stack, "watch", ids["orders"]).returncode == 0
    assert command(stack, "watch", ids["orders"], ids["carts"]).returncode == 4
    assert "ERROR  the file is broken" in command(stack, "logs", ids["carts"], "--level", "error").stdout
    assert command(stack, "doctor", "--project-id", tasks[ids["orders"]]["project_id"]).returncode == 0
