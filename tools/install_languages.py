"""Make sure that ``pulumi`` runs programs in YAML, TypeScript and Go: installs each language host in the first
way that works.

1. The one on PATH: nothing is installed.
2. What an earlier run put into the environment's ``bin``, if it is newer than the pinned Go modules.
3. The one next to the CLI, linked: the official installation includes all hosts.
4. A build from the Go modules pinned under ``tools/``.

Run by ``make setup-languages``, after ``make setup``, which installs the CLI and the YAML host.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tools.programs import (
    SDK,
    GoProgram,
    InstallError,
    Programs,
    build_all,
    find,
    is_current,
    link_all,
    remove,
)


def host(language: str, package: str, released_as: str, takes: str) -> Programs:
    """Return the language host that a folder under ``tools/`` pins."""
    name = f"pulumi-language-{language}"
    return Programs(f"{language} host", (GoProgram(name, name, package, released_as),), takes)


YAML_MODULE = "github.com/pulumi/pulumi-yaml"
YAML = host("yaml", f"{YAML_MODULE}/cmd/pulumi-language-yaml", YAML_MODULE, "about 2 minutes")
NODEJS = host("nodejs", f"{SDK}/nodejs/cmd/pulumi-language-nodejs", SDK, "about 30 seconds")
GO = host("go", f"{SDK}/go/pulumi-language-go", SDK, "about 15 seconds")
HOSTS = (YAML, NODEJS, GO)

NEEDED = {"go": "Go 1.26 or newer", "node": "Node 20 or newer", "npm": "npm, which comes with Node"}


def main() -> int:
    """Install the hosts if necessary, and print where each is; return the exit code."""
    bin_dir = Path(sys.prefix, "bin")
    try:
        require_tools()
        pulumi = shutil.which("pulumi")
        if pulumi is None:
            raise InstallError("no pulumi on PATH; run `make setup`")
        for programs in HOSTS:
            print(f"{programs.title}: {ensure_host(programs, bin_dir, Path(pulumi))}", flush=True)
    except InstallError as error:
        print(f"setup-languages: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup-languages: interrupted; run it again to continue", file=sys.stderr)
        return 130
    return 0


def require_tools() -> None:
    """Make sure that Go and TypeScript programs can be run; raises `InstallError`, with one line for everything
    that is missing."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        wanted = " and ".join(NEEDED[name] for name in missing)
        raise InstallError(f"no {', no '.join(missing)} found; install {wanted}")


def ensure_host(programs: Programs, bin_dir: Path, pulumi: Path) -> Path:
    """Return the path of a language host for this CLI, installed into ``bin_dir`` unless PATH has one.

    Raises:
        InstallError: PATH and the CLI's folder don't have one, and a Go build failed.
    """
    outside = find(programs, os.environ.get("PATH", ""), bin_dir)
    if outside is not None:
        remove(programs, bin_dir)
        return outside
    if not is_current(programs, bin_dir):
        beside = pulumi.resolve().parent
        if (beside / programs.main).exists() and not beside.samefile(bin_dir):
            link_all(programs, beside, bin_dir)
        else:
            build_all(programs, bin_dir)
    return bin_dir / programs.main


if __name__ == "__main__":
    sys.exit(main())
