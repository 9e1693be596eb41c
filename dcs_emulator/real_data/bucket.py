"""The objects of a bucket, which is a folder: a key is a name, and only looks like a path."""

from __future__ import annotations

from pathlib import Path

from dcs_emulator.real_data.progress import MoveError


def find_object(folder: Path, key: str) -> Path:
    """Return the file of an object key in a bucket's folder.

    No key leads out of its bucket or means another's object: ``../a``, ``/a``, ``a/`` and ``a//b`` are other keys
    than ``a`` and ``a/b``, and no file can have them. Raises `MoveError` when there is no such file.
    """
    parts = key.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise MoveError(
            f"backup file {key} does not exist in the bucket: the key of an object is a name, not a path"
        )
    try:
        file = folder.joinpath(*parts).resolve()
        if not file.is_relative_to(folder):
            raise MoveError(f"backup file {key} is not in the bucket")
        if not file.is_file():
            raise MoveError(f"backup file {key} does not exist in the bucket")
        with file.open("rb"):
            return file
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "not a usable name"
        raise MoveError(f"backup file {key} cannot be read: {reason}") from None
