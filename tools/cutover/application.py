"""Several instances of the example's application: they write through the shop's address, and record acknowledged
writes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tools.bench.stacks import BenchError

PROGRAM = "write_orders.py"
PATIENCE = 20.0  # seconds until the first write
_LOOK_SECONDS = 0.002


class Application:
    """A number of writers, each with a file of its acknowledged keys."""

    def __init__(self, example: Path, folder: Path, address: str, writers: int) -> None:
        """Set up with the example's folder and the writers' address."""
        self._program = example / PROGRAM
        self._address = address
        self._files = [folder / f"writer-{number}" for number in range(writers)]
        self._read = dict.fromkeys(self._files, 0)
        self._counted = 0

    @contextmanager
    def writing(self, password: str) -> Iterator[float]:
        """Run the writers; yields the Unix time of the first acknowledged write.

        Raises:
            BenchError: there was none.
        """
        before = self._size()
        with ExitStack() as writers:
            for file in self._files:
                command = [sys.executable, str(self._program), self._address, str(file), password]
                process = writers.enter_context(subprocess.Popen(command))
                writers.callback(process.terminate)
            until = time.monotonic() + PATIENCE
            while self._size() == before:
                if time.monotonic() > until:
                    raise BenchError("the application can't write")
                time.sleep(_LOOK_SECONDS)
            yield time.time()

    def _size(self) -> int:
        return sum(file.stat().st_size for file in self._files if file.exists())

    def count(self) -> int:
        """Return the number of acknowledged writes so far. Only for one thread."""
        for file in self._files:
            if file.exists():
                with file.open("rb") as lines:
                    lines.seek(self._read[file])
                    new = lines.read()
                self._read[file] += len(new)
                self._counted += new.count(b"\n")
        return self._counted

    def last(self) -> float:
        """Return the Unix time of the last acknowledged write."""
        return max(file.stat().st_mtime for file in self._files)

    def keys(self) -> list[str]:
        """Return the keys of all writers."""
        return [key for file in self._files for key in file.read_text().split()]
