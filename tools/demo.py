"""A migration from start to end on this machine: the emulator, the real Pulumi CLI and the root program.

Nothing is left behind: the stack, its state and the CLI's own files live in a temporary folder.
Run by ``make demo``.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ("Pulumi.yaml", "__main__.py")

REGION = "emulator-1"
DURATION = 3
"""Seconds that the emulator's migration takes."""

# Settings of the user's own clouds and stacks must neither be used nor be changed.
FOREIGN = ("HW_", "HUAWEICLOUD_", "PULUMI_")

NEXT = """
What to do next
  read        README.md and Pulumi.yaml: what the configuration keys mean
  play        python -m dcs_migration.emulator --help: an emulator to keep, with faults to inject
  for real    pulumi config set huaweicloud:region <region>, the keys in HW_ACCESS_KEY and HW_SECRET_KEY,
              then the same `pulumi config set` and `pulumi up` as above
"""


class DemoError(Exception):
    """A step failed; the message is one line."""


def main() -> int:
    """Tell the story; return the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="dcs-demo-") as folder:
            tell(Path(folder))
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted; everything it started is stopped", file=sys.stderr)
        return 130
    print(NEXT, end="")
    return 0


def tell(folder: Path) -> None:
    """Run every step of the story, with all files in ``folder``."""
    secret_key = secrets.token_hex(16)
    title("A DCS for this machine")
    with emulator(secret_key) as url:
        stack = Stack(folder, environment(folder, url, secret_key), url)

        title("A stack that imports one backup file into one Redis instance")
        stack.pulumi("stack", "init", "demo")
        stack.pulumi("config", "set", "huaweicloud:region", REGION)
        stack.pulumi("config", "set", "targetInstanceId", "demo-redis")
        stack.pulumi("config", "set", "--secret", "targetPassword", secrets.token_hex(8), hide_last=True)
        stack.pulumi("config", "set", "sourceBucket", "backups")
        stack.pulumi("config", "set", "--path", "sourceFiles[0]", "orders.rdb")

        title("Start the migration: `up` returns as soon as the service has the task")
        stack.pulumi("up", "--yes")
        show_tasks(url)

        title("The same program again: nothing to do, and no second migration")
        stack.pulumi("preview", "--expect-no-changes")

        title(f"The migration ends by itself, here after {DURATION} seconds")
        wait_for_status(url, "SUCCESS", bound=DURATION + 20)
        show_tasks(url)
        stack.pulumi("refresh", "--yes", "--run-program")
        stack.pulumi("stack", "output", "status")

        title("Remove it")
        stack.pulumi("destroy", "--yes")
        show_tasks(url)

        title("What it cost: calls to the service, step by step")
        for command, calls in stack.costs:
            print(f"  {command:<42} {calls}")


class Stack:
    """The root program in a folder of its own, run by the CLI against the emulator."""

    def __init__(self, folder: Path, env: dict[str, str], url: str) -> None:
        """Copy the program into ``folder``; the environment is linked, because Pulumi.yaml names it."""
        self._project = folder / "project"
        self._project.mkdir()
        for name in PROJECT:
            shutil.copy(ROOT / name, self._project)
        (self._project / "venv").symlink_to(sys.prefix)
        self._env = env
        self._url = url
        self.costs: list[tuple[str, str]] = []
        """Each command that works on the stack, with its calls to the service."""

    def pulumi(self, *arguments: str, hide_last: bool = False) -> None:
        """Print a command, run it, and note the calls that it made.

        Raises:
            DemoError: it failed.
        """
        shown = (
            shlex.join(["pulumi", *arguments[:-1]]) + " ********"
            if hide_last
            else shlex.join(["pulumi", *arguments])
        )
        control(self._url, "DELETE", "requests")
        show_command(shown)
        color = "always" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else "never"
        command = ["pulumi", *arguments, "--color", color, "--non-interactive"]
        with started(command, cwd=self._project, env=self._env) as process:
            code = process.wait()
        if code:
            raise DemoError(f"`{shown}` ended with exit code {code}; what it said is above")
        if arguments[0] not in ("stack", "config"):
            self.costs.append((shown, calls(self._url)))


@contextmanager
def emulator(secret_key: str) -> Iterator[str]:
    """Start the emulator on a free port, yield its URL, and stop it.

    Raises:
        DemoError: it did not start.
    """
    arguments = ["-m", "dcs_migration.emulator", "--port", "0", "--progression", "timed"]
    arguments += ["--duration", str(DURATION), "--access-key", "demo", "--secret-key"]
    show_command(shlex.join(["python", *arguments]) + " ********")
    command = [sys.executable, *arguments, secret_key]
    with started(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], 20)
        line = process.stdout.readline().strip() if ready else ""
        prefix = "listening on "
        if not line.startswith(prefix):
            raise DemoError("the emulator did not start" + (f": it said {line!r}" if line else ""))
        print(line, flush=True)
        yield line.removeprefix(prefix)


@contextmanager
def started(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a process, and stop it at the end: by an interrupt, and after half a minute by force.

    It gets a session of its own, so that Ctrl-C reaches this script alone, which then ends them in order.
    """
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, start_new_session=True, text=True, **options
        )
    except OSError as error:
        raise DemoError(f"{command[0]} cannot be started: {error.strerror}; run `make setup`") from None
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()


def environment(folder: Path, url: str, secret_key: str) -> dict[str, str]:
    """Return the environment of the CLI: everything it keeps in ``folder``, every call to ``url``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    backend, home = folder / "backend", folder / "home"
    backend.mkdir()
    home.mkdir()
    return {
        **kept,
        "PATH": f"{Path(sys.prefix, 'bin')}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PULUMI_BACKEND_URL": backend.as_uri(),
        "PULUMI_HOME": str(home),
        "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(8),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_SKIP_CONFIRMATIONS": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "HW_DCS_ENDPOINT": url,
        "HW_ACCESS_KEY": "demo",
        "HW_SECRET_KEY": secret_key,
    }


def control(url: str, method: str, what: str) -> Any:
    """Call the emulator's control interface and return its JSON answer, None where it has none.

    Raises:
        DemoError: it does not answer.
    """
    request = urllib.request.Request(f"{url}/_emulator/{what}", method=method)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=10) as response:
            body = response.read()
    except (urllib.error.URLError, TimeoutError) as error:
        raise DemoError(f"the emulator does not answer {method} {what}: {error}") from None
    return json.loads(body) if body else None


def calls(url: str) -> str:
    """Return the calls since they were cleared, as a line."""
    counted = Counter(request["operation"] for request in control(url, "GET", "requests"))
    return ", ".join(f"{number} {name}" for name, number in counted.items()) or "none"


def show_tasks(url: str) -> None:
    """Print the tasks that the emulator holds."""
    tasks = control(url, "GET", "tasks")
    print("\nThe service's tasks: " + ("" if tasks else "none"))
    for task in tasks:
        print(f"  {task['name']}  {task['status']}  id {task['id']}")


def wait_for_status(url: str, status: str, bound: float) -> None:
    """Wait until every task has a status.

    Raises:
        DemoError: they had not after ``bound`` seconds.
    """
    until = time.monotonic() + bound
    while {task["status"] for task in control(url, "GET", "tasks")} != {status}:
        if time.monotonic() > until:
            raise DemoError(f"the task is not {status} after {bound:.0f} s")
        time.sleep(0.2)


def title(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n== {text}", flush=True)


def show_command(command: str) -> None:
    """Print a command as a shell would show it."""
    print(f"\n$ {command}", flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End in order on SIGTERM too."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
