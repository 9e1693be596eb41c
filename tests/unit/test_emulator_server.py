"""The emulator as a server: its state file, its connections, its options."""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from dcs_emulator import Emulator
from dcs_emulator.state_file import StateFileError
from tests.signing import PROJECT, SignedClient, import_request, sign
from tests.unit.emulator_world import World, world


@pytest.fixture
def here() -> Iterator[World]:
    """An emulator whose tasks take ten seconds."""
    with world(duration=10.0) as it:
        yield it


class TestState:
    """The state file."""

    def test_tasks_outlive_the_emulator(self, tmp_path: Path) -> None:
        """Tasks, their logs and their deletion are found again after a restart; no password is written."""
        state = tmp_path / "state.json"
        with world(state=state, quirks=["password-echoed"]) as it:
            kept, failed, deleted = (it.client.create(name) for name in ("kept", "failed", "deleted"))
            it.cloud.set_status(failed, "FAILED", "why")
            it.client.delete(deleted)
        assert "target-secret" not in state.read_text()
        assert [path.name for path in tmp_path.iterdir()] == ["state.json"]
        with world(state=state) as it:
            assert [row["task_id"] for row in it.client.rows()] == [failed, kept]
            assert it.client.status(deleted) == "DELETED"
            logs = it.client.call("GET", f"migration-task/{failed}/logs", log_level="ERROR").json()
            assert logs["migration_logs"][0]["message"] == "why"
            it.clock.turn(5)
            assert (it.client.status(kept), it.client.status(failed)) == ("SUCCESS", "FAILED")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[" * 100_000,
            "[]",
            '{"version": 99}',
            '{"version": 1, "created": 1, "tasks": [1]}',
            '{"version": 1, "created": 1e999, "tasks": []}',
        ],
        ids=lambda text: text[:50],
    )
    def test_a_foreign_file_is_refused(self, tmp_path: Path, text: str) -> None:
        """A file that is not the emulator's is refused by name and with what to do, and left as it is."""
        state = tmp_path / "state.json"
        state.write_text(text)
        with pytest.raises(
            StateFileError, match=r"state\.json; delete it to start with no tasks, or use another"
        ):
            Emulator(state=state)
        assert state.read_text() == text

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("status", ["FAILED"]),
            ("created_at", "yesterday"),
            ("created_at", 1e300),
            ("target", "instance-1"),
            ("pinned", 1),
            ("logs", [{"created_at": None, "level": "INFO", "message": "a", "code": "b"}]),
            ("of_a_later_emulator", 1),
        ],
        ids=str,
    )
    def test_a_task_that_is_none_is_refused(self, tmp_path: Path, name: str, value: object) -> None:
        """What someone has written by hand, or another version, ends the start and not the first call."""
        state = tmp_path / "state.json"
        with world(state=state) as it:
            it.client.create()
        document = json.loads(state.read_text())
        document["tasks"][0][name] = value
        state.write_text(json.dumps(document))
        with pytest.raises(StateFileError, match=r"the state file isn't an emulator's: .*state\.json"):
            Emulator(state=state)

    def test_a_file_of_others_stays_theirs(self, tmp_path: Path) -> None:
        """A link to it stays a link, and its permissions stay."""
        state, link = tmp_path / "state.json", tmp_path / "link.json"
        with world(state=state) as it:
            it.client.create("first")
        state.chmod(0o640)
        link.symlink_to(state)
        with world(state=link) as it:
            it.client.create("second")
        assert link.is_symlink()
        assert stat.S_IMODE(state.stat().st_mode) == 0o640
        assert [task["name"] for task in json.loads(state.read_text())["tasks"]] == ["first", "second"]

    def test_a_read_only_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """It is read and not replaced, which a rename would do; that is said."""
        state = tmp_path / "state.json"
        with world(state=state) as it:
            it.client.create("first")
        before = state.read_text()
        state.chmod(0o444)
        with world(state=state) as it:
            it.client.create("second")
            assert len(it.client.rows()) == 2
        assert state.read_text() == before
        assert f"the state file can't be written: {state}: Permission denied" in capsys.readouterr().err

    def test_a_file_that_cannot_be_written(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """It is reported once, calls continue, and everything is written as soon as possible, at the latest at
        the end."""
        folder = tmp_path / "gone"
        folder.mkdir()
        state = folder / "state.json"
        with world(state=state) as it:
            first = it.client.create("first")
            state.unlink()
            folder.rmdir()
            second, third = it.client.create("second"), it.client.create("third")
            assert len(it.client.rows()) == 3
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith(f"dcs_emulator: the state file can't be written: {state}: No such file")
            folder.mkdir()
            assert len(it.client.rows()) == 3
            assert capsys.readouterr().err == f"dcs_emulator: the state file can be written again: {state}\n"
            state.unlink()
            folder.rmdir()
            it.client.delete(first)
            folder.mkdir()
        with world(state=state) as it:
            assert [row["task_id"] for row in it.client.rows()] == [third, second]

    def test_windows_has_no_fchmod(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The state is written without it, and still only for this user."""
        monkeypatch.delattr(os, "fchmod")
        state = tmp_path / "state.json"
        with world(state=state) as it:
            it.client.create("first")
            assert state.stat().st_mode & 0o777 == 0o600

    def test_a_disk_that_fills_up(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was written before stays whole, and no draft is left."""
        state = tmp_path / "state.json"
        with world(state=state) as it:
            it.client.create("first")
            before = state.read_text()
            real = os.fdopen

            def full(descriptor: int, *arguments: Any, **options: Any) -> Any:
                file = real(descriptor, *arguments, **options)
                monkeypatch.setattr(file, "write", failing)
                return file

            def failing(text: str) -> int:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            monkeypatch.setattr("dcs_emulator.state_file.os.fdopen", full)
            it.client.create("second")
            assert state.read_text() == before
            monkeypatch.undo()
        assert [task["name"] for task in json.loads(state.read_text())["tasks"]] == ["first", "second"]
        assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


class TestSockets:
    """Connections, threads."""

    def test_one_connection_carries_many_requests(self, here: World) -> None:
        """Good answers and refusals leave the connection open, bodies included."""
        for body in (import_request("a"), {"task_name": ""}, import_request("b")):
            answer = here.client.call("POST", "migration-task", body)
            assert "Connection" not in answer.headers
        pools = here.client.session.get_adapter(here.cloud.url).poolmanager.pools  # type: ignore[attr-defined]
        keys = pools.keys()
        (pool,) = (pools[key] for key in keys)
        assert (pool.num_connections, pool.num_requests) == (1, 3)

    def test_a_body_where_none_belongs_is_no_next_request(self, here: World) -> None:
        """A body on a GET is read and thrown away, not taken for the next request."""
        path = f"/v2/{PROJECT}/migration-tasks"
        for _ in range(2):
            answer = here.client.send("GET", path, b"GET /_emulator/health HTTP/1.1\r\n\r\n")
            assert answer.json()["count"] == 0
        assert [entry["operation"] for entry in here.cloud.requests()] == ["ListMigrationTask"] * 2

    def test_chunked_bodies_are_read(self, here: World) -> None:
        """A body in chunks is the same as one with a length."""
        url = f"{here.cloud.url}/v2/{PROJECT}/migration-task"
        body = json.dumps(import_request()).encode()
        headers = sign("POST", url, {"Content-Type": "application/json"}, body)
        pieces = iter([body[:20], body[20:]])
        assert requests.post(url, data=pieces, headers=headers, timeout=30).status_code == 200

    @pytest.mark.parametrize(
        "head",
        [
            b"GET http://[ HTTP/1.1\r\n\r\n",
            b"nonsense\r\n\r\n",
            b"POST /v2/p/migration-task HTTP/1.1\r\nContent-Length: -3\r\n\r\n",
            b"POST /v2/p/migration-task HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        ],
    )
    def test_broken_requests_get_an_answer_and_an_end(
        self, here: World, head: bytes, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """What is not HTTP gets a 4xx and the connection's end; nothing is written anywhere."""
        with socket.create_connection(("127.0.0.1", here.cloud.port), timeout=30) as connection:
            connection.sendall(head)
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as stream:
                assert b" 400 " in stream.read() + b" "
        assert here.client.rows() == []
        assert capfd.readouterr() == ("", "")

    def test_many_clients_at_once(self, here: World) -> None:
        """Tasks made by many threads at once are all there, each once."""
        barrier = threading.Barrier(8)

        def work() -> None:
            client = SignedClient(here.cloud.url)
            barrier.wait()
            for _ in range(10):
                client.create()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({row["task_id"] for row in here.client.rows(limit=1000)}) == 80

    def test_closing_ends_kept_connections(self) -> None:
        """A closed emulator answers no more, not even on a connection that is open."""
        with world() as it:
            assert it.client.rows() == []
        with pytest.raises(requests.ConnectionError):
            it.client.rows()
        it.cloud.close()

    def test_emulators_are_apart(self) -> None:
        """Two emulators in one process share nothing."""
        with world() as one, world() as two:
            one.client.create()
            assert (len(one.cloud.tasks()), len(two.cloud.tasks())) == (1, 0)
            assert one.cloud.port != two.cloud.port

    def test_bad_options_are_refused(self) -> None:
        """An unknown progression, an unknown quirk and half a key pair are refused."""
        for options in ({"progression": "sideways"}, {"quirks": ["nope"]}, {"access_key": "AK"}):
            with pytest.raises(ValueError, match=r"."):
                Emulator(**options)
