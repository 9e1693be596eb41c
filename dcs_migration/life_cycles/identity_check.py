"""Mistakes in the values of the settings that decide who calls, if they show offline."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dcs_migration.credentials import local_services, sources
from dcs_migration.credentials.sources import Source
from dcs_migration.credentials.tokens import COPIED_BADLY, is_copied_well, is_token
from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.dcs.hosts import is_url
from dcs_migration.life_cycles.config import Settings

_URN = re.compile(r"iam::[^:\s]+:[^:\s]+:\S+")


def _is_urn(value: str) -> bool:
    return _URN.fullmatch(value) is not None


@dataclass(frozen=True)
class Form:
    """What the value of a variable must be, and how a refusal says so."""

    fits: Callable[[str], bool]
    words: str


_IDP_ID = Form(is_token, "must be the name of an identity provider in IAM")

FORMS = {
    "HUAWEICLOUD_OIDC_PROVIDER_URN": Form(_is_urn, "must be a URN such as iam::ACCOUNT:oidcProvider:NAME"),
    "HUAWEICLOUD_OIDC_AGENCY_URN": Form(_is_urn, "must be a URN such as iam::ACCOUNT:agency:NAME"),
    "HUAWEICLOUD_SDK_IDP_ID": _IDP_ID,
    "HW_ASSUME_ROLE_IDP_ID": _IDP_ID,
    local_services.POD_URI: Form(is_url, local_services.POD_URI_FORM),
}
"""The forms of variables; the value of each one is checked if the chosen source reads it."""

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
        if value and not is_copied_well(value):
            yield f"{name} {COPIED_BADLY}"


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
