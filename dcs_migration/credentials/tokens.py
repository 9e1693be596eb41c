"""The tokens that are exchanged for keys: id tokens of pipelines, and tokens of pods."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from dcs_migration.dcs.errors import ConfigurationError

Read = Callable[[str], "str | None"]

_MAX_LENGTH = 64 * 1024
_TOKEN = re.compile(r"[!-~]+")  # what a header can carry
_ID_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


def is_token(text: str) -> bool:
    """Whether a text can be a key or token: it's neither empty nor huge, and a header can carry it."""
    return len(text) <= _MAX_LENGTH and _TOKEN.fullmatch(text) is not None


def is_copied_well(value: str) -> bool:
    """Whether a key or token can be sent, and has no quotes around it."""
    return is_token(value) and not {value[0], value[-1]} & {'"', "'"}


COPIED_BADLY = "has quotes around it, or contains a space or a character that isn't ASCII; set it again"


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
    token = text_in(path, f"{who} {path}, which").strip()
    if not token:
        raise ConfigurationError(f"{who} {path}, which is empty")
    if not is_token(token):
        raise ConfigurationError(f"{who} {path}, which doesn't hold one token")
    return token


def text_in(path: str, what: str, *, most: int = _MAX_LENGTH) -> str:
    """Return the text of a file, which is cut if it is huge.

    Args:
        path: The file.
        what: How the error starts.
        most: The number of characters that are certainly read.

    Raises:
        ConfigurationError: The file can't be read. The text quotes nothing of it.
    """
    if os.path.exists(path) and not os.path.isfile(path):  # reading a pipe might never end
        raise ConfigurationError(f"{what} isn't a file")
    try:
        with open(path, encoding="utf-8-sig") as file:  # editors on Windows write a byte order mark
            return file.read(most + 1)
    except OSError as error:
        why = error.strerror
    except ValueError:
        why = "it isn't text"
    # Raised here, so that the exception doesn't reference one with bytes of the file.
    raise ConfigurationError(f"{what} can't be read: {why}")
