"""Rules across fields, defaults and warnings of a definition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi.output import UNKNOWN

from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.inputs import is_unknown
from dcs_migration.life_cycles.migration_task.inputs import SPEC, warnings
from dcs_migration.life_cycles.tasks.defaults import default_name
from dcs_migration.life_cycles.tasks.spec import check
from tests.unit.definitions import BACKUP, ONLINE, URN, VALID, Path, changed, paths, shown

CONFIGURED = {"huaweicloud:region": "eu-west-101", "huaweicloud:projectId": "p0"}
PLACE = ("region", "project_id")


@dataclass
class Checked:
    """What a check says."""

    inputs: dict[str, Any]
    problems: list[str]
    warnings: list[str]


def _check(
    news: Mapping[str, Any],
    olds: Mapping[str, Any] | None = None,
    config: Mapping[str, str] = CONFIGURED,
    environ: Mapping[str, str] | None = None,
) -> Checked:
    result = check(SPEC, olds or {}, {"__urn": URN, **news}, Settings(config.get, environ or {}))
    warned = [] if result.problems else list(warnings(olds or {}, result.inputs))
    return Checked(result.inputs, list(result.problems), warned)


def _good(*args: Any, **named: Any) -> dict[str, Any]:
    checked = _check(*args, **named)
    assert checked.problems == []
    return checked.inputs


def _without(definition: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in definition.items() if key not in keys}


def _id(value: Any) -> str | None:
    return shown(value) if isinstance(value, tuple) else "" if isinstance(value, dict) else None


# Rules across fields --------------------------------------------------------------------------------------

RULES: list[tuple[str, dict[str, Any], str]] = [
    ("no files", _without(BACKUP, "backup_files"), "backup_files: is required for backupfile_import; use"),
    ("no source", _without(ONLINE, "source_instance"), "source_instance: is required for online_migration"),
    (
        "a source for a backup",
        {**BACKUP, "source_instance": {"addrs": "a:1"}},
        "source_instance: is only used for online_migration; leave it out",
    ),
    (
        "a network for a backup",
        {**BACKUP, "network_type": "vpc"},
        "network_type: is only used for online_migration; leave it out",
    ),
    (
        "files for a live source",
        {**ONLINE, "backup_files": {"backup_id": "b"}},
        "backup_files: is only used for backupfile_import; leave it out",
    ),
    (
        "two origins",
        {**BACKUP, "backup_files": {"bucket_name": "b", "files": [{"file_name": "f"}], "backup_id": "i"}},
        "backup_files: has both bucket_name and backup_id; use only one of them",
    ),
    (
        "no origin",
        {**BACKUP, "backup_files": {}},
        "backup_files: has no files; set bucket_name and files, or backup_id",
    ),
    (
        "a bucket without files",
        {**BACKUP, "backup_files": {"bucket_name": "b"}},
        'backup_files.files: is required for self_build_obs; use a value such as [{"file_name": '
        '"orders.rdb"}]',
    ),
    (
        "files without a bucket",
        {**BACKUP, "backup_files": {"files": [{"file_name": "f"}]}},
        'backup_files.bucket_name: is required for self_build_obs; use a value such as "my-backups"',
    ),
    (
        "a record without its id",
        {**BACKUP, "backup_files": {"file_source": "backup_record"}},
        "backup_files.backup_id: is required for backup_record; use the id of the backup record",
    ),
    (
        "a bucket with a record's id",
        changed(BACKUP, ("backup_files", "backup_id"), "i"),
        "backup_files.backup_id: isn't used for self_build_obs; leave it out",
    ),
    (
        "a record with a bucket",
        {
            **BACKUP,
            "backup_files": {"file_source": "backup_record", "backup_id": "i", "bucket_name": "b"},
        },
        "backup_files.bucket_name: isn't used for backup_record; leave it out",
    ),
    (
        "port zero",
        changed(ONLINE, ("source_instance", "addrs"), "a:1,b:0"),
        "source_instance.addrs: has a port outside 1 to 65535; correct it",
    ),
    (
        "a port too high",
        changed(ONLINE, ("source_instance", "addrs"), "a:65536,b:1"),
        "source_instance.addrs: has a port outside 1 to 65535; correct it",
    ),
    (
        "a timeout that is none",
        {**BACKUP, "__delete_timeout": "soon"},
        "opts.custom_timeouts.delete: isn't a duration; use a value such as",
    ),
    ("a timeout of nothing", {**BACKUP, "__delete_timeout": "0s"}, "opts.custom_timeouts.delete: must be"),
]


@pytest.mark.parametrize(("inputs", "line"), [rule[1:] for rule in RULES], ids=[name for name, _, _ in RULES])
def test_a_broken_rule_is_named_with_its_path_and_its_remedy(inputs: dict[str, Any], line: str) -> None:
    """Each rule across fields has one line of its own, and nothing else is said."""
    found = _check(inputs).problems
    assert len(found) == 1 or line.startswith("backup_files.bucket_name: isn't")
    assert any(problem.startswith(line) for problem in found), found


def test_every_key_that_a_record_would_ignore_is_named() -> None:
    """Bucket and files together with a backup record are both refused."""
    files = {**BACKUP["backup_files"], "file_source": "backup_record", "backup_id": "i"}
    assert _check({**BACKUP, "backup_files": files}).problems == [
        "backup_files.bucket_name: isn't used for backup_record; leave it out",
        "backup_files.files: isn't used for backup_record; leave it out",
    ]


def test_problems_of_every_kind_come_at_once() -> None:
    """Schema, rules, place and timeout are all judged in one check."""
    inputs = {**_without(BACKUP, *PLACE), "network_type": "lan", "__delete_timeout": "x"}
    found = _check({**inputs, "target_instance": {}}, config={}).problems
    assert [line.split(":")[0] for line in found] == [
        "network_type",
        "target_instance.id",
        "network_type",
        "opts.custom_timeouts.delete",
        "region",
    ]


def test_hidden_keys_are_no_unknown_keys() -> None:
    """What Pulumi and the resource class add to the inputs isn't judged, and only ours is kept."""
    inputs = _good({**BACKUP, "__provider": "pickled", "__delete_timeout": "5m"})
    assert "__provider" not in inputs
    assert inputs["__delete_timeout"] == "5m"
    assert inputs["__urn"] == URN


def test_values_that_are_none_count_as_absent_at_every_depth() -> None:
    """None means "not written", for inputs and for keys inside them."""
    news = {**BACKUP, "network_type": None, "description": None}
    news = changed(news, ("target_instance",), {"id": "t", "name": None, "password": None})
    inputs = _good(news)
    assert "network_type" not in inputs
    assert "description" not in inputs
    assert inputs["target_instance"] == {"id": "t"}


@pytest.mark.parametrize(
    ("files", "source"),
    [
        ({"bucket_name": "b", "files": [{"file_name": "f"}]}, "self_build_obs"),
        ({"backup_id": "i"}, "backup_record"),
    ],
)
def test_the_file_source_follows_from_what_is_given(files: dict[str, Any], source: str) -> None:
    """A bucket means files of one's own, a backup id means a record of DCS."""
    assert _good({**BACKUP, "backup_files": files})["backup_files"]["file_source"] == source


# Unknown values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "where"),
    [(BACKUP, where) for where in paths(BACKUP)] + [(ONLINE, where) for where in paths(ONLINE)],
    ids=_id,
)
def test_an_unknown_value_breaks_no_rule(definition: dict[str, Any], where: Path) -> None:
    """A definition that is right but for what is not known yet passes a preview, and keeps the unknown."""
    inputs = _good(changed(definition, where, UNKNOWN))
    value: Any = inputs
    for part in where:
        value = value[part]
    assert is_unknown(value)


@pytest.mark.parametrize(
    "inputs",
    [
        {**BACKUP, "source_instance": UNKNOWN},
        {**BACKUP, "network_type": UNKNOWN},
        {**ONLINE, "backup_files": UNKNOWN},
        changed(BACKUP, ("backup_files", "backup_id"), UNKNOWN),
        {**BACKUP, "backup_files": {"bucket_name": UNKNOWN, "backup_id": "i"}},
        {**BACKUP, "backup_files": {"file_source": "backup_record", "backup_id": "i", "files": UNKNOWN}},
    ],
    ids=["source", "network", "files", "record beside bucket", "bucket beside record", "files beside record"],
)
def test_a_value_that_may_yet_turn_out_absent_is_not_refused(inputs: dict[str, Any]) -> None:
    """An output may resolve to None: a key that does not belong is refused once its value is known."""
    assert _check(inputs).problems == []


@pytest.mark.parametrize("files", [{"file_source": UNKNOWN}, UNKNOWN], ids=["source", "whole map"])
def test_an_unknown_file_source_leaves_its_needs_open(files: Any) -> None:
    """Which keys a source needs is judged when the source is known."""
    assert _check({**BACKUP, "backup_files": files}).problems == []


def test_an_unknown_urn_leaves_the_name_unknown() -> None:
    """A name that depends on what is not known yet is not invented."""
    assert is_unknown(_good({**_without(BACKUP, "task_name"), "__urn": UNKNOWN})["task_name"])


@settings(deadline=None)
@given(VALID, st.data())
def test_no_unknown_value_in_a_valid_definition_is_ever_refused(
    definition: dict[str, Any], data: st.DataObject
) -> None:
    """With any part of a valid definition unknown, a preview goes through."""
    where = data.draw(st.sampled_from(paths(definition)))
    assert _check(changed(definition, where, UNKNOWN)).problems == []


# Names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("orders", "orders"),
        ("a b/c.d", "a-b-c-d"),
        ("--x--", "x"),
        ("äöü", "task"),
        ("", "task"),
        ("a::b", "a-b"),
        ("x" * 200, "x" * 56),
        ("日本", "task"),
    ],
)
def test_a_default_name_is_made_fit(name: str, stem: str) -> None:
    """A default is the resource's name in allowed characters, and seven digits of the URN's hash."""
    made = default_name(f"urn:pulumi:dev::shop::t::{name}")
    assert re.fullmatch(rf"{re.escape(stem)}-[0-9a-f]{{7}}", made)
    assert 4 <= len(made) <= 64


@settings(deadline=None)
@given(st.text(max_size=300))
def test_every_default_name_fits(name: str) -> None:
    """No resource name leads to a default that the service's rules for names would refuse."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{4,64}", default_name(f"urn:pulumi:dev::shop::t::{name}"))


def test_default_names_differ_between_stacks() -> None:
    """Two stacks with a resource of one name get two names, each the same every time."""
    other = URN.replace(":dev:", ":prod:")
    assert default_name(URN) == default_name(URN) != default_name(other)


def test_a_default_name_is_sticky() -> None:
    """The name in state stays when the URN changes: renamed stacks, aliases, moves into components."""
    unnamed = _without(BACKUP, "task_name")
    olds = _good(unnamed)
    news = _good({**unnamed, "__urn": URN.replace("dev", "prod") + "-renamed"}, olds)
    assert news["task_name"] == olds["task_name"]
    assert _good({**unnamed, "__urn": URN + "-3"}, news)["task_name"] == olds["task_name"]


def test_a_replacement_makes_a_fresh_default() -> None:
    """Without old inputs, as for the new task of a replacement, the default comes from the URN."""
    unnamed = _without(BACKUP, "task_name")
    olds = {**_good(unnamed), "task_name": "old-name"}
    assert _good(unnamed, olds)["task_name"] == "old-name"
    assert _good(unnamed, {})["task_name"] == default_name(URN)


def test_a_written_name_wins_over_the_sticky_one() -> None:
    """What the user writes counts, and a name once written isn't a default later."""
    olds = _good(_without(BACKUP, "task_name"))
    assert _good(BACKUP, olds)["task_name"] == "orders-import"
    assert _good(_without(BACKUP, "task_name"), _good(BACKUP))["task_name"] == default_name(URN)


# Place ----------------------------------------------------------------------------------------------------

HOMELESS = _without(BACKUP, *PLACE)
THERE = {"huaweicloud:region": "cn-north-4", "huaweicloud:projectId": "p9"}


def test_the_place_comes_from_the_configuration() -> None:
    """Region and project that were not written are filled in, and known to be defaults."""
    inputs = _good(HOMELESS)
    assert (inputs["region"], inputs["project_id"]) == ("eu-west-101", "p0")
    assert set(inputs["__defaults"]) == {"region", "project_id"}


def test_a_missing_region_names_the_key_and_the_variable() -> None:
    """Without any region the line says both ways to give one."""
    (line,) = _check(HOMELESS, config={}).problems
    assert line.startswith("region: no region; set huaweicloud:region")
    assert "HW_REGION_NAME" in line


def test_a_missing_project_is_no_problem() -> None:
    """A project that no one named is looked up at create, so that a preview stays offline."""
    inputs = _good(HOMELESS, config={"huaweicloud:region": "eu-west-101"})
    assert "project_id" not in inputs
    assert "project_id" not in inputs["__defaults"]


def test_a_configured_project_belongs_to_the_configured_region_only() -> None:
    """A task written for another region does not inherit the project of the configured one."""
    assert "project_id" not in _good({**HOMELESS, "region": "cn-north-4"})
    assert _good({**HOMELESS, "region": "eu-west-101"})["project_id"] == "p0"


def test_an_unknown_region_takes_no_project() -> None:
    """Whose project it is cannot be told before the region is known."""
    assert "project_id" not in _good({**HOMELESS, "region": UNKNOWN})


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (
            THERE,
            "region: this task lives in region eu-west-101, but the configuration now names cn-north-4; set ",
        ),
        (
            {**CONFIGURED, "huaweicloud:projectId": "p9"},
            "project_id: this task lives in project p0, but the configuration now names p9; set ",
        ),
    ],
)
def test_a_moved_configuration_does_not_move_the_task(config: dict[str, str], line: str) -> None:
    """A place that was a default and is now configured differently fails, and says how to continue."""
    found = _check(HOMELESS, _good(HOMELESS), config=config).problems
    assert [problem for problem in found if problem.startswith(line)] == found
    assert "run the migration again there" in found[0]


def test_a_written_place_does_not_mind_the_configuration() -> None:
    """Who writes region and project may configure what they like."""
    olds = _good(BACKUP)
    inputs = _good(BACKUP, olds, config=THERE)
    assert (inputs["region"], inputs["project_id"]) == ("eu-west-101", "p0")


def test_state_says_where_a_task_lives_when_nothing_is_configured() -> None:
    """A configuration that went away leaves tasks where they are."""
    inputs = _good(HOMELESS, _good(HOMELESS), config={})
    assert (inputs["region"], inputs["project_id"]) == ("eu-west-101", "p0")


def test_moving_to_another_region_takes_the_project_of_that_region() -> None:
    """A region that is written again does not keep the old region's project."""
    olds = _good(HOMELESS)
    assert _good({**HOMELESS, "region": "cn-north-4"}, olds, config=THERE)["project_id"] == "p9"
    assert "project_id" not in _good({**HOMELESS, "region": "cn-north-4"}, olds)


def test_stack_configuration_wins_over_the_environment_for_the_place() -> None:
    """Where is asked of the stack first."""
    inputs = _good(HOMELESS, environ={"HW_REGION_NAME": "cn-north-4", "HW_PROJECT_ID": "p9"})
    assert (inputs["region"], inputs["project_id"]) == ("eu-west-101", "p0")


@pytest.mark.parametrize("key", ["region", "projectId"])
def test_an_invalid_setting_is_a_problem_and_no_exception(key: str) -> None:
    """A setting that cannot be right fails the check like any input, without its value."""
    found = _check(HOMELESS, config={**CONFIGURED, f"huaweicloud:{key}": "S3cret/../x"}).problems
    assert found
    assert all(f"huaweicloud:{key}" in line and "S3cret" not in line for line in found)


# Again and again ------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(VALID)
def test_checking_again_changes_nothing(definition: dict[str, Any]) -> None:
    """The second `up` of a program completes its inputs exactly as the first did."""
    once = _good(definition)
    assert _good(definition, once) == once


@settings(deadline=None)
@given(VALID)
def test_what_was_written_is_kept(definition: dict[str, Any]) -> None:
    """A check adds defaults, and alters nothing that is there."""
    inputs = _good(definition)
    for key in definition.keys() - {"backup_files", "triggers"}:
        assert inputs[key] == definition[key]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted({*BACKUP, *ONLINE})), st.none() | st.text() | st.integers()))
def test_junk_never_raises(news: dict[str, Any]) -> None:
    """For any input, a check answers with lines that have a path."""
    for line in _check(news).problems:
        assert re.match(r"[a-z_.\[\]0-9]+: \S", line)


# Warnings -------------------------------------------------------------------------------------------------

INCREMENTAL = {**BACKUP, "migration_method": "incremental_migration"}
ODD_NAME = {**BACKUP, "task_name": "a b"}
WARNED: list[tuple[dict[str, Any], str]] = [
    (ONLINE, "migration_type: most regions no longer support online_migration"),
    (INCREMENTAL, "migration_method: a backup import copies once"),
    (ODD_NAME, "task_name: isn't 4 to 64 letters"),
]


@pytest.mark.parametrize(("inputs", "line"), WARNED, ids=["online", "incremental", "name"])
def test_a_doubtful_choice_warns_when_it_is_new(inputs: dict[str, Any], line: str) -> None:
    """What may well be refused or useless is said once, in the preview that brings it, and not again."""
    first = _check(inputs)
    assert [warning.startswith(line) for warning in first.warnings] == [True]
    assert _check(inputs, first.inputs).warnings == []


def test_a_doubtful_choice_warns_when_it_is_changed_into() -> None:
    """A change to a doubtful choice is as new as a new resource."""
    assert len(_check(INCREMENTAL, _good(BACKUP)).warnings) == 1


def test_a_sound_definition_warns_of_nothing() -> None:
    """The usual import is quiet."""
    assert _check(BACKUP).warnings == []
    assert _check(_without(BACKUP, "task_name")).warnings == []


def test_warnings_wait_for_what_is_unknown() -> None:
    """Nothing is said of a value that is not known yet."""
    unknown = {**BACKUP, "migration_method": UNKNOWN, "task_name": UNKNOWN}
    assert _check(unknown).warnings == []


def test_a_refused_definition_warns_of_nothing() -> None:
    """Warnings come when the problems no longer exist."""
    checked = _check(_without(INCREMENTAL, "target_instance"))
    assert checked.problems
    assert checked.warnings == []
