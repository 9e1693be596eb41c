"""What a completion costs: wall time of `up`, calls to the service, and who waits for whom.

Three measurements with the real Pulumi CLI against an emulator in this process: a fleet of 40, a fleet of
1,000, and eight completions beside a quick resource. Everything lives in a temporary folder and talks to
127.0.0.1 alone. Needs `pulumi` and its Python host on PATH; takes about two minutes.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dcs_migration.dcs.auth import KeyPairAuth
from dcs_migration.dcs.client import DcsClient
from dcs_migration.dcs.transport import Transport
from dcs_migration.emulator import Emulator

REGION, PROJECT = "emulator-1", "0123456789abcdef0123456789abcdef"
FOREIGN = ("HW_", "HUAWEICLOUD_", "PULUMI_", "DCS_MIGRATION_")
LIMIT = 300  # seconds for one command
WRITERS = 4  # how many creations of the fleet of 1,000 are under way at once

PREAMBLE = """
import time
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider
from dcs_migration import MigrationCompletion, MigrationTask

class QuickProvider(ResourceProvider):
    serialize_as_secret_always = False
    def create(self, props):
        time.sleep(1)
        return CreateResult("quick")

class Quick(Resource, module="measure", name="Quick"):
    def __init__(self, name):
        super().__init__(QuickProvider(), name, {})

def fleet(size):
    return [MigrationTask(f"task{number}", migration_type="backupfile_import",
                          migration_method="full_amount_migration",
                          backup_files={"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]},
                          target_instance={"id": f"4cd5dbb8-aacd-4603-b817-{number:012d}"})
            for number in range(size)]
"""


@dataclass(frozen=True)
class Run:
    """One `up`: its wall time in seconds, and when each line was printed (seconds since the start)."""

    wall: float
    lines: list[tuple[float, str]]

    def when(self, part: str) -> float:
        """Return when a line with these words was printed first."""
        return next(at for at, line in self.lines if part in line)


@dataclass(frozen=True)
class Stack:
    """A project in a folder of its own."""

    work: Path
    environ: dict[str, str]

    def up(self, program: str) -> Run:
        """Write the program and run `up`; ends this script if that fails."""
        (self.work / "__main__.py").write_text(PREAMBLE + textwrap.dedent(program))
        started = time.monotonic()
        process = subprocess.Popen(
            ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never"],
            cwd=self.work,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with process:
            assert process.stdout is not None
            lines = [(time.monotonic() - started, line.rstrip()) for line in process.stdout]
        if process.wait(LIMIT):
            sys.exit("\n".join(line for _, line in lines))
        return Run(time.monotonic() - started, lines)


@contextmanager
def stack_over(emulator: Emulator) -> Iterator[Stack]:
    """Make a stack that works on an emulator."""
    with tempfile.TemporaryDirectory(prefix="dcs-measure-") as folder:
        root = Path(folder)
        work, backend = root / "project", root / "backend"
        work.mkdir()
        backend.mkdir()
        (work / "Pulumi.yaml").write_text("name: measure\nruntime: python\n")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        environ = {
            **kept,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}",
            "PULUMI_BACKEND_URL": backend.as_uri(),
            "PULUMI_HOME": str(root / "home"),
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(8),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "HW_DCS_ENDPOINT": emulator.url,
            "HW_ACCESS_KEY": emulator.access_key,
            "HW_SECRET_KEY": emulator.secret_key,
            "HW_REGION_NAME": REGION,
            "HW_PROJECT_ID": PROJECT,
        }
        subprocess.run(
            ["pulumi", "stack", "init", "dev"],
            cwd=work,
            env=environ,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LIMIT,
        )
        yield Stack(work, environ)


def operations(emulator: Emulator) -> str:
    """Return the calls since they were cleared, as words."""
    counted = Counter(entry["operation"] for entry in emulator.requests())
    return f"{counted.total()} calls ({', '.join(f'{n} {name}' for name, n in sorted(counted.items()))})"


def polls(emulator: Emulator) -> list[float]:
    """Return when the listings were asked for, in Unix time."""
    return [entry["time"] for entry in emulator.requests() if entry["operation"] == "ListMigrationTask"]


def forty(interval: str) -> None:
    """Print what a fleet of 40 tasks of 20 s costs from nothing to done."""
    with Emulator(progression="timed", duration=20) as emulator, stack_over(emulator) as stack:
        run = stack.up(f"""
            MigrationCompletion("done", tasks=fleet(40), interval="{interval}")
        """)
        first = run.when("MigrationTask task")
        done = run.when("MigrationCompletion done created")
        print(
            f"40 tasks of 20 s, interval {interval:>3}: `up` {run.wall:.1f} s "
            f"(first task to completion {done - first:.1f} s), {operations(emulator)}"
        )


def thousand(size: int, seconds: float, interval: int) -> None:
    """Print how often a fleet is polled, created beforehand as another stack's would be."""
    with Emulator(progression="manual") as emulator, stack_over(emulator) as stack:
        auth = KeyPairAuth(emulator.access_key, emulator.secret_key, None, PROJECT)
        client = DcsClient(Transport(emulator.url, auth), PROJECT)

        def create(number: int) -> str:
            body = {
                "task_name": f"task-{number}",
                "migration_type": "backupfile_import",
                "migration_method": "full_amount_migration",
                "backup_files": {"bucket_name": "b", "files": [{"file_name": "a.rdb"}]},
                "target_instance": {"id": f"4cd5dbb8-aacd-4603-b817-{number:012d}"},
            }
            return str(client.create_migration_task(body).id)

        with ThreadPoolExecutor(WRITERS) as pool:
            ids = list(pool.map(create, range(size)))
            emulator.clear_requests()

            def finish() -> None:
                time.sleep(seconds)
                for id_ in ids:
                    emulator.set_status(id_, "SUCCESS")

            pool.submit(finish)
            run = stack.up(f'MigrationCompletion("done", task_ids={ids!r}, interval="{interval}s")')
        seen = polls(emulator)
        span = seen[-1] - seen[0]
        pages = size // 1000 + 1  # a full page is followed by another look: `count` may be the page's alone
        print(
            f"{size} tasks, interval {interval} s: {len(seen) / pages:.0f} polls of {pages} page(s) in {span:.1f} s, "
            f"{len(seen) / pages / (span / interval + 1):.2f} polls per interval; `up` {run.wall:.1f} s, "
            f"{operations(emulator)}"
        )


def eight(seconds: float) -> None:
    """Print when each of eight completions and a quick resource of one second were done."""
    with Emulator(progression="timed", duration=seconds) as emulator, stack_over(emulator) as stack:
        run = stack.up("""
            tasks = fleet(40)
            for number in range(8):
                MigrationCompletion(f"done{number}", tasks=tasks[number * 5:number * 5 + 5], interval="1s")
            Quick("quick")
        """)
        quick = run.when("measure:Quick quick created") - run.when("measure:Quick quick creating")
        waited = [
            run.when(f"MigrationCompletion done{number} created")
            - run.when(f"MigrationTask task{number * 5} created")
            for number in range(8)
        ]
        print(
            f"8 completions of 5 tasks of {seconds:.0f} s and a quick resource of 1 s: quick {quick:.1f} s (done at "
            f"{run.when('measure:Quick quick created'):.1f} s), completions "
            f"{' '.join(f'{wait:.1f}' for wait in waited)} s after their first task, `up` {run.wall:.1f} s, "
            f"{operations(emulator)}"
        )


def main() -> None:
    """Measure and print."""
    forty("10s")
    forty("2s")
    thousand(999, 15, 2)
    thousand(1000, 15, 2)
    eight(10)


if __name__ == "__main__":
    main()
