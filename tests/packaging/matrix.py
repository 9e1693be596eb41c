"""Tries the lowest and the newest versions that requirements.txt allows, installed by pip from an index.

    python -m tests.packaging.matrix [PYTHON ...]

For each interpreter (default: the one that runs this) and both ends of the ranges: the wheel is installed in
an empty environment, a real stack lives from it, and the tests of the plugin process and of the program run.
Needs the network; takes about two minutes for each interpreter and end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from packaging.requirements import Requirement

from tests.packaging.building import ROOT, Environment, build_sdist, build_wheel, run
from tests.packaging.smoke import live_from

TIERS = ("tests/host", "tests/program")
TOOLS = ("hypothesis", "psutil", "pytest>=9,<10", "pytest-timeout")


def lowest() -> list[str]:
    """Return the lower ends of the ranges, as pins."""
    asked = [Requirement(line) for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines()]
    return [f"{item.name}=={end.version}" for item in asked for end in item.specifier if end.operator == ">="]


def main(interpreters: list[str]) -> int:
    """Try all, and say what each came to; returns the exit code."""
    ends: dict[str, list[str]] = {"lowest": lowest(), "newest": []}
    failed = False
    with tempfile.TemporaryDirectory(prefix="dcs-matrix-") as folder:
        source = build_sdist(Path(folder)).parent / "source"  # a copy, which no one edits meanwhile
        wheel = build_wheel(source, Path(folder))
        for number, interpreter in enumerate(interpreters):
            for end, pins in ends.items():
                began = time.monotonic()
                said = attempt(Path(folder) / f"{end}{number}", interpreter, wheel, source, pins)
                failed = failed or not said.startswith("passed")
                print(f"{interpreter}, {end}: {said} ({time.monotonic() - began:.0f} s)", flush=True)  # noqa: T201
    return int(failed)


def attempt(root: Path, interpreter: str, wheel: Path, source: Path, pins: list[str]) -> str:
    """Return ``passed`` with the versions, or what failed."""
    environment = Environment(root / "env")
    try:
        run(interpreter, "-m", "venv", str(environment.root))
        environment.pip("install", "--quiet", str(wheel), *pins)
        live_from(environment, root / "stack")
        environment.pip("install", "--quiet", f"{wheel}[emulator]", *pins, *TOOLS)
        versions = [line for line in environment.pip("freeze").splitlines() if line.startswith(_NAMES)]
        _test(environment, source)
    except AssertionError as error:
        return f"FAILED\n{error}"
    return f"passed with {', '.join(versions)}"


def _test(environment: Environment, source: Path) -> None:
    path = os.pathsep.join([str(environment.bin), str(Path(sys.executable).parent), os.environ["PATH"]])
    command = [str(environment.python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *TIERS]
    done = subprocess.run(
        command,
        cwd=source,
        env={**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]


_NAMES = ("grpcio==", "jsonschema==", "protobuf==", "pulumi==", "requests==")

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or [sys.executable]))
