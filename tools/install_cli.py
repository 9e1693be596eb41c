"""Make sure that ``pulumi`` can be run with this virtual environment, in the first way that works.

1. The CLI on PATH, if its Python host is there too: nothing is installed.
2. What an earlier run put into the environment's ``bin``, if it is newer than the pinned Go modules.
3. The official installer (into ``~/.pulumi/versions``), linked into ``bin``. It needs the internet.
4. A build from the Go modules pinned under ``tools/``: only a module proxy, or a warm cache, is needed.

Then install the YAML host, which the tests use: see ``tools/install_languages.py``.
Run with the environment's own Python: ``venv/bin/python -m tools.install_cli``.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from tools.install_languages import YAML, ensure_host
from tools.programs import (
    NO_CLI,
    SDK,
    GoProgram,
    InstallError,
    Programs,
    build_all,
    find,
    is_current,
    last_line,
    link_all,
    remove,
)

CLI = Programs(
    "CLI",
    built=(
        # The language host has its own module, because it needs an older SDK than the CLI.
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
    ),
    takes="about 5 minutes",
    scripts={"pulumi-language-python-exec": "python/cmd", "pulumi-resource-pulumi-python": "python/dist"},
)


def main() -> int:
    """Install the CLI and the YAML host if necessary, print which CLI it is; return the exit code."""
    bin_dir = Path(sys.prefix, "bin")
    try:
        pulumi = ensure_cli(bin_dir)
        ensure_host(YAML, bin_dir, pulumi)
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
        InstallError: PATH doesn't have one, and the official installer and a Go build failed.
    """
    outside = find(CLI, os.environ.get("PATH", ""), bin_dir)
    if outside is not None and cli_version(outside):
        remove(CLI, bin_dir)
        return outside
    pulumi = bin_dir / CLI.main
    if is_current(CLI, bin_dir) and cli_version(pulumi):
        return pulumi
    print(
        "No Pulumi CLI with its Python language host on PATH; trying the official installer ...", flush=True
    )
    try:
        link_all(CLI, install_official(), bin_dir)
    except Exception as error:  # offline, refused or incomplete: in any case, the build is next
        print(f"  the installer failed: {last_line(error)}", flush=True)
        build_all(CLI, bin_dir)
    if not cli_version(pulumi):
        raise InstallError(f"the installed {pulumi} doesn't run; {NO_CLI}")
    return pulumi


def cli_version(pulumi: Path) -> str:
    """Return what ``pulumi version`` prints, or an empty text if it can't be run."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        result = subprocess.run(
            [pulumi, "version"], env=environment, capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


def install_official() -> Path:
    """Install the CLI for the environment's SDK, and return the folder of its programs."""
    from pulumi.automation import PulumiCommand  # slow to import, and rarely needed

    socket.setdefaulttimeout(20)  # the installer's download has no timeout
    return Path(PulumiCommand.install().command).parent


if __name__ == "__main__":
    sys.exit(main())
