"""The guide for the person on call: its commands print what it shows, and its tables are those of the code."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from dcs_migration.command_line import exits
from tests.docs.pages import ROOT, Page
from tests.docs.test_stories import steps
from tests.fakes import START
from tests.unit.command_line_world import STRANGER, Cli, WallClock, export, mark, resource, urn_of

PAGE = Page(ROOT / "docs" / "guides" / "on-call.md")
ONLINE = "pulumi-python:dynamic/dcs:OnlineMigration"
PORT = "8788"  # of the page's emulator
OF_ANOTHER = ("pulumi ", "pip ", "export ")  # commands of the page that are not run here

# What is another in every run: times, and how fast an answer is.
_MOVES = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"in \d+ ms", "in MS"),
    (r"^[0-9a-f]{32}\)$", "REQUEST)"),
)


@dataclass
class Stage:
    """A project on call: a stack with a task that runs, one that fails, one that is lost, and one that no longer
    exists."""

    cli: Cli
    folder: Path
    ids: dict[str, str]

    def run(self, command: str) -> str:
        """Run a command of the page as a shell does."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env={
                **{key: value for key, value in os.environ.items() if key != "TERM"},
                **self.cli.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "COLUMNS": "80",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout.replace(f"127.0.0.1:{self.cli.cloud.port}", f"127.0.0.1:{PORT}")

    def watched(self, command: str) -> str:
        """Run a command that polls; the task that runs succeeds once the command has seen it running."""
        cloud, over = self.cli.cloud, threading.Event()
        cloud.clear_requests()

        def succeed() -> None:
            while not over.wait(0.1):
                # The first listing is that of the start, the second one the first poll.
                if [entry["operation"] for entry in cloud.requests()].count("ListMigrationTask") >= 2:
                    cloud.set_status(self.ids["orders"], "SUCCESS")
                    return

        thread = threading.Thread(target=succeed)
        thread.start()
        try:
            return self.run(command)
        finally:
            over.set()
            thread.join()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """The stage of the page; ids and times of tasks are the same in every run."""
    moments = iter(range(0, 3600, 60))
    with Emulator(
        progression="manual", deterministic_ids=True, clock=lambda: START.timestamp() + now[0]
    ) as cloud:
        now = [0.0]
        cli = Cli(cloud, WallClock())

        def start(name: str, title: str, **changes: object) -> str:
            now[0] = float(next(moments))
            owner = changes.pop("owner", None)
            if "migration_method" in changes:
                return cli.follow(title, mark(name), "INCRMIGEATING", **changes)
            written = mark(name, str(owner)) if owner else mark(name)
            return cli.start(title, written, target_instance={"id": f"dcs-{name}"}, **changes)

        ids = {
            "orders": start("orders", "orders-85ded78"),
            "shop": start(
                "shop",
                "shop-0c1f2aa",
                migration_method="incremental_migration",
                target_instance={"id": "dcs-shop"},
            ),
            "carts": start("carts", "carts-77ab01c"),
            "stock": start("stock", "stock-19fe3d2"),
            "theirs": start("theirs", "nightly", owner=STRANGER),
            "gone": start("gone", "users-5a0be91"),
        }
        now[0] = 600.0
        cloud.set_status(ids["stock"], "FAILED", "The file orders.rdb is not a backup file of Redis.")
        cloud.remove(ids["gone"])
        held = [resource(name, ids[name]) for name in ("orders", "stock")]
        users = resource("users", ids["gone"])
        shop = resource("shop", ids["shop"], ONLINE)
        (tmp_path / "state.json").write_text(export(*held, shop, users))
        yield Stage(cli, tmp_path, ids)


def still(text: str) -> str:
    """Return a text without what moves."""
    for pattern, word in _MOVES:
        text = re.sub(pattern, word, text)
    return text


def transcripts() -> list[tuple[str, list[str]]]:
    """The commands of the page that are run, each with what it shows."""
    return [
        (command, expected)
        for block in PAGE.blocks("console")
        for command, expected in steps(block.text)
        if not command.startswith(OF_ANOTHER)
    ]


def test_the_transcripts_are_what_is_printed(stage: Stage) -> None:
    """Every line, at 80 columns, in the order of the page."""
    seen = set()
    for command, expected in transcripts():
        printed = stage.watched(command) if " watch " in command else stage.run(command)
        assert [still(line.strip()) for line in printed.splitlines()] == list(map(still, expected)), command
        seen.add(re.search(r"(?:dcs-migration|dcs_migration) (\w+)", command)[1])  # type: ignore[index]
    assert seen == {"doctor", "tasks", "watch", "logs"}


def test_the_exit_codes_are_those_of_the_code() -> None:
    """Each code of the table is a constant, and none is missing."""
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGE.text, re.MULTILINE)}
    assert told == {value for name, value in vars(exits).items() if name.isupper()}


@pytest.mark.parametrize(
    ("command", "heading", "inner"),
    [
        ("doctor --json", "doctor", "checks"),
        ("tasks --stack state.json --json", "tasks", "tasks"),
        ("logs {stock} --json", "logs", "lines"),
    ],
)
def test_the_keys_are_those_of_the_documents(stage: Stage, command: str, heading: str, inner: str) -> None:
    """The row of each command names the keys of its document, and of what is listed in it."""
    text = stage.run(f"dcs-migration {command.format(**stage.ids)}")
    document = json.loads(text)
    (row,) = re.findall(rf"^\| `{heading} --json` \| (.*) \| (.*) \|$", PAGE.text, re.MULTILINE)
    outer, listed = (re.findall(r"`(\w+)`", cell) for cell in row)
    assert outer == list(document)
    assert listed == list(document[inner][0])


def test_the_stage_is_told() -> None:
    """The URN that the page shows is one of the stage's stack."""
    assert urn_of("users") in PAGE.text
