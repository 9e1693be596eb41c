"""Make sure that ``pulumi`` can be run beside this virtual environment, by the first way that works.

1. The CLI on PATH, if its Python host is there too: nothing is installed.
2. What an earlier run put into the environment's ``bin``, if it is newer than the pinned Go modules.
3. The official installer (into ``~/.pulumi/versions``), linked into ``bin``. It needs the internet.
4. A build from the Go modules pinned under ``tools/``: only a module proxy, or a warm cache, is needed.

Run with the environment's own Python: ``venv/bin/python tools/install_cli.py``.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

TOOLS = Path(__file__).resolve().parent

# ``pulumi`` is last, so that an interrupted installation leaves none.
PROGRAMS = (
    "pulumi-language-python",
    "pulumi-language-python-exec",
    "pulumi-resource-pulumi-python",
    "pulumi",
)

SDK = "github.com/pulumi/pulumi/sdk/v3"
VERSION_VARIABLE = f"{SDK}/go/common/version.Version"

BUILD_SETTINGS = {"CGO_ENABLED": "0", "GOWORK": "off"}
BUILD_FLAGS = ("-mod=readonly", "-buildvcs=false", "-trimpath", "-tags=osusergo,grpcnotrace")

NO_CLI = "install the Pulumi CLI (https://www.pulumi.com/docs/install/), or Go 1.26 or newer to build it"


@dataclass(frozen=True)
class GoProgram:
    """A program, its package, and the module that its version is taken from."""

    name: str
    folder: str
    """Folder under ``tools/`` with the Go module that pins it."""
    package: str
    released_as: str


# The language host has a module of its own, because it needs an older SDK than the CLI does.
GO_PROGRAMS = (
    GoProgram(
        "pulumi-language-python",
        folder="pulumi-language-python",
        package=f"{SDK}/python/cmd/pulumi-language-python",
        released_as=SDK,
    ),
    GoProgram(
        "pulumi",
        folder="pulumi-cli",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        released_as="github.com/pulumi/pulumi/pkg/v3",
    ),
)

# Scripts in the SDK that the CLI's module pins, and their folders there.
SCRIPTS = {
    "pulumi-language-python-exec": "python/cmd",
    "pulumi-resource-pulumi-python": "python/dist",
}


class InstallError(Exception):
    """No way to a CLI worked; the message is one line that says what to do."""


def main() -> int:
    """Install the CLI where needed and say which one it is; return the exit code."""
    bin_dir = Path(sys.prefix, "bin")
    try:
        pulumi = ensure_cli(bin_dir)
    except InstallError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted", file=sys.stderr)
        return 130
    print(f"Pulumi CLI: {cli_version(pulumi)} ({pulumi})", flush=True)
    return 0


def ensure_cli(bin_dir: Path) -> Path:
    """Return the path of a ``pulumi`` that works, installed into ``bin_dir`` unless PATH has one.

    Raises:
        InstallError: neither PATH, the official installer nor a Go toolchain gave one.
    """
    outside = find_cli(os.environ.get("PATH", ""), bin_dir)
    if outside is not None and cli_version(outside):
        # ``bin_dir`` comes first on the PATH that the README shows: do not hide the user's CLI.
        for name in PROGRAMS:
            (bin_dir / name).unlink(missing_ok=True)
        return outside
    pulumi = bin_dir / "pulumi"
    if is_current(bin_dir) and cli_version(pulumi):
        return pulumi
    print("No Pulumi CLI with its Python host on PATH: trying the official installer ...", flush=True)
    try:
        link_all(install_official(), bin_dir)
    except Exception as error:  # offline, refused, half installed: whatever it is, the build is next
        print(f"  that did not work: {last_line(error)}", flush=True)
        build_all(bin_dir)
    if not cli_version(pulumi):
        raise InstallError(f"the installed {pulumi} cannot be run: {NO_CLI}")
    return pulumi


def find_cli(path: str, excluded: Path) -> Path | None:
    """Return the ``pulumi`` of a PATH that has all four programs, leaving one folder out of the search."""
    folders = [folder for folder in path.split(os.pathsep) if folder and not same_folder(folder, excluded)]
    found = {name: shutil.which(name, path=os.pathsep.join(folders)) for name in PROGRAMS}
    pulumi = found["pulumi"]
    return Path(pulumi) if pulumi and all(found.values()) else None


def same_folder(one: str, other: Path) -> bool:
    """Tell whether two paths name one folder."""
    return os.path.realpath(one) == os.path.realpath(other)


def is_current(bin_dir: Path) -> bool:
    """Tell whether all four programs are in ``bin_dir``, and newer than the modules that pin them."""
    programs = [bin_dir / name for name in PROGRAMS]
    if not all(program.exists() for program in programs):
        return False
    pins = [*TOOLS.glob("*/go.mod"), *TOOLS.glob("*/go.sum"), Path(__file__)]
    return min(p.stat().st_mtime for p in programs) > max(p.stat().st_mtime for p in pins)


def cli_version(pulumi: Path) -> str:
    """Return what ``pulumi version`` prints, or an empty text where it cannot be run."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        result = subprocess.run(
            [pulumi, "version"], env=environment, capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def install_official() -> Path:
    """Install the CLI that fits the environment's SDK, and return the folder of its programs."""
    from pulumi.automation import PulumiCommand  # slow to import, and rarely needed

    socket.setdefaulttimeout(20)  # the installer's download has no bound of its own
    return Path(PulumiCommand.install().command).parent


def link_all(source: Path, bin_dir: Path) -> None:
    """Link the four programs of an installation into ``bin_dir``."""
    missing = [name for name in PROGRAMS if not (source / name).exists()]
    if missing:
        raise FileNotFoundError(f"{source} has no {', '.join(missing)}")
    with tempfile.TemporaryDirectory(dir=bin_dir.parent, prefix=".cli-") as staging:
        for name in PROGRAMS:
            Path(staging, name).symlink_to(source / name)
        move_all(Path(staging), bin_dir)


def build_all(bin_dir: Path) -> None:
    """Build the programs from the pinned Go modules into ``bin_dir``.

    Raises:
        InstallError: there is no Go, or a build failed.
    """
    if shutil.which("go") is None:
        raise InstallError(f"no Pulumi CLI and no Go: {NO_CLI}")
    print(
        "Building the CLI from its Go modules: about 5 minutes the first time, seconds afterwards.",
        flush=True,
    )
    # Everything is made aside, then moved: an interrupted build must not look like an installed CLI.
    with tempfile.TemporaryDirectory(dir=bin_dir.parent, prefix=".cli-") as staging:
        clock = Stopwatch()
        for program in GO_PROGRAMS:
            clock.say(f"building {program.name}")
            module = TOOLS / program.folder
            version = go(module, "list", "-m", "-f", "{{.Version}}", program.released_as, clock=clock)
            go(
                module,
                *("build", *BUILD_FLAGS, "-ldflags", f"-s -w -X {VERSION_VARIABLE}={version}"),
                *("-o", str(Path(staging, program.name)), program.package),
                clock=clock,
            )
        sdk = go(TOOLS / "pulumi-cli", "list", "-m", "-f", "{{.Dir}}", SDK, clock=clock)
        for name, folder in SCRIPTS.items():
            shutil.copyfile(Path(sdk, folder, name), Path(staging, name))
            Path(staging, name).chmod(0o755)
        move_all(Path(staging), bin_dir)
        clock.say("built")


class Stopwatch:
    """Prints lines that begin with the seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def say(self, line: str) -> None:
        """Print a line at once."""
        print(f"  [{time.monotonic() - self._started:4.0f} s] {line}", flush=True)


def go(module: Path, *arguments: str, clock: Stopwatch) -> str:
    """Run the Go command in a module, with a sign of life every half minute, and return what it printed.

    Raises:
        InstallError: it failed; its last lines are printed before.
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
                clock.say("still at it")
        except BaseException:
            process.terminate()
            process.wait()
            raise
        output.seek(0)
        errors.seek(0)
        if code:
            print("".join(errors.readlines()[-15:]), file=sys.stderr)
            raise InstallError(f"`go {arguments[0]}` in {module} failed (its words are above): {NO_CLI}")
        return output.read().strip()


def wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Return the exit code of a process, or None where it still runs after so many seconds."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def move_all(source: Path, bin_dir: Path) -> None:
    """Move the four programs into ``bin_dir``, each in one step."""
    for name in PROGRAMS:
        os.replace(source / name, bin_dir / name)


def last_line(error: Exception) -> str:
    """Return the last line of what an installation had to say."""
    said = getattr(error, "stdout", None) or str(error) or type(error).__name__
    lines = (said.decode(errors="replace") if isinstance(said, bytes) else str(said)).strip().splitlines()
    return lines[-1] if lines else type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
