"""Mistakes in the values of the settings that decide who calls, if they show offline."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from dcs_migration.credentials import credentials_file, sources
from dcs_migration.credentials.sources import Source
from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.life_cycles.config import Settings

_URN = re.compile(r"iam::[^:\s]+:[^:\s]+:\S+")


def _is_urn(value: str) -> bool:
    return _URN.fullmatch(value) is not None


def _is_sendable(value: str) -> bool:
    return re.fullmatch(r"[!-~]+", value) is not None and not {value[0], value[-1]} & {'"', "'"}


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_file(value: str) -> bool:
    return os.path.isfile(value)


@dataclass(frozen=True)
class Form:
    """What the value of a variable must be, and how a refusal says so."""

    fits: Callable[[str], bool]
    words: str


FORMS = {
    "HUAWEICLOUD_OIDC_PROVIDER_URN": Form(_is_urn, "must be a URN such as iam::ACCOUNT:oidcProvider:NAME"),
    "HUAWEICLOUD_OIDC_AGENCY_URN": Form(_is_urn, "must be a URN such as iam::ACCOUNT:agency:NAME"),
    "HC_CONTAINER_CREDENTIALS_FULL_URI": Form(_is_url, "must be a URL such as http://HOST[:PORT]/PATH"),
    credentials_file.VARIABLE: Form(_is_file, "doesn't name a file; correct the path, or unset it"),
}
"""Where a source reads a variable of these, and it is set."""

_OF_THE_MACHINE = (sources.METADATA, sources.CREDENTIALS_FILE)


def malformed_identity(settings: Settings) -> Iterator[str]:
    """Yield a line for each value that can't be right; values are never shown."""
    try:
        source = settings.source()
    except ConfigurationError:
        return  # reported by the check of the setting that is wrong
    yield from _malformed(settings, source)
    yield from _unsendable(settings, source)
    yield from _lone_tokens(settings, source)


def _malformed(settings: Settings, source: Source | None) -> Iterator[str]:
    """Yield a line for each value of the chosen source that has the wrong form."""
    if source is None:
        return
    read_by_it = {name for names in source.needs for name in names}
    if source is sources.CREDENTIALS_FILE:
        read_by_it.add(credentials_file.VARIABLE)
    for name, form in FORMS.items():
        value = settings.of_identity(name) if name in read_by_it else None
        if value and not form.fits(value):
            yield f"{name} {form.words}"


def _unsendable(settings: Settings, source: Source | None) -> Iterator[str]:
    """Yield a line for each static key that HTTP can't carry, or that was copied with its quotes."""
    if source is None or source.fetch is not None:
        return
    for name in (*(name for names in source.needs for name in names), source.security_token):
        value = settings.of_identity(name) if name else None
        if value and not _is_sendable(value):
            yield f"{name} has quotes around it, or contains a space or a character that isn't ASCII; set it again"


def _lone_tokens(settings: Settings, source: Source | None) -> Iterator[str]:
    """Yield a line for each security token without its keys, where no other credentials are configured.

    A pipeline that got one variable of three must not act as the machine it runs on.
    """
    if source is not None and source not in _OF_THE_MACHINE:
        return
    for each in sources.SOURCES:
        if each.security_token and settings.of_identity(each.security_token):
            yield (
                f"{each.security_token} is set without {' and '.join(each.required)}; set all three, or none of them"
            )
