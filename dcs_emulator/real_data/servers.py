"""Our own redis-server processes: they are started, and always ended."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dcs_emulator.real_data.endpoints import Endpoint
from dcs_emulator.real_data.peer import Loading, Peer, client_of, connect, without_payload
from dcs_emulator.real_data.programs import Program, programs
from dcs_emulator.real_data.progress import MigrationError

STALL_SECONDS = 30.0
"""How long a starting server can make no progress."""

DATABASES = 1024  # a backup can use high numbers, and empty databases are free
LONGEST_BASE = 70  # bytes: the path of a Unix socket has about 100
_PREFIX = "dcs-redis-"
_PORT_ATTEMPTS = 5
_POLL_SECONDS = 0.01
_LOG, _CONFIG, _SOCKET = "server.log", "redis.conf", "redis.sock"
DUMP, AOF, AOF_FOLDER = "dump.rdb", "appendonly.aof", "appendonlydir"
"""The file in its folder that a server loads."""
_LOG_LINE = re.compile(r"^\d+:\w \d+ \w+ \d+ [\d:.]+ (?P<level>\S) (?P<text>.*)")
_LONGEST_REASON = 400
_LOUD = "#"  # the level of warnings and errors
_LOG_NOISE = re.compile(
    r"oO0Oo|(Redis|Valkey) version|Configuration loaded|Server initialized|WARNING|systemd|monotonic clock"
)
_CRASH = re.compile(r"Guru Meditation: (.*?)(?: #\S+)?$|==> (.*)|(crashed by signal: \d+)", re.MULTILINE)
_UNKNOWN = re.compile(r"nknown command '([^']+)'")
_CUT = re.compile(r"Truncating the AOF")
# Commands that an append-only file must not run; servers never write them into one. Since 7.0, CONFIG can't set paths,
# and Valkey itself needs it.
_FORBIDDEN = ("MODULE", "DEBUG", "SHUTDOWN", "REPLICAOF", "SLAVEOF", "BGREWRITEAOF", "BGSAVE", "SAVE", "ACL")
_FORBIDDEN_BEFORE_7 = ("CONFIG",)

# The pipe on stdin closes when this process ends in any way; then the watching shell ends the server and cleans up.
# A line on the pipe means that the server has already ended, and its id may belong to another process.
_WATCHED = f"""
exec 3<&0 </dev/null
{{ read -r _ <&3 || {{ kill -9 $$; rm -rf {_LOG} {_CONFIG} {_SOCKET} {DUMP} {AOF} {AOF_FOLDER}; rmdir "$PWD"; }}; }} &
exec 3<&-
exec "$0" "$@"
"""

Settings = Mapping[str, "str | int"]
"""Lines of redis.conf."""


class RedisServer:
    """A redis-server in its own temporary folder, without automatic saves. A context manager.

    It listens on a Unix socket that only this user can reach, and on a port of 127.0.0.1 when
    ``settings`` have one. ``settings`` are lines of redis.conf; they go into a file for this user
    only, so that arguments don't contain passwords. ``prepare`` puts the data to load into the folder, and
    returns the settings for it. ``program`` is any available one by default.

    The process ends with `close`, and when this process ends in any way. Raises `MigrationError` when it
    can't be started, and what ``prepare`` raises.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        prepare: Callable[[Path], Settings] | None = None,
        program: Program | None = None,
    ) -> None:
        path = (program or programs()[0]).path
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_base()))
        self._process: subprocess.Popen[bytes] | None = None
        try:
            prepared = prepare(self._folder) if prepare else {}
            self._write_config({"port": 0, "bind": "127.0.0.1", **(settings or {}), **prepared})
            self._process = subprocess.Popen(  # noqa: S603 - without a caller's values
                ["/bin/sh", "-c", _WATCHED, path, _CONFIG],
                cwd=self._folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C goes only to us, and we then end it in order
            )
        except OSError as error:
            self.close()
            raise MigrationError(f"can't start redis-server: {error.strerror}") from None
        except BaseException:
            self.close()
            raise

    def _write_config(self, settings: Settings) -> None:
        lines = {
            "save": "",
            "appendonly": "no",
            "databases": DATABASES,
            "dbfilename": DUMP,
            "logfile": _LOG,
            "unixsocket": _SOCKET,
            "unixsocketperm": 700,
            **settings,
        }
        path = self._folder / _CONFIG
        path.touch(mode=0o600)
        path.write_text("".join(f"{name} {_quoted(str(value))}\n" for name, value in lines.items()))

    def __enter__(self) -> RedisServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The id of the process."""
        assert self._process is not None
        return self._process.pid

    @property
    def socket(self) -> Path:
        """The Unix socket on which it listens."""
        return self._folder / _SOCKET

    @property
    def dump(self) -> Path:
        """The backup file that SAVE writes."""
        return self._folder / DUMP

    @property
    def running(self) -> bool:
        """Whether the process hasn't ended."""
        return self._process is not None and self._process.poll() is None

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Suspend the process meanwhile, to simulate a hanging server."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def last_log_lines(self) -> str:
        """Return the last useful lines of its log, as one line."""
        log = self._log()
        if not log:
            return "it wrote no log"
        crash = _CRASH.search(log)
        if crash is not None:
            return f"it crashed: {next(filter(None, crash.groups()))}"[:_LONGEST_REASON]
        matches = map(_LOG_LINE.match, log.splitlines())
        read = [match for match in matches if match and not _LOG_NOISE.search(match["text"])]
        loud = [match for match in read if match["level"] == _LOUD] or read
        said = " ".join(without_payload(match["text"]).strip() for match in loud[-2:])
        return said[:_LONGEST_REASON] or "it logged no reason"

    def has_cut(self) -> bool:
        """Whether it removed the broken end of its append-only file."""
        return _CUT.search(self._log()) is not None

    def _log(self) -> str:
        try:
            return (self._folder / _LOG).read_text("utf-8", "replace")
        except OSError:
            return ""

    def wait_until_ready(self, peer: Peer, pause: Callable[[float], None] = time.sleep) -> None:
        """Wait until ``peer``, which is this server, has read its data.

        Raises `MigrationError` if the process ends, or makes no progress for `STALL_SECONDS`; and what
        ``pause`` raises.
        """
        seen, since = None, time.monotonic()
        while True:
            trouble = None
            try:
                peer.call("PING")
                return
            except Loading:
                state = peer.info().get("loading_loaded_bytes")
            except MigrationError as error:
                state, trouble = None, str(error)
            if not self.running:
                raise MigrationError(f"{peer} ended: {self.last_log_lines()}")
            if state != seen:
                seen, since = state, time.monotonic()
            if time.monotonic() - since > STALL_SECONDS:
                raise MigrationError(trouble or f"{peer} made no progress for {STALL_SECONDS:.0f} seconds")
            pause(_POLL_SECONDS)

    def close(self) -> None:
        """End the process without saving, and remove its folder."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdin is not None
            try:
                process.stdin.write(b"\n")
                process.stdin.close()
            except BrokenPipeError:
                pass  # the watching shell has also ended
        shutil.rmtree(self._folder, ignore_errors=True)


def _base() -> str:
    """Return the folder for temporary folders: the usual one, or another if its path is too long for sockets."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= LONGEST_BASE else "/tmp"  # noqa: S108 - mkdtemp's are private


def _quoted(value: str) -> str:
    """Quote a value for redis.conf, with any characters."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in value.encode()) + '"'


@contextmanager
def loading(
    program: Program, prepare: Callable[[Path], Settings], name: str, pause: Callable[[float], None]
) -> Iterator[tuple[Peer, bool]]:
    """Start a server with a backup, yield it as a peer when it has read everything, and end it.

    It also yields whether the file had a broken end, which was removed. Raises `MigrationError` if the backup can't be
    read, and the errors of ``prepare`` and ``pause``.
    """
    forbidden = _FORBIDDEN + (() if program.version.of_seven else _FORBIDDEN_BEFORE_7)
    settings = {f"rename-command {command}": "" for command in forbidden}
    with RedisServer(settings, prepare, program) as server:
        peer = Peer(name, client_of(unix_socket_path=str(server.socket)))
        try:
            try:
                server.wait_until_ready(peer, pause)
            except MigrationError as error:
                raise MigrationError(_with_remedy(str(error), program, forbidden)) from None
            yield peer, server.has_cut()
        finally:
            peer.close()


def _with_remedy(said: str, program: Program, forbidden: Sequence[str]) -> str:
    """Add a hint if the server is too old for a command of the file; targets don't accept a newer server's keys."""
    unknown = _UNKNOWN.search(said)
    if unknown is None or unknown[1].upper() in forbidden:
        return said
    return f"{said.rstrip('.')}; it runs {program.version} to match the target; import into a version that supports the command"


@contextmanager
def local_redis(
    password: str | None = None, program: Program | None = None, **settings: str | int
) -> Iterator[tuple[Endpoint, RedisServer]]:
    """Run a Redis server on a free port of 127.0.0.1, for tests and demos.

    ``settings`` are lines of redis.conf, with underscores for dashes. Raises `MigrationError`.
    """
    lines = {name.replace("_", "-"): value for name, value in settings.items()}
    if password is not None:
        lines["requirepass"] = password
    for attempt in range(_PORT_ATTEMPTS):
        endpoint = Endpoint("127.0.0.1", _free_port(), password)
        with RedisServer({**lines, "port": endpoint.port}, program=program) as server:
            client = client_of(unix_socket_path=str(server.socket), password=password)
            peer = Peer(f"the Redis server {endpoint}", client, endpoint)
            try:
                server.wait_until_ready(peer)
                with connect("Redis server", endpoint):
                    pass
            except MigrationError:
                # Someone may have taken the port in the meantime.
                if attempt + 1 == _PORT_ATTEMPTS:
                    raise
                continue
            finally:
                peer.close()
            yield endpoint, server
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
