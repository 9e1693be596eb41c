"""Checks against the schema: what is refused, where, and in which words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi.output import UNKNOWN

from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.inputs import has_unknown, is_unknown, path, problems, schema
from dcs_migration.life_cycles.migration_completion.inputs import check as check_wait
from dcs_migration.life_cycles.migration_task.inputs import SPEC
from dcs_migration.life_cycles.tasks.spec import check
from dcs_migration.native import names
from tests.unit.definitions import BACKUP, ONLINE, VALID, Path, changed, paths, shown

SCHEMA = "migration_task"
LONG = "x" * 10_000_000

EVERY_PLACE = [(BACKUP, where) for where in paths(BACKUP)] + [(ONLINE, where) for where in paths(ONLINE)]
TYPED = [(definition, where) for definition, where in EVERY_PLACE if where[:1] != ("triggers",)]
TEXTS: list[Path] = [
    ("task_name",),
    ("description",),
    ("backup_files", "bucket_name"),
    ("backup_files", "files", 0, "file_name"),
    ("backup_files", "files", 0, "size"),
    ("backup_files", "files", 0, "update_at"),
    ("target_instance", "id"),
    ("target_instance", "name"),
    ("region",),
    ("project_id",),
]
ONLINE_TEXTS: list[Path] = [("source_instance", "addrs")]
PASSWORDS: list[Path] = [("source_instance", "password"), ("target_instance", "password")]
ALL_TEXTS = [(BACKUP, where) for where in TEXTS] + [(ONLINE, where) for where in ONLINE_TEXTS]
ONLINE_MIGRATION: dict[str, Any] = {
    "task_id": "t1",
    "migration_method": "full_amount_migration",
    "source_instance": {"id": "source-1", "password": "S0urce!pass"},
    "target_instance": {"id": "target-1"},
}
INSTANCE: dict[str, Any] = {"vpc_id": "v1", "subnet_id": "s1", "security_group_id": "g1"}
SENTINEL = "s3ntinel-VALUE"


def _id(value: Any) -> str | None:
    return shown(value) if isinstance(value, tuple) else "" if isinstance(value, dict) else None


def _one(inputs: dict[str, Any]) -> str:
    found = problems(SCHEMA, inputs)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("definition", [BACKUP, ONLINE], ids=["backup", "online"])
def test_a_valid_definition_has_no_problem(definition: dict[str, Any]) -> None:
    """Nothing is said of a definition that uses every input of its kind."""
    assert problems(SCHEMA, definition) == []


@settings(deadline=None)
@given(VALID)
def test_every_valid_definition_passes(definition: dict[str, Any]) -> None:
    """Nothing is said of any definition that follows the rules."""
    assert problems(SCHEMA, definition) == []


@pytest.mark.parametrize(("definition", "where"), EVERY_PLACE, ids=_id)
def test_an_unknown_value_passes_wherever_it_stands(definition: dict[str, Any], where: Path) -> None:
    """A value that only the update knows isn't judged: a leaf, a list or a map."""
    inputs = changed(definition, where, UNKNOWN)
    assert problems(SCHEMA, inputs) == []
    assert has_unknown(inputs)


def test_known_values_beside_an_unknown_one_are_still_judged() -> None:
    """An unknown value hides no mistake next to it."""
    inputs = changed(BACKUP, ("target_instance",), {"id": UNKNOWN, "name": 7})
    assert _one(inputs).startswith("target_instance.name: must be a string")


@pytest.mark.parametrize("wrong", [True, 7, 7.5, ["a"], {"a": "b"}, []], ids=repr)
@pytest.mark.parametrize(("definition", "where"), ALL_TEXTS, ids=_id)
def test_a_text_of_another_type_is_refused(definition: dict[str, Any], where: Path, wrong: Any) -> None:
    """A value that isn't a text is refused where a text belongs, and an example is shown."""
    line = _one(changed(definition, where, wrong))
    assert line.startswith(f"{shown(where)}: must be a string; use a value such as ")


@pytest.mark.parametrize("wrong", [True, 7.0, "text", ""], ids=repr)
@pytest.mark.parametrize(
    ("definition", "where"),
    [
        (BACKUP, ("backup_files",)),
        (BACKUP, ("backup_files", "files")),
        (BACKUP, ("backup_files", "files", 0)),
        (BACKUP, ("target_instance",)),
        (BACKUP, ("triggers",)),
        (ONLINE, ("source_instance",)),
    ],
    ids=_id,
)
def test_a_map_or_list_of_another_type_is_refused(
    definition: dict[str, Any], where: Path, wrong: Any
) -> None:
    """A plain value where a map or a list belongs is refused, and the line says what to write."""
    line = _one(changed(definition, where, wrong))
    assert line.startswith(f"{shown(where)}: must be a ")
    assert "; use " in line


@pytest.mark.parametrize("wrong", [7, 0.0, ["secret"], {}, True], ids=repr)
def test_a_password_of_another_type_is_refused_without_an_example(wrong: Any) -> None:
    """A password must be a text; no example of a password is ever proposed."""
    line = _one(changed(BACKUP, ("target_instance", "password"), wrong))
    advice = "put it in quotes" if isinstance(wrong, (int, float)) else "use the password itself"
    assert line == f"target_instance.password: must be a string; {advice}"


CHOICES: list[tuple[dict[str, Any], Path, list[str]]] = [
    (BACKUP, ("migration_type",), ["backupfile_import", "online_migration"]),
    (BACKUP, ("migration_method",), ["full_amount_migration", "incremental_migration"]),
    (BACKUP, ("backup_files", "file_source"), ["self_build_obs", "backup_record"]),
    (ONLINE, ("network_type",), ["vpc", "vpn"]),
]


@pytest.mark.parametrize(
    ("wrong", "repeated"),
    [
        ("", '"" '),
        ("Other", '"Other" '),
        ("vpc\n", '"vpc\\n" '),
        (" Full-Amount MIGRATION", '" Full-Amount MIGRATION" '),
        ("hunter2", ""),
        ("xKcdTrouBador", ""),
        (7, "7 "),
        (True, "true "),
        ([], "a list "),
        ({"a": 1}, "a map "),
        (LONG, f'"{LONG[:40]}..." '),
        (f"redis://:{SENTINEL}@10.0.0.1", ""),
        ("\x1b[31mred", ""),
        ("\ud83d", ""),
    ],
    ids=lambda v: repr(v)[:9],
)
@pytest.mark.parametrize(("definition", "where", "values"), CHOICES, ids=_id)
def test_a_choice_lists_what_is_allowed(
    definition: dict[str, Any], where: Path, values: list[str], wrong: Any, repeated: str
) -> None:
    """Any value but the allowed ones is refused and repeated, if it is like a word; all of these are named."""
    line = _one(changed(definition, where, wrong))
    assert line.startswith(f"{shown(where)}: {repeated}isn't one of the allowed values; use ")
    assert all(f'"{value}"' in line for value in values)
    assert len(line) < 300


@pytest.mark.parametrize(
    ("where", "wrong", "meant"),
    [
        (("migration_type",), "backup_import", "backupfile_import"),
        (("migration_type",), "online", "online_migration"),
        (("migration_method",), "full_migration", "full_amount_migration"),
        (("backup_files", "file_source"), "self_build", "self_build_obs"),
    ],
)
def test_a_near_miss_of_a_choice_is_named(where: Path, wrong: str, meant: str) -> None:
    """A slip in an allowed value is answered with the value that was meant."""
    assert f'did you mean "{meant}"?' in _one(changed(BACKUP, where, wrong))


@pytest.mark.parametrize(
    ("definition", "where"),
    [
        (BACKUP, ("migration_type",)),
        (BACKUP, ("migration_method",)),
        (BACKUP, ("target_instance",)),
        (BACKUP, ("target_instance", "id")),
        (BACKUP, ("backup_files", "files", 0, "file_name")),
        (ONLINE, ("source_instance", "addrs")),
    ],
    ids=_id,
)
def test_a_missing_value_says_what_to_write(definition: dict[str, Any], where: Path) -> None:
    """A required value that is absent is named by its whole path, with what to write."""
    assert _one(changed(definition, where, None)).startswith(f"{shown(where)}: is required; use ")


@pytest.mark.parametrize(
    ("where", "wrong", "meant"),
    [
        (("target_instance", "ids"), "x", "id"),
        (("target_instance", "pasword"), "x", "password"),  # codespell:ignore pasword
        (("backup_files", "bucketName"), "x", "bucket_name"),
        (("backup_files", "files", 0, "filename"), "x", "file_name"),
        (("migrationType",), "x", "migration_type"),
        (("backup_file",), {}, "backup_files"),
        (("trigger",), [], "triggers"),
    ],
    ids=_id,
)
def test_an_unknown_key_names_the_nearest_known_one(where: Path, wrong: Any, meant: str) -> None:
    """A misspelt key is an error, at every level, and the answer is the key that was meant."""
    assert _one(changed(BACKUP, where, wrong)) == f"{shown(where)}: unknown key; did you mean {meant}?"


def test_a_key_like_no_other_lists_the_known_ones() -> None:
    """Where nothing is near, all keys of the place are listed."""
    line = _one(changed(BACKUP, ("target_instance", "zzz"), 1))
    assert line == "target_instance.zzz: unknown key; known keys: id, name, password"


def test_a_monstrous_key_is_shown_short_and_on_one_line() -> None:
    """A key of any length and any characters yields one readable line."""
    line = _one(changed(BACKUP, ("a\n\x1b[31m\u2028" + LONG,), 1))
    assert line.isprintable()
    assert len(line) < 400


def test_an_empty_list_of_files_is_not_to_be_left_out() -> None:
    """Left out, the files would be the next thing that is missing."""
    line = _one(changed(BACKUP, ("backup_files", "files"), []))
    assert line == 'backup_files.files: is empty; use a value such as [{"file_name": "orders.rdb"}]'


@pytest.mark.parametrize(("definition", "where"), ALL_TEXTS, ids=_id)
def test_an_empty_text_is_refused_once(definition: dict[str, Any], where: Path) -> None:
    """An empty text is one problem, and leaving it out is proposed only where that is allowed."""
    line = _one(changed(definition, where, ""))
    assert line.startswith(f"{shown(where)}: is empty; ")
    assert "use a value such as " in line
    assert ("leave it out" in line) is (where[-1] not in ("id", "addrs", "file_name"))


@pytest.fixture
def as_text(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any], str]], str]:
    """Make the text that a program makes of an Output; the SDK warns in the log, where there is one."""
    monkeypatch.delenv("PULUMI_ERROR_OUTPUT_STRING", raising=False)

    def make(formatted: Callable[[Any], str]) -> str:
        async def inside() -> str:
            return formatted(pulumi.Output.from_input("value"))

        # `asyncio.run` would leave the thread without a loop, which other tests need.
        return asyncio.new_event_loop().run_until_complete(inside())

    return make


@pytest.mark.parametrize(
    "formatted",
    [str, lambda output: f"{output}.rdb", lambda output: f"v{output!r}", lambda output: str([output])],
    ids=["str", "f-string", "repr", "in a list"],
)
@pytest.mark.parametrize(
    ("name", "definition", "where"),
    [
        *((SCHEMA, definition, where) for definition, where in ALL_TEXTS),
        *((SCHEMA, ONLINE, where) for where in PASSWORDS),
        (SCHEMA, BACKUP, ("migration_type",)),
        (SCHEMA, BACKUP, ("triggers", 0)),
        ("online_migration", ONLINE_MIGRATION, ("task_id",)),
        ("online_migration", ONLINE_MIGRATION, ("source_instance", "password")),
        ("migration_instance", INSTANCE, ("subnet_id",)),
        ("migration_completion", {"task_ids": ["t1"]}, ("task_ids", 0)),
    ],
    ids=_id,
)
def test_an_output_in_a_string_is_called_that(
    as_text: Callable[[Callable[[Any], str]], str],
    formatted: Callable[[Any], str],
    name: str,
    definition: dict[str, Any],
    where: Path,
) -> None:
    """An f-string over an Output holds the SDK's advice in the place of a value: one line says what happened."""
    assert problems(name, changed(definition, where, as_text(formatted))) == [
        f"{shown(where)}: contains an Output that was converted to a string; use pulumi.Output.concat(...), "
        "pulumi.Output.format(...) or .apply(...)"
    ]


def test_keys_that_look_alike_are_no_trouble() -> None:
    """Characters that cannot be shown make two keys look the same, one with a list and one with a map."""
    asset = pulumi.StringAsset("")
    assert problems(SCHEMA, {**BACKUP, "\x1e": [asset], "\x1f": {"task_name": asset}})


def test_an_output_in_a_key_is_called_that(as_text: Callable[[Callable[[Any], str]], str]) -> None:
    """A key of a map in `triggers` is a text, too."""
    found = problems(SCHEMA, {**BACKUP, "triggers": [{as_text(str): 1}]})
    assert len(found) == 1
    assert found[0].startswith("triggers[0].Calling __str__")
    assert "contains an Output that was converted to a string" in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "orders-Calling [toString] on an [Output<T>] is not supported.\n\nTo get the value",
        "Calling [toJSON] on an [Output<T>] is not supported.\n\nTo get the value",
        "orders-{0x21034fb44230}",
        "{OutputState:0x21034fb44230}",
        "orders-{%!s(*internal.OutputState=&{0x21034ff78480 <nil> 1 S3cret <nil> true true 0xf16c00 []})}",
    ],
    ids=["TypeScript", "JSON", "Go %v", "Go %+v", "Go %s"],
)
def test_an_output_of_another_language_in_a_string_is_called_that(text: str) -> None:
    """The texts are those that the SDKs make. An address changes every time, and would run an import again."""
    for definition, where in (
        ({**BACKUP, "triggers": [text]}, "triggers[0]"),
        ({**BACKUP, "description": text}, "description"),
    ):
        (line,) = problems(SCHEMA, definition)
        assert line.startswith(f"{where}: contains an Output that was converted to a string")
        assert "S3cret" not in line


def test_an_output_in_the_name_of_a_resource(as_text: Callable[[Callable[[Any], str]], str]) -> None:
    """Pulumi takes the SDK's advice as a name. Both front ends pass it on in the URN."""
    urn = f"urn:pulumi:dev::shop::dcs:index:MigrationTask::orders-{as_text(str)}"
    said = "the resource's name contains an Output that was converted to a string"
    configured: dict[str, Any] = {"huaweicloud:region": "eu-west-101"}
    known = Settings(configured.get, {})
    inputs = {**BACKUP, "__urn": urn}
    wait = {"task_ids": ["8aa6999e71cb638b0171f485f5266ef0"], "__urn": urn}
    checked = (check(SPEC, {}, inputs, known).problems, check_wait(wait, known)[1])
    for found in checked:
        assert [line.partition(";")[0] for line in found] == [said]
    assert "use pulumi.interpolate" in names.translated(checked[0][0])
    assert check(SPEC, inputs, inputs, known).problems == [], "to rename a task would run it again"


async def later() -> str:
    """Something that is to be awaited."""
    return "S3cret-pass"


def _of_a_task() -> str:
    loop = asyncio.new_event_loop()  # `asyncio.run` would leave the thread without one
    task = loop.create_task(later())
    text = str(task)
    loop.run_until_complete(task)
    loop.close()
    return text


def _of_a_coroutine() -> str:
    coroutine = later()
    coroutine.close()
    return f"{coroutine}"


OBJECTS: dict[str, Callable[[], str]] = {
    "a coroutine": _of_a_coroutine,
    "a task": _of_a_task,
    "a function": lambda: f"{_of_a_task}",
    "a method": lambda: f"v{'x'.upper}",
    "an object": lambda: f"backups-{object()}",
    "a lambda": lambda: str([lambda: None]),
}


@pytest.mark.parametrize("kind", list(OBJECTS))
@pytest.mark.parametrize(
    "where",
    [("target_instance", "password"), ("description",), ("triggers", 0), ("triggers", 0, "deep")],
    ids=_id,
)
def test_an_object_in_a_string_is_called_that(kind: str, where: Path) -> None:
    """Its address is another in each run: as a trigger it would run the migration again with every `up`."""
    definition = {**BACKUP, "triggers": [{"deep": "x"}]}
    assert problems(SCHEMA, changed(definition, where, OBJECTS[kind]())) == [
        f"{shown(where)}: contains a Python object that was converted to a string; use its value (for a "
        "function or a coroutine, its result)"
    ]


@pytest.mark.parametrize(
    "text", ["a < b at 0x1", "<b>bold</b>", "see <orders at 10>", "Task pending", "0x7f1b8046e590"]
)
def test_words_that_only_look_like_an_object_pass(text: str) -> None:
    """A description is free text, and a password anything."""
    for where in (("description",), ("target_instance", "password")):
        assert problems(SCHEMA, changed(BACKUP, where, text)) == []


def test_a_byte_order_mark_is_called_that() -> None:
    """The text of a file that Windows wrote starts with one, and no server takes it for part of a password."""
    for where in (("target_instance", "password"), ("backup_files", "bucket_name")):
        assert problems(SCHEMA, changed(BACKUP, where, "\ufeffS3cret-pass")) == [
            f'{shown(where)}: starts with a byte order mark; read the file with encoding="utf-8-sig"'
        ]


def test_an_empty_password_is_to_be_left_out() -> None:
    """An instance without a password has no password, not an empty one."""
    line = _one(changed(BACKUP, ("target_instance", "password"), ""))
    assert line == "target_instance.password: is empty; leave it out if there is none"


def test_an_empty_list_of_files_is_refused() -> None:
    """A list of files has at least one."""
    assert _one(changed(BACKUP, ("backup_files", "files"), [])).startswith("backup_files.files: is empty; ")


def test_more_files_than_one_task_takes_are_refused() -> None:
    """The number of files is bounded, and the line says by what."""
    files = [{"file_name": "a.rdb"}] * 1001
    line = _one(changed(BACKUP, ("backup_files", "files"), files))
    assert line == "backup_files.files: has 1001 items; the maximum is 1000"


@pytest.mark.parametrize("control", ["\n", "\r", "\x00", "\x1b", "\x7f"], ids=repr)
@pytest.mark.parametrize("place", ["before", "within", "behind"])
@pytest.mark.parametrize(
    ("definition", "where"), [*ALL_TEXTS, *((ONLINE, where) for where in PASSWORDS)], ids=_id
)
def test_control_characters_are_refused_wherever_they_stand(
    definition: dict[str, Any], where: Path, place: str, control: str
) -> None:
    """No text takes a control character, not even at its end; a description takes line breaks."""
    text = {"before": f"{control}ab", "within": f"a{control}b", "behind": f"ab{control}"}[place]
    found = problems(SCHEMA, changed(definition, where, text))
    if where == ("description",) and control == "\n":
        assert found == []
    elif place == "behind" and control in "\r\n":
        assert found == [f"{shown(where)}: ends in a line break; remove it, for example with .strip()"]
    else:
        assert found == [f"{shown(where)}: contains control characters; remove them"]


@pytest.mark.parametrize(
    ("definition", "where", "wrong"),
    [
        (BACKUP, ("target_instance", "id"), "a b"),
        (BACKUP, ("target_instance", "id"), "../other"),
        (BACKUP, ("target_instance", "id"), "x" * 65),
        (BACKUP, ("target_instance", "id"), "ä"),
        (BACKUP, ("region",), "EU-West"),
        (BACKUP, ("region",), "-eu"),
        (BACKUP, ("region",), "eu.evil.example/"),
        (BACKUP, ("project_id",), "a/b"),
        (BACKUP, ("project_id",), "x" * 65),
        (ONLINE, ("source_instance", "addrs"), "10.0.0.1"),
        (ONLINE, ("source_instance", "addrs"), "redis://10.0.0.1:6379"),
        (ONLINE, ("source_instance", "addrs"), "user:pw@10.0.0.1:6379"),
        (ONLINE, ("source_instance", "addrs"), "10.0.0.1:6379,"),
        (ONLINE, ("source_instance", "addrs"), "10.0.0.1:6379;10.0.0.2:6379"),
        (ONLINE, ("source_instance", "addrs"), "10.0.0.1:port"),
        (ONLINE, ("source_instance", "addrs"), "::1:6379"),
    ],
    ids=_id,
)
def test_a_text_in_the_wrong_form_gets_an_example(
    definition: dict[str, Any], where: Path, wrong: str
) -> None:
    """A text that cannot be right is refused with one that could be."""
    line = _one(changed(definition, where, wrong))
    assert line.startswith(f"{shown(where)}: has the wrong format; use a value such as ")
    assert wrong not in line


@pytest.mark.parametrize(
    "addrs", ["redis.example:6379", "10.0.0.1:1,10.0.0.2:2", "[2001:db8::1]:6379", "my_host-1.a:06379"]
)
def test_addresses_may_be_names_and_several(addrs: str) -> None:
    """Host names, IPv4, bracketed IPv6 and lists of them are addresses."""
    assert problems(SCHEMA, changed(ONLINE, ("source_instance", "addrs"), addrs)) == []


@pytest.mark.parametrize("where", [*TEXTS, ("target_instance", "password")], ids=_id)
def test_a_text_of_ten_megabytes_is_judged_at_once(where: Path) -> None:
    """The size of a value costs no time worth speaking of and does not get into the message."""
    started = time.process_time()
    found = problems(SCHEMA, changed(BACKUP, where, LONG))
    assert time.process_time() - started < 5
    assert found
    assert all(line.startswith(f"{shown(where)}: ") and len(line) < 200 for line in found)


def test_ten_megabytes_of_addresses_are_judged_at_once() -> None:
    """Nothing in the pattern of addresses makes it slow on a long text that almost fits."""
    started = time.process_time()
    found = problems(SCHEMA, changed(ONLINE, ("source_instance", "addrs"), "10.0.0.1:6379," * 700_000))
    assert time.process_time() - started < 5
    assert all(len(line) < 200 for line in found)


def test_all_problems_come_at_once_in_the_order_of_their_paths() -> None:
    """One check shows every mistake, the tenth file after the ninth."""
    inputs: dict[str, Any] = {
        "migration_type": "import",
        "zone": 1,
        "backup_files": {"files": [{} for _ in range(11)], "bucket": "b"},
        "target_instance": {"id": 7, "password": ""},
        "region": "",
    }
    assert [line.split(":")[0] for line in problems(SCHEMA, inputs)] == [
        "migration_method",
        "zone",
        "backup_files.bucket",
        *(f"backup_files.files[{index}].file_name" for index in range(11)),
        "migration_type",
        "region",
        "target_instance.id",
        "target_instance.password",
    ]


@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"k": v}, lambda v: v + "\n"])
@pytest.mark.parametrize(("definition", "where"), TYPED, ids=_id)
def test_no_message_shows_a_value(definition: dict[str, Any], where: Path, wrap: Any) -> None:
    """For any problem with a value, the value itself is never repeated: it may hold a password."""
    inputs = changed(definition, where, wrap(f"redis://:{SENTINEL}@10.0.0.1"))
    assert all(SENTINEL not in line for line in problems(SCHEMA, inputs))


@pytest.mark.parametrize(
    "wrong",
    [pulumi.FileAsset("orders.rdb"), pulumi.StringAsset("x"), float("nan"), float("inf"), b"x", object()],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: [{"k": [v]}]], ids=["at the top", "nested"])
def test_a_trigger_must_be_plain_data(wrong: Any, wrap: Any) -> None:
    """A value that never equals itself would run the import at every `up`, so it is refused."""
    line = _one(changed(BACKUP, ("triggers",), wrap(wrong)))
    assert line.startswith("triggers[0]")
    assert ": isn't plain data; use strings, numbers, lists or maps" in line


def test_an_asset_in_a_typed_place_is_one_problem() -> None:
    """Where the schema already refuses a value, nothing more is said of it."""
    assert _one(changed(BACKUP, ("task_name",), pulumi.FileAsset("x"))).startswith("task_name: must be")


def test_the_order_of_keys_does_not_change_the_findings() -> None:
    """The same mistakes give the same lines, however the program orders its keys."""
    inputs = {"b": 1, "a": 2, "target_instance": {"y": 1, "x": 2}}
    turned = {"target_instance": {"x": 2, "y": 1}, "a": 2, "b": 1}
    assert problems(SCHEMA, inputs) == problems(SCHEMA, turned)


_KEYS = st.sampled_from([*schema(SCHEMA)["properties"], "files", "id", "password", "addrs"]) | st.text()
_JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["backupfile_import", "self_build_obs", "10.0.0.1:1"])
    | st.just(UNKNOWN)
    | st.builds(pulumi.StringAsset, st.text()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(_KEYS, _JUNK, max_size=8))
def test_junk_never_raises_and_every_line_can_be_read(inputs: dict[str, Any]) -> None:
    """Any tree of values is answered by lines of one form: a path, what is wrong, what to write."""
    for line in problems(SCHEMA, inputs):
        where, colon, advice = line.rpartition(": ")  # a key may hold one, too
        assert where.strip()
        assert colon
        assert advice
        assert line.splitlines() == [line]


def test_a_list_and_a_map_under_keys_that_look_alike_can_be_sorted() -> None:
    """Control characters are shown as one and the same, and behind them an index meets a key."""
    asset = pulumi.StringAsset("")
    lines = problems(SCHEMA, {"\x1f": [asset], "\x1e": {"task_name": asset}})
    assert sum("isn't plain data" in line for line in lines) == 2


@settings(deadline=None)
@given(_JUNK)
def test_unknown_values_are_found_at_any_depth(value: Any) -> None:
    """A tree has an unknown value exactly if one of its leaves is one."""
    leaves = [value]
    while any(isinstance(leaf, (dict, list)) for leaf in leaves):
        leaves = [
            inner
            for leaf in leaves
            for inner in (
                leaf.values() if isinstance(leaf, dict) else leaf if isinstance(leaf, list) else [leaf]
            )
        ]
    assert has_unknown(value) is any(is_unknown(leaf) for leaf in leaves)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([], ""),
        (["region"], "region"),
        (["backup_files", "files", 0, "file_name"], "backup_files.files[0].file_name"),
        (["triggers", 2, 1], "triggers[2][1]"),
    ],
)
def test_a_path_is_worded_as_users_write_it(parts: list[str | int], text: str) -> None:
    """Keys follow a dot, indexes are in brackets."""
    assert path(parts) == text
