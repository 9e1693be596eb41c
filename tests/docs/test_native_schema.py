"""The schema of the native provider is what the code says, and holds together."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

import dcs_migration
from dcs_migration.life_cycles import inputs
from tests.docs.pages import ROOT, Page
from tools import native_schema, reference
from tools.native_schema import token
from tools.native_words import camel

SCHEMA: dict[str, Any] = json.loads(native_schema.FILE.read_text("utf-8"))
EXAMPLES = sorted(native_schema.EXAMPLES.glob("*.md"))
WITH_SCHEMA = {
    inputs.schema(file.stem)["title"]: inputs.schema(file.stem)
    for file in reference.SCHEMAS.glob("*.json")
    if not file.stem.endswith("_get")
}


def entries(part: Any, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield the path, the key and the value of everything in a part of the schema."""
    children = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in children:
        yield path, str(key), value
        yield from entries(value, f"{path}/{key}")


def test_it_is_up_to_date() -> None:
    """`python tools/native_schema.py` would write nothing new."""
    # A process of its own: see test_reference.py.
    subprocess.run([sys.executable, "tools/native_schema.py", "--check"], cwd=ROOT, check=True)


def test_an_old_file_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--check` fails, and says what to do, where the file is another or is missing."""
    monkeypatch.setattr(native_schema, "FILE", tmp_path / "schema.json")
    for text in (None, "{}"):
        if text is not None:
            native_schema.FILE.write_text(text)
        assert native_schema.main(["--check"]) == 1
        assert "run `python tools/native_schema.py`" in capsys.readouterr().err


def test_every_type_is_there_and_used() -> None:
    """What is referred to exists, and nothing else does."""
    named = {value for _, key, value in entries(SCHEMA) if key == "$ref"}
    assert named - {"pulumi.json#/Any"} == {f"#/types/{name}" for name in SCHEMA["types"]}


@pytest.mark.parametrize("name", WITH_SCHEMA)
def test_a_resource_takes_what_its_json_schema_takes(name: str) -> None:
    """The inputs are those of the check, all of them outputs too; a resource of the dynamic provider becomes one
    of these."""
    resource = SCHEMA["resources"][token(name)]
    written = {camel(key) for key in WITH_SCHEMA[name]["properties"]}
    assert resource["inputProperties"].keys() == written
    assert written <= resource["properties"].keys()
    # A migration that is taken over says its `taskId` by `existingTaskId`.
    assert set(resource["requiredInputs"]) == {camel(key) for key in WITH_SCHEMA[name]["required"]} - (
        {"taskId"} if name == "OnlineMigration" else set()
    )
    assert resource["aliases"] == [{"type": f"pulumi-python:dynamic/dcs:{name}"}]


def test_the_component_takes_what_its_parts_take() -> None:
    """Except for what joins them, which it fills in."""
    component = SCHEMA["resources"][token("OnlineMigrationTask")]
    parts = [SCHEMA["resources"][token(name)] for name in ("MigrationInstance", "OnlineMigration")]
    joined = parts[0]["inputProperties"].keys() | parts[1]["inputProperties"].keys()
    assert component["isComponent"]
    assert component["inputProperties"].keys() == joined - {"taskId", "jobId"}
    assert component["properties"].keys() == {"taskId", "status", "state"}


def test_no_password_alone_replaces() -> None:
    """A password is a secret everywhere, and Pulumi never replaces for what the provider would update."""
    passwords = [value for path, key, value in entries(SCHEMA["types"]) if key == "password"]
    assert len(passwords) == 3
    assert all(each["secret"] and "willReplaceOnChanges" not in each for each in passwords)
    assert all(key != "replaceOnChanges" for _, key, _ in entries(SCHEMA))
    task = SCHEMA["resources"][token("MigrationTask")]["inputProperties"]
    assert "willReplaceOnChanges" not in task["targetInstance"]
    assert SCHEMA["types"][token("TargetInstance")]["properties"]["id"]["willReplaceOnChanges"]
    assert task["projectId"]["willReplaceOnChanges"]


def test_no_program_reads_the_environment() -> None:
    """An SDK would write what it reads into the state, secrets too: the plugin reads them itself."""
    assert all(key != "defaultInfo" for _, key, _ in entries(SCHEMA))
    for described in (SCHEMA["config"]["variables"], SCHEMA["provider"]["inputProperties"]):
        assert {key for key in described if described[key].get("secret")} == {"secretKey", "securityToken"}


def test_words_are_for_every_language() -> None:
    """Every property has words, which name properties as the schema does and say nothing that only Python has."""
    python_names = {name for name in native_schema.KNOWN if "_" in name}
    for path, key, value in entries(SCHEMA):
        if re.search(r"/(properties|inputProperties|variables)$", path):
            assert value.get("description"), (path, key)
        if key == "description" and isinstance(value, str):
            told = value.partition("{{% examples %}}")[0]
            spans = re.findall(r"`([\w.]+)`", told)
            assert not python_names & {part for span in spans for part in span.split(".")}, (path, told)
            assert not re.search(r"\b(None|True|False|opts|huaweicloud:)\b", told), (path, told)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_guide_shows_the_examples(file: Path) -> None:
    """The guide to the languages has the same programs as the schema."""
    guide = (ROOT / "docs" / "guides" / "languages.md").read_text("utf-8")
    assert all(block.text in guide for block in Page(file).blocks())


def test_the_resources_of_the_package_are_all_there() -> None:
    """A new resource of the dynamic provider is one of the native provider, too."""
    public = (getattr(dcs_migration, name) for name in dcs_migration.__all__)
    kinds = {each for each in public if isinstance(each, type) and issubclass(each, pulumi.Resource)}
    assert {token(each.__name__) for each in kinds - {dcs_migration.Provider}} == SCHEMA["resources"].keys()


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_is_one_program_in_four_languages(file: Path) -> None:
    """Each writes known properties alone, and all that are required; the Python one is Python."""
    page = Page(file)
    assert [block.language for block in page.blocks()] == ["typescript", "python", "go", "yaml"]
    assert page.text.strip() in SCHEMA["resources"][token(file.stem)]["description"]
    compile(page.blocks("python")[0].text, file.name, "exec")
    for resource in yaml.safe_load(page.blocks("yaml")[0].text)["resources"].values():
        described = SCHEMA["resources"][token(resource["type"].removeprefix("dcs:"))]
        assert set(described["requiredInputs"]) <= resource["properties"].keys()
        assert resource["properties"].keys() <= described["inputProperties"].keys()
        for block in page.blocks("typescript", "go", "python"):
            kind = resource["type"].removeprefix("dcs:")
            assert re.search(rf"\bdcs\.(New)?{kind}\(", block.text), (block.language, kind)
