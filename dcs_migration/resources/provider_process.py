"""An explicit plugin process: more threads, or another configuration, for some of the resources."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

_NAMESPACE = "huaweicloud"
_KEYS = (
    "region",
    "projectId",
    "projectName",
    "accessKey",
    "secretKey",
    "securityToken",
    "cloud",
    "endpoints",
    "insecure",
    "maxRetries",
)
_OF_THE_REGION = ("projectId", "projectName")
_ALWAYS_SECRET = frozenset({"secretKey", "securityToken"})


def provider_process(
    name: str,
    config: Mapping[str, pulumi.Input[str]] | None = None,
    opts: pulumi.ResourceOptions | None = None,
) -> pulumi.ProviderResource:
    """Make a plugin process of its own, to be passed as ``opts.provider``.

    All dynamic resources of a stack share one process with four threads; each provider resource gets a
    process more. The engine gives an explicit one no stack configuration, so the stack's
    ``huaweicloud:*`` settings are copied into it, secrets as secrets.

    Args:
        name: Name of the provider resource.
        config: Settings that differ from the stack's, without the namespace: ``{"region": "eu-west-0"}``.
            Where another region or project is named, the stack's ``projectId`` and ``projectName`` are not copied.
        opts: Options of the provider resource.

    Raises:
        ValueError: a setting that does not exist.
    """
    overrides = dict(config or {})
    unknown = sorted(set(overrides) - set(_KEYS))
    if unknown:
        raise ValueError(f"no such setting: {', '.join(unknown)}; there are {', '.join(_KEYS)}")
    stack = pulumi.Config(_NAMESPACE)
    props: dict[str, pulumi.Input[str]] = {}
    for key in _KEYS:
        full_key = f"{_NAMESPACE}:{key}"
        if key in overrides:
            value: pulumi.Input[str] | None = overrides[key]
        elif key in _OF_THE_REGION and not overrides.keys().isdisjoint(("region", *_OF_THE_REGION)):
            value = None
        else:
            value = stack.get_secret(key) if pulumi.runtime.is_config_secret(full_key) else stack.get(key)
        if value is not None:
            props[full_key] = pulumi.Output.secret(value) if key in _ALWAYS_SECRET else value
    # Of the other keys the name alone: the plugin says which are misspelt, or not honoured, and values may be secrets.
    for full_key, given in {**get_config_env(), **CONFIG.get()}.items():
        if full_key.startswith(f"{_NAMESPACE}:") and full_key.partition(":")[2] not in _KEYS:
            props[full_key] = "set" if str(given).strip() else ""
    return pulumi.ProviderResource("pulumi-python", name, props, opts)
