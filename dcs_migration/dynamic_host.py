"""The dynamic front end: what Pulumi's dynamic host calls, and the results in its form. Only the plugin loads it.

Pulumi removes the secret markers from the properties that it sends to the plugin, and restores them by path in
the result. That's why a result must have the same structure as the properties that came in.
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
from dcs_migration.life_cycles.accounts import Accounts
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
from dcs_migration.life_cycles.tasks.holders import Holders
from dcs_migration.names import DRY_RUN, PASSWORD

if TYPE_CHECKING:
    from pulumi.dynamic.config import Config

    from dcs_migration.providers.base import DynamicProvider


def call(provider: DynamicProvider, operation: str, args: tuple[Any, ...]) -> Any:
    """Run an operation of a provider class's lifecycle, and return the result in the dynamic host's form."""
    with reporting.guard(engine(), boundary.urn_among(args)):
        boundary.require_sound(operation, args)
        life_cycle = provider.life_cycle()
        if operation == "check":
            args = _apply_phase(life_cycle.process, *args)
        result = boundary.call(getattr(life_cycle, operation), args)
        return None if result is None else converted(result)


def process_of(config: Config, *, max_retries: int | None = None) -> Process:
    """Return this plugin process's shared objects. Resources with the same number of retries share listings and locks.

    Args:
        config: What Pulumi configured the process with.
        max_retries: How often a read is retried; default from the settings.
    """
    with _FIRST:
        if max_retries not in _processes:
            accounts = Accounts(settings_of(config), SystemClock(), max_retries=max_retries)
            _processes[max_retries] = Process(accounts, engine(), holders_by_kind=_HOLDERS)
        return _processes[max_retries]


def settings_of(config: Config) -> Settings:
    """Return the settings that Pulumi configured this process with."""
    # The SDK only has a getter, but finding a misspelled key requires the list of all keys.
    return Settings(config.get, keys=lambda: getattr(config, "_props", ()))


def _apply_phase(process: Process, olds: Any, news: Any) -> tuple[Any, Any]:
    """Remove from a check's inputs what the program says about the phase; the protocol has no field for it."""
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
    # With an empty property, Pulumi prints the line unchanged and without a value.
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
    """Make every password at any depth a secret, including one that a transform set as plain text.

    The dynamic host loses an ``Output.secret`` that a provider returns, but it keeps this form, which Pulumi
    itself uses. A password that isn't known yet becomes a secret when it is known.
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
    """Make the dynamic host show only the text of a :class:`ProviderError`.

    The host answers every exception with ``traceback.format_exc()``. The result is replaced only for our own
    error, so that other providers in this process keep their tracebacks. ``sys.tracebacklimit`` would remove
    those too.
    """
    original = traceback.format_exc

    def format_exc(limit: int | None = None, chain: bool = True) -> str:
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, reporting.ProviderError) else original(limit, chain)

    traceback.format_exc = format_exc


def engine() -> Engine:
    """Return the Pulumi engine that started this process; the first call also turns the process's errors and
    warnings into lines."""
    with _CONNECTING:  # the first calls come from several threads at once
        return _connected_engine()


@cache
def _connected_engine() -> Engine:
    if not in_plugin_process():
        return NoEngine()
    show_errors_as_lines()
    reporting.collect_warnings()
    return GrpcEngine(sys.argv[-1])


_HOLDERS: dict[str, Holders] = {}
_FIRST = threading.Lock()
_CONNECTING = threading.Lock()
_processes: dict[int | None, Process] = {}
