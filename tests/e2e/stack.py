"""A stack of its own for a test: the real CLI, the real plugin, a file backend or another, and mostly an emulator."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcs_emulator import Emulator
from tests.e2e.stores import FileStore, Store, everything_in

if TYPE_CHECKING:
    from typing_extensions import Self

TYPE = "pulumi-python:dynamic/dcs:MigrationTask"
TYPES = (TYPE, "dcs:index:MigrationTask")  # of either front end
FRONT_END = "TESTED_FRONT_END"  # `native` in this variable lets programs declare native resources
PROJECT = "e2e"
REGION = "emulator-1"
TIMEOUT = 120  # seconds for one command

PREAMBLE = """
import pulumi
from dcs_migration import MigrationCompletion, MigrationTask, provider_process

BACKUP = dict(
    migration_type="backupfile_import",
    migration_method="full_amount_migration",
    backup_files={"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]},
)
ONLINE = dict(
    migration_type="online_migration",
    migration_method="full_amount_migration",
    source_instance={"addrs": "192.168.1.135:6379"},
)

def target(number=0, **more):
    return {"id": f"4cd5dbb8-aacd-4603-b817-{number:012d}", **more}
"""


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit code."""

    code: int
    text: str

    @property
    def lines(self) -> list[str]:
        """The lines, without what moves (times, progress rows)."""
        return self.text.splitlines()

    def count(self, kind: str) -> int:
        """A number of the summary: ``count("replaced")`` of ``+-6 replaced``."""
        found = re.findall(rf"^\s+[-+~=<>]*\s?(\d+) {kind}", self.text, re.MULTILINE)
        return int(found[-1]) if found else 0


class CliStack:
    """One project directory with one stack, which meets the service that its settings name."""

    def __init__(
        self,
        root: Path,
        settings: Mapping[str, str],
        name: str = "dev",
        timeout: float = TIMEOUT,
        *,
        exists: bool = False,
        store: Store | None = None,
    ) -> None:
        """Make the directory and the stack, unless it ``exists``; programs are written by :meth:`program`.

        ``settings`` are all that the package sees of the environment; ``timeout`` bounds one command; ``store``
        keeps the state, in place of a folder of its own.
        """
        self.root = root
        self.name = name
        self.work = root / "project"
        self.work.mkdir(parents=True, exist_ok=True)
        self.store = store or FileStore(root / "backend")
        (self.work / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        if os.environ.get(FRONT_END) == "native":
            self._go_native()
        self._timeout = timeout
        self.environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": self.store.url,
            "PULUMI_CONFIG_PASSPHRASE": "e2e",
            "PULUMI_HOME": str(root / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_SKIP_CONFIRMATIONS": "true",
            **self.store.environ,
            **settings,
        }
        if not exists:
            self.run("stack", "init", name)

    def _go_native(self) -> None:
        """Let `dcs_migration` of the program stand for native resources."""
        path = Path(sys.executable).parent
        with (self.work / "Pulumi.yaml").open("a") as file:
            file.write(f"plugins: {{providers: [{{name: dcs, path: {path}}}]}}\n")
        (self.work / "dcs_migration").mkdir(exist_ok=True)
        shutil.copy(Path(__file__).parents[1] / "native_sdk.py", self.work / "dcs_migration" / "__init__.py")

    def program(self, text: str) -> Self:
        """Write the program: the preamble above, then this."""
        (self.work / "__main__.py").write_text(PREAMBLE + textwrap.dedent(text))
        return self

    def module(self, name: str, text: str) -> Self:
        """Write a module next to the program."""
        (self.work / f"{name}.py").write_text(textwrap.dedent(text))
        return self

    def run(self, *args: str, ok: bool | None = True, **environ: str | None) -> Result:
        """Run a pulumi command; assert that it succeeds (or fails, with ``ok=False``)."""
        merged = {**self.environ, **environ}
        done = subprocess.run(
            ["pulumi", *args, "--color", "never", "--non-interactive"],
            cwd=self.work,
            env={key: value for key, value in merged.items() if value is not None},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=self._timeout,
            check=False,
        )
        if ok is not None:
            assert (done.returncode == 0) is ok, done.stdout
        assert "Traceback" not in done.stdout, done.stdout
        return Result(done.returncode, done.stdout)

    def up(self, *args: str, ok: bool | None = True, **environ: str | None) -> Result:
        """``pulumi up --yes --skip-preview``."""
        return self.run("up", "--yes", "--skip-preview", *args, ok=ok, **environ)

    def preview(self, *args: str, ok: bool | None = True, **environ: str | None) -> Result:
        """``pulumi preview``."""
        return self.run("preview", *args, ok=ok, **environ)

    def refresh(self, *args: str, ok: bool | None = True, **environ: str | None) -> Result:
        """``pulumi refresh --yes --skip-preview``."""
        return self.run("refresh", "--yes", "--skip-preview", *args, ok=ok, **environ)

    def destroy(self, *args: str, ok: bool | None = True, **environ: str | None) -> Result:
        """``pulumi destroy --yes --skip-preview``."""
        return self.run("destroy", "--yes", "--skip-preview", *args, ok=ok, **environ)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets shown."""
        text = self.run("stack", "output", "--json", "--show-secrets").text
        outputs: dict[str, Any] = json.loads(text)
        return outputs

    def resources(self) -> dict[str, dict[str, Any]]:
        """The migration tasks in state, by resource name."""
        text = self.run("stack", "export").text
        found = json.loads(text)["deployment"].get("resources", [])
        return {entry["urn"].split("::")[-1]: entry for entry in found if entry["type"] in TYPES}

    def ids(self) -> dict[str, str]:
        """The ids of the migration tasks in state, by resource name."""
        return {name: entry["id"] for name, entry in self.resources().items()}

    def everything_written(self) -> bytes:
        """Every byte under the test's directory and in the store: state, history, back-ups, plugin files."""
        files = [path for path in self.root.rglob("*") if path.is_file() and path.suffix != ".py"]
        return b"\n".join([*(path.read_bytes() for path in files), everything_in(self.store)])


class Stack(CliStack):
    """A stack that meets an emulator."""

    def __init__(
        self,
        root: Path,
        emulator: Emulator,
        name: str = "dev",
        *,
        exists: bool = False,
        store: Store | None = None,
    ) -> None:
        """Make it; every call that it makes is in the emulator's journal."""
        self.emulator = emulator
        super().__init__(root, settings_of(emulator), name, exists=exists, store=store)

    def require_no_changes(self) -> None:
        """The rule of the best providers: after every ``up`` a preview shows no change, and costs no call."""
        before = len(self.emulator.requests())
        self.preview("--expect-no-changes")
        assert len(self.emulator.requests()) == before


def settings_of(emulator: Emulator) -> dict[str, str]:
    """The environment in which an emulator is the service."""
    return {
        "HW_DCS_ENDPOINT": emulator.url,
        "HW_ACCESS_KEY": emulator.access_key,
        "HW_SECRET_KEY": emulator.secret_key,
        "HW_REGION_NAME": REGION,
    }


_FOREIGN = ("PULUMI_", "HW_", "HUAWEICLOUD_", "DCS_MIGRATION_")


def operations(emulator: Emulator) -> list[str]:
    """The operations in the journal, in order."""
    return [entry["operation"] for entry in emulator.requests()]


def calls(emulator: Emulator) -> Counter[str]:
    """How often each operation was called."""
    return Counter(operations(emulator))


def order_of(emulator: Emulator, operation: str, id_: str) -> int:
    """Where in the journal an operation was made on a task."""
    for index, entry in enumerate(emulator.requests()):
        if entry["operation"] == operation and id_ in entry["task_ids"]:
            return index
    raise AssertionError(f"no {operation} of {id_} in {operations(emulator)}")


def live(emulator: Emulator) -> dict[str, str]:
    """The ids of the tasks that the service has, with their names."""
    return {task["id"]: task["name"] for task in emulator.tasks()}


def processes_of(stack: Stack) -> dict[int, list[bytes]]:
    """The processes that work for a stack: the CLI, its language host, its plugins; by id, with their commands."""
    home = f"PULUMI_HOME={stack.environ['PULUMI_HOME']}".encode()
    found = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_bytes().split(b"\0")
                environ = (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if home in environ:
                found[int(process.name)] = command
    return found


def plugins_of(stack: Stack) -> list[int]:
    """The process ids of the plugins that work for a stack."""
    return [
        id_
        for id_, command in processes_of(stack).items()
        if b"pulumi.dynamic" in command or any(part.endswith(b"pulumi-resource-dcs") for part in command)
    ]


def end_all(stack: Stack) -> None:
    """End every process of a stack: a killed CLI leaves its plugins and its language host behind."""
    for id_ in processes_of(stack):
        try:
            os.kill(id_, signal.SIGKILL)
        except ProcessLookupError:
            continue


def require_cli() -> None:
    """The tier is never skipped: without a CLI it fails, and says what to do."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    assert shutil.which("pulumi", path=path), "no pulumi on PATH: run `make setup`"
