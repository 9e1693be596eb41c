"""An explicit plugin process: more threads, or another configuration, for some of the resources."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

_NAMESPACE = "huaweicloud"
_KEYS = (
    "region",
    "projectId",
    "accessKey",
    "secretKey",
    "securityToken",
    "cloud",
    "endpoints",
    "insecure",
    "maxRetries",
)
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
            Where another region is named, the stack's ``projectId`` is not copied: it belongs to the
            stack's region only.
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
        elif key == "projectId" and "region" in overrides:
            value = None
        else:
            value = stack.get_secret(key) if pulumi.runtime.is_config_secret(full_key) else stack.get(key)
        if value is not None:
            props[full_key] = pulumi.Output.secret(value) if key in _ALWAYS_SECRET else value
    return pulumi.ProviderResource("pulumi-python", name, props, opts)
