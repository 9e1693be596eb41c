"""Third-party programs, which are linked into an environment's ``bin`` or built there from pinned Go modules."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

TOOLS = Path(__file__).resolve().parent

SDK = "github.com/pulumi/pulumi/sdk/v3"
VERSION_VARIABLE = f"{SDK}/go/common/version.Version"

BUILD_SETTINGS = {"CGO_ENABLED": "0", "GOWORK": "off"}
BUILD_FLAGS = ("-mod=readonly", "-buildvcs=false", "-trimpath", "-tags=osusergo,grpcnotrace")

NO_CLI = "install the Pulumi CLI (https://www.pulumi.com/docs/install/), or Go 1.26 or newer to build it"


class InstallError(Exception):
    """A program couldn't be installed; the message is one line that says what to do."""


@dataclass(frozen=True)
class GoProgram:
    """A program, its package, and the module that determines its version."""

    name: str
    folder: str
    """Folder under ``tools/`` with the Go module that pins it."""
    package: str
    released_as: str


@dataclass(frozen=True)
class Programs:
    """Programs that are only useful together."""

    title: str
    built: tuple[GoProgram, ...]
    takes: str
    """A text with the duration of their build."""
    scripts: Mapping[str, str] = field(default_factory=dict)
    """Scripts in the SDK that the last of ``built`` pins, with their folders."""

    @property
    def names(self) -> tuple[str, ...]:
        """All their names. The main one is last, so that an interrupted installation doesn't have it."""
        return (*self.scripts, *(program.name for program in self.built))

    @property
    def main(self) -> str:
        """The name of the program that needs the others."""
        return self.built[-1].name

    @property
    def pins(self) -> tuple[Path, ...]:
        """The files that define the build: programs that are older than one of them are outdated."""
        folders = [TOOLS / program.folder for program in self.built]
        return (*(folder / name for folder in folders for name in ("go.mod", "go.sum")), Path(__file__))


def find(programs: Programs, path: str, excluded: Path) -> Path | None:
    """Return the main program of a PATH that has all of them, without searching one folder."""
    folders = [folder for folder in path.split(os.pathsep) if folder and not same_folder(folder, excluded)]
    found = {name: shutil.which(name, path=os.pathsep.join(folders)) for name in programs.names}
    main = found[programs.main]
    return Path(main) if main and all(found.values()) else None


def same_folder(one: str, other: Path) -> bool:
    """Return whether two paths name one folder."""
    return os.path.realpath(one) == os.path.realpath(other)


def is_current(programs: Programs, bin_dir: Path) -> bool:
    """Return whether all programs are in ``bin_dir``, and newer than the modules that pin them."""
    installed = [bin_dir / name for name in programs.names]
    if not all(program.exists() for program in installed):
        return False
    return min(p.stat().st_mtime for p in installed) > max(p.stat().st_mtime for p in programs.pins)


def remove(programs: Programs, bin_dir: Path) -> None:
    """Remove them from ``bin_dir``. It is first on the PATH in the README, and must not hide the user's programs."""
    for name in programs.names:
        (bin_dir / name).unlink(missing_ok=True)


def link_all(programs: Programs, source: Path, bin_dir: Path) -> None:
    """Link the programs of an installation into ``bin_dir``; raises FileNotFoundError if one is missing."""
    missing = [name for name in programs.names if not (source / name).exists()]
    if missing:
        raise FileNotFoundError(f"{source} has no {', '.join(missing)}")
    with tempfile.TemporaryDirectory(dir=bin_dir.parent, prefix=".cli-") as staging:
        for name in programs.names:
            Path(staging, name).symlink_to(source / name)
        move_all(programs, Path(staging), bin_dir)


def build_all(programs: Programs, bin_dir: Path) -> None:
    """Build the programs from the pinned Go modules into ``bin_dir``.

    Raises:
        InstallError: there is no Go, or a build failed.
    """
    if shutil.which("go") is None:
        raise InstallError(f"no {programs.title} and no Go found; {NO_CLI}")
    print(
        f"Building the {programs.title} from Go modules: {programs.takes} the first time, seconds after that.",
        flush=True,
    )
    # Build in a separate folder, then move: an interrupted build must not look like an installed program.
    with tempfile.TemporaryDirectory(dir=bin_dir.parent, prefix=".cli-") as staging:
        clock = Stopwatch()
        for program in programs.built:
            clock.say(f"building {program.name}")
            module = TOOLS / program.folder
            version = go(module, "list", "-m", "-f", "{{.Version}}", program.released_as, clock=clock)
            build(
                *(module, program.package, Path(staging, program.name)),
                flags=f"-s -w -X {VERSION_VARIABLE}={version}",
                clock=clock,
            )
        if programs.scripts:
            sdk = go(module, "list", "-m", "-f", "{{.Dir}}", SDK, clock=clock)
            for name, folder in programs.scripts.items():
                shutil.copyfile(Path(sdk, folder, name), Path(staging, name))
                Path(staging, name).chmod(0o755)
        move_all(programs, Path(staging), bin_dir)
        clock.say("built")


class Stopwatch:
    """Prints lines with the seconds since its creation."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def say(self, line: str) -> None:
        """Print a line immediately."""
        print(f"  [{time.monotonic() - self._started:4.0f} s] {line}", flush=True)


def build(module: Path, package: str, program: Path, *, clock: Stopwatch, flags: str = "-s -w") -> None:
    """Build a package of a module into a file; raises `InstallError`."""
    go(module, "build", *BUILD_FLAGS, "-ldflags", flags, "-o", str(program), package, clock=clock)


def go(module: Path, *arguments: str, clock: Stopwatch) -> str:
    """Run the Go command in a module, print a progress line every 30 seconds, and return the output.

    Raises:
        InstallError: it failed; its last lines are printed first.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            ["go", *arguments],
            cwd=module,
            env={**os.environ, **BUILD_SETTINGS},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        try:
            while (code := wait(process, 30)) is None:
                clock.say("still running")
        except BaseException:
            process.terminate()
            process.wait()
            raise
        output.seek(0)
        errors.seek(0)
        if code:
            print("".join(errors.readlines()[-15:]), file=sys.stderr)
            raise InstallError(f"`go {arguments[0]}` in {module} failed (see its output above); {NO_CLI}")
        return output.read().strip()


def wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Return the exit code of a process, or None if it is still running after this many seconds."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def move_all(programs: Programs, source: Path, bin_dir: Path) -> None:
    """Move the programs into ``bin_dir``, each in one step."""
    for name in programs.names:
        os.replace(source / name, bin_dir / name)


def last_line(error: Exception) -> str:
    """Return the last line of an installation's output."""
    said = getattr(error, "stdout", None) or str(error) or type(error).__name__
    lines = (said.decode(errors="replace") if isinstance(said, bytes) else str(said)).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
