"""The locations of data from the options: Redis servers, their addresses and bucket folders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path

_INSTANCE_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_ENDPOINT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]]+)):([0-9]{1,5})(?::(.*))?", re.DOTALL)


@dataclass(frozen=True)
class Endpoint:
    """A Redis server's host, port, and its password when it has one."""

    host: str
    port: int
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def with_password(self, password: str | None) -> Endpoint:
        """Return the endpoint with this password, or unchanged without one."""
        return self if password is None else replace(self, password=password)


def parse_endpoint(text: str) -> Endpoint:
    """Read ``HOST:PORT[:PASSWORD]``; raises ValueError with a message without the password."""
    match = _ENDPOINT.fullmatch(text)
    if match is None or not 1 <= int(match[3]) <= 65535:
        raise ValueError("a Redis server must be HOST:PORT or HOST:PORT:PASSWORD")
    return Endpoint(match[1] or match[2], int(match[3]), match[4] or None)


def parse_endpoints(redis: Mapping[str, str]) -> dict[str, Endpoint]:
    """Read the servers of instance ids; raises ValueError."""
    for instance_id in redis:
        if not _INSTANCE_ID.fullmatch(instance_id):
            raise ValueError("--redis: an instance id must have 1 to 64 letters, digits and dashes")
    try:
        return {instance_id: parse_endpoint(text) for instance_id, text in redis.items()}
    except ValueError as error:
        raise ValueError(f"--redis: {error}") from None


def parse_buckets(buckets: Mapping[str, str | PathLike[str]]) -> dict[str, Path]:
    """Read the folders of buckets; raises ValueError for one that doesn't exist."""
    folders = {name: Path(folder) for name, folder in buckets.items()}
    for name, folder in folders.items():
        if not name:
            raise ValueError("--bucket: a bucket needs a name")
        if not folder.is_dir():
            raise ValueError(f"--bucket: not a folder: {folder}")
    return {name: folder.resolve() for name, folder in folders.items()}


def parse_addresses(addresses: Mapping[str, str | int], endpoints: Mapping[str, Endpoint]) -> dict[str, int]:
    """Read the ports of instances; raises ValueError."""
    ports = {}
    for instance_id, text in addresses.items():
        if instance_id not in endpoints:
            raise ValueError(f"--address: {instance_id} isn't an instance from --redis")
        if not (str(text).isascii() and str(text).isdigit()) or not 0 <= int(text) <= 65535:
            raise ValueError(f"--address: must be {instance_id}=PORT; 0 picks a free port")
        ports[instance_id] = int(text)
    return ports
