"""What the screen says about a replacement: that it runs again, once on the row and once in the summary."""

from __future__ import annotations

import pytest

from dcs_emulator import Emulator
from tests.e2e.stack import Result, Stack, live

AGAIN = "RUNS THE IMPORT AGAIN into instance"
PRINTED = 2  # on the row, and in the summary


def orders(arguments: str = "", options: str = "") -> str:
    """Return a program with one task."""
    return (
        f'MigrationTask("orders", **BACKUP, target_instance=target(), {arguments} '
        f"opts=pulumi.ResourceOptions({options}))\n"
    )


def said(result: Result) -> int:
    """How often a command has said that the import runs again."""
    return result.text.count(AGAIN)


def test_a_changed_input(stack: Stack, emulator: Emulator) -> None:
    """A replacement has three steps with a row each; only the first has the warning."""
    stack.program(orders()).up()
    stack.program(orders('triggers=["again"],'))
    assert said(stack.preview()) == PRINTED
    updated = stack.up()
    assert said(updated) == PRINTED
    assert "the old task is stopped and deleted" in updated.text
    stack.require_no_changes()


def test_the_engines_own_trigger(stack: Stack, emulator: Emulator) -> None:
    """`replacement_trigger` isn't an input, and the preview also reports it."""
    stack.program(orders(options='replacement_trigger="a"')).up()
    (before,) = live(emulator)
    stack.program(orders(options='replacement_trigger="b"'))
    assert said(stack.preview()) == PRINTED
    assert said(stack.up()) == PRINTED
    assert before not in live(emulator)
    stack.require_no_changes()


@pytest.mark.parametrize(
    "taint", [pytest.param(False, id="--replace", marks=pytest.mark.long), pytest.param(True, id="taint")]
)
def test_a_command(stack: Stack, emulator: Emulator, taint: bool) -> None:
    """A preview of it looks to the provider like that of a new task; the update says it before the delete."""
    stack.program(orders()).up()
    urn = stack.resources()["orders"]["urn"]
    if taint:
        stack.run("state", "taint", "--yes", urn)
    command = [] if taint else ["--replace", urn]
    assert said(stack.preview(*command)) == 0
    result = stack.up(*command)
    assert said(result) == PRINTED
    assert result.text.index(AGAIN) < result.text.index("stopping the old task")


def test_what_it_depends_on(stack: Stack, emulator: Emulator) -> None:
    """A task that is replaced because another one is says so, too."""
    both = """
        first = MigrationTask("first", **BACKUP, target_instance=target(1), triggers=["RUN"])
        MigrationTask("second", **BACKUP, target_instance=target(2), description=first.id)
    """
    stack.program(both).up()
    stack.program(both.replace("RUN", "again"))
    assert said(stack.preview()) == 2 * PRINTED
    result = stack.up()
    assert said(result) == 2 * PRINTED
    assert result.count("replaced") == 2
    stack.require_no_changes()


@pytest.mark.long
def test_a_target_that_another_one_depends_on(stack: Stack, emulator: Emulator) -> None:
    """The preview of `--target` replaces what the update does: the target alone."""
    both = """
        first = MigrationTask("first", **BACKUP, target_instance=target(1), triggers=["RUN"])
        MigrationTask("second", **BACKUP, target_instance=target(2), description=first.id)
    """
    stack.program(both).up()
    second = stack.ids()["second"]
    stack.program(both.replace("RUN", "again"))
    assert "+-1 to replace" in stack.preview("--target", "**::first").text
    assert "+-1 replaced" in stack.up("--target", "**::first").text
    assert second in live(emulator)
    assert "+-1 to replace" in stack.preview().text  # its description, the id of the new task
    assert stack.up().count("replaced") == 1
    stack.require_no_changes()


def test_a_destroy(stack: Stack, emulator: Emulator) -> None:
    """No new task follows: there is no old one."""
    stack.program(orders()).up()
    text = stack.destroy().text
    assert "the task is stopped and deleted" in text
    assert "old task" not in text


def test_options_that_are_the_engines(stack: Stack, emulator: Emulator) -> None:
    """The reference says what `ignore_changes` and `replace_on_changes` do here."""
    program = """
        MigrationTask("first", **BACKUP, target_instance=target(1))
        MigrationTask("second", **BACKUP, target_instance=target(2, password="PASSWORD"), triggers=["RUN"],
                      opts=pulumi.ResourceOptions(ignore_changes=["triggers"], replace_on_changes=["target_instance", "*"]))
    """
    stack.program(program).up()
    before = live(emulator)
    stack.program(program.replace("RUN", "again"))
    stack.preview("--expect-no-changes")
    stack.program(program.replace("PASSWORD", "another-one"))
    assert stack.up().count("updated") == 1
    assert live(emulator) == before
    stack.destroy()
    assert live(emulator) == {}
