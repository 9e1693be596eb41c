"""The tokens that are exchanged for keys: id tokens of pipelines, and tokens of pods."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from dcs_migration.dcs.errors import ConfigurationError

Read = Callable[[str], "str | None"]

_MAX_LENGTH = 64 * 1024
_TOKEN = re.compile(r"[!-~]+")
_ID_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


def oidc_token(read: Read) -> str:
    """Return the id token that is exchanged for keys of an agency; errors: see :func:`token_in`."""
    variable = "HUAWEICLOUD_OIDC_ID_TOKEN"
    token = (read(variable) or "").strip()
    if not token:
        return _of_file(read, "HUAWEICLOUD_OIDC_TOKEN_FILE")
    if not _ID_TOKEN.fullmatch(token):  # such as $TOKEN, which a pipeline didn't replace
        raise ConfigurationError(f"{variable} isn't an id token (a JSON web token)")
    return token


def provider_token(read: Read) -> str:
    """Return the id token that an identity provider has issued; errors: see :func:`token_in`."""
    return _of_file(read, f"{provider_prefix(read)}_ID_TOKEN_FILE")


def provider_prefix(read: Read) -> str:
    """Return the prefix of the variables of an identity provider: those of Huawei's SDK come first, then Terraform's."""
    return "HUAWEICLOUD_SDK" if read("HUAWEICLOUD_SDK_IDP_ID") else "HW_ASSUME_ROLE"


def pod_token(read: Read) -> str:
    """Return the token of this pod; errors: see :func:`token_in`."""
    return _of_file(read, "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE")


def _of_file(read: Read, variable: str) -> str:
    return token_in(read(variable) or "", f"{variable} names")


def token_in(path: str, who: str) -> str:
    """Return the token in a file, which is read each time, because it is replaced before it expires.

    Args:
        path: The file.
        who: Who names it, for the error: "TOKEN_FILE names".

    Raises:
        ConfigurationError: The file can't be read, or doesn't hold one token. The text quotes nothing of it.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # reading a pipe might never end
        raise ConfigurationError(f"{who} {path}, which isn't a file")
    try:
        with open(path, encoding="utf-8-sig") as file:  # editors on Windows write a byte order mark
            token = file.read(_MAX_LENGTH + 1).strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it isn't text"
        raise ConfigurationError(f"{who} {path}, which can't be read: {why}") from None
    if not token:
        raise ConfigurationError(f"{who} {path}, which is empty")
    if len(token) > _MAX_LENGTH or not _TOKEN.fullmatch(token):
        raise ConfigurationError(f"{who} {path}, which doesn't hold one token")
    return token
