"""The credentials file of Huawei's SDK: an INI file with static keys, or with an identity provider."""

from __future__ import annotations

import configparser
import os

from dcs_migration.credentials import official_sdk
from dcs_migration.credentials.exchange import Exchange
from dcs_migration.credentials.keys import Keys
from dcs_migration.credentials.tokens import COPIED_BADLY, Read, is_copied_well, text_in, token_in
from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.dcs.hosts import is_loopback, is_url

VARIABLE = "HUAWEICLOUD_SDK_CREDENTIALS_FILE"
DEFAULT_FILE = "~/.huaweicloud/credentials"
SECTION = "basic"


def credentials_file(read: Read) -> str | None:
    """Return the path of the file: the one that the variable names, else the default one if it exists."""
    named = read(VARIABLE)
    if named:
        return named
    usual = os.path.expanduser(DEFAULT_FILE)  # unlike a Path it doesn't fail without a home
    return usual if os.path.isfile(usual) else None


def secret(read: Read) -> str:
    """Return the secret key in the file, or the id token that it names.

    Raises:
        ConfigurationError: The file can't be read, or has neither. The text quotes no line of it.
    """
    path, values = _opened(read)
    return _id_token(path, values) if _has_provider(values) else _static(path, values).secret_key


def by_credentials_file(exchange: Exchange) -> Keys:
    """Return the static keys of the file, or exchange the id token that it names for keys; errors: see :func:`secret`."""
    path, values = _opened(exchange.read)
    if not _has_provider(values):
        return _static(path, values)
    if not official_sdk.is_installed():
        raise official_sdk.missing(f"the identity provider in {path}")
    iam = values.get("iam_endpoint") or exchange.endpoints.iam
    if not is_url(iam) or not (
        iam.startswith("https://") or is_loopback(iam) or not exchange.endpoints.verify
    ):
        raise ConfigurationError(f"iam_endpoint in {path} must be https://host[:port]")
    return official_sdk.keys_of_user(exchange, iam, values["idp_id"], _id_token(path, values))


def _has_provider(values: dict[str, str]) -> bool:
    return bool(values.get("idp_id") and values.get("id_token_file"))


def _id_token(path: str, values: dict[str, str]) -> str:
    return token_in(values["id_token_file"], f"{path} names")


def _static(path: str, values: dict[str, str]) -> Keys:
    access_key, secret_key, security_token = (values.get(name, "") for name in ("ak", "sk", "security_token"))
    if not (access_key and secret_key):
        raise ConfigurationError(f"{path} has no ak and sk in its section [{SECTION}]")
    for name in ("ak", "sk", "security_token"):
        value = values.get(name)
        if value and not is_copied_well(value):
            raise ConfigurationError(f"{name} in {path} {COPIED_BADLY}")
    return Keys(access_key, secret_key, security_token or None)


def _opened(read: Read) -> tuple[str, dict[str, str]]:
    """Return the path of the file, and what is in its section."""
    path = credentials_file(read) or ""
    text = text_in(path, f"{VARIABLE} names {path}, which" if read(VARIABLE) else path)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
        return path, dict(parser[SECTION])
    except (configparser.Error, KeyError):
        pass
    # Raised here, so that the exception doesn't reference one that quotes lines of the file.
    raise ConfigurationError(f"{path} isn't a file with a section [{SECTION}] of lines such as ak = ...")
