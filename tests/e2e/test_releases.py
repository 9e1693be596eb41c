"""The state files of every release: this code must take them over without touching a task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from tests.e2e.stack import Stack, live, operations

STATES = Path(__file__).parent / "states"
ENDPOINT = "127.0.0.1:8788"  # as the kept states have it; each test has a port of its own

# The program that made the states; it must continue to mean the same.
PROGRAM = """
    import_ = MigrationTask("import", **BACKUP, target_instance=target(0, password="kept-password"),
                            description="kept", triggers=["monday", 1], task_name="kept-name")
    online = MigrationTask("online", **ONLINE | {"source_instance": {"addrs": "10.0.0.1:6379", "password": "kept-too"}},
                           network_type="vpc", target_instance=target(1))
    done = MigrationCompletion("done", tasks=[import_, online], timeout="5m", interval="1s")
    pulumi.export("statuses", done.statuses)
"""


def releases() -> list[str]:
    """The releases whose states are kept."""
    return sorted(path.stem for path in STATES.glob("*.json") if not path.stem.endswith(".emulator"))


@pytest.fixture
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Stack, Emulator]]:
    """A stack as a release left it, and the service with its tasks."""
    name = request.param
    tasks = tmp_path / "emulator.json"
    tasks.write_bytes((STATES / f"{name}.emulator.json").read_bytes())
    with Emulator(progression="manual", state=tasks) as emulator:
        stack = Stack(tmp_path / "stack", emulator)
        state = (STATES / f"{name}.json").read_text().replace(ENDPOINT, f"127.0.0.1:{emulator.port}")
        kept = tmp_path / "kept.json"
        kept.write_text(state)
        stack.run("stack", "import", "--file", str(kept))
        yield stack.program(PROGRAM), emulator


@pytest.mark.parametrize("release", releases(), indirect=True)
def test_a_kept_state_is_previewed_refreshed_and_destroyed(release: tuple[Stack, Emulator]) -> None:
    """No task changes, no call in the preview and the first up; a refresh that agrees; and a destroy that leaves
    nothing."""
    stack, emulator = release
    before = live(emulator)
    emulator.clear_requests()
    upgrade = stack.preview()
    # Since 0.1.0 a program has a default provider of its own, whose id is the owner of new tasks.
    assert (upgrade.count("to create"), upgrade.count("unchanged")) == (1, 5)
    stack.up()
    assert emulator.requests() == []
    stack.require_no_changes()
    stack.refresh()
    stack.require_no_changes()
    assert live(emulator) == before
    assert set(before) == set(stack.ids().values())
    assert "CreateMigrationTask" not in operations(emulator)
    stack.destroy()
    assert live(emulator) == {}


@pytest.mark.parametrize("release", releases(), indirect=True)
def test_a_kept_wait_tells_by_name(release: tuple[Stack, Emulator]) -> None:
    """Outputs that a release did not know are right over its state: at once, without a change or a call."""
    stack, emulator = release
    stack.program(PROGRAM + "    pulumi.export('new', [done.statuses_by_name, done.status])\n")
    assert stack.preview().count("to update") == 0
    assert stack.up().count("updated") == 0
    statuses = stack.outputs()["statuses"]
    by_name, status = stack.outputs()["new"]
    assert by_name == {name: statuses[id_] for name, id_ in stack.ids().items()}
    assert status == "SUCCESS"
    assert operations(emulator) == []


def test_the_present_release_is_kept() -> None:
    """The version in the metadata has its state here."""
    assert version("pulumi-dcs-migration") in releases()
    for name in releases():
        assert json.loads((STATES / f"{name}.json").read_text())["deployment"]["resources"]
