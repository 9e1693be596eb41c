"""What each process loads: the program stays light, and so does a plugin that only previews."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.host.conftest import StartPlugin, created, definition
from tests.host.foreign import Inspector
from tests.host.harness import ROOT, by_reference

HEAVY = {"requests", "urllib3", "jsonschema", "werkzeug"}
PROGRAM = """
import sys, traceback, threading
import pulumi, pulumi.dynamic
before = (sys.excepthook, threading.excepthook, traceback.format_exc, getattr(sys, "tracebacklimit", None))
loaded = set(sys.modules)
import dcs_migration
after = (sys.excepthook, threading.excepthook, traceback.format_exc, getattr(sys, "tracebacklimit", None))
assert before == after, "something process-wide was changed"
print(*sorted(set(sys.modules) - loaded))
"""


def imported_by_the_program(cwd: Path) -> set[str]:
    """Return what ``import dcs_migration`` loads beyond Pulumi itself."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT)},
    )
    return set(done.stdout.split())


def test_the_program_loads_no_http_schema_or_server_library(tmp_path: Path) -> None:
    """Importing the package costs a program nothing, and changes nothing process-wide."""
    loaded = imported_by_the_program(tmp_path)
    assert "dcs_migration.resources.migration_task" in loaded
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()


def test_the_program_loads_nothing_of_the_plugin_side(tmp_path: Path) -> None:
    """Besides the resources, only the thin provider classes are loaded, which the state refers to."""
    ours = {name for name in imported_by_the_program(tmp_path) if name.startswith("dcs_migration.")}
    assert {name.split(".")[1] for name in ours} == {"resources", "providers", "names", "durations"}


def _modules(plugin: Any) -> set[str]:
    return set(plugin.create({}, by_reference(Inspector())).outputs["modules"])


def test_a_preview_loads_no_http_library(start: StartPlugin) -> None:
    """Check and diff make no call, so that a preview doesn't need to wait for the import of what could make one."""
    plugin = start()
    inputs = plugin.check(definition()).inputs
    plugin.diff("1" * 32, {**inputs, "status": "SUCCESS"}, inputs)
    assert {"requests", "urllib3", "werkzeug"} & _modules(plugin) == set()


def test_a_refresh_and_a_destroy_load_no_schema_library(start: StartPlugin) -> None:
    """They check nothing, so that they doesn't need to wait for the import of what checks."""
    inputs, state = created(start(), definition())
    plugin = start()
    refreshed = plugin.read(state.id, state.outputs)
    plugin.diff(state.id, refreshed.outputs, inputs)
    plugin.delete(state.id, refreshed.outputs)
    assert {"jsonschema", "referencing", "werkzeug"} & _modules(plugin) == set()
