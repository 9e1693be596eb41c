"""The defaults of inputs (name, region and project), and the location of a task.

The state keeps the location, and calls about the task go only there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from dcs_migration.dcs.errors import ConfigurationError, TaskError
from dcs_migration.dcs.loopback import is_this_machine
from dcs_migration.life_cycles.account import Account, Accounts
from dcs_migration.life_cycles.config import ACCEPT_ENDPOINT, DCS_ENDPOINT, NO_REGION, Settings
from dcs_migration.life_cycles.inputs import UNKNOWN, is_unknown
from dcs_migration.life_cycles.settings_check import problems as problems_of_settings
from dcs_migration.life_cycles.tasks.props import Props
from dcs_migration.names import DEFAULTS, ENDPOINT, PROJECT_NAME, URN

_LONGEST_DEFAULT = 64


def fill(
    inputs: dict[str, Any], olds: Props, news: Props, settings: Settings, *, name: str | None
) -> tuple[list[str], list[str]]:
    """Complete inputs with their defaults, in place.

    Args:
        inputs: The user's inputs, normalized.
        olds: The old inputs, empty for a new task.
        news: The program's properties, including hidden ones.
        settings: The configured region and project.
        name: The input with the task's name in the service, if there is one.

    Returns:
        The names of the inputs that were filled in; one line for each input without a default, and for each
            problem of the settings.
    """
    defaults = _Defaults(olds, news.get(URN), settings)
    fills: dict[str, Callable[[], Any]] = {"region": defaults.region}
    if name is not None:
        fills = {name: lambda: defaults.name(name), **fills}
    fills["project_id"] = lambda: defaults.project_id(inputs["region"]) if "region" in inputs else None
    filled, problems = [], problems_of_settings(settings)
    for key, value_of in fills.items():
        if key in inputs:
            continue
        try:
            value = value_of()
        except ConfigurationError as error:
            if str(error) not in problems:
                problems.append(f"{key}: {error}")
            continue
        if value is not None:
            filled.append(key)
            inputs[key] = value
    if "project_id" not in inputs or "project_id" in filled:
        try:
            looked_up = defaults.project_name(inputs.get("region"))
        except ConfigurationError as error:
            problems.append(f"project_id: {error}")
        else:
            if looked_up is not None:
                inputs[PROJECT_NAME] = looked_up
    return filled, problems


class _Defaults:
    """The default of each input."""

    def __init__(self, olds: Props, urn: Any, settings: Settings) -> None:
        self._olds = olds
        self._urn = urn
        self._settings = settings

    def name(self, key: str) -> Any:
        """The name in state if it is also a default, because it survives renames; else one from the URN.

        A preview may not know the URN yet, if another program creates the parent.
        """
        if key in (self._olds.get(DEFAULTS) or ()) and self._olds.get(key):
            return self._olds[key]
        return default_name(self._urn) if isinstance(self._urn, str) else UNKNOWN

    def region(self) -> Any:
        """The region in state; the configuration must not contradict it. Else the configured region."""
        region = self._place("region", "region", self._settings.region)
        if not region:
            raise ConfigurationError(NO_REGION)
        return region

    def project_id(self, region: Any) -> Any:
        """The project in state, else the configured one; each only for its own region."""
        here = region == self._settings.region
        configured = self._settings.project_id if here else None
        if self._olds.get("region") != region:
            return configured
        return self._place("project_id", "project", configured)

    def project_name(self, region: Any) -> str | None:
        """The project name to look up at create; later the configuration must not contradict it.

        None if the project's id is set.
        """
        if not isinstance(region, str) or self._configured(lambda: self._settings.project_id, region):
            return None
        configured = self._configured(lambda: self._settings.project_name, region)
        if self._olds.get("region") != region:
            return configured or region
        known: str | None = self._olds.get(PROJECT_NAME)
        if known is None and "project_id" not in self._olds:
            known = region
        if known and configured and known != configured:
            raise ConfigurationError(
                f"this task lives in project {known}, but the configuration now names {configured}; set "
                f"project_id= to the id of {known} to leave it there, or to the id of {configured} to run "
                "the migration again there"
            )
        return known

    def _configured(self, read: Callable[[], str | None], region: str) -> str | None:
        """A setting of the configured region, or None; its problems are reported elsewhere."""
        try:
            return read() if region == self._settings.region else None
        except ConfigurationError:
            return None

    def _place(self, key: str, noun: str, configured: str | None) -> Any:
        known = self._olds.get(key)
        if known is None or is_unknown(known):
            return configured
        if configured is not None and configured != known:
            raise ConfigurationError(_moved(key, noun, known, configured))
        return known


def _moved(key: str, noun: str, known: str, configured: str) -> str:
    """Return a line about a configured location that differs from the state's."""
    return (
        f"this task lives in {noun} {known}, but the configuration now names {configured}; set "
        f'{key}="{known}" to leave it there, or {key}="{configured}" to run the migration again there'
    )


def require_same_project(old: Props, news: Props) -> None:
    """Refuse another project. The old inputs don't have a project that was looked up at create, so ``check``
    couldn't compare it.

    Raises:
        TaskError: the configured project isn't the task's project.
    """
    known, configured = old.get("project_id"), news.get("project_id")
    defaulted = "project_id" in (news.get(DEFAULTS) or ()) and old.get("region") == news.get("region")
    if defaulted and known and configured and known != configured:
        raise TaskError(f"project_id: {_moved('project_id', 'project', known, configured)}")


def require_taken_over_stays(id_: str, new: Props, replaces: Collection[str]) -> None:
    """Refuse to replace a task that was taken over.

    Raises:
        TaskError: the inputs ask for another task.
    """
    wanted = new.get("existing_task_id")
    if wanted is None or is_unknown(wanted):
        return
    if id_ and wanted != id_:
        raise TaskError(
            f"existing_task_id: this resource already holds task {id_}, which can't be changed; use "
            f"another resource for task {wanted}"
        )
    if replaces:
        raise TaskError(
            f"{', '.join(replaces)}: a change replaces the task, but existing_task_id says to keep task "
            f"{wanted}; remove existing_task_id to start a new task"
        )


def default_name(urn: str) -> str:
    """Return a task name from its resource: ``<resource name>-<7 hex digits of the URN's hash>``, shortened if
    necessary."""
    resource_name = urn.split("::", 3)[-1]
    digest = hashlib.sha256(urn.encode("utf-8", "surrogatepass")).hexdigest()[:7]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", resource_name)[: _LONGEST_DEFAULT - 8].strip("-") or "task"
    return f"{stem}-{digest}"


def account_of(accounts: Accounts, props: Props) -> Account:
    """Return the account of the region and project in a property bag.

    Raises:
        ConfigurationError: the settings have a different host than the state.
        DcsMigrationError: as for :meth:`Accounts.at`.
    """
    moved = _elsewhere(accounts.settings, props)  # before anything is sent, even to IAM
    if moved is not None:
        raise ConfigurationError(moved)
    return accounts.at(props.get("region"), props.get("project_id"))


def foretold(settings: Settings, props: Props) -> str | None:
    """Return what :func:`account_of` would refuse. A preview uses this, because it works without settings."""
    try:
        return _elsewhere(settings, props)
    except ConfigurationError:
        return None


def _elsewhere(settings: Settings, props: Props) -> str | None:
    region, remembered = props.get("region"), props.get(ENDPOINT)
    if not isinstance(region, str) or not remembered:
        return None
    endpoint, accepted = urlsplit(settings.dcs_url(region)).netloc, settings.accepted_endpoint()
    if endpoint in (remembered, accepted):
        return None
    other = f" (currently {accepted})" if accepted else ""
    return (
        f"this task lives at {remembered}, but the settings now point to {endpoint} "
        f"{_way_back(settings, remembered)}, or set {ACCEPT_ENDPOINT}={endpoint} if the service has moved "
        f"there{other}"
    )


def _way_back(settings: Settings, remembered: str) -> str:
    source = settings.dcs_endpoint_source()
    on_loopback = is_this_machine(urlsplit(f"//{remembered}").hostname)
    if source == DCS_ENDPOINT and not on_loopback:
        return f"(set in {source}); unset it if it is left over from something else"
    because = f"set in {source}" if source else f"{DCS_ENDPOINT} is not set"
    return (
        f"({because}); set {DCS_ENDPOINT}={'http' if on_loopback else 'https'}://{remembered} to continue "
        "there"
    )
