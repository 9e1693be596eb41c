"""The stack of the example: its own program, the real CLI, a temporary file backend."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.bench.stacks import PROJECT, REGION, BenchError
from tools.demo import environment, show_command, started

LIMIT = 120.0  # seconds for one command
SETTINGS = ("vpcId=vpc-1", "subnetId=subnet-1", "securityGroupId=group-1")


class Stack:
    """The example in its own folder."""

    def __init__(self, example: Path, folder: Path, url: str, settings: Mapping[str, str]) -> None:
        """Copy the example, and create the stack with these settings, including passwords."""
        self._work = folder / "project"
        self._work.mkdir()
        for name in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(example / name, self._work)
        (self._work / "venv").symlink_to(sys.prefix)
        self._environ = {
            **environment(folder, url, "emulator"),
            "HW_ACCESS_KEY": "emulator",
            "HW_REGION_NAME": REGION,
            "HW_PROJECT_ID": PROJECT,
        }
        self.pulumi("stack", "init", "cutover")
        words = [
            word
            for setting in (*SETTINGS, *(f"{key}={value}" for key, value in settings.items()))
            for word in ("--secret" if "Password" in setting else "--plaintext", setting)
        ]
        self.pulumi("config", "set-all", *words, show=False)

    def pulumi(
        self, *arguments: str, show: bool = True, meanwhile: Callable[[], None] = lambda: None
    ) -> tuple[float, str]:
        """Run a command, and a function in the meantime; return the duration in seconds, and the output.

        Raises:
            BenchError: it failed, or took too long.
        """
        if show:
            show_command(" ".join(["pulumi", *arguments]))
        log = self._work / "printed"
        began = time.monotonic()
        command = ["pulumi", *arguments, "--color", "never", "--non-interactive"]
        with (
            log.open("w") as printed,
            started(command, cwd=self._work, env=self._environ, stdout=printed, stderr=printed) as process,
        ):
            meanwhile()
            try:
                code = process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                code = None
        seconds = time.monotonic() - began
        if code != 0:
            raise BenchError(f"pulumi {arguments[0]} ended with {code}:\n{log.read_text()}")
        if show:
            print(f"({seconds:.1f} s)", flush=True)
        return seconds, log.read_text()
