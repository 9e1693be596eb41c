"""The dynamic front end: what Pulumi's dynamic host calls, and what it understands. The plugin alone loads it.

Pulumi strips secrets on the way to the plugin and marks them again on the way back, by their path, so that what
is returned has the shape of what came.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Mapping
from functools import cache, singledispatch
from typing import TYPE_CHECKING, Any

import pulumi.dynamic
from pulumi.runtime import rpc

from dcs_migration.clock import SystemClock
from dcs_migration.life_cycles import boundary, reporting
from dcs_migration.life_cycles.account import Accounts
from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.engine import Engine, GrpcEngine, NoEngine
from dcs_migration.life_cycles.inputs import has_unknown
from dcs_migration.life_cycles.process import (
    CheckResult,
    CreateResult,
    DiffResult,
    Process,
    ReadResult,
    UpdateResult,
)
from dcs_migration.life_cycles.tasks.held import Held
from dcs_migration.names import DRY_RUN, PASSWORD

if TYPE_CHECKING:
    from pulumi.dynamic.config import Config

    from dcs_migration.providers.base import Provider


def call(provider: Provider, operation: str, args: tuple[Any, ...]) -> Any:
    """Have an operation done by the lifecycle of a provider class, and return what the dynamic host understands."""
    with reporting.guard(engine(), boundary.urn_among(args)):
        boundary.require_sound(operation, args)
        life_cycle = provider.life_cycle()
        if operation == "check":
            args = _told_the_phase(life_cycle.process, *args)
        result = boundary.passed(getattr(life_cycle, operation), args)
        return None if result is None else converted(result)


def process_of(config: Config, *, max_retries: int | None = None) -> Process:
    """Return what this plugin process has; resources whose reads are retried alike share it, with listings and turns.

    Args:
        config: What Pulumi configured the process with.
        max_retries: Of a read; default from the settings.
    """
    with _FIRST:
        if max_retries not in _processes:
            accounts = Accounts(settings_of(config), SystemClock(), max_retries=max_retries)
            _processes[max_retries] = Process(accounts, engine(), heard=_HEARD)
        return _processes[max_retries]


def settings_of(config: Config) -> Settings:
    """Return the settings that Pulumi configured this process with."""
    # The SDK has a getter alone, and a misspelt key can only be seen among all of them.
    return Settings(config.get, keys=lambda: getattr(config, "_props", ()))


def _told_the_phase(process: Process, olds: Any, news: Any) -> tuple[Any, Any]:
    """Take out of a check's inputs what the program reports about the phase, which the protocol doesn't."""
    dry_run = news.get(DRY_RUN)
    if dry_run is not None:
        process.phase.preview = bool(dry_run)
    return olds, {key: value for key, value in news.items() if key != DRY_RUN}


@singledispatch
def converted(result: Any) -> Any:
    """Return a result of a lifecycle in the dynamic host's form, with every password marked as a secret."""
    raise TypeError(type(result).__name__)


@converted.register
def _(result: CheckResult) -> pulumi.dynamic.CheckResult:
    # An empty property: Pulumi then prints the line as it is, and no value.
    failures = [pulumi.dynamic.CheckFailure("", line) for line in result.problems]
    return pulumi.dynamic.CheckResult(with_secret_passwords(result.inputs), failures)


@converted.register
def _(result: DiffResult) -> pulumi.dynamic.DiffResult:
    return pulumi.dynamic.DiffResult(
        changes=result.changes,
        replaces=list(result.replaces),
        delete_before_replace=result.delete_before_replace,
    )


@converted.register
def _(result: CreateResult) -> pulumi.dynamic.CreateResult:
    return pulumi.dynamic.CreateResult(result.id, with_secret_passwords(result.outputs))


@converted.register
def _(result: ReadResult) -> pulumi.dynamic.ReadResult:
    outputs = with_secret_passwords(result.outputs)
    if result.inputs is None:
        return pulumi.dynamic.ReadResult(result.id or "", outputs)
    return pulumi.dynamic.ReadResult(result.id or "", outputs, with_secret_passwords(result.inputs))


@converted.register
def _(result: UpdateResult) -> pulumi.dynamic.UpdateResult:
    return pulumi.dynamic.UpdateResult(with_secret_passwords(result.outputs))


def with_secret_passwords(value: Any) -> Any:
    """Mark every password at any depth as a secret, also one that a transform set unmarked.

    The dynamic host drops the mark of an ``Output.secret`` that a provider returns, but not this form, which is
    Pulumi's own. A password that is known later is marked then.
    """
    if isinstance(value, Mapping):
        return {
            key: rpc.wrap_rpc_secret(item)
            if key == PASSWORD and item is not None and not has_unknown(item)
            else with_secret_passwords(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [with_secret_passwords(item) for item in value]
    return value


def in_plugin_process() -> bool:
    """Whether this process is Pulumi's plugin (``python -m pulumi.dynamic ENGINE_ADDRESS``)."""
    return "pulumi.dynamic" in sys.orig_argv


def show_errors_as_lines() -> None:
    """Have the dynamic host show a :class:`ProviderError` as its text alone.

    The host answers every exception with ``traceback.format_exc()``. Its result is replaced for our own
    error only: other providers in this process keep their tracebacks, as ``sys.tracebacklimit`` would not
    let them.
    """
    original = traceback.format_exc

    def format_exc(limit: int | None = None, chain: bool = True) -> str:
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, reporting.ProviderError) else original(limit, chain)

    traceback.format_exc = format_exc


@cache
def engine() -> Engine:
    """Return the Pulumi engine that started this process; the first call also makes errors and warnings of the process lines."""
    if not in_plugin_process():
        return NoEngine()
    show_errors_as_lines()
    reporting.hear_libraries()
    return GrpcEngine(sys.argv[-1])


_HEARD: dict[str, Held] = {}
_FIRST = threading.Lock()
_processes: dict[int | None, Process] = {}
