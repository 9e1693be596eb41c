"""Tries the official Go and Node clients, from their registries, against an emulator.

Each client calls every operation and reads the answers with its own models. The results are the table in
docs/emulator.md. If they differ from the table, this fails; ``--write`` updates the table. It takes a minute. Run
by ``make strangers``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import requests

from dcs_emulator import Emulator
from dcs_emulator.app import OPERATIONS
from tools.emulator_tables import PAGE, place
from tools.strangers.pins import GO, NODE, pinned

HEADING = "Clients of other languages"
REFUSAL = "a refusal"
DURATION = 4.0  # the first import is still running when it is checked
TOKEN = "strangers"
REGION = "emulator-1"
SECONDS = 600

Outcomes = dict[str, str]


class StrangerError(Exception):
    """A client couldn't be installed; the message is one line."""


def command(folder: Path, *words: str) -> None:
    """Run a command that downloads or builds; raises `StrangerError`."""
    if shutil.which(words[0]) is None:
        raise StrangerError(f"no {words[0]} found; install Go 1.23 and Node 18, or newer")
    environment = {**os.environ, "CGO_ENABLED": "0"}
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise StrangerError(f"{' '.join(words)} failed: {said[-1] if said else 'no output'}")


def go(folder: Path) -> list[str]:
    """Build the Go program; returns its command."""
    shutil.copytree(GO, folder, dirs_exist_ok=True)
    command(folder, "go", "build", "-o", "stranger", ".")
    return [str(folder / "stranger")]


def node(folder: Path) -> list[str]:
    """Install the Node program's client; returns its command."""
    shutil.copytree(NODE, folder, dirs_exist_ok=True)
    command(folder, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
    return ["node", str(folder / "main.js")]


CLIENTS: dict[str, Callable[[Path], list[str]]] = {"go": go, "node": node}


def tried(program: Sequence[str]) -> Outcomes:
    """Run a client against its own emulator; returns the result of each operation."""
    with Emulator(
        duration=DURATION, auth_token=TOKEN, stop_seconds=0.1, job_seconds=0.0, exchange_seconds=0.1
    ) as cloud:
        done = subprocess.run(
            [*program, cloud.url, job(cloud)], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"operation"')]
    if not lines:
        raise StrangerError(f"{program[0]} printed nothing: {done.stderr.strip()[:200]}")
    return {line["operation"]: line["outcome"] for line in lines}


def job(cloud: Emulator) -> str:
    """Return the id of a job, which the clients' models remove from the answer."""
    headers = {"X-Auth-Token": TOKEN}
    projects = requests.get(f"{cloud.url}/v3/projects", {"name": REGION}, headers=headers, timeout=10).json()
    body = {"name": "job", "vpc_id": "vpc-1", "subnet_id": "subnet-1", "security_group_id": "group-1"}
    url = f"{cloud.url}/v2/{projects['projects'][0]['id']}/migration/instance"
    return str(requests.post(url, json=body, headers=headers, timeout=10).json()["job_id"])


def table(outcomes: dict[str, Outcomes]) -> str:
    """Return the table in Markdown: a row for each operation, a column for each client."""
    columns = pinned()
    rows = [["operation", *columns.values()], ["---", *["---"] * len(columns)]]
    for operation in (*OPERATIONS, REFUSAL):
        name = operation if operation == REFUSAL else f"`{operation}`"
        told = [outcomes[client].get(operation, "not reached").replace("|", "\\|") for client in columns]
        rows.append([name, *told])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main() -> int:
    """Try the clients, and compare with the page; returns the exit status."""
    parser = argparse.ArgumentParser(prog="strangers", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the table into docs/emulator.md")
    write = parser.parse_args().write
    try:
        with tempfile.TemporaryDirectory(prefix="strangers-") as folder:
            outcomes = {name: tried(make(Path(folder) / name)) for name, make in CLIENTS.items()}
    except StrangerError as error:
        print(f"strangers: {error}", file=sys.stderr)
        return 1
    made, page = table(outcomes), PAGE.read_text("utf-8")
    print(made, end="")
    start, end = place(page, HEADING)
    if write:
        PAGE.write_text(page[:start] + made + page[end:], "utf-8")
    elif page[start:end] != made:
        print(
            "strangers: docs/emulator.md doesn't match; check what changed, or run with --write",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
