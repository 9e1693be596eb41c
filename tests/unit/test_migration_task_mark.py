"""The owner mark: it tells definitions apart, and gives descriptions back as they were."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs_migration.life_cycles.migration_task.definition import identity_of
from dcs_migration.life_cycles.migration_task.inputs import MARKED, SPEC, normalised
from dcs_migration.life_cycles.tasks.mark import Mark, mark_of, mark_of_0_1_0, marked, same_text, split
from dcs_migration.life_cycles.tasks.spec import compare
from tests.unit.definitions import BACKUP, ONLINE, URN, VALID, Path, changed, paths, shown

OWNER = "8f2f0d1e-5a0c-4d8c-9a53-0a4f0c2f7a11"
MARK = Mark("0123456789ab", "ba9876543210", "0011223344ff")
OLD_MARK = Mark("", "", "0123456789ab")

# What a task does. The rest is how it is called, how it is reached, or where it is looked for.
DOES = {
    *("migration_type", "migration_method", "bucket_name", "file_name", "backup_id", "addrs", "triggers"),
    *("backup_files", "files", "source_instance", "target_instance", "id"),
}


def _mark(inputs: dict[str, Any], urn: str = URN, owner: str = OWNER) -> Mark:
    return mark_of(owner, urn, identity_of(normalised(inputs)))


def _id(value: Any) -> str | None:
    return shown(value) if isinstance(value, tuple) else "" if isinstance(value, dict) else None


def _leaves(definition: dict[str, Any]) -> list[Path]:
    found = paths(definition)
    return [where for where in found if not any(other[: len(where)] == where != other for other in found)]


@pytest.mark.parametrize(
    ("definition", "where"), [(d, where) for d in (BACKUP, ONLINE) for where in _leaves(d)], ids=_id
)
def test_what_a_task_does_is_its_definition(definition: dict[str, Any], where: Path) -> None:
    """What is migrated, from where, into which target, and the triggers: nothing else is another definition."""
    does = any(part in DOES for part in where) and where[-1] not in (
        *("size", "update_at", "name", "password", "file_source"),
    )
    other = _mark(changed(definition, where, "something else"))
    assert (other.definition != _mark(definition).definition) is does
    assert (other.owner, other.resource) == (_mark(definition).owner, _mark(definition).resource)


@pytest.mark.parametrize("part", ["dev", "shop", "orders"])
def test_stack_project_and_name_change_the_resource(part: str) -> None:
    """`pulumi state move` copies the owner to another stack, whose resources are others all the same."""
    other = _mark(BACKUP, URN.replace(part, "other"))
    assert other.resource != _mark(BACKUP).resource
    assert (other.owner, other.definition) == (_mark(BACKUP).owner, _mark(BACKUP).definition)


def test_another_owner_changes_nothing_else() -> None:
    """Two states with equal names differ in the owner alone."""
    other = _mark(BACKUP, owner="another")
    assert other.owner != _mark(BACKUP).owner
    assert (other.resource, other.definition) == (_mark(BACKUP).resource, _mark(BACKUP).definition)


@pytest.mark.parametrize(
    ("one", "other"),
    [([1], [True]), ([1], ["1"]), ([None], []), ([[]], [{}]), (["a", "b"], ["ab"]), ([[1], 2], [[1, 2]])],
    ids=repr,
)
def test_triggers_of_different_kinds_have_different_marks(one: list[Any], other: list[Any]) -> None:
    """A changed trigger also changes the owner mark: the old task is not adopted for it."""
    assert _mark({**BACKUP, "triggers": one}) != _mark({**BACKUP, "triggers": other})


@pytest.mark.parametrize(
    ("one", "other"),
    [([1], [1.0]), ([{"a": 1, "b": None}], [{"a": 1.0}]), ((1, "x"), [1, "x"]), ([0.0], [-0.0])],
    ids=repr,
)
def test_triggers_that_are_no_change_have_one_mark(one: Any, other: Any) -> None:
    """What Pulumi spells differently is the same definition."""
    assert compare(SPEC, "", {"triggers": one}, {"triggers": other}, preview=True).replaces == ()
    assert _mark({**BACKUP, "triggers": one}) == _mark({**BACKUP, "triggers": other})


def test_the_order_of_keys_and_files_is_no_part_of_the_mark() -> None:
    """Maps are compared by what they hold, and files are imported as a set."""
    turned = dict(reversed(BACKUP.items()))
    turned["target_instance"] = dict(reversed(BACKUP["target_instance"].items()))
    assert _mark(turned) == _mark(BACKUP)
    files = [{"file_name": "a.rdb"}, {"file_name": "b.rdb"}]
    one = {**BACKUP, "backup_files": {"bucket_name": "backups", "files": files}}
    other = {**BACKUP, "backup_files": {"bucket_name": "backups", "files": files[::-1]}}
    assert _mark(one) == _mark(other)


def test_marks_do_not_change_between_releases() -> None:
    """A task that an earlier release left behind is known by this one: the hashes are fixed."""
    assert str(_mark(BACKUP)) == "[pulumi:43716eebad61.dc11d40a16b5.547f8ef98a7c]"
    assert str(_mark(ONLINE)) == "[pulumi:43716eebad61.dc11d40a16b5.bc4a8f461b80]"
    assert mark_of_0_1_0(URN, normalised(BACKUP), MARKED) == "0937cfcf7463"
    assert mark_of_0_1_0(URN, normalised(ONLINE), MARKED) == "d6f1177bae5f"


@settings(deadline=None)
@given(VALID)
def test_a_mark_has_one_form(definition: dict[str, Any]) -> None:
    """Any definition has an owner mark, and always the same."""
    assert re.fullmatch(r"\[pulumi:[0-9a-f]{12}\.[0-9a-f]{12}\.[0-9a-f]{12}\]", str(_mark(definition)))
    assert _mark(definition) == _mark(definition)


@settings(deadline=None)
@given(VALID, VALID)
def test_what_replaces_nothing_is_the_same_definition(a: dict[str, Any], b: dict[str, Any]) -> None:
    """A task is found again with everything that a preview calls unchanged."""
    for key in ("region", "project_id"):
        a, b = {**a, key: "same"}, {**b, key: "same"}
    if compare(SPEC, "", a, b, preview=True).replaces == ():
        assert _mark(a) == _mark(b)


# Descriptions ---------------------------------------------------------------------------------------------

LOOKALIKES = [
    "[pulumi:000000000000]",
    "before [pulumi:000000000000]",
    "before [pulumi:000000000000.111111111111.222222222222]",
    "[pulumi:000000000000] behind",
    "[pulumi:000000000000] [pulumi:111111111111]",
    "[pulumi:]",
    "[pulumi:000000000000.111111111111]",
    "x[pulumi:000000000000]",
    "[pulumi:00000000000G]",
    "two\nlines",
    "  ahead",
    "tab\there",
    "ends in a bracket]",
]


@pytest.mark.parametrize("mark", [MARK, OLD_MARK], ids=["mark", "mark of 0.1.0"])
@pytest.mark.parametrize("description", LOOKALIKES)
def test_a_description_comes_back_as_it_was_written(description: str, mark: Mark) -> None:
    """For any description, the owner mark after it is found and removed."""
    assert split(marked(description, mark)) == (description, mark)


@settings(deadline=None)
@given(st.text(min_size=1).filter(lambda text: text == text.rstrip()))
def test_any_description_comes_back(description: str) -> None:
    """Text of any kind survives being marked, but for white space at its end."""
    assert split(marked(description, MARK)) == (description, MARK)


@pytest.mark.parametrize("description", [None, ""])
def test_no_description_comes_back_as_none(description: str | None) -> None:
    """An owner mark alone means that nothing was written."""
    assert marked(description, MARK) == str(MARK)
    assert split(marked(description, MARK)) == (None, MARK)


@pytest.mark.parametrize("end", ["", " ", "\n", " \r\n\t"])
def test_white_space_that_a_service_adds_hides_no_mark(end: str) -> None:
    """An owner mark is found even if invisible characters follow it."""
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
        "[pulumi:0123456789ab.0123456789ab]",
        "[pulumi:0123456789ab.0123456789ab.0123456789ab.0123456789ab]",
        "[pulumi:.0123456789ab.0123456789ab]",
    ],
)
def test_what_is_no_mark_stays_text(description: str) -> None:
    """A description without an owner mark at its end belongs to no one and is shown whole."""
    assert split(description) == (description, None)


@pytest.mark.parametrize("description", [None, ""])
def test_nothing_has_neither_text_nor_mark(description: str | None) -> None:
    """A task without a description belongs to no one."""
    assert split(description) == (None, None)


@settings(deadline=None)
@given(st.text() | st.just("[pulumi:" * 5000))
def test_splitting_never_raises(description: str) -> None:
    """Any text from the service is split."""
    split(description)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a < b", "a &lt; b", True),
        ("a", None, False),
        (None, "", True),
        ("&amp;", "&", True),
        ("a", "b", False),
    ],
)
def test_a_description_that_is_escaped_for_web_pages_is_the_same(
    one: str | None, other: str | None, same: bool
) -> None:
    """A service may escape what it gives back."""
    assert same_text(one, other) is same
