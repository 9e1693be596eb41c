"""Builds the package in a copy of the checkout, and installs it where nothing else of the checkout is."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns("venv", "build", "dist", "*.egg-info", ".*", "__pycache__")
SDIST = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
EDITABLE = "import sys; from setuptools import build_meta; build_meta.build_editable(sys.argv[1])"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def build_sdist(folder: Path) -> Path:
    """Make the source distribution."""
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=LEFT_OUT)
    run(sys.executable, "-c", SDIST, str(folder), cwd=source)
    (archive,) = folder.glob("*.tar.gz")
    return archive


def build_wheel(source: Path, folder: Path) -> Path:
    """Make the wheel of a folder or of a source distribution, with the build tools that are installed."""
    run(
        *PIP, "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--wheel-dir", str(folder), str(source)
    )
    (archive,) = folder.glob("*.whl")
    return archive


def build_editable(source: Path, folder: Path) -> Path:
    """Make the wheel that an editable install of a folder puts in place."""
    copy = folder / "source"
    shutil.copytree(source, copy, ignore=LEFT_OUT)
    run(sys.executable, "-c", EDITABLE, str(folder), cwd=copy)
    (archive,) = folder.glob("*.whl")
    return archive


def contents(archive: Path) -> dict[str, bytes]:
    """Return the files of a wheel or of a source distribution, without the latter's top folder."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(archive) as sdist:
        opened = {member.name: sdist.extractfile(member) for member in sdist.getmembers()}
        return {name.partition("/")[2]: file.read() for name, file in opened.items() if file is not None}


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    root: Path

    @property
    def bin(self) -> Path:
        """Where its programs lie."""
        return self.root / "bin"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.bin / "python"

    def pip(self, *args: str) -> str:
        """Run pip on it."""
        return run(*PIP, "--python", str(self.python), *args)

    def run(self, program: str) -> str:
        """Run a Python program in it, apart from the folder and the settings that the tests are started in."""
        return run(str(self.python), "-I", "-c", program, cwd=self.root).strip()


def install(wheel: Path, root: Path) -> Environment:
    """Install a wheel and what it asks for, and nothing else.

    What it asks for is linked from the environment of the tests, so that no network is needed; pip then
    judges whether that is all, and in the versions that the wheel accepts.
    """
    venv.create(root, with_pip=True, symlinks=True)  # the Pulumi CLI asks pip what is there
    environment = Environment(root)
    (packages,) = root.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        asked = _MetadataOf(archive.read(metadata).decode()).requires or []
    for found in _closure(asked):
        _link(found, packages)
    environment.pip("install", "--quiet", "--no-index", str(wheel))
    environment.pip("check")
    return environment


class _MetadataOf(Distribution):
    """A distribution with only its metadata available."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read_text(self, filename: str) -> str | None:
        return self._text if filename == "METADATA" else None

    def locate_file(self, path: object) -> Path:
        raise FileNotFoundError(path)


def _closure(asked: list[str]) -> Iterator[Distribution]:
    """Yield the installed distributions that these requirements lead to."""
    seen: set[str] = set()
    waiting = [Requirement(text) for text in asked]
    while waiting:
        item = waiting.pop()
        if item.marker is not None and not any(
            item.marker.evaluate({"extra": extra}) for extra in ("", *item.extras)
        ):
            continue
        if item.name.lower() in seen:
            continue
        seen.add(item.name.lower())
        found = distribution(item.name)
        yield found
        waiting += [Requirement(text) for text in found.requires or []]


def _link(found: Distribution, packages: Path) -> None:
    for file in found.files or []:
        if ".." not in file.parts:  # a script next to the packages: nothing here runs it
            link = packages / file
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(Path(str(found.locate_file(file))).resolve())


def run(*command: str, cwd: Path | None = None) -> str:
    """Run a command; fails with what it printed."""
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return done.stdout
