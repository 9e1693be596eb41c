"""The credentials file of Huawei's SDK: an INI file with static keys, or with an identity provider."""

from __future__ import annotations

import configparser
import os
from collections.abc import Callable

from dcs_migration.credentials import official_sdk
from dcs_migration.credentials.exchange import Exchange
from dcs_migration.credentials.keys import Keys
from dcs_migration.credentials.tokens import token_in
from dcs_migration.dcs.errors import ConfigurationError

VARIABLE = "HUAWEICLOUD_SDK_CREDENTIALS_FILE"
DEFAULT_FILE = "~/.huaweicloud/credentials"
SECTION = "basic"

Read = Callable[[str], "str | None"]


def credentials_file(read: Read) -> str | None:
    """Return the path of the file: the one that the variable names, else the default one if it exists."""
    named = read(VARIABLE)
    if named:
        return named
    usual = os.path.expanduser(DEFAULT_FILE)  # unlike a Path it doesn't fail without a home
    return usual if os.path.isfile(usual) else None


def by_credentials_file(exchange: Exchange) -> Keys:
    """Return the static keys of the file, or exchange the id token that it names for keys.

    Raises:
        ConfigurationError: The file can't be read, or has neither. The text quotes no line of it.
    """
    from dcs_migration.dcs.surroundings import is_loopback

    path = credentials_file(exchange.read) or ""
    values = _section(path)
    idp_id, token_file = values.get("idp_id"), values.get("id_token_file")
    if not (idp_id and token_file):
        access_key, secret_key = values.get("ak"), values.get("sk")
        if not (access_key and secret_key):
            raise ConfigurationError(f"{path} has no ak and sk in its section [{SECTION}]")
        return Keys(access_key, secret_key, values.get("security_token") or None)
    if not official_sdk.is_installed():
        raise official_sdk.missing(f"the identity provider in {path}")
    iam = values.get("iam_endpoint") or exchange.place.iam
    if not iam.startswith("https://") and not is_loopback(iam) and exchange.place.verify:
        raise ConfigurationError(f"iam_endpoint in {path} must be https://...")
    id_token = token_in(token_file, f"{path} names")
    exchange.hide(id_token)
    return official_sdk.keys_of_user(exchange, iam, idp_id, id_token)


def _section(path: str) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        with open(path, encoding="utf-8-sig") as file:
            parser.read_file(file)
        return dict(parser[SECTION])
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}") from None
    except (configparser.Error, ValueError, KeyError):  # their texts quote lines of the file
        raise ConfigurationError(
            f"{path} isn't a file with a section [{SECTION}] of lines such as ak = ..."
        ) from None
