"""The real plugin process, spoken to as Pulumi does: no CLI, and a stand-in for Pulumi."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.dynamic.dynamic import PROVIDER_KEY, ResourceProvider, serialize_provider
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from dcs_migration.providers.migration_task import MigrationTaskProvider

ROOT = Path(__file__).parents[2]
# How Pulumi spells a secret on the wire (sdk/go/common/resource/properties.go).
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN = rpc.UNKNOWN
SECONDS = 60.0  # bound of one call: a method that never answers fails the test, it does not hang it

Props = dict[str, Any]

_PASSED_ON = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "COVERAGE_PROCESS_START")
_SEVERITIES = {engine_pb2.INFO: "INFO", engine_pb2.WARNING: "WARNING", engine_pb2.ERROR: "ERROR"}


@dataclass(frozen=True)
class Line:
    """One line that the plugin asked Pulumi to show."""

    severity: str
    message: str
    urn: str
    ephemeral: bool


class StandInEngine(engine_pb2_grpc.EngineServicer):
    """Answers the two calls that a plugin makes to its engine, and keeps the log lines."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
        engine_pb2_grpc.add_EngineServicer_to_server(self, self._server)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def Log(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Keep a line."""
        severity = _SEVERITIES.get(request.severity, str(request.severity))
        self.lines.append(Line(severity, request.message, request.urn, request.ephemeral))
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: Any) -> engine_pb2.GetRootResourceResponse:
        """Say that no root resource is known: any answer shows that Pulumi lives."""
        return engine_pb2.GetRootResourceResponse()

    def SetRootResource(self, request: Any, context: Any) -> engine_pb2.SetRootResourceResponse:
        """Accept; a plugin never asks for it."""
        return engine_pb2.SetRootResourceResponse()

    def StartDebugging(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Accept; a plugin never asks for it."""
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, request: Any, context: Any) -> engine_pb2.RequirePulumiVersionResponse:
        """Accept; a plugin never asks for it."""
        return engine_pb2.RequirePulumiVersionResponse()

    def warnings(self, urn: str | None = None) -> list[str]:
        """Return the warnings, of one resource or of all."""
        return [line.message for line in self.lines if line.severity == "WARNING" and urn in (None, line.urn)]

    def stop(self) -> None:
        """Stop answering, as an engine that was killed."""
        self._server.stop(0).wait()


class Failed(Exception):
    """A call that the plugin answered with an error: its gRPC code and the text that the CLI would show."""

    def __init__(self, error: Any) -> None:
        super().__init__(error.details())
        self.code: grpc.StatusCode = error.code()
        self.text: str = error.details()


@dataclass(frozen=True)
class Checked:
    """The answer to Check: inputs, (property, reason) of each failure, and the paths that are marked as secrets."""

    inputs: Props
    failures: list[tuple[str, str]]
    secrets: frozenset[str] = frozenset()

    @property
    def reasons(self) -> list[str]:
        """The lines that the CLI shows."""
        return [reason for _, reason in self.failures]


@dataclass(frozen=True)
class Compared:
    """The answer to Diff."""

    changes: str
    replaces: list[str]
    delete_before_replace: bool


@dataclass(frozen=True)
class State:
    """What Pulumi keeps of a resource: id, outputs and, after a read, inputs.

    secrets: the paths that are marked as secrets among the outputs, and among these inputs.
    """

    id: str
    outputs: Props
    inputs: Props | None = None
    secrets: frozenset[str] = frozenset()


class Plugin:
    """One ``python -m pulumi.dynamic`` and a channel to it. A context manager.

    ``environ`` is the whole environment that the plugin sees, besides what Python itself needs; ``config``
    is the stack's configuration, with full keys such as ``huaweicloud:region``.
    """

    def __init__(
        self,
        engine: StandInEngine,
        environ: Mapping[str, str],
        cwd: Path,
        config: Mapping[str, str] | None = None,
    ) -> None:
        inherited = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "pulumi.dynamic", engine.address],
            cwd=cwd,
            env={**inherited, "PYTHONPATH": str(ROOT), "PULUMI_PROJECT": "shop", **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().decode().strip()
        self._stderr = bytearray()
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        self._provider = serialize_provider(MigrationTaskProvider())
        self._call("Configure", provider_pb2.ConfigureRequest(args=struct(config or {})))

    def _drain(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._stderr += line

    def __enter__(self) -> Plugin:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> str:
        """End the process; returns what it wrote to stderr."""
        self._channel.close()
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()
        return self._stderr.decode(errors="replace")

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def check(self, news: Props, olds: Props | None = None, provider: str | None = None) -> Checked:
        """Check inputs; ``olds`` are the old inputs, empty for a new resource."""
        request = provider_pb2.CheckRequest(
            olds=self._bag(olds, provider) if olds else struct({}), news=self._bag(news, provider)
        )
        reply = self._call("Check", request)
        return Checked(
            plain_bag(reply.inputs),
            [(failure.property, failure.reason) for failure in reply.failures],
            secrets_in(reply.inputs),
        )

    def diff(self, id_: str, olds: Props, news: Props) -> Compared:
        """Compare old outputs with new inputs."""
        reply = self._call(
            "Diff", provider_pb2.DiffRequest(id=id_, olds=self._bag(olds), news=self._bag(news))
        )
        changes = provider_pb2.DiffResponse.DiffChanges.Name(reply.changes)
        return Compared(changes, list(reply.replaces), reply.deleteBeforeReplace)

    def create(self, inputs: Props, provider: str | None = None) -> State:
        """Create a resource from checked inputs."""
        reply = self._call("Create", provider_pb2.CreateRequest(properties=self._bag(inputs, provider)))
        return State(reply.id, plain_bag(reply.properties), None, secrets_in(reply.properties))

    def read(self, id_: str, outputs: Props, inputs: Props | None = None) -> State:
        """Read a resource: a refresh passes outputs, ``get`` passes inputs alone."""
        request = provider_pb2.ReadRequest(
            id=id_,
            properties=self._bag(outputs) if outputs else struct({}),
            inputs=self._bag(inputs or outputs),
        )
        reply = self._call("Read", request)
        told = plain_bag(reply.inputs) if reply.HasField("inputs") else None
        secrets = secrets_in(reply.properties) | secrets_in(reply.inputs)
        return State(reply.id, plain_bag(reply.properties), told, secrets)

    def update(self, id_: str, olds: Props, news: Props) -> State:
        """Update a resource."""
        request = provider_pb2.UpdateRequest(id=id_, olds=self._bag(olds), news=self._bag(news))
        reply = self._call("Update", request)
        return State(id_, plain_bag(reply.properties), None, secrets_in(reply.properties))

    def delete(self, id_: str, outputs: Props, provider: str | None = None) -> None:
        """Delete a resource."""
        self._call("Delete", provider_pb2.DeleteRequest(id=id_, properties=self._bag(outputs, provider)))

    def _bag(self, props: Props | None, provider: str | None = None) -> struct_pb2.Struct:
        return struct({**(props or {}), PROVIDER_KEY: provider or self._provider})

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._stub, method)(request, timeout=SECONDS)
        except grpc.RpcError as error:
            raise Failed(error) from None


def by_reference(provider: ResourceProvider) -> str:
    """Return a provider of the tests' own as state would hold it."""
    return str(serialize_provider(provider))


def struct(props: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return a property bag as it goes over the wire: every number a float, an unknown value a sentinel."""
    result = struct_pb2.Struct()
    result.update(dict(props))
    return result


def plain_bag(bag: struct_pb2.Struct) -> Props:
    """Return a property bag from the wire, without the provider's own pickle and marks; nulls are kept."""
    return {key: _plain(value) for key, value in bag.fields.items() if key != PROVIDER_KEY}


def _plain(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        if _SIGNATURE in value.struct_value.fields:
            return _plain(value.struct_value.fields["value"])
        return {key: _plain(item) for key, item in value.struct_value.fields.items()}
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, str(kind))


def secrets_in(bag: struct_pb2.Struct) -> frozenset[str]:
    """Return the paths that are marked as secrets."""
    found: set[str] = set()

    def search(value: struct_pb2.Value, path: tuple[str, ...]) -> None:
        if _SIGNATURE in value.struct_value.fields:
            assert value.struct_value.fields[_SIGNATURE].string_value == _SECRET
            found.add(".".join(path))
        for key, item in value.struct_value.fields.items():
            search(item, (*path, key))
        for item in value.list_value.values:
            search(item, (*path, "[]"))

    for key, value in bag.fields.items():
        search(value, (key,))
    return frozenset(found)


def leaves(value: Any, path: Sequence[str] = ()) -> list[tuple[str, Any]]:
    """Return every scalar of a nested value with its path, to look for what must not be there."""
    if isinstance(value, Mapping):
        return [leaf for key, item in value.items() for leaf in leaves(item, (*path, str(key)))]
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in leaves(item, (*path, "[]"))]
    return [(".".join(path), value)]
