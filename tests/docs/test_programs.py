"""The Python blocks of every page type-check and run."""

from __future__ import annotations

import importlib
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.stack import run_pulumi_func
from pulumi.runtime.sync_await import _sync_await

from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.migration_task.inputs import SPEC
from dcs_migration.life_cycles.tasks.spec import check
from tests.docs.pages import ROOT, Page, own_pages
from tests.program.test_program import Answers

SETTINGS = {
    "project:instanceId": "4cd5dbb8-aacd-4603-b817-3e97d48c7a20",
    "project:redisPassword": "secret",
    "project:singaporeAccessKey": "AK",
    "project:singaporeSecretKey": "SK",
    "huaweicloud:region": "eu-west-101",
}
RELAXED = ("--disable-error-code=no-redef", "--disable-error-code=untyped-decorator")
WITH_PROGRAMS = [page for page in own_pages() if page.programs()]
WITH_SUITES = [page for page in own_pages() if any(block.name.startswith("test_") for block in page.files())]


def test_they_type_check(tmp_path: Path) -> None:
    """The inputs in every program and file are what the types of the package allow."""
    for page in own_pages():
        stem = page.path.stem.replace("-", "_").lower()
        for number, program in enumerate(page.programs()):
            (tmp_path / f"{stem}_{number}.py").write_text(program, "utf-8")
        for block in page.files():
            (tmp_path / f"{stem}_{block.name.replace('/', '_')}").write_text(block.text, "utf-8")
    written = sorted(map(str, tmp_path.glob("*.py")))
    assert len(written) > 12
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *RELAXED, *written],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", WITH_PROGRAMS, ids=lambda page: page.name)
def test_they_run(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every program of a page registers its resources, under Pulumi's mocks."""
    monkeypatch.chdir(tmp_path)
    for block in page.blocks("yaml"):
        if block.name:
            (tmp_path / block.name).write_text(block.text, "utf-8")
    for number, program in enumerate(page.programs()):
        seen = registered(program)
        assert any("dcs:" in kind for kind in seen) or "MigrationTask.get" in program, (number, seen)


def registered(program: str) -> dict[str, dict[str, Any]]:
    """Run a program under mocks; return the inputs of what it registers, by type and name."""
    seen: dict[str, dict[str, Any]] = {}

    class Recording(Answers):
        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
            seen[f"{args.typ}::{args.name}"] = args.inputs
            return super().new_resource(args)

    pulumi.runtime.set_mocks(Recording(), project="project", stack="dev")
    pulumi.runtime.set_all_config(SETTINGS, ["project:redisPassword", "project:singaporeSecretKey"])
    try:
        _sync_await(
            run_pulumi_func(lambda: exec(compile(program, "block", "exec"), {"__name__": "__main__"}))
        )
    finally:
        pulumi.runtime.set_all_config({})
    return seen


def test_the_mistake_is_said_as_the_page_says() -> None:
    """The message that the page about pull requests shows is the one that its mistake gives."""
    page = Page(ROOT / "docs" / "guides" / "pull-requests.md")
    (program,) = page.programs()
    inputs = registered(program)["pulumi-python:dynamic/dcs:MigrationTask::typo"]
    checked = check(SPEC, {}, inputs, Settings({"huaweicloud:region": "eu-west-101"}.get, {}))
    assert checked.problems == [page.block("message").text.strip()]


@pytest.mark.parametrize("page", WITH_SUITES, ids=lambda page: page.name)
def test_suites_pass(page: Page, tmp_path: Path) -> None:
    """The test suites that a page shows pass as they stand, the one with the real CLI included."""
    for block in page.files():
        (tmp_path / block.name).write_text(block.text, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(tmp_path / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{page.text.count('def test_')} passed" in done.stdout


def test_the_policies_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rule of the policy pack lets a good task pass and reports the bad one that it is about."""
    sdk = importlib.import_module("pulumi_policy")
    packs: list[dict[str, Any]] = []
    monkeypatch.setattr(sdk, "PolicyPack", lambda **pack: packs.append(pack))
    file = tmp_path / "__main__.py"
    file.write_text(
        Page(ROOT / "docs" / "guides" / "policy-packs.md").block("policy/__main__.py").text, "utf-8"
    )
    runpy.run_path(str(file))
    ((known_buckets, not_online, with_a_region),) = [pack["policies"] for pack in packs]
    good = {
        "migration_type": "backupfile_import",
        "backup_files": {"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]},
        "region": "eu-west-101",
    }
    kind = "pulumi-python:dynamic/dcs:MigrationTask"

    def reports(policy: Any, kind: str, props: dict[str, Any]) -> list[str]:
        said: list[str] = []
        args = sdk.ResourceValidationArgs(kind, props, "urn", "orders", None, None)
        policy.validate(args, lambda message, urn=None: said.append(message))
        return said

    for policy, bad in (
        (known_buckets, {**good, "backup_files": {"bucket_name": "elsewhere"}}),
        (not_online, {**good, "migration_type": "online_migration"}),
        (with_a_region, {key: value for key, value in good.items() if key != "region"}),
    ):
        assert reports(policy, kind, good) == []
        assert len(reports(policy, kind, bad)) == 1
        assert reports(policy, "aws:s3:Bucket", bad) == []
