"""The provider's settings, ``dcs:*``: the same keys as ``huaweicloud:*`` in Python programs."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any

from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.inputs import is_unknown
from dcs_migration.names import EXPLICIT, EXPLICIT_AGENCY, NAMESPACE

KEYS = (
    *("region", "projectId", "projectName", "accessKey", "secretKey", "securityToken"),
    *("profile", "sharedConfigFile", "assumeRole", "cloud", "endpoints", "insecure", "maxRetries"),
)
SECRET = ("secretKey", "securityToken")
_MAPS = ("endpoints", "assumeRole")
_OF_A_PROGRAM = ("accessKey", *SECRET, "profile", "sharedConfigFile")
_OF_THE_ENGINE = ("version", "pluginDownloadURL", "pluginChecksums")


def settings_of(props: Mapping[str, Any], name: str, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a provider resource with this name.

    If a program sets credentials or an agency in an explicit provider, they take precedence over the environment.
    """
    texts = {
        f"{NAMESPACE}:{key}": _text(value) for key, value in props.items() if key in KEYS and _is_given(value)
    }
    if not is_default(name):
        if any(key in props for key in _OF_A_PROGRAM):
            texts[EXPLICIT] = name
        if "assumeRole" in props:
            texts[EXPLICIT_AGENCY] = name
    return Settings(texts.get, environ, keys=lambda: texts)


def is_default(name: str) -> bool:
    """Whether Pulumi created the provider from the stack's configuration."""
    return name == "default" or name.startswith("default_")


def malformed(props: Mapping[str, Any]) -> list[str]:
    """Return one line for each unknown key, and for each value that isn't a string, number, boolean or map."""
    lines = []
    for key in sorted(set(props) - {*KEYS, *_OF_THE_ENGINE}):
        near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.5)
        advice = f"did you mean dcs:{near[0]}?" if near else f"known keys: {', '.join(KEYS)}"
        lines.append(f"dcs:{key}: unknown key; {advice}")
    for key in KEYS:
        value = props.get(key)
        if _is_given(value) and not isinstance(value, (str, int, float, *((dict,) if key in _MAPS else ()))):
            lines.append(f"dcs:{key}: must be a {'map' if key in _MAPS else 'string'}")
    return lines


def _is_given(value: Any) -> bool:
    return value is not None and not is_unknown(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
