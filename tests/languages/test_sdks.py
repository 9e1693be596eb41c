"""The SDKs: written once, and not from a schema with a mistake in it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.languages.conftest import NewProgram
from tools.programs import TOOLS, InstallError
from tools.sdks import SCHEMA, SDKS, digest_of, make


def test_a_second_run_does_nothing() -> None:
    """`make languages` has written them from the present schema and generators."""
    assert not make(SCHEMA, SDKS)


def test_a_changed_schema_is_noticed(tmp_path: Path) -> None:
    """What the SDKs are made from is the schema's text."""
    changed = tmp_path / "schema.json"
    changed.write_bytes(SCHEMA.read_bytes() + b"\n")
    assert digest_of(changed) != digest_of(SCHEMA)


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (
            "#/types/dcs:index:Nothing",
            "MigrationTask/inputProperties/backupFiles/$ref: type dcs:index:Nothing not found",
        ),
        (
            "/other/v1.0.0/schema.json#/types/other:index:Thing",
            "the schema refers to another package, other",
        ),
    ],
)
def test_a_wrong_reference_is_told_and_nothing_is_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], reference: str, said: str
) -> None:
    """The generator says where the schema refers to nothing, or to another package."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    schema["resources"]["dcs:index:MigrationTask"]["inputProperties"]["backupFiles"] = {"$ref": reference}
    wrong = tmp_path / "schema.json"
    wrong.write_text(json.dumps(schema), "utf-8")
    with pytest.raises(InstallError, match=r"^native-sdk failed \(see its output above\)$"):
        make(wrong, tmp_path / "sdks")
    told = capfd.readouterr().err
    assert said in told
    assert "goroutine" not in told
    assert list(tmp_path.iterdir()) == [wrong]


def test_the_generators_are_those_of_the_pinned_cli() -> None:
    """Both modules pin one version of Pulumi's packages."""
    pins = {
        re.findall(
            r"github\.com/pulumi/pulumi/pkg/v3 (v\S+)", (TOOLS / folder / "go.mod").read_text("utf-8")
        )[0]
        for folder in ("native-sdk", "pulumi-cli")
    }
    assert len(pins) == 1


def test_a_program_has_pulumis_package_once(program: NewProgram) -> None:
    """Registered in one copy of it, a transform is unknown to another, and a program with both breaks."""
    made = program("typescript")
    made.begin()
    packages = sorted(made.work.rglob("node_modules/@pulumi/pulumi/package.json"))
    assert packages == [made.work / "node_modules" / "@pulumi" / "pulumi" / "package.json"]
    assert not (made.work / "node_modules" / "pulumi-dcs").is_symlink()
    made.rewrite(
        "// Whatever needs",
        "class Shop extends pulumi.ComponentResource {}\n"
        'new dcs.MigrationTask("more", {\n'
        '    migrationType: "backupfile_import", migrationMethod: "full_amount_migration",\n'
        '    backupFiles: { backupId: "b-1" }, targetInstance: { id: "other" },\n'
        '}, { parent: new Shop("my:shop:Shop", "shop", {}, { transforms: [\n'
        '    ({ props, opts }) => ({ props: { ...props, description: "tagged" }, opts }),\n'
        "] }) });\n// Whatever needs",
    )
    assert "tagged" in made.preview("--diff").text
