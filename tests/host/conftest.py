"""Fixtures of the host tier: an emulator, a stand-in engine and the plugin between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from dcs_emulator import Emulator
from tests.host.harness import Plugin, Props, StandInEngine, State

PROJECT = "0123456789abcdef0123456789abcdef"
REGION = "eu-west-101"
INSTANCE = "4cd5dbb8-aacd-4603-b817-3e97d48c7a20"
SOURCE_PASSWORD = 'so+urce "p@ss/word" Ω'
TARGET_PASSWORD = "target&pass=word%41"
SECRET_KEY = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"


def urn_of(name: str) -> str:
    """Return the URN of a task of the test program."""
    return f"urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:MigrationTask::{name}"


def definition(name: str = "orders", **changes: Any) -> Props:
    """Return the inputs of a backup import, as the resource class sends them."""
    props: Props = {
        "migration_type": "backupfile_import",
        "migration_method": "full_amount_migration",
        "backup_files": {"bucket_name": "backups", "files": [{"file_name": f"{name}.rdb"}]},
        # One target takes one task at a time.
        "target_instance": {
            "id": INSTANCE if name == "orders" else f"instance-of-{name}",
            "password": TARGET_PASSWORD,
        },
        **dict.fromkeys(("name", "status", "created_at", "updated_at", "released_at", "error")),
        "__urn": urn_of(name),
        "__owner": "an owner",
        "__dry_run": False,
        "__delete_timeout": None,
    }
    props.update(changes)
    return props


def online(name: str = "orders", **changes: Any) -> Props:
    """Return the inputs of an online migration."""
    source = {"addrs": "192.168.1.135:6379", "password": SOURCE_PASSWORD}
    kind = {"migration_type": "online_migration", "backup_files": None, "source_instance": source}
    return definition(name, **{**kind, "network_type": "vpc", **changes})


def environment(cloud: Emulator, **changes: str | None) -> dict[str, str]:
    """Return the settings of someone whose keys the emulator knows; None takes one away."""
    values: Mapping[str, str | None] = {
        "HW_REGION_NAME": REGION,
        "HW_PROJECT_ID": PROJECT,
        "HW_ACCESS_KEY": cloud.access_key,
        "HW_SECRET_KEY": cloud.secret_key,
        "HW_DCS_ENDPOINT": cloud.url,
        **changes,
    }
    return {name: value for name, value in values.items() if value is not None}


def operations(cloud: Emulator) -> list[str]:
    """Return the operations that the emulator has seen, in order."""
    return [str(entry["operation"]) for entry in cloud.requests()]


def created(plugin: Plugin, props: Props) -> tuple[Props, State]:
    """Check and create as Pulumi does; returns the checked inputs and the state."""
    checked = plugin.check(props)
    assert checked.failures == []
    return checked.inputs, plugin.create(checked.inputs)


class StartPlugin(Protocol):
    """Starts a plugin that is ended with the test."""

    def __call__(
        self, environ: Mapping[str, str] | None = None, config: Mapping[str, str] | None = None
    ) -> Plugin:
        """Start one; without ``environ`` it has the emulator's own settings."""


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """An emulator whose tasks run until the test says otherwise."""
    with Emulator(progression="manual", stop_seconds=0, access_key="AK", secret_key=SECRET_KEY) as emulator:
        yield emulator


@pytest.fixture
def engine() -> Iterator[StandInEngine]:
    """A stand-in for Pulumi."""
    stand_in = StandInEngine()
    yield stand_in
    stand_in.stop()


@pytest.fixture
def start(cloud: Emulator, engine: StandInEngine, tmp_path: Path) -> Iterator[StartPlugin]:
    """What starts plugins with other settings."""
    plugins: list[Plugin] = []

    def start_plugin(
        environ: Mapping[str, str] | None = None, config: Mapping[str, str] | None = None
    ) -> Plugin:
        plugin = Plugin(engine, environment(cloud) if environ is None else environ, tmp_path, config)
        plugins.append(plugin)
        return plugin

    yield start_plugin
    for plugin in plugins:
        plugin.close()


@pytest.fixture
def plugin(start: StartPlugin) -> Plugin:
    """A plugin that talks to the emulator."""
    return start()


@pytest.fixture(scope="session")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """A plugin shared by tests of check and diff: it has a region, and neither credentials nor a network."""
    stand_in = StandInEngine()
    environ = {"HW_REGION_NAME": REGION, "HW_DCS_ENDPOINT": "http://127.0.0.1:1"}
    with Plugin(stand_in, environ, tmp_path_factory.mktemp("offline")) as plugin:
        yield plugin
    stand_in.stop()
