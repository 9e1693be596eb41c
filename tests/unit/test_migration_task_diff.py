"""What each change of a definition asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi.output import UNKNOWN

from dcs_migration.dcs.errors import TaskError
from dcs_migration.dcs.statuses import STATUSES, Kind
from dcs_migration.life_cycles.migration_task.inputs import INPUTS, SPEC, replacement_warning
from dcs_migration.life_cycles.tasks.props import OUTPUTS
from dcs_migration.life_cycles.tasks.spec import Changes, compare
from tests.unit.definitions import BACKUP, ONLINE, VALID, Path, changed, paths, shown

ID = "task-1"
NOTHING = Changes((), ())


def _compare(olds: Mapping[str, Any], news: Mapping[str, Any], *, preview: bool = True) -> Changes:
    outputs = {"name": "n", "status": "MIGRATING", "__endpoint": "https://dcs.example"}
    return compare(SPEC, ID, {**olds, **outputs}, news, preview=preview)


def _id(value: Any) -> str | None:
    return shown(value) if isinstance(value, tuple) else None


REPLACING: list[tuple[dict[str, Any], Path, Any]] = [
    (BACKUP, ("task_name",), "other"),
    (BACKUP, ("description",), "other"),
    (BACKUP, ("description",), None),
    (BACKUP, ("migration_type",), "online_migration"),
    (BACKUP, ("migration_method",), "incremental_migration"),
    (BACKUP, ("backup_files", "file_source"), "backup_record"),
    (BACKUP, ("backup_files", "bucket_name"), "other"),
    (BACKUP, ("backup_files", "files"), []),
    (BACKUP, ("backup_files", "files", 0, "file_name"), "other"),
    (BACKUP, ("backup_files", "files", 0, "size"), "8MB"),
    (BACKUP, ("backup_files", "files", 0, "update_at"), None),
    (BACKUP, ("backup_files", "backup_id"), "new"),
    (BACKUP, ("target_instance", "id"), "other"),
    (BACKUP, ("target_instance", "name"), None),
    (BACKUP, ("region",), "cn-north-4"),
    (BACKUP, ("project_id",), "p9"),
    (BACKUP, ("triggers",), ["tuesday"]),
    (BACKUP, ("triggers",), ["monday", "tuesday"]),
    (BACKUP, ("triggers",), None),
    (ONLINE, ("network_type",), "vpn"),
    (ONLINE, ("network_type",), None),
    (ONLINE, ("source_instance", "addrs"), "10.0.0.9:6379"),
    (ONLINE, ("triggers",), ["new"]),
    (ONLINE, ("description",), "new"),
]


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])
@pytest.mark.parametrize(("definition", "where", "value"), REPLACING, ids=_id)
def test_each_input_alone_replaces(
    definition: dict[str, Any], where: Path, value: Any, preview: bool
) -> None:
    """A change of any one input asks for a replacement, and names that input alone."""
    assert _compare(definition, changed(definition, where, value), preview=preview) == Changes(
        (str(where[0]),), ()
    )


def test_the_table_of_changes_covers_every_input() -> None:
    """No input is without a test of what its change does."""
    assert {str(where[0]) for _, where, _ in REPLACING} == INPUTS.keys() - {"existing_task_id"}


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])
@pytest.mark.parametrize("value", ["new", None], ids=["changed", "removed"])
@pytest.mark.parametrize("instance", ["source_instance", "target_instance"])
def test_a_password_alone_is_an_update(instance: str, value: str | None, preview: bool) -> None:
    """A nightly rotation must not import again over live data; nor must a password that goes away."""
    news = changed(ONLINE, (instance, "password"), value)
    assert _compare(ONLINE, news, preview=preview) == Changes((), (f"{instance}.password",))


def test_a_first_password_is_an_update() -> None:
    """A password that was not there before changes state only."""
    olds = changed(BACKUP, ("target_instance", "password"), None)
    assert _compare(olds, BACKUP) == Changes((), ("target_instance.password",))


def test_a_password_beside_another_change_is_both() -> None:
    """A password doesn't excuse the rest of its instance."""
    news = changed(BACKUP, ("target_instance",), {"id": "other", "password": "new"})
    assert _compare(BACKUP, news) == Changes(("target_instance",), ("target_instance.password",))


def test_several_changes_are_all_named_in_the_order_of_the_table() -> None:
    """Each changed input is named once, in one order."""
    news = {**BACKUP, "triggers": [], "task_name": "x", "region": "cn-north-4"}
    assert _compare(BACKUP, news).replaces == ("task_name", "region", "triggers")


# Values that are the same ---------------------------------------------------------------------------------

SAME: list[tuple[str, Any, Any]] = [
    ("whole numbers", [1], [1.0]),
    ("nested numbers", [{"a": [2.0]}], [{"a": [2]}]),
    ("zero", [0.0], [-0.0]),
    ("nulls in maps", [{"a": 1, "b": None}], [{"a": 1}]),
    ("order of keys", [{"a": 1, "b": 2}], [{"b": 2, "a": 1}]),
    ("tuples", (1, 2), [1, 2]),
]
DIFFERENT: list[tuple[str, Any, Any]] = [
    ("number and bool", [1], [True]),
    ("zero and bool", [0.0], [False]),
    ("number and text", [1], ["1"]),
    ("bool and text", [True], ["true"]),
    ("null in a list", [None, 1], [1]),
    ("null and text", [None], [""]),
    ("empty list and empty map", [[]], [{}]),
    ("order of a list", [1, 2], [2, 1]),
    ("fraction", [0.1], [0.2]),
    ("case", ["a"], ["A"]),
    ("key", [{"a": 1}], [{"b": 1}]),
]


@pytest.mark.parametrize(("old", "new"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_what_the_engine_spells_differently_is_no_change(old: Any, new: Any) -> None:
    """Numbers arrive as floats and nulls go missing: neither runs a migration again."""
    assert _compare({**BACKUP, "triggers": old}, {**BACKUP, "triggers": new}) == NOTHING
    assert _compare({**BACKUP, "triggers": new}, {**BACKUP, "triggers": old}) == NOTHING


@pytest.mark.parametrize(("old", "new"), [row[1:] for row in DIFFERENT], ids=[row[0] for row in DIFFERENT])
def test_what_users_tell_apart_is_a_change(old: Any, new: Any) -> None:
    """Values of different types are different triggers, even if they are equal in Python."""
    assert _compare({**BACKUP, "triggers": old}, {**BACKUP, "triggers": new}).replaces == ("triggers",)
    assert _compare({**BACKUP, "triggers": new}, {**BACKUP, "triggers": old}).replaces == ("triggers",)


@pytest.mark.parametrize("key", ["bucket", "record"])
def test_a_default_that_a_later_release_fills_in_is_no_change(key: str) -> None:
    """State written before the file source was filled in equals inputs with it, and the other way round."""
    files = {"backup_id": "b"} if key == "record" else {"bucket_name": "b", "files": [{"file_name": "f"}]}
    source = "backup_record" if key == "record" else "self_build_obs"
    bare = {**BACKUP, "backup_files": files}
    full = {**BACKUP, "backup_files": {**files, "file_source": source}}
    assert _compare(bare, full) == NOTHING
    assert _compare(full, bare) == NOTHING


@pytest.mark.parametrize("key", [*OUTPUTS, "__urn", "__defaults", "__endpoint", "__dry_run", "__provider"])
def test_outputs_and_hidden_properties_are_no_inputs(key: str) -> None:
    """A status that moved, or a property of Pulumi's, isn't a change of the definition."""
    assert compare(SPEC, ID, {**BACKUP, key: "old"}, {**BACKUP, key: "new"}, preview=True) == NOTHING


def test_another_bound_for_delete_updates_state() -> None:
    """A changed custom timeout is kept for the delete to come."""
    news = {**BACKUP, "__delete_timeout": "5m"}
    assert _compare(BACKUP, news) == Changes((), ("opts.custom_timeouts.delete",))


# Unknown values -------------------------------------------------------------------------------------------

UNKNOWN_PLACES = [
    (definition, where)
    for definition in (BACKUP, ONLINE)
    for where in paths(definition)
    if where[-1] != "password"
]


@pytest.mark.parametrize(("definition", "where"), UNKNOWN_PLACES, ids=_id)
def test_an_unknown_value_counts_as_a_change_in_a_preview(definition: dict[str, Any], where: Path) -> None:
    """A preview shows the worst: what is not known may be different."""
    news = changed(definition, where, UNKNOWN)
    assert _compare(definition, news).replaces == (str(where[0]),)


@pytest.mark.parametrize(
    ("definition", "where"),
    [(definition, where) for definition in (BACKUP, ONLINE) for where in paths(definition)],
    ids=_id,
)
def test_an_unknown_value_is_no_change_in_an_update(definition: dict[str, Any], where: Path) -> None:
    """While something upstream is replaced Pulumi asks with unknowns; it asks again with the values."""
    assert _compare(definition, changed(definition, where, UNKNOWN), preview=False) == NOTHING


@pytest.mark.parametrize("instance", ["source_instance", "target_instance"])
def test_an_unknown_password_is_an_update_in_a_preview(instance: str) -> None:
    """A password that is not known yet may differ, and still replaces nothing."""
    news = changed(ONLINE, (instance, "password"), UNKNOWN)
    assert _compare(ONLINE, news) == Changes((), (f"{instance}.password",))


@pytest.mark.parametrize(
    "where",
    [
        ("description",),
        ("backup_files", "backup_id"),
        ("target_instance", "name"),
        ("backup_files", "files", 0, "size"),
        ("triggers",),
    ],
    ids=_id,
)
def test_an_unknown_value_for_a_new_key_is_no_change_in_an_update(where: Path) -> None:
    """An output that may resolve to None does not replace before it has."""
    bare = {
        **BACKUP,
        "backup_files": {"files": [{"file_name": "f"}], "bucket_name": "b"},
        "description": None,
    }
    olds = {**bare, "target_instance": {"id": "t"}, "triggers": None}
    news = dict(olds)
    news = changed(news, where, UNKNOWN)
    assert _compare(olds, news, preview=False) == NOTHING
    assert _compare(olds, news).replaces == (str(where[0]),)


def test_a_known_change_beside_an_unknown_value_replaces_in_an_update() -> None:
    """An unknown value hides no real change."""
    news = changed(BACKUP, ("target_instance",), {"id": "other", "name": UNKNOWN})
    assert _compare(BACKUP, news, preview=False).replaces == ("target_instance",)


# Place ----------------------------------------------------------------------------------------------------


def test_a_project_that_was_looked_up_is_no_change_when_nothing_is_configured() -> None:
    """The project in the outputs came from IAM; inputs that never had one are the same."""
    assert _compare(BACKUP, changed(BACKUP, ("project_id",), None)) == NOTHING


def test_a_project_that_is_written_now_and_was_looked_up_then_is_compared() -> None:
    """Writing the project where the task lives changes nothing; writing another one moves it."""
    assert _compare(BACKUP, {**BACKUP, "project_id": "p0"}) == NOTHING
    assert _compare(BACKUP, {**BACKUP, "project_id": "p9"}).replaces == ("project_id",)


def test_state_of_old_without_a_project_takes_any() -> None:
    """A project that isn't in the state isn't a change."""
    assert _compare(changed(BACKUP, ("project_id",), None), BACKUP) == NOTHING


def test_a_configured_project_that_contradicts_the_looked_up_one_fails() -> None:
    """A configuration that now names another project does not run the migration there by itself."""
    news = {**BACKUP, "project_id": "p9", "__defaults": ["project_id"]}
    with pytest.raises(TaskError, match=r"^project_id: this task lives in project p0, .* says p9; write "):
        _compare(BACKUP, news)


def test_a_region_moved_on_purpose_may_bring_its_configured_project() -> None:
    """With another region the other project is part of the replacement."""
    news = {**BACKUP, "region": "cn-north-4", "project_id": "p9", "__defaults": ["project_id"]}
    assert _compare(BACKUP, news).replaces == ("region", "project_id")


# A task that is taken over --------------------------------------------------------------------------------

TAKEN = {**BACKUP, "existing_task_id": ID}


def test_taking_over_what_is_held_already_is_an_update() -> None:
    """Writing the id of the resource's own task changes state only, as does removing it."""
    assert _compare(BACKUP, TAKEN) == Changes((), ("existing_task_id",))
    assert _compare(TAKEN, BACKUP) == Changes((), ("existing_task_id",))


def test_another_existing_task_is_refused() -> None:
    """A resource stays with its task."""
    with pytest.raises(TaskError, match=r"^existing_task_id: this resource holds task task-1.*task-2"):
        _compare(TAKEN, {**TAKEN, "existing_task_id": "task-2"})


@pytest.mark.parametrize(("definition", "where", "value"), REPLACING, ids=_id)
def test_a_replacing_change_of_a_task_taken_over_is_refused(
    definition: dict[str, Any], where: Path, value: Any
) -> None:
    """A change that would start a new task contradicts the id, and the line says what to remove."""
    olds = {**definition, "existing_task_id": ID}
    with pytest.raises(TaskError) as caught:
        _compare(olds, changed(olds, where, value))
    assert str(caught.value).startswith(f"{where[0]}: a change replaces the task")
    assert str(caught.value).endswith("remove existing_task_id to start a new task")


def test_a_password_of_a_task_taken_over_may_change() -> None:
    """An update of the state isn't a replacement."""
    news = changed(TAKEN, ("target_instance", "password"), "new")
    assert _compare(TAKEN, news) == Changes((), ("target_instance.password",))


def test_removing_the_id_together_with_a_change_replaces() -> None:
    """The way out that the message names works."""
    assert _compare(TAKEN, {**BACKUP, "triggers": ["x"]}) == Changes(("triggers",), ("existing_task_id",))


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "update"])
def test_an_unknown_id_of_a_task_is_judged_later(preview: bool) -> None:
    """An id that is not known yet refuses nothing."""
    assert _compare(TAKEN, {**TAKEN, "existing_task_id": UNKNOWN}, preview=preview).replaces == ()


# Algebra --------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(VALID, st.booleans())
def test_a_definition_equals_itself(definition: dict[str, Any], preview: bool) -> None:
    """An unchanged program changes nothing."""
    assert _compare(definition, definition, preview=preview) == NOTHING


@settings(deadline=None)
@given(VALID, VALID)
def test_a_change_and_its_reversal_ask_for_the_same(a: dict[str, Any], b: dict[str, Any]) -> None:
    """What differs one way differs the other way."""
    assert _compare(a, b) == _compare(b, a)


@settings(deadline=None)
@given(VALID, VALID)
def test_only_what_differs_is_named(a: dict[str, Any], b: dict[str, Any]) -> None:
    """Every input named as a change has two values, and is one that the definitions hold."""
    changes = _compare(a, b)
    assert all(a.get(key) != b.get(key) or repr(a.get(key)) != repr(b.get(key)) for key in changes.replaces)


@settings(deadline=None)
@given(VALID, st.data())
def test_an_unknown_value_never_updates_into_a_replacement(
    definition: dict[str, Any], data: st.DataObject
) -> None:
    """In an update, an unknown value at any position asks for nothing."""
    where = data.draw(st.sampled_from(paths(definition)))
    assert _compare(definition, changed(definition, where, UNKNOWN), preview=False) == NOTHING


# The warning ----------------------------------------------------------------------------------------------

CHANGES = Changes(("triggers",), ())


@pytest.mark.parametrize("status", [*STATUSES, None, "NEWLY_INVENTED"])
def test_a_replacement_warns_unless_the_task_certainly_did_nothing(status: str | None) -> None:
    """Only a task that failed or was stopped is replaced without a word."""
    known = STATUSES.get(status or "")
    silent = known is not None and known.kind in (Kind.FAILURE, Kind.STOPPED)
    warning = replacement_warning(CHANGES, {"status": status}, BACKUP)
    assert (warning is None) is silent
    if warning is not None:
        assert warning == (
            "replaced because triggers changed: RUNS THE IMPORT AGAIN over instance target-1; "
            "same keys are overwritten"
        )


def test_the_warning_names_every_reason() -> None:
    """All inputs that replace are named."""
    warning = replacement_warning(Changes(("task_name", "triggers"), ("x",)), {}, BACKUP)
    assert warning is not None
    assert warning.startswith("replaced because task_name, triggers changed")


def test_an_online_migration_is_no_import() -> None:
    """The warning mentions what runs again."""
    assert "RUNS THE MIGRATION AGAIN" in str(replacement_warning(CHANGES, {}, ONLINE))


@pytest.mark.parametrize(
    "target", [UNKNOWN, {"id": UNKNOWN}, {}, None], ids=["unknown", "unknown id", "no id", "none"]
)
def test_the_warning_copes_with_a_target_that_is_not_known(target: Any) -> None:
    """What is not known is not printed."""
    warning = replacement_warning(CHANGES, {}, {**BACKUP, "target_instance": target})
    assert "over the target instance;" in str(warning)


def test_an_update_warns_of_nothing() -> None:
    """Without a replacement there is nothing to warn of."""
    assert replacement_warning(Changes((), ("target_instance.password",)), {}, BACKUP) is None
