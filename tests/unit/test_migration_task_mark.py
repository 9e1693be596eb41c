"""The ownership mark: it tells definitions apart, and gives descriptions back as they were."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs_migration.plugin.migration_task.diff import compare
from dcs_migration.plugin.migration_task.fields import MARKED, normalised
from dcs_migration.plugin.tasks.mark import mark_of, marked, split
from tests.unit.definitions import BACKUP, ONLINE, URN, VALID, Path, changed, paths, shown

MARK = "0123456789ab"
UNMARKED = ("password", "region", "project_id")


def _mark(inputs: dict[str, Any], urn: str = URN) -> str:
    return mark_of(urn, normalised(inputs), MARKED)


def _id(value: Any) -> str | None:
    return shown(value) if isinstance(value, tuple) else "" if isinstance(value, dict) else None


@pytest.mark.parametrize(
    ("definition", "where"),
    [(d, where) for d in (BACKUP, ONLINE) for where in paths(d) if where[-1] not in UNMARKED],
    ids=_id,
)
def test_every_input_changes_the_mark(definition: dict[str, Any], where: Path) -> None:
    """Two definitions that differ in anything but a password or the place have two marks."""
    assert _mark(changed(definition, where, "something else")) != _mark(definition)
    if where[-1] != "file_source":  # it follows from the bucket
        assert _mark(changed(definition, where, None)) != _mark(definition)


@pytest.mark.parametrize("value", ["something else", None], ids=["changed", "removed"])
@pytest.mark.parametrize(
    "where",
    [("source_instance", "password"), ("target_instance", "password"), ("region",), ("project_id",)],
    ids=_id,
)
def test_passwords_and_the_place_leave_the_mark(where: Path, value: Any) -> None:
    """A rotated password finds the task again; the mark is looked for inside one project only."""
    assert _mark(changed(ONLINE, where, value)) == _mark(ONLINE)


@pytest.mark.parametrize("part", ["dev", "shop", "orders"])
def test_stack_project_and_name_change_the_mark(part: str) -> None:
    """Two stacks with the same program own two tasks."""
    assert _mark(BACKUP, URN.replace(part, "other")) != _mark(BACKUP)


def test_urn_and_inputs_do_not_run_into_each_other() -> None:
    """What moves from the URN into an input is another definition."""
    assert _mark({"task_name": "b"}, "a") != _mark({"task_name": ""}, "ab")


@pytest.mark.parametrize(
    ("one", "other"),
    [([1], [True]), ([1], ["1"]), ([None], []), ([[]], [{}]), (["a", "b"], ["ab"]), ([[1], 2], [[1, 2]])],
    ids=repr,
)
def test_triggers_of_different_kinds_have_different_marks(one: list[Any], other: list[Any]) -> None:
    """A trigger that is a change is a change of the mark, too: the old task is not adopted for it."""
    assert _mark({**BACKUP, "triggers": one}) != _mark({**BACKUP, "triggers": other})


@pytest.mark.parametrize(
    ("one", "other"),
    [([1], [1.0]), ([{"a": 1, "b": None}], [{"a": 1.0}]), ((1, "x"), [1, "x"]), ([0.0], [-0.0])],
    ids=repr,
)
def test_triggers_that_are_no_change_have_one_mark(one: Any, other: Any) -> None:
    """What the engine spells differently is the same definition."""
    assert compare("", {"triggers": one}, {"triggers": other}, preview=True).replaces == ()
    assert _mark({**BACKUP, "triggers": one}) == _mark({**BACKUP, "triggers": other})


def test_the_order_of_keys_is_no_part_of_the_mark() -> None:
    """Maps are compared by what they hold."""
    turned = dict(reversed(BACKUP.items()))
    turned["target_instance"] = dict(reversed(BACKUP["target_instance"].items()))
    assert _mark(turned) == _mark(BACKUP)


def test_a_default_that_is_written_out_leaves_the_mark() -> None:
    """The file source that follows from the bucket is the same, written or not."""
    assert _mark(changed(BACKUP, ("backup_files", "file_source"), None)) == _mark(BACKUP)


def test_marks_do_not_change_between_releases() -> None:
    """A task that an earlier release left behind is found by this one: the hash is fixed."""
    assert _mark(BACKUP) == "0937cfcf7463"
    assert _mark(ONLINE) == "d6f1177bae5f"


@settings(deadline=None)
@given(VALID)
def test_a_mark_is_twelve_hexadecimal_digits(definition: dict[str, Any]) -> None:
    """Any definition has a mark, and always the same."""
    assert re.fullmatch(r"[0-9a-f]{12}", _mark(definition))
    assert _mark(definition) == _mark(definition)


@settings(deadline=None)
@given(VALID, VALID)
def test_one_mark_means_one_definition(a: dict[str, Any], b: dict[str, Any]) -> None:
    """Two definitions share a mark exactly if no difference between them would replace a task."""
    for key in ("region", "project_id"):
        a, b = {**a, key: "same"}, {**b, key: "same"}
    same = compare("", a, b, preview=True).replaces == ()
    assert (_mark(a) == _mark(b)) is same


# Descriptions ---------------------------------------------------------------------------------------------

LOOKALIKES = [
    "[pulumi:000000000000]",
    "before [pulumi:000000000000]",
    "[pulumi:000000000000] behind",
    "[pulumi:000000000000] [pulumi:111111111111]",
    "[pulumi:]",
    "x[pulumi:000000000000]",
    "[pulumi:00000000000G]",
    "two\nlines",
    "  ahead",
    "tab\there",
    "ends in a bracket]",
]


@pytest.mark.parametrize("description", LOOKALIKES)
def test_a_description_comes_back_as_it_was_written(description: str) -> None:
    """Whatever a description looks like, the mark is found behind it and taken off."""
    assert split(marked(description, MARK)) == (description, MARK)


@settings(deadline=None)
@given(st.text(min_size=1).filter(lambda text: text == text.rstrip()))
def test_any_description_comes_back(description: str) -> None:
    """Text of any kind survives being marked, but for white space at its end."""
    assert split(marked(description, MARK)) == (description, MARK)


@pytest.mark.parametrize("description", [None, ""])
def test_no_description_comes_back_as_none(description: str | None) -> None:
    """A mark alone means that nothing was written."""
    assert marked(description, MARK) == f"[pulumi:{MARK}]"
    assert split(marked(description, MARK)) == (None, MARK)


@pytest.mark.parametrize("end", ["", " ", "\n", " \r\n\t"])
def test_white_space_that_a_service_adds_hides_no_mark(end: str) -> None:
    """A mark is found although something stands behind it that nobody sees."""
    assert split(marked("text", MARK) + end) == ("text", MARK)


@pytest.mark.parametrize(
    "description",
    [
        "text",
        "[pulumi:0123456789ab] behind",
        "x[pulumi:0123456789ab]",
        "[pulumi:0123456789AB]",
        "[pulumi:0123456789a]",
        "[pulumi:0123456789abc]",
        "(pulumi:0123456789ab)",
    ],
)
def test_what_is_no_mark_stays_text(description: str) -> None:
    """A description without a mark at its end belongs to nobody and is shown whole."""
    assert split(description) == (description, None)


@pytest.mark.parametrize("description", [None, ""])
def test_nothing_has_neither_text_nor_mark(description: str | None) -> None:
    """A task without a description is nobody's."""
    assert split(description) == (None, None)


@settings(deadline=None)
@given(st.text() | st.just("[pulumi:" * 5000))
def test_splitting_never_raises(description: str) -> None:
    """Any text from the service is split."""
    split(description)
