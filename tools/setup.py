"""Make ``venv/``: the package in editable mode, the development tools and a Pulumi CLI.

A second run does nothing, unless what it depends on changed, or the environment was moved or broken.
Run with any Python that can make virtual environments: ``python3 tools/setup.py``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The sources of an environment: a change of any of them sets it up again.
SOURCES = (
    "pyproject.toml",
    "requirements.txt",
    "tools/pulumi-*/go.mod",
    "tools/pulumi-*/go.sum",
    "tools/install_cli.py",
    "tools/install_languages.py",
    "tools/programs.py",
    "tools/setup.py",
)

# Found on PATH, if not in the environment: the tests run programs in Python and in YAML.
PROGRAMS = ("pulumi", "pulumi-language-yaml")

# Run by the environment's Python, independent of the current folder.
IMPORTABLE = (
    "import importlib.util as u, sys; "
    "sys.exit(not all(map(u.find_spec, ('pulumi', 'dcs_emulator', 'dcs_migration'))))"
)


class SetupError(Exception):
    """The setup can't continue; the message is one line that says what to do, or empty if that was printed."""


@dataclass(frozen=True)
class Environment:
    """The virtual environment of one checkout."""

    root: Path

    @property
    def folder(self) -> Path:
        """Its folder."""
        return self.root / "venv"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """Two lines: its identity, and (once complete) the digest of its sources."""
        return self.folder / ".setup"

    def identity(self) -> str:
        """Return its identity. A change makes it unusable, because scripts in it contain its folder."""
        return f"{self.folder} python{sys.version_info[0]}.{sys.version_info[1]}"

    def digest(self) -> str:
        """Return the digest of its sources."""
        files = sorted(file for pattern in SOURCES for file in self.root.glob(pattern))
        sums = [
            f"{file.relative_to(self.root)} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files
        ]
        return hashlib.sha256("\n".join(sums).encode()).hexdigest()

    def is_ours(self) -> bool:
        """Return whether it was created here with this Python version, and its interpreter still runs."""
        return self._stamped(0) == self.identity() and self._runs("")

    def is_complete(self) -> bool:
        """Return whether nothing is left to do."""
        path = f"{self.python.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return (
            self._stamped(0) == self.identity()
            and self._stamped(1) == self.digest()
            and all(shutil.which(name, path=path) for name in PROGRAMS)
            and self._runs(IMPORTABLE)
        )

    def _stamped(self, line: int) -> str | None:
        """Return a line of the stamp, or None without one."""
        try:
            return self.stamp.read_text().splitlines()[line]
        except (OSError, IndexError):
            return None

    def _runs(self, program: str) -> bool:
        """Return whether its interpreter runs a program and succeeds."""
        try:
            return subprocess.run([self.python, "-I", "-c", program], capture_output=True).returncode == 0
        except OSError:
            return False


def main() -> int:
    """Set up this checkout; return the exit code."""
    environment = Environment(ROOT)
    if environment.is_complete():
        print("venv/ is up to date.", flush=True)
        return 0
    started = time.monotonic()
    try:
        set_up(environment)
    except SetupError as error:
        if str(error):
            print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted; run it again to go on", file=sys.stderr)
        return 130
    print(f"Set up in {time.monotonic() - started:.0f} s. For a shell: PATH=$PWD/venv/bin:$PATH", flush=True)
    return 0


def set_up(environment: Environment) -> None:
    """Make or fix the environment.

    Raises:
        SetupError: something is missing on this machine, or a step failed.
    """
    missing = [module for module in ("venv", "ensurepip") if importlib.util.find_spec(module) is None]
    if missing:
        raise SetupError(
            f"this Python has no {' and no '.join(missing)}: install python3-venv "
            f"(or python{sys.version_info[0]}.{sys.version_info[1]}-venv)"
        )
    print("Setting up venv/: under a minute with warm caches, up to 10 minutes the first time.", flush=True)
    if not environment.is_ours():
        shutil.rmtree(environment.folder, ignore_errors=True)
        run("making the virtual environment", [sys.executable, "-m", "venv", "venv"], environment.root)
    # Compute the digest before the work, so that the next run notices a file that changes meanwhile.
    digest = environment.digest()
    environment.stamp.write_text(f"{environment.identity()}\n")
    python = str(environment.python)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run("installing the package and the development tools", [*pip, "--editable", ".[dev]"], environment.root)
    print("- looking for a Pulumi CLI ...", flush=True)
    if subprocess.run([python, "-m", "tools.install_cli"], cwd=environment.root).returncode:
        raise SetupError  # it has printed the reason
    environment.stamp.write_text(f"{environment.identity()}\n{digest}\n")


def run(what: str, command: list[str], folder: Path) -> None:
    """Announce a step and run it in a folder.

    Raises:
        SetupError: it failed; its output is above.
    """
    print(f"- {what} ...", flush=True)
    if subprocess.run(command, cwd=folder).returncode:
        raise SetupError(f"{what} failed (see above)")


if __name__ == "__main__":
    sys.exit(main())
