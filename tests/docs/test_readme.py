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
        *(f"huaweicloud:{key}" for key in config.LOCATION_SETTINGS),
        *(name for names in config.LOCATION_SETTINGS.values() for name in names),
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
def test_every_setting_is_one_link_away(name: str) -> None:
    """Each stack setting and each variable that is read is on the page that the README names for them."""
    assert "(docs/reference.md#settings)" in README
    assert f"`{name}`" in (ROOT / "docs" / "reference.md").read_text("utf-8").partition("\n## Settings\n")[2]


def test_its_wheel_is_the_one_that_is_built() -> None:
    """The name of the wheel has the version that the package has."""
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version is not None
    assert re.findall(r"pulumi_dcs_migration-(\S+)-py3-none-any\.whl", README) == [version[1]]


def test_it_is_short() -> None:
    """A reader decides in a minute: longer parts have a page of their own."""
    assert len(README.splitlines()) <= 120


def test_it_is_in_the_order_of_a_readers_questions() -> None:
    """Is it tried for real, what does a program look like, what does it do, how do I try it, what does it promise?"""
    parts = ("has never run against the real service", "```python", "## What happens", "make demo")
    places = [
        README.index(part) for part in (*parts, "make test", "## What it promises", "## Install", "## Limits")
    ]
    assert places == sorted(places)
    assert places[0] < README.index("## ")
