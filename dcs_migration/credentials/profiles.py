"""Profiles of Huawei's command-line tool (KooCLI): ``~/.hcloud/config.json``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dcs_migration.credentials.agency import Agency, agency_of
from dcs_migration.credentials.keys import Keys
from dcs_migration.credentials.tokens import text_in
from dcs_migration.dcs.errors import ConfigurationError

PROFILE = ("HW_PROFILE", "huaweicloud:profile")
FILE = ("HW_SHARED_CONFIG_FILE", "huaweicloud:sharedConfigFile")
DEFAULT_FILE = "~/.hcloud/config.json"

_MOST_CHARACTERS = 1 << 20
_ACCESS_KEY = re.compile(r"[A-Za-z0-9_.-]{1,128}")


@dataclass(frozen=True)
class Profile:
    """The content of a profile.

    name: a description of the profile and its file. region, project_id: "" if not set.
    """

    name: str
    keys: Keys
    region: str
    project_id: str
    agencies: tuple[Agency, ...]


def is_named(read: Callable[[str], str | None]) -> bool:
    """Whether a setting has a profile, or the file with profiles."""
    return any(read(name) for name in (*PROFILE, *FILE))


def load(read: Callable[[str], str | None]) -> Profile:
    """Return the profile in the settings, or the current profile of the file in the settings.

    Args:
        read: Returns the value of a variable, or of a namespaced key of the stack's configuration.

    Raises:
        ConfigurationError: the file or profile doesn't exist, or it has no usable keys.
    """
    path = _first(read, FILE) or DEFAULT_FILE
    # Unlike a Path, `expanduser` accepts a missing home directory.
    text = text_in(os.path.expanduser(path), f"the profile file {path}", most=_MOST_CHARACTERS)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if document is None:  # raised here, so that the exception doesn't reference one with the file's text
        raise ConfigurationError(f"the profile file {path} isn't valid KooCLI JSON")
    document = document if isinstance(document, dict) else {}
    profiles = document.get("profiles")
    listed = profiles if isinstance(profiles, list) else []
    named = {str(item.get("name")): item for item in listed if isinstance(item, dict)}
    if not named:
        raise ConfigurationError(f"{path} has no profiles; write one with `hcloud configure set`")
    name = str(_first(read, PROFILE) or document.get("current") or "")
    if not name:
        raise ConfigurationError(
            f"{path} has no current profile; set HW_PROFILE to one of: {', '.join(sorted(named))}"
        )
    found = named.get(name)
    if found is None:
        there = ", ".join(sorted(str(each) for each in named)) or "none"
        raise ConfigurationError(f"the profile file {path} has no profile {name}; available: {there}")
    return _profile(found, f"the profile {name} in {path}")


def _first(read: Callable[[str], str | None], names: tuple[str, ...]) -> str | None:
    return next((value for name in names if (value := read(name))), None)


def _profile(item: dict[str, Any], what: str) -> Profile:
    def text(source: Any, key: str) -> str:
        value = source.get(key) if isinstance(source, dict) else None
        return value.strip() if isinstance(value, str) else ""

    sso = item.get("ssoAuth")
    token = sso.get("stsToken") if isinstance(sso, dict) else None
    source = item if text(item, "accessKeyId") or not token else token
    access_key, secret_key = text(source, "accessKeyId"), text(source, "secretAccessKey")
    if not access_key or not secret_key:
        raise ConfigurationError(
            f"{what} has no access key and secret key (mode: {text(item, 'mode') or 'not set'}); use a profile with mode AKSK"
        )
    if not _ACCESS_KEY.fullmatch(access_key):
        raise ConfigurationError(
            f"{what} is encrypted, so only KooCLI can read it; run `hcloud configure set --cli-auth-encrypt=false` and "
            "protect the file"
        )
    agency = {
        "agencyName": text(item, "agencyName"),
        "domainName": text(item, "agencyDomainName"),
        "domainId": text(item, "agencyDomainId"),
    }
    return Profile(
        what,
        Keys(access_key, secret_key, text(source, "securityToken") or None),
        text(item, "region"),
        text(item, "projectId"),
        (agency_of(agency, lambda part: f"{part} in {what}"),) if agency["agencyName"] else (),
    )
