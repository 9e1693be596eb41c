"""The README is right: its programs run, its commands exist, and it leads to every setting."""

from __future__ import annotations

import re
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime.stack import run_pulumi_func
from pulumi.runtime.sync_await import _sync_await

from dcs_migration.credentials.sources import SOURCES
from dcs_migration.life_cycles import config
from tests.program.test_program import Answers

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_its_programs_run() -> None:
    """The python blocks, one after the other, are a program that registers what they say."""
    pulumi.runtime.set_mocks(Answers(), project="shop", stack="dev")
    settings = {"shop:instanceId": "instance-1", "shop:redisPassword": "secret"}
    pulumi.runtime.set_all_config(settings, ["shop:redisPassword"])
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) >= 2
    names: dict[str, object] = {}

    def program() -> None:
        for block in blocks:
            exec(block, names)

    _sync_await(run_pulumi_func(program))
    assert {"task", "done"} <= names.keys()


def test_its_commands_are_make_targets() -> None:
    """Every `make` command of the page is a target."""
    commands = set(re.findall(r"\bmake ([a-z]+)", README))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {"demo", "test"} <= commands <= targets


@pytest.mark.parametrize(
    "name",
    [
        *(f"huaweicloud:{key}" for key in config.WHERE),
        *(name for names in config.WHERE.values() for name in names),
        *(
            name
            for source in SOURCES
            if source.security_token and not source.from_config
            for name in source.required
        ),
        config.DCS_ENDPOINT,
        config.ACCEPT_ENDPOINT,
    ],
)
def test_every_setting_is_told(name: str) -> None:
    """Each stack setting and each variable that is read stands on the page."""
    shortened = name.replace("HUAWEICLOUD_SDK_SK", "`_SK`")
    assert name in README or shortened in README


def test_its_wheel_is_the_one_that_is_built() -> None:
    """The name of the wheel has the version that the package has."""
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version is not None
    assert re.findall(r"pulumi_dcs_migration-(\S+)-py3-none-any\.whl", README) == [version[1]]


def test_it_is_short() -> None:
    """It stays a page that is read: what takes more space has a page of its own."""
    assert len(README.splitlines()) <= 215


def test_its_two_commands_come_first() -> None:
    """A reader sees what to run, and whether it ever ran for real."""
    first = README.partition("## ")[0]
    assert (
        first.index("make demo")
        < first.index("make test")
        < first.index("ever ran against the real service: no")
    )
