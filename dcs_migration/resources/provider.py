"""The ``Provider`` resource: location settings, credentials, and the owner of the tasks.

Its id is random, and Pulumi writes it into the state before any resource that uses it. The id is the tasks'
owner: no other stack has it, and it survives a killed `pulumi up`, a renamed stack and a changed setting.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pulumi.runtime.settings import get_monitor

from dcs_migration.names import EXPLICIT, EXPLICIT_AGENCY, NAMESPACE
from dcs_migration.resources.component import enclosing_component, name_in

PACKAGE = "pulumi-python"
DEFAULT_NAME = "dcs-migration"

_KEYS = {
    # argument: key of the configuration
    "region": "region",
    "project_id": "projectId",
    "project_name": "projectName",
    "access_key": "accessKey",
    "secret_key": "secretKey",
    "security_token": "securityToken",
    "profile": "profile",
    "shared_config_file": "sharedConfigFile",
    "assume_role": "assumeRole",
    "cloud": "cloud",
    "endpoints": "endpoints",
    "insecure": "insecure",
    "max_retries": "maxRetries",
}
_OF_THE_REGION = ("project_id", "project_name")
_KEY_PAIR = ("access_key", "secret_key", "security_token")
_PROFILE = ("profile", "shared_config_file")
_CREDENTIALS = (*_KEY_PAIR, *_PROFILE)
_SECRET = ("secret_key", "security_token")
AUTH_URL = f"{NAMESPACE}:authUrl"
"""A key of another tool; whether it matters here depends on its value."""


class Provider(pulumi.ProviderResource):
    """Settings for the resources that use it: another region, project or account.

    Pass it as ``opts.provider``, or to a component as ``providers``. Settings that you leave out come from the stack's
    ``huaweicloud:*`` configuration, then from the environment. Resources without a provider share a default
    one named ``dcs-migration``, which has no settings of its own.

    Each provider runs in its own plugin process, with four threads.

    Example:
        from dcs_migration import Provider

        singapore = Provider("singapore", region="ap-southeast-3")
    """

    def __init__(
        self,
        resource_name: str,
        *,
        region: pulumi.Input[str] | None = None,
        project_id: pulumi.Input[str] | None = None,
        project_name: pulumi.Input[str] | None = None,
        cloud: pulumi.Input[str] | None = None,
        endpoints: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        insecure: pulumi.Input[bool] | None = None,
        max_retries: pulumi.Input[int] | None = None,
        access_key: pulumi.Input[str] | None = None,
        secret_key: pulumi.Input[str] | None = None,
        security_token: pulumi.Input[str] | None = None,
        profile: pulumi.Input[str] | None = None,
        shared_config_file: pulumi.Input[str] | None = None,
        assume_role: pulumi.Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a provider.

        Args:
            resource_name: Pulumi's name of the resource.
            region: Region of the service.
            project_id: Project in that region. If you set ``region`` or a project here, the configured project isn't used.
            project_name: Name of the project, if you don't set its id: the provider gets the id from IAM.
            cloud: Domain of the cloud. Default ``myhuaweicloud.com``.
            endpoints: URLs of the services, ``dcs`` and ``iam``.
            insecure: Do not verify TLS certificates. Default False.
            max_retries: How often a failed read is retried, 0 to 20. Default 5.
            access_key: Access key. A key that you set here takes precedence over the environment.
            secret_key: Secret key, always a secret. Goes with ``access_key``.
            security_token: Security token of temporary keys, always a secret. Goes with ``access_key``.
            profile: Profile of Huawei's command-line tool (KooCLI) that has the keys, in place of ``access_key``.
            shared_config_file: The tool's file. Default ``~/.hcloud/config.json``.
            assume_role: Agency to assume with the credentials; the environment doesn't change it: ``agency_name``,
                ``domain_name`` or ``domain_id`` (its account), and ``duration`` (of its keys, in seconds; default
                3600).
            opts: Resource options.

        Raises:
            TypeError: an argument has the wrong type.
            ValueError: a set of credentials is incomplete, or there are both keys and a profile.
        """
        arguments: dict[str, Any] = {
            "region": region,
            "project_id": project_id,
            "project_name": project_name,
            "cloud": cloud,
            "endpoints": endpoints,
            "insecure": insecure,
            "max_retries": max_retries,
            "access_key": access_key,
            "secret_key": secret_key,
            "security_token": security_token,
            "profile": profile,
            "shared_config_file": shared_config_file,
            "assume_role": assume_role,
        }
        written = {name: value for name, value in arguments.items() if value is not None}
        _check(resource_name, written)
        props = _configured(written)
        for name, value in written.items():
            text = _text(_agency(value) if name == "assume_role" else value)
            props[f"{NAMESPACE}:{_KEYS[name]}"] = pulumi.Output.secret(text) if name in _SECRET else text
        if any(name in written for name in _CREDENTIALS):
            props[EXPLICIT] = resource_name
        if "assume_role" in written:
            props[EXPLICIT_AGENCY] = resource_name
        super().__init__(PACKAGE, resource_name, props, opts)
        self._written = written

    def _elsewhere(self) -> dict[str, Any]:
        """Return its settings without the location, which each task has itself."""
        return {
            name: value for name, value in self._written.items() if name not in ("region", *_OF_THE_REGION)
        }

    def _for_waits(self, number: int) -> Provider:
        """Declare another process with the same settings, so that a wait doesn't occupy a thread of this one.

        Args:
            number: Number of this process among the provider's processes for waits, from 1.
        """
        name = f"{self.pulumi_resource_name}-completions" + (f"-{number}" if number > 1 else "")
        return Provider(name, **self._written, opts=pulumi.ResourceOptions(parent=self))


_TYPES: dict[str, tuple[type, ...]] = {
    "endpoints": (Mapping,),
    "assume_role": (Mapping,),
    "insecure": (bool,),
    "max_retries": (int,),
}
_WORDS: dict[Any, str] = {
    "endpoints": "a map of URLs",
    "assume_role": "a map of agency_name and domain_name",
    bool: "True or False",
    int: "a whole number",
    str: "a string",
}


def _check(resource_name: str, written: Mapping[str, Any]) -> None:
    """Refuse plain values of the wrong type. The resources that use them check the content."""
    for name, value in written.items():
        types = _TYPES.get(name, (str,))
        if isinstance(value, pulumi.Output) or hasattr(value, "__await__"):
            continue
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise TypeError(
                f"Provider '{resource_name}': {name} is of type {type(value).__name__}; use "
                f"{_WORDS.get(name) or _WORDS[types[0]]}"
            )
    missing = {"access_key", "secret_key"} - written.keys()
    if any(name in written for name in _PROFILE) and any(name in written for name in _KEY_PAIR):
        raise ValueError(
            f"Provider '{resource_name}': a profile has its own keys; set profile or access_key, not both"
        )
    if any(name in written for name in _KEY_PAIR) and missing:
        raise ValueError(
            f"Provider '{resource_name}': {' and '.join(sorted(missing))} is missing; set access_key and "
            "secret_key together"
        )


def _agency(value: Any) -> Any:
    """Return an agency with its keys as the configuration spells them: domainName for domain_name."""

    def renamed(known: Any) -> Any:
        if not isinstance(known, Mapping):
            return known
        return {
            re.sub(r"_([a-z])", lambda found: found[1].upper(), str(key)): part for key, part in known.items()
        }

    return pulumi.Output.from_input(value).apply(renamed)


def _text(value: Any) -> pulumi.Input[str]:
    """Return a setting as a string, the type of a provider's properties."""

    def text(known: Any) -> str:
        return known if isinstance(known, str) else json.dumps(known)

    return value if isinstance(value, str) else pulumi.Output.from_input(value).apply(text)


def _configured(written: Mapping[str, Any]) -> dict[str, pulumi.Input[str]]:
    """Return the stack's settings for what isn't set: Pulumi passes no configuration to an explicit provider.

    A project belongs to the configured region, and sets of credentials are never mixed.
    """
    without = set() if written.keys().isdisjoint(("region", *_OF_THE_REGION)) else set(_OF_THE_REGION)
    if any(name in written for name in _CREDENTIALS):
        without |= {*_CREDENTIALS, "assume_role"}
    stack = pulumi.Config(NAMESPACE)
    props: dict[str, pulumi.Input[str]] = {}
    for name, key in _KEYS.items():
        if name in written or name in without:
            continue
        full_key = f"{NAMESPACE}:{key}"
        value = stack.get_secret(key) if pulumi.runtime.is_config_secret(full_key) else stack.get(key)
        if value is not None:
            props[full_key] = pulumi.Output.secret(value) if name in _SECRET else value
    # Only the names of the other keys: the plugin reports misspelled and ignored ones, and values may be secrets.
    for full_key, given in {**get_config_env(), **CONFIG.get()}.items():
        if full_key.startswith(f"{NAMESPACE}:") and full_key.partition(":")[2] not in _KEYS.values():
            shown = full_key == AUTH_URL and not pulumi.runtime.is_config_secret(full_key)
            empty = str(given).strip() in ("", "[]", "{}")
            props[full_key] = given if shown else "" if empty else "set"
    return props


# The default provider of each program, or of each component: a monitor is the program's connection to Pulumi, and one
# process may run several programs.
_defaults: WeakKeyDictionary[object, dict[pulumi.Resource | None, Provider]] = WeakKeyDictionary()
_lock = threading.Lock()


def given_provider(opts: pulumi.ResourceOptions, type_token: str) -> pulumi.ProviderResource | None:
    """Return the provider that the options set or inherit, as Pulumi itself would find it."""
    return named_provider(opts) or inherited_provider(opts, type_token)


def named_provider(opts: pulumi.ResourceOptions) -> pulumi.ProviderResource | None:
    """Return the provider that the options set themselves."""
    if opts.provider is not None:
        return opts.provider
    given = opts.providers.values() if isinstance(opts.providers, Mapping) else opts.providers or ()
    return next((provider for provider in given if provider.package == PACKAGE), None)


def inherited_provider(opts: pulumi.ResourceOptions, type_token: str) -> pulumi.ProviderResource | None:
    """Return the provider that comes from the parent."""
    return opts.parent.get_provider(type_token) if opts.parent is not None else None


def used_provider(resource: pulumi.Resource, type_token: str) -> pulumi.ProviderResource:
    """Return the provider that a resource of this package was declared with."""
    return resource.get_provider(type_token) or default_provider(resource)


def waiting_provider(
    where: str, providers: Sequence[pulumi.ProviderResource]
) -> pulumi.ProviderResource | None:
    """Return the provider whose settings see all these providers' tasks; None if the stack's settings do.

    Raises:
        ValueError: there is no such provider.
    """
    first = providers[0] if providers else None
    for other in providers[1:]:
        if not _same_settings(first, other):
            names = ", ".join(dict.fromkeys(f"'{each.pulumi_resource_name}'" for each in providers))
            raise ValueError(
                f"{where}: the providers {names} differ in more than the region, so no process sees all "
                "tasks; use one completion for the tasks of each provider, or opts.provider"
            )
    return first if not isinstance(first, Provider) or first._elsewhere() else None


def _same_settings(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if not isinstance(one, Provider) or not isinstance(other, Provider):
        return False
    ours, theirs = one._elsewhere(), other._elsewhere()
    return ours.keys() == theirs.keys() and all(_same(ours[name], theirs[name]) for name in ours)


def _same(one: Any, other: Any) -> bool:
    """Whether two inputs are known to be equal. An output's value isn't known here."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return one is other or (isinstance(one, (str, bool, int)) and type(one) is type(other) and one == other)


def default_provider(resource: pulumi.Resource | None) -> pulumi.ProviderResource:
    """Return the provider that resources without one share.

    Args:
        resource: A resource without a provider, or the parent of one.
    """
    monitor = get_monitor()
    component = enclosing_component(resource)
    with _lock:
        known = _defaults.setdefault(monitor, {}) if monitor is not None else {}
        if component not in known:
            options = pulumi.ResourceOptions(parent=component)
            known[component] = Provider(name_in(component, DEFAULT_NAME), opts=options)
        return known[component]


def provider_process(
    name: str,
    config: Mapping[str, pulumi.Input[str]] | None = None,
    opts: pulumi.ResourceOptions | None = None,
) -> Provider:
    """Create a :class:`Provider` from settings with their names in the configuration. Prefer the class.

    Args:
        name: Name of the provider resource.
        config: Settings that differ from the stack's, without the namespace: ``{"region": "eu-west-0"}``.
        opts: Options of the provider resource.

    Raises:
        ValueError: a setting doesn't exist.
    """
    names = {key: argument for argument, key in _KEYS.items()}
    unknown = sorted(set(config or {}) - set(names))
    if unknown:
        raise ValueError(f"unknown setting: {', '.join(unknown)}; known settings: {', '.join(names)}")
    # Configuration values are strings, but the arguments have other types.
    arguments: dict[str, Any] = {
        names[key]: value if names[key] not in _TYPES else pulumi.Output.from_input(value)
        for key, value in (config or {}).items()
    }
    return Provider(name, opts=opts, **arguments)
