"""The plugin's service: passes each call of Pulumi to the resource's lifecycle, and returns the result."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata, resources
from typing import Any, TypeVar

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer

from dcs_migration.dcs.errors import TaskError
from dcs_migration.life_cycles import boundary, reporting
from dcs_migration.life_cycles.accounts import TIMEOUTS, Accounts
from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.engine import Engine, GrpcEngine, NoEngine
from dcs_migration.life_cycles.inputs import UNKNOWN, has_unknown
from dcs_migration.life_cycles.process import DiffResult, LifeCycle, Phase, Process
from dcs_migration.life_cycles.settings_check import problems as problems_of_settings
from dcs_migration.names import CREATE_TIMEOUT, DELETE_TIMEOUT, ENDPOINT, OWNER, UPDATE_TIMEOUT, URN
from dcs_migration.native import component, names
from dcs_migration.native.cancelling import CancellableClock, NativeEngine
from dcs_migration.native.encoding import Properties, differing
from dcs_migration.native.functions import invoke
from dcs_migration.native.resources import RESOURCES, Resource, planned
from dcs_migration.native.settings import SECRET, malformed, settings_of

Props = dict[str, Any]
Answer = TypeVar("Answer")

_DIFF = provider_pb2.DiffResponse
_KINDS = {
    # (there was a value, there is one, the resource is replaced)
    (False, True, False): provider_pb2.PropertyDiff.ADD,
    (False, True, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (True, False, False): provider_pb2.PropertyDiff.DELETE,
    (True, False, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (True, True, False): provider_pb2.PropertyDiff.UPDATE,
    (True, True, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


def version() -> str:
    """Return the version of the distribution."""
    return metadata.version("pulumi-dcs-migration")


class DcsProvider(ResourceProviderServicer):
    """Serves one provider resource of a preview or an update; thread-safe.

    The protocol passes the resource's URN, its timeouts and the provider's id with each call. For the lifecycles
    they are hidden properties. This class adds them and removes them again, so the state doesn't have them.
    """

    def __init__(
        self,
        engine: Engine | None = None,
        clock: CancellableClock | None = None,
        environ: Mapping[str, str] = os.environ,
        timeouts: tuple[float, float] = TIMEOUTS,
    ) -> None:
        """Set up; without an engine, the first call passes its address. The other arguments are for tests."""
        self._clock = clock or CancellableClock()
        self._environ = environ
        self._timeouts = timeouts
        self._engine = NativeEngine(engine or NoEngine(), self._clock)
        self._owner: str | None = None
        self._reference = ""  # Pulumi's reference to this provider resource
        self._process: Process | None = None
        self._life_cycles: dict[str, LifeCycle] = {}
        self._loading = threading.Lock()

    # The plugin and its settings.

    def Handshake(self, request: Any, context: Any) -> Any:
        """Connect to Pulumi, and return the features that this provider supports."""
        self._connect(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: Any) -> Any:
        """Connect to a Pulumi engine that didn't start this process."""
        self._connect(request.address)
        return Empty()

    def _connect(self, address: str) -> None:
        self._clock.cancelled.clear()
        self._engine = NativeEngine(GrpcEngine(address), self._clock)
        reporting.collect_warnings()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Return the version."""
        return plugin_pb2.PluginInfo(version=version())

    def GetSchema(self, request: Any, context: Any) -> Any:
        """Return the package's schema; its format has only one version."""
        with self._answering(context, ""):
            if request.version:
                raise TaskError(f"unknown schema version {request.version}; ask for version 0")
            text = (resources.files("dcs_migration") / "native" / "schema.json").read_text("utf-8")
            return provider_pb2.GetSchemaResponse(schema=text)

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Check the settings, offline."""
        with self._answering(context, request.urn):
            wire = Properties()
            props = wire.decode(request.news)
            lines = malformed(props)
            if not has_unknown(props):
                found = problems_of_settings(settings_of(props, _name_of(request.urn), self._environ))
                lines = list(dict.fromkeys((*lines, *map(names.translated, found))))
            if lines:
                return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(lines))
            return provider_pb2.CheckResponse(inputs=wire.encode(props, SECRET))

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Compare settings. A change never replaces the provider, which would replace all its resources."""
        same = Properties().decode(request.olds) == Properties().decode(request.news)
        return _DIFF(changes=_DIFF.DIFF_NONE if same else _DIFF.DIFF_SOME)

    def Configure(self, request: Any, context: Any) -> Any:
        """Store the settings, and the id of the provider resource, which is the owner of its tasks."""
        with self._answering(context, request.urn):
            settings = settings_of(
                Properties().decode(request.args), request.name or "default", self._environ
            )
            self._owner = request.id or None
            self._reference = f"{request.urn}::{request.id}" if request.urn and request.id else ""
            self._process = Process(self._accounts(settings), self._engine, Phase(known=False))
            self._life_cycles = {}
            return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    # Resources.

    def Check(self, request: Any, context: Any) -> Any:
        """Validate and complete the inputs, offline."""
        with self._answering(context, request.urn):
            resource, wire = _resource(request.urn), Properties()
            news, misnamed = names.written(resource.contract, wire.decode(request.news))
            olds = names.stored(resource.contract, wire.decode(request.olds))
            result = self._call(
                request.urn,
                "check",
                olds and self._with_call_data(olds, request.urn),
                self._with_call_data(news, request.urn),
            )
            if misnamed or result.problems:  # refused inputs may not be encodable
                lines = [*misnamed, *map(names.translated, result.problems)]
                return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(lines))
            return provider_pb2.CheckResponse(
                inputs=wire.encode(names.shown(resource.contract, result.inputs))
            )

    def Diff(self, request: Any, context: Any) -> Any:
        """Compare, offline.

        The protocol doesn't show whether this is a preview or an update. In an update, a value is unknown only
        while a dependency is being replaced, and Pulumi calls again. So an unknown value isn't a change unless
        this is certainly a preview; otherwise an import could run that no one asked for.
        """
        with self._answering(context, request.urn):
            resource, wire = _resource(request.urn), Properties()
            olds, news = (
                names.stored(resource.contract, wire.decode(side)) for side in (request.olds, request.news)
            )
            result: DiffResult = self._call(
                request.urn,
                "diff",
                request.id,
                self._with_call_data(olds, request.urn),
                self._with_call_data(news, request.urn),
            )
            self._say_what_is_unknown(resource, news, result, request.urn)
            taken_over = names.was_dynamic(wire.decode(request.olds)) or names.was_dynamic(
                wire.decode(request.old_inputs)
            )
            return _diff_response(result, olds, news, rewrites=taken_over)

    def Create(self, request: Any, context: Any) -> Any:
        """Create the resource; in a preview, return the expected outputs."""
        with self._answering(context, request.urn):
            resource, wire = _resource(request.urn), Properties()
            props = names.stored(resource.contract, wire.decode(request.properties))
            self._learn_the_phase(preview=request.preview)
            if request.preview:
                return provider_pb2.CreateResponse(
                    properties=wire.encode(names.shown(resource.contract, planned(resource, props, UNKNOWN)))
                )
            props = self._with_call_data(props, request.urn, CREATE_TIMEOUT, request.timeout)
            result = self._call(request.urn, "create", props)
            return provider_pb2.CreateResponse(
                id=result.id, properties=wire.encode(resource.shown(result.outputs))
            )

    def Read(self, request: Any, context: Any) -> Any:
        """Read the resource: for a refresh, or to import it or ``get`` it."""
        with self._answering(context, request.urn):
            resource, wire = _resource(request.urn), Properties()
            props = self._with_call_data(
                names.stored(resource.contract, wire.decode(request.properties)), request.urn
            )
            managed = ENDPOINT in props or (resource.spec is None and "statuses" in props)
            result = self._call(request.urn, "read" if managed else "imported", request.id, props)
            inputs = request.inputs
            if result.inputs is not None:
                inputs = wire.encode(names.shown(resource.contract, result.inputs))
            return provider_pb2.ReadResponse(
                id=result.id or "",
                properties=wire.encode(resource.shown(result.outputs)),
                inputs=inputs,
            )

    def Update(self, request: Any, context: Any) -> Any:
        """Update the resource in place; in a preview, return the expected outputs."""
        with self._answering(context, request.urn):
            resource, wire = _resource(request.urn), Properties()
            olds, news = (
                names.stored(resource.contract, wire.decode(side)) for side in (request.olds, request.news)
            )
            self._learn_the_phase(preview=request.preview)
            if request.preview:
                kept = {key: value for key, value in olds.items() if key not in resource.inputs}
                return provider_pb2.UpdateResponse(
                    properties=wire.encode(names.shown(resource.contract, {**kept, **news}))
                )
            news = self._with_call_data(news, request.urn, UPDATE_TIMEOUT, request.timeout)
            result = self._call(
                request.urn, "update", request.id, self._with_call_data(olds, request.urn), news
            )
            return provider_pb2.UpdateResponse(properties=wire.encode(resource.shown(result.outputs)))

    def Delete(self, request: Any, context: Any) -> Any:
        """Delete the resource."""
        with self._answering(context, request.urn):
            resource, wire = _resource(request.urn), Properties()
            props = names.stored(resource.contract, wire.decode(request.properties))
            self._call(
                request.urn,
                "delete",
                request.id,
                self._with_call_data(props, request.urn, DELETE_TIMEOUT, request.timeout),
            )
            return Empty()

    def Construct(self, request: Any, context: Any) -> Any:
        """Create a component."""
        with self._answering(context, ""):
            if request.type != component.TOKEN:
                raise TaskError(f"unknown component {request.type}; known component: {component.TOKEN}")
            self._learn_the_phase(preview=request.dryRun)
            return component.construct(request, self._reference)

    def Invoke(self, request: Any, context: Any) -> Any:
        """Call a function: it only reads."""
        with self._answering(context, ""):
            result, lines = invoke(self._require_process(), request.tok, Properties().decode(request.args))
            return provider_pb2.InvokeResponse(
                **{"return": Properties().encode(result)}, failures=_failures(lines)
            )

    def Cancel(self, request: Any, context: Any) -> Any:
        """End every wait: Pulumi was interrupted or has finished."""
        self._clock.cancelled.set()
        return Empty()

    # Shared methods.

    @contextmanager
    def _answering(self, context: Any, urn: str) -> Iterator[None]:
        """Answer with one line if an operation fails."""
        try:
            with reporting.guard(self._engine, urn or None):
                yield
        except reporting.ProviderError as error:
            context.abort(grpc.StatusCode.UNKNOWN, names.translated(str(error)))

    def _call(self, urn: str, operation: str, *args: Any) -> Any:
        boundary.require_sound(operation, args)
        function: Callable[..., Any] = getattr(self._life_cycle(urn), operation)
        return boundary.call(function, args)

    def _life_cycle(self, urn: str) -> LifeCycle:
        token = _type_of(urn)
        with self._loading:
            if token not in self._life_cycles:
                resource, process = RESOURCES[token], self._require_process()
                if not resource.retries:
                    accounts = self._accounts(process.accounts.settings, max_retries=0)
                    process = Process(accounts, self._engine, process.phase, process.holders_by_kind)
                self._life_cycles[token] = resource.life_cycle(process)
            return self._life_cycles[token]

    def close(self) -> None:
        """Close the connections to the service."""
        processes = [life_cycle.process for life_cycle in self._life_cycles.values()]
        for process in (*processes, *([self._process] if self._process else ())):
            process.accounts.close()

    def _accounts(self, settings: Settings, max_retries: int | None = None) -> Accounts:
        return Accounts(settings, self._clock, timeouts=self._timeouts, max_retries=max_retries, threads=None)

    def _require_process(self) -> Process:
        if self._process is None:
            raise TaskError("the provider isn't configured")
        return self._process

    def _learn_the_phase(self, *, preview: bool) -> None:
        phase = self._require_process().phase
        phase.preview, phase.known = preview, True

    def _with_call_data(self, props: Props, urn: str, timeout: str = "", seconds: float = 0) -> Props:
        """Add what the protocol passes for a resource to its properties; a timeout of 0 isn't set.

        Durations have no exponent and no unit below a millisecond, but Pulumi accepts "1000h" and "1ns".
        """
        complete: Props = {**props, URN: urn}
        if self._owner is not None:
            complete[OWNER] = self._owner
        if timeout and seconds:
            complete[timeout] = f"{max(seconds, 0.001):f}s"
        return complete

    def _say_what_is_unknown(self, resource: Resource, news: Props, result: DiffResult, urn: str) -> None:
        open_ = [key for key in resource.replacing_if_changed(news) if key not in result.replaces]
        if open_ and not self._require_process().phase.preview:
            self._engine.log(
                "WARNING",
                f"{', '.join(open_)}: not known yet; if the value turns out to have changed, the resource "
                "is replaced and its migration runs again",
                urn,
            )


def _diff_response(result: DiffResult, olds: Props, news: Props, *, rewrites: bool) -> Any:
    """Return a diff in the protocol's form; if it only rewrites a state of the dynamic provider, it is an update."""
    detailed = {}
    for path in (*result.replaces, *result.updates):
        key = path.partition(".")[0]
        for where, old, new in differing(olds.get(key), news.get(key), key):
            kind = _KINDS[old is not None, new is not None, key in result.replaces]
            detailed[names.camel_path(where)] = provider_pb2.PropertyDiff(kind=kind)
    if rewrites and not detailed:
        detailed["__provider"] = provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.DELETE)
    return _DIFF(
        changes=_DIFF.DIFF_SOME if result.changes or rewrites else _DIFF.DIFF_NONE,
        replaces=[names.camel_path(key) for key in result.replaces],
        diffs=sorted({names.camel(path.partition(".")[0]) for path in (*result.replaces, *result.updates)}),
        deleteBeforeReplace=result.delete_before_replace,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _failures(lines: Sequence[str]) -> list[Any]:
    # An empty property: Pulumi then prints the line as it is, and no value.
    return [provider_pb2.CheckFailure(property="", reason=line) for line in lines]


def _resource(urn: str) -> Resource:
    if _type_of(urn) == component.TOKEN:
        raise TaskError(
            f"{component.TOKEN} is a component, which can't be imported or read; import the two resources in it, "
            f"{component.INSTANCE} and {component.MIGRATION}, with `pulumi import --file`"
        )
    try:
        return RESOURCES[_type_of(urn)]
    except KeyError:
        raise TaskError(
            f"unknown resource {_type_of(urn)}; known resources: {', '.join(RESOURCES)}"
        ) from None


def _type_of(urn: str) -> str:
    """Return the type token at the end of a URN's types: ``urn:pulumi:STACK::PROJECT::PARENTS$TYPE::NAME``."""
    return urn.split("::")[2].rpartition("$")[2]


def _name_of(urn: str) -> str:
    return urn.split("::", 3)[-1]
