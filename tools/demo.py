"""Migrations from start to end on this machine: two Redis servers, the emulator, the real Pulumi CLI.

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from redis import Redis

from dcs_emulator.real_data.endpoints import Endpoint
from dcs_emulator.real_data.progress import MigrationError
from dcs_emulator.real_data.servers import RedisServer, local_redis

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ("Pulumi.yaml", "__main__.py")

REGION = "emulator-1"
TARGET_ID = "demo-redis"
BUCKET, BACKUP = "backups", "orders.rdb"
NEW_ORDERS = 5_000
BOUND = 60
"""Seconds that a migration may take before something is wrong."""

# The user's own clouds and stacks must not be used or changed.
FOREIGN = ("HW_", "HUAWEICLOUD_", "PULUMI_")

NEXT = """
Next steps
  read        docs/reference.md: what the configuration keys mean
  your data   python -m dcs_emulator --redis my-redis=localhost:6379 --bucket backups=/some/folder
              moves data between your own Redis servers; see docs/emulator.md
  for real    pulumi config set huaweicloud:region <region>; set HW_ACCESS_KEY and HW_SECRET_KEY;
              then run the same `pulumi config set` and `pulumi up` commands as above
"""


class DemoError(Exception):
    """A step failed; the message is one line."""


def main() -> int:
    """Run the demo; return the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="dcs-demo-") as folder:
            tell(Path(folder))
    except (DemoError, MigrationError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted; everything that it started is stopped", file=sys.stderr)
        return 130
    print(NEXT, end="")
    return 0


def tell(folder: Path) -> None:
    """Run every step of the demo, with all files in ``folder``."""
    secret_key = secrets.token_hex(16)
    title("Start two Redis servers on this machine: a shop's, and the target for its data")
    with redis_server() as shop, redis_server() as target:
        fill(shop, target)
        show_data(shop, target)

        title("Back up the shop's data into a folder that stands in for the bucket")
        bucket = folder / BUCKET
        bucket.mkdir()
        shop.client.save()
        shutil.copy(shop.process.dump, bucket / BACKUP)
        print(f"\n  {BUCKET}/{BACKUP}  {(bucket / BACKUP).stat().st_size} bytes")

        title(f"Start the DCS emulator: instance {TARGET_ID} is the target, bucket {BUCKET} is the folder")
        secret_key = secrets.token_hex(16)
        with emulator(secret_key, target.place, bucket) as url:
            stack = Stack(folder, environment(folder, url, secret_key), url)
            import_backup(stack, url, shop, target)
            migrate_online(stack, url, shop, target)

            title("Destroy the stack: the task is deleted, the data is kept")
            stack.pulumi("destroy", "--yes")
            show_tasks(url)
            print(f"The target has {target.client.dbsize()} keys.")

            title("API calls of each step")
            for command, calls in stack.costs:
                print(f"  {command:<42} {calls}")


def import_backup(stack: Stack, url: str, shop: Server, target: Server) -> None:
    """Show how a backup file is imported."""
    title("Create a stack that imports the backup file into the target")
    stack.pulumi("stack", "init", "demo")
    stack.pulumi("config", "set", "huaweicloud:region", REGION)
    stack.pulumi("config", "set", "targetInstanceId", TARGET_ID)
    stack.pulumi("config", "set", "--secret", "targetPassword", str(target.place.password), hide_last=True)
    stack.pulumi("config", "set", "sourceBucket", BUCKET)
    stack.pulumi("config", "set", "--path", "sourceFiles[0]", BACKUP)

    title("Start the import: `up` returns as soon as the task is created")
    stack.pulumi("up", "--yes")

    title("The import finishes on its own: keys with the same name are overwritten, others are kept")
    end_of_migration(stack, url)
    show_data(shop, target)

    title("Run the same program again: nothing to do, and no second import")
    stack.pulumi("preview", "--expect-no-changes")


def migrate_online(stack: Stack, url: str, shop: Server, target: Server) -> None:
    """Show how the shop, with new orders, is migrated without a backup."""
    title(f"Meanwhile, the shop gets {NEW_ORDERS} more orders")
    shop.client.mset({f"order:{number}": "paid" for number in range(1_000, 1_000 + NEW_ORDERS)})
    show_data(shop, target)

    title("Now migrate online, from server to server: a new definition, so a new task")
    stack.pulumi("config", "rm", "sourceBucket")
    stack.pulumi("config", "rm", "sourceFiles")
    stack.pulumi("config", "set", "migrationType", "online_migration")
    stack.pulumi("config", "set", "sourceAddrs", str(shop.place))
    stack.pulumi("config", "set", "--secret", "sourcePassword", str(shop.place.password), hide_last=True)
    stack.pulumi("up", "--yes")
    end_of_migration(stack, url)
    show_data(shop, target)

    title("Run it again: nothing to do")
    stack.pulumi("preview", "--expect-no-changes")


def end_of_migration(stack: Stack, url: str) -> None:
    """Wait for the end of the migration, and refresh the stack."""
    wait_for_success(url)
    show_tasks(url)
    stack.pulumi("refresh", "--yes", "--run-program")
    stack.pulumi("stack", "output", "status")


class Server:
    """A Redis server with its address and a client."""

    def __init__(self, place: Endpoint, process: RedisServer) -> None:
        """Make the client."""
        self.place = place
        self.process = process
        self.client: Any = Redis(
            place.host, place.port, password=place.password, protocol=2, decode_responses=True
        )


@contextmanager
def redis_server() -> Iterator[Server]:
    """Run a Redis server on a free port, with a password."""
    with local_redis(secrets.token_hex(8)) as (place, process):
        yield Server(place, process)


def fill(shop: Server, target: Server) -> None:
    """Write the data that the demo starts with."""
    shop.client.mset({f"order:{number}": "paid" for number in range(1, 101)})
    shop.client.hset("cart:7", mapping={"apples": 3, "pears": 1})
    shop.client.rpush("to-pack", "order:98", "order:99", "order:100")
    shop.client.zadd("best-sellers", {"apples": 412, "pears": 97})
    shop.client.set("session:ann", "basket open", ex=3_600)
    target.client.set("order:1", "not paid yet")
    target.client.set("own:note", "was here before")


SAMPLE: tuple[tuple[str, Callable[[Any, str], Any]], ...] = (
    ("order:1", lambda client, key: client.get(key)),
    ("order:1000", lambda client, key: client.get(key)),
    ("cart:7", lambda client, key: client.hgetall(key)),
    ("to-pack", lambda client, key: client.lrange(key, 0, -1)),
    ("best-sellers", lambda client, key: client.zrange(key, 0, -1, desc=True, withscores=True)),
    ("session:ann", lambda client, key: client.get(key)),
    ("own:note", lambda client, key: client.get(key)),
)


def show_data(shop: Server, target: Server) -> None:
    """Print the numbers of keys and a few values, side by side."""
    print(f"\n  {'':<13} {'the shop':<38} the target")
    print(f"  {'keys':<13} {shop.client.dbsize():<38} {target.client.dbsize()}")
    for key, read in SAMPLE:
        found = [_in_words(server.client, key, read) for server in (shop, target)]
        print(f"  {key:<13} {found[0]:<38} {found[1]}")
    sys.stdout.flush()


def _in_words(client: Any, key: str, read: Callable[[Any, str], Any]) -> str:
    if not client.exists(key):
        return "-"
    value = read(client, key)
    if isinstance(value, dict):
        text = ", ".join(f"{name}: {amount}" for name, amount in value.items())
    elif isinstance(value, list):
        text = ", ".join(item if isinstance(item, str) else f"{item[0]}: {item[1]:g}" for item in value)
    else:
        text = str(value)
    return f"{text} (for {client.ttl(key)} s)" if client.ttl(key) > 0 else text


class Stack:
    """The root program in its own folder; the CLI runs it against the emulator."""

    def __init__(self, folder: Path, env: dict[str, str], url: str) -> None:
        """Copy the program into ``folder``; the environment is linked, because Pulumi.yaml refers to it."""
        self._project = folder / "project"
        self._project.mkdir()
        for name in PROJECT:
            shutil.copy(ROOT / name, self._project)
        (self._project / "venv").symlink_to(sys.prefix)
        self._env = env
        self._url = url
        self.costs: list[tuple[str, str]] = []
        """The commands for the stack, with their calls to the service."""

    def pulumi(self, *arguments: str, hide_last: bool = False) -> None:
        """Print a command, run it, and record its calls.

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
            raise DemoError(f"`{shown}` failed with exit code {code} (see its output above)")
        if arguments[0] not in ("stack", "config"):
            self.costs.append((shown, calls(self._url)))


@contextmanager
def emulator(secret_key: str, target: Endpoint, bucket: Path) -> Iterator[str]:
    """Start the emulator on a free port, yield its URL, and stop it.

    Raises:
        DemoError: the emulator didn't start.
    """
    arguments = ["-m", "dcs_emulator", "--port", "0", "--redis", f"{TARGET_ID}={target}"]
    arguments += ["--bucket", f"{BUCKET}={bucket}", "--access-key", "demo", "--secret-key"]
    show_command(shlex.join(["python", *arguments]) + " ********")
    command = [sys.executable, *arguments, secret_key]
    with started(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], 20)
        line = process.stdout.readline().strip() if ready else ""
        prefix = "listening on "
        if not line.startswith(prefix):
            raise DemoError("the emulator did not start" + (f": it printed {line!r}" if line else ""))
        print(line, flush=True)
        yield line.removeprefix(prefix)


@contextmanager
def started(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a process, and stop it at the end: with an interrupt, and after 30 seconds with a kill.

    It gets its own session, so that Ctrl-C reaches only this script, which then stops the processes in order.
    """
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, start_new_session=True, text=True, **options
        )
    except OSError as error:
        raise DemoError(f"can't start {command[0]}: {error.strerror}; run `make setup`") from None
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
    """Return the environment of the CLI: with all its files in ``folder`` and all calls to ``url``."""
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
    """Call the emulator's control interface and return its JSON answer, None if it has none.

    Raises:
        DemoError: it doesn't answer.
    """
    request = urllib.request.Request(f"{url}/_emulator/{what}", method=method)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=10) as response:
            body = response.read()
    except (urllib.error.URLError, TimeoutError) as error:
        raise DemoError(f"the emulator did not answer {method} {what}: {error}") from None
    return json.loads(body) if body else None


def calls(url: str) -> str:
    """Return the calls since the last clear, as a line."""
    counted = Counter(request["operation"] for request in control(url, "GET", "requests"))
    return ", ".join(f"{number} {name}" for name, number in counted.items()) or "none"


def show_tasks(url: str) -> None:
    """Print the tasks that the emulator holds."""
    tasks = control(url, "GET", "tasks")
    print("\nTasks in DCS: " + ("" if tasks else "none"))
    for task in tasks:
        print(f"  {task['name']}  {task['status']}  id {task['id']}")


def wait_for_success(url: str) -> None:
    """Wait until every task has succeeded.

    Raises:
        DemoError: a task failed, or they weren't done after `BOUND` seconds.
    """
    until = time.monotonic() + BOUND
    while {task["status"] for task in control(url, "GET", "tasks")} != {"SUCCESS"}:
        for task in control(url, "GET", "tasks"):
            if task["error"]:
                raise DemoError(f"the task is {task['status']}: {task['error']}")
        if time.monotonic() > until:
            raise DemoError(f"the task has not succeeded after {BOUND} s")
        time.sleep(0.1)


def title(text: str) -> None:
    """Print the heading of a step."""
    print(f"\n== {text}", flush=True)


def show_command(command: str) -> None:
    """Print a command as a shell would show it."""
    print(f"\n$ {command}", flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Also stop in order on SIGTERM."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
