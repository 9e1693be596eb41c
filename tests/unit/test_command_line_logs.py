"""`logs`: all lines of a task, oldest first, for any pages and orders of the service."""

from __future__ import annotations

import pytest

from dcs_emulator import Emulator
from dcs_migration.command_line import exits, logs
from tests.fakes import FakeClock
from tests.unit.command_line_world import Cli


@pytest.fixture
def cli(cloud: Emulator, clock: FakeClock) -> Cli:
    """Commands against an emulator."""
    return Cli(cloud, clock)


def test_oldest_first(cli: Cli) -> None:
    """Time, level, message and code, in columns."""
    id_ = cli.start()
    cli.clock.advance(60)
    cli.cloud.set_status(id_, "FAILED", "The file is broken.")
    ended = cli.run("logs", id_)
    assert ended.code == exits.OK
    assert ended.lines == [
        "2026-01-01T00:00:00.000Z  INFO   The migration task was created.",
        "                                 (migration.task.created)",
        "2026-01-01T00:01:00.000Z  ERROR  The file is broken. (migration.task.failed)",
    ]


def test_a_level(cli: Cli) -> None:
    """Only that level, in either case; none is said, too."""
    id_ = cli.start()
    assert cli.run("logs", id_, "--level", "ERROR").out == "no ERROR lines\n"
    cli.cloud.set_status(id_, "FAILED", "The file is broken.")
    assert [line.split()[1] for line in cli.run("logs", id_, "--level", "error").lines] == ["ERROR"]


def test_a_document(cli: Cli) -> None:
    """The keys of the guide."""
    id_ = cli.start()
    document = cli.run("logs", id_, "--json").document
    assert document == {
        "id": id_,
        "lines": [
            {
                "created_at": "2026-01-01T00:00:00.000Z",
                "level": "INFO",
                "message": "The migration task was created.",
                "code": "migration.task.created",
            }
        ],
    }
    assert cli.run("logs", id_, "--json", "--level", "WARN").document == {"id": id_, "lines": []}


def test_all_pages_are_read(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is longer than a page is shown whole, each line once."""
    monkeypatch.setattr(logs, "MAX_PAGE", 3)
    id_ = cli.start()
    for number in range(8):
        cli.clock.advance(1)
        cli.cloud.set_status(id_, "FAILED", f"attempt {number}")
    lines = cli.run("logs", id_, "--level", "ERROR", "--json").document["lines"]
    assert [line["message"] for line in lines] == [f"attempt {number}" for number in range(8)]


def test_a_log_without_end_is_read_for_a_while(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that ignores the offset is not asked forever."""
    monkeypatch.setattr(logs, "MAX_PAGE", 1)
    monkeypatch.setattr(logs, "MOST_LINES", 5)
    id_ = cli.start()
    for number in range(8):
        cli.cloud.set_status(id_, "FAILED", f"attempt {number}")
    assert len(cli.run("logs", id_, "--json").document["lines"]) == 5


@pytest.mark.parametrize("id_", ["0" * 32, "nothing like an id", "../../projects"])
def test_an_unknown_task(cli: Cli, id_: str) -> None:
    """It is a line, and 1."""
    ended = cli.run("logs", id_)
    assert (ended.code, ended.out) == (exits.FAILED, "")
    assert ended.err.startswith("dcs-migration: ListMigrationTaskLogs failed: ")
    assert ended.err.count("\n") == 1
