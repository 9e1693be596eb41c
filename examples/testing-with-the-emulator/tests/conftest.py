"""The stack of a test: the real CLI and the real provider; only the cloud is an emulator."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pulumi import automation as auto

from dcs_emulator import Emulator

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def stack(tmp_path: Path, dcs_emulator: Emulator) -> auto.Stack:
    """A new stack of this project; its state and its cloud are gone after the test."""
    work = tmp_path / "project"
    shutil.copytree(PROJECT, work, ignore=shutil.ignore_patterns("venv", "tests", "Pulumi.*.yaml"))
    backend = tmp_path / "state"
    backend.mkdir()
    settings = auto.LocalWorkspaceOptions(
        env_vars={
            "PULUMI_BACKEND_URL": backend.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "HW_DCS_ENDPOINT": dcs_emulator.url,
            "HW_ACCESS_KEY": dcs_emulator.access_key,
            "HW_SECRET_KEY": dcs_emulator.secret_key,
        }
    )
    return auto.create_stack("test", work_dir=str(work), opts=settings)
