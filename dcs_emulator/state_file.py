"""The state file, which keeps the tasks across restarts."""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from dcs_emulator.task import Task

STATE_VERSION = 1
_REMEDY = "delete it to start with no tasks, or use another file"
_MODE = 0o600
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class StateFileError(Exception):
    """The state file can't be used; the message is one line."""


class StateFile:
    """A file of tasks. It is replaced as a whole, so that it is never incomplete; a symbolic link is kept."""

    def __init__(self, path: Path) -> None:
        self._path = Path(os.path.realpath(path))
        self._failing = False

    def load(self) -> tuple[dict[str, Task], int]:
        """Return the tasks, and the number of all created tasks. Raises `StateFileError`."""
        path = self._path
        if not path.parent.is_dir():
            raise StateFileError(f"the state file's folder doesn't exist: {path.parent}")
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}, 0
        except OSError as error:
            raise StateFileError(f"the state file can't be read: {path}: {error.strerror}") from None
        except (ValueError, RecursionError):
            raise StateFileError(f"the state file isn't JSON: {path}; {_REMEDY}") from None
        try:
            if document["version"] != STATE_VERSION:
                raise StateFileError(f"the state file has another version: {path}; {_REMEDY}")
            tasks = [Task.from_json(record) for record in document["tasks"]]
            return {task.id: task for task in tasks}, int(document["created"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise StateFileError(f"the state file isn't an emulator's: {path}; {_REMEDY}") from None

    def save(self, tasks: Iterable[Task], created: int) -> bool:
        """Write the tasks; False if that isn't possible now, which is reported once on stderr."""
        document = {"version": STATE_VERSION, "created": created, "tasks": [task.to_json() for task in tasks]}
        try:
            self._write(json.dumps(document))
        except OSError as error:
            if not self._failing:
                _report(
                    f"the state file can't be written: {self._path}: {error.strerror or error}; "
                    "fix this before the emulator ends, or changes from now on are lost"
                )
            self._failing = True
            return False
        if self._failing:
            _report(f"the state file can be written again: {self._path}")
        self._failing = False
        return True

    def _write(self, text: str) -> None:
        mode = self._path.stat().st_mode if self._path.exists() else _MODE
        if not mode & _WRITABLE:  # a rename doesn't check this
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        descriptor, draft = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.chmod(draft, stat.S_IMODE(mode))  # fchmod doesn't exist on Windows
                file.write(text)
            os.replace(draft, self._path)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise


def _report(line: str) -> None:
    with suppress(OSError):  # stderr may be closed
        print(f"dcs_emulator: {line}", file=sys.stderr, flush=True)
