"""The measured native plugins, and their folders."""

from __future__ import annotations

import sys
from pathlib import Path

PLUGINS = {"dcs": "pulumi-resource-dcs", "nothing": "pulumi-resource-nothing"}
_NOTHING = Path(__file__).with_name("nothing_native.py").read_text("utf-8")


def executable(package: str, folder: Path) -> Path:
    """Return the plugin of a package: ours from the folder of this interpreter; the do-nothing plugin is written
    into the given folder."""
    name = PLUGINS[package]
    if package != "nothing":
        return Path(sys.executable).with_name(name)
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{_NOTHING}", "utf-8")
    path.chmod(0o700)
    return path


def project(package: str, folder: Path) -> str:
    """Return the lines of Pulumi.yaml with the path of a package's plugin."""
    return (
        f"plugins:\n  providers:\n    - name: {package}\n      path: {executable(package, folder).parent}\n"
    )
