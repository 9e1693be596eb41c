"""The native front end as the lifecycles' tests drive one: Pulumi's requests, in this process."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from dcs_migration.life_cycles.engine import Severity
from dcs_migration.life_cycles.reporting import ProviderError
from dcs_migration.names import DELETE_TIMEOUT, DRY_RUN, OWNER, UPDATE_TIMEOUT, URN
from dcs_migration.native import names
from dcs_migration.native.cancelling import CancellableClock
from dcs_migration.native.encoding import Properties
from dcs_migration.native.provider import DcsProvider
from dcs_migration.native.resources import RESOURCES
from dcs_migration.native.settings import KEYS
from tests.fakes import FakeClock, FakeEngine

Props = dict[str, Any]
_FROM_THE_PROTOCOL = (URN, OWNER, DRY_RUN, DELETE_TIMEOUT, UPDATE_TIMEOUT, "__provider")


def untranslated(text: str) -> str:
    """Return what the native front end says in the words of the dynamic one, which the tests have."""
    for ours, theirs in names.PHRASES[1:]:
        text = text.replace(theirs, ours)
    text = re.sub(r'\b(write|set|with|or) (\w+): (?=["\[{])', r"\1 \2=", text)
    text = re.sub(rf"(?<![\w/])dcs:(?={'|'.join(KEYS)})", "huaweicloud:", text)
    camel = {names.camel(name): name for name in names.known()}
    return re.sub(
        rf"(?<![\w/])(?:{'|'.join(sorted(camel, key=len, reverse=True))})(?!\w)", lambda m: camel[m[0]], text
    )


class Untranslating:
    """An engine that shows lines in the words of the dynamic front end."""

    def __init__(self, engine: FakeEngine) -> None:
        self.require = engine.require
        self._log = engine.log

    def log(self, severity: Severity, message: str, urn: str | None, *, ephemeral: bool = False) -> None:
        """See `Engine`."""
        self._log(severity, untranslated(message), urn, ephemeral=ephemeral)


class NativeClock(CancellableClock):
    """The tests' clock, which no one cancels."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.monotonic, self.sleep, self.now = clock.monotonic, clock.sleep, clock.now  # type: ignore[method-assign]


class Aborted(Exception):
    """What gRPC raises where an answer is an error."""


class Context:
    """The context of a call."""

    text = ""

    def abort(self, code: Any, text: str) -> None:
        """End the call with an error."""
        self.text = text
        raise Aborted(text)


class NativePlugin:
    """One plugin process for each provider resource, which is the owner; made again for each run of the CLI."""

    def __init__(
        self,
        environ: Mapping[str, str],
        clock: FakeClock,
        engine: FakeEngine,
        *,
        config: Mapping[str, Any] | None = None,
        timeouts: tuple[float, float] = (10.0, 10.0),
    ) -> None:
        self._arguments = (Untranslating(engine), NativeClock(clock), environ, timeouts)
        self._config = {key.partition(":")[2]: value for key, value in (config or {}).items()}
        self._lock = threading.Lock()
        self._servers: dict[str | None, DcsProvider] = {}
        self.providers = {token.rpartition(":")[2]: NativeProvider(self, token) for token in RESOURCES}
        self.provider = self.providers["MigrationTask"]

    def server(self, owner: str | None) -> DcsProvider:
        """Return the process of a provider resource."""
        with self._lock:
            if owner not in self._servers:
                self._servers[owner] = server = DcsProvider(*self._arguments)
                server.Configure(
                    provider_pb2.ConfigureRequest(
                        args=Properties().encode(self._config),
                        id=owner or "",
                        name="default",
                        urn="urn:pulumi:s::p::pulumi:providers:dcs::default",
                    ),
                    Context(),
                )
            return self._servers[owner]

    def close(self) -> None:
        """Close the connections of all processes."""
        for server in self._servers.values():
            server.close()


class NativeProvider:
    """A kind of resource, with the methods of a provider class: each one is a call over the protocol."""

    def __init__(self, plugin: NativePlugin, token: str) -> None:
        self._plugin = plugin
        self._contract = RESOURCES[token].contract
        self._owners: dict[str, str] = {}

    def _call(self, method: str, request: Any, props: Mapping[str, Any]) -> Any:
        owner = props.get(OWNER) or self._owners.get(request.urn)
        if owner is not None:
            self._owners[request.urn] = owner
        context = Context()
        try:
            return getattr(self._plugin.server(owner), method)(request, context)
        except Aborted:
            raise ProviderError(untranslated(context.text)) from None

    def _wire(self, props: Mapping[str, Any]) -> Any:
        plain = {
            key: value for key, value in rpc.unwrap_rpc_secret(props).items() if key not in _FROM_THE_PROTOCOL
        }
        return Properties().encode(names.shown(self._contract, plain), secrets=())

    def _core(self, struct: Any, told: Mapping[str, Any]) -> Props:
        kept = {key: told[key] for key in _FROM_THE_PROTOCOL if key in told and key not in (DRY_RUN,)}
        return {**names.stored(self._contract, Properties().decode(struct)), **kept}

    @staticmethod
    def _seconds(props: Mapping[str, Any], key: str) -> float:
        from dcs_migration import durations

        return durations.seconds(props[key]) if props.get(key) else 0.0

    def check(self, olds: Props, news: Props) -> CheckResult:
        """See the provider classes."""
        request = provider_pb2.CheckRequest(urn=str(news[URN]), olds=self._wire(olds), news=self._wire(news))
        response = self._call("Check", request, news)
        return CheckResult(
            self._core(response.inputs, news),
            [CheckFailure("", untranslated(each.reason)) for each in response.failures],
        )

    def diff(self, id_: str, olds: Props, news: Props) -> DiffResult:
        """See the provider classes."""
        request = provider_pb2.DiffRequest(
            id=id_, urn=str(news[URN]), olds=self._wire(olds), news=self._wire(news)
        )
        response = self._call("Diff", request, news)
        return DiffResult(
            changes=response.changes == provider_pb2.DiffResponse.DIFF_SOME,
            replaces=[names.snake(key) for key in response.replaces],
            delete_before_replace=response.deleteBeforeReplace,
        )

    def create(self, props: Props) -> CreateResult:
        """See the provider classes."""
        request = provider_pb2.CreateRequest(urn=str(props[URN]), properties=self._wire(props))
        response = self._call("Create", request, props)
        return CreateResult(response.id, self._core(response.properties, props))

    def read(self, id_: str, props: Props) -> ReadResult:
        """See the provider classes."""
        request = provider_pb2.ReadRequest(id=id_, urn=str(props[URN]), properties=self._wire(props))
        response = self._call("Read", request, props)
        return ReadResult(
            response.id, self._core(response.properties, props), self._core(response.inputs, props)
        )

    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        """See the provider classes."""
        request = provider_pb2.UpdateRequest(
            id=id_,
            urn=str(news[URN]),
            olds=self._wire(olds),
            news=self._wire(news),
            timeout=self._seconds(news, UPDATE_TIMEOUT),
        )
        response = self._call("Update", request, news)
        return UpdateResult(self._core(response.properties, news))

    def delete(self, id_: str, props: Props) -> None:
        """See the provider classes."""
        request = provider_pb2.DeleteRequest(
            id=id_,
            urn=str(props[URN]),
            properties=self._wire(props),
            timeout=self._seconds(props, DELETE_TIMEOUT),
        )
        self._call("Delete", request, props)
