"""Temporary stacks for measurements: the real CLI, a file backend, an emulator."""

from __future__ import annotations

import os
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dcs_emulator import Emulator
from tools.bench import plugins

REGION, PROJECT = "emulator-1", "0123456789abcdef0123456789abcdef"
FOREIGN = ("HW_", "HUAWEICLOUD_", "PULUMI_", "DCS_MIGRATION_", "PYTHON")
LIMIT = 300  # seconds for one command
PRINTING = ("--color", "never", "--non-interactive")
UP = ("up", "--yes", "--skip-preview")
REFRESH = ("refresh", "--yes", "--skip-preview")
DESTROY = ("destroy", "--yes", "--skip-preview")


class BenchError(Exception):
    """A measurement failed; the message is the output."""


@dataclass(frozen=True)
class Timing:
    """The duration of a command in seconds: wall-clock time, and processor time of all its processes."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Stack:
    """A project in its own folder."""

    work: Path
    environ: dict[str, str]

    def write(self, program: str, **modules: str) -> None:
        """Write the program, and modules next to it."""
        for name, text in {"__main__": program, **modules}.items():
            (self.work / f"{name}.py").write_text(text)

    def state(self) -> int:
        """Return the size of the state in bytes."""
        done = subprocess.run(
            ["pulumi", "stack", "export"], cwd=self.work, env=self.environ, capture_output=True, check=True
        )
        return len(done.stdout)

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start a pulumi command in its own process group, like a shell."""
        return subprocess.Popen(
            ["pulumi", *args, *PRINTING],
            cwd=self.work,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *args: str) -> Timing:
        """Run a pulumi command; return its duration.

        Raises:
            BenchError: it failed, or took too long.
        """
        began, used = time.monotonic(), _cpu_of_children()
        try:
            done = subprocess.run(
                ["pulumi", *args, *PRINTING],
                cwd=self.work,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=LIMIT,
            )
        except subprocess.TimeoutExpired:
            raise BenchError(f"pulumi {' '.join(args)}: not finished within {LIMIT} s") from None
        timing = Timing(time.monotonic() - began, _cpu_of_children() - used)
        if done.returncode:
            raise BenchError(f"pulumi {' '.join(args)}:\n{done.stdout}")
        return timing


@contextmanager
def stack_over(emulator: Emulator, package: str | None = None) -> Iterator[Stack]:
    """Create a stack that uses an emulator, with the plugin of a native package."""
    with tempfile.TemporaryDirectory(prefix="dcs-bench-") as folder:
        root = Path(folder)
        work, backend = root / "project", root / "backend"
        work.mkdir()
        backend.mkdir()
        native = plugins.project(package, root) if package else ""
        (work / "Pulumi.yaml").write_text(f"name: bench\nruntime: python\n{native}")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        environ = {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}",
            "PULUMI_BACKEND_URL": backend.as_uri(),
            "PULUMI_HOME": str(root / "home"),
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(8),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            **settings(emulator),
        }
        stack = Stack(work, environ)
        stack.run("stack", "init", "dev")
        yield stack


def settings(emulator: Emulator) -> dict[str, str]:
    """Return the environment variables for an emulator."""
    return {
        "HW_DCS_ENDPOINT": emulator.url,
        "HW_ACCESS_KEY": emulator.access_key,
        "HW_SECRET_KEY": emulator.secret_key,
        "HW_REGION_NAME": REGION,
        "HW_PROJECT_ID": PROJECT,
    }


def _cpu_of_children() -> float:
    """Return the processor seconds of all ended child processes: the CLI and its plugins."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
