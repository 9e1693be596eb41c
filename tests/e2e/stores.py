"""Where the CLI keeps the states of stacks: a folder here, a bucket or a table in `tests/shared`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class Store(Protocol):
    """One place for states, which the CLI meets as ``url``, and the tests by the keys that the CLI gives."""

    @property
    def url(self) -> str:
        """What `pulumi login` takes."""

    @property
    def environ(self) -> Mapping[str, str]:
        """What else a shell needs: credentials, mostly."""

    def all_keys(self) -> list[str]:
        """The keys under which something is kept."""

    def read(self, key: str) -> bytes | None:
        """What is kept under a key, or None."""

    def write(self, key: str, content: bytes) -> None:
        """Store this under a key, replacing any old value."""

    def remove(self, key: str) -> None:
        """Remove what is kept under a key."""


class FileStore:
    """A folder."""

    environ: Mapping[str, str] = {}

    def __init__(self, folder: Path) -> None:
        """Make it, if it is not there."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """What `pulumi login` takes."""
        return f"file://{self._folder}"

    def all_keys(self) -> list[str]:
        """The keys under which something is kept."""
        return [str(path.relative_to(self._folder)) for path in self._folder.rglob("*") if path.is_file()]

    def read(self, key: str) -> bytes | None:
        """What is kept under a key, or None."""
        try:
            return (self._folder / key).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, key: str, content: bytes) -> None:
        """Store this under a key, replacing any old value."""
        (self._folder / key).write_bytes(content)

    def remove(self, key: str) -> None:
        """Remove what is kept under a key."""
        (self._folder / key).unlink()


def state_key(project: str, stack: str) -> str:
    """The key of a stack's state."""
    return f".pulumi/stacks/{project}/{stack}.json"


def locks_of(store: Store) -> list[str]:
    """The keys of the locks that are held, or were left."""
    return [key for key in store.all_keys() if key.startswith(".pulumi/locks/") and key.endswith(".json")]


def everything_in(store: Store) -> bytes:
    """Every byte that is kept."""
    return b"\n".join(filter(None, map(store.read, store.all_keys())))
