"""Temporary keys through Huawei's own SDK for Python, an optional dependency that is loaded when it is needed.

Its accessors are used, not its credentials: these read the process's environment themselves, ask the public cloud's IAM
where nobody names another, and renew keys of less than forty minutes at every call.
"""

from __future__ import annotations

import configparser
import importlib.util
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dcs_migration.credentials.agency import MAX_DURATION_OF_STS, MIN_DURATION
from dcs_migration.credentials.keys import Keys
from dcs_migration.dcs.errors import ConfigurationError, CredentialsUnavailable
from dcs_migration.dcs.texts import MAX_SERVER_TEXT, Scrub, worded

EXTRA = "pulumi-dcs-migration[credentials]"
CREDENTIALS_FILE = "HUAWEICLOUD_SDK_CREDENTIALS_FILE"
DEFAULT_CREDENTIALS_FILE = "~/.huaweicloud/credentials"
OPTIONAL = tuple(
    f"HUAWEICLOUD_OIDC_{part}" for part in ("SESSION_NAME", "DURATION_SECONDS", "POLICY", "POLICY_IDS")
)

_LONGEST_TOKEN = 64 * 1024  # characters

Read = Callable[[str], "str | None"]


@dataclass(frozen=True)
class Place:
    """Where the services of identity are.

    iam, sts: base URLs; verify: whether certificates are; timeouts: to connect and to read, in seconds.
    """

    iam: str
    sts: str
    verify: bool = True
    timeouts: tuple[float, float] = (10.0, 30.0)


def is_installed() -> bool:
    """Whether the extra is there."""
    return importlib.util.find_spec("huaweicloudsdkcore") is not None


def missing(what: str) -> ConfigurationError:
    """Return the error that says how to install the extra."""
    return ConfigurationError(f"{what}: reading it needs Huawei's SDK, run `pip install '{EXTRA}'`")


def by_oidc_agency(read: Read, place: Place) -> Any:
    """Exchange an id token for keys of an agency (AssumeAgencyWithOIDC of STS)."""
    from huaweicloudsdkcore.auth.internal import OidcStsAccessor

    accessor = OidcStsAccessor(
        provider_urn=read("HUAWEICLOUD_OIDC_PROVIDER_URN"),
        agency_urn=read("HUAWEICLOUD_OIDC_AGENCY_URN"),
        id_token=oidc_token(read),
        agency_session_name=read("HUAWEICLOUD_OIDC_SESSION_NAME") or "pulumi-dcs-migration",
        duration_seconds=oidc_duration(read),
        policy=read("HUAWEICLOUD_OIDC_POLICY"),
        policy_ids=[
            id_.strip() for id_ in (read("HUAWEICLOUD_OIDC_POLICY_IDS") or "").split(",") if id_.strip()
        ],
    )
    return accessor.get_credential(http_client=_http_client(place), sts_endpoint=place.sts)


def by_identity_provider(read: Read, place: Place) -> Any:
    """Exchange an id token for keys of a federated user (IAM 3: the token of an id token, its keys)."""
    from huaweicloudsdkcore.auth.internal import FederalAccessor

    prefix = _provider_prefix(read)
    return FederalAccessor().get_credential(
        http_client=_http_client(place),
        iam_endpoint=place.iam,
        idp_id=read(f"{prefix}_IDP_ID"),
        id_token_file=read(f"{prefix}_ID_TOKEN_FILE"),
    )


def by_pod_identity(read: Read, place: Place) -> Any:
    """Ask the agent of a Kubernetes cluster (CCE) for the keys of this pod."""
    from huaweicloudsdkcore.auth.internal import PodIdentityAccessor

    uri = read("HC_CONTAINER_CREDENTIALS_FULL_URI")
    return PodIdentityAccessor(uri, read("HC_CONTAINER_AUTHORIZATION_TOKEN_FILE")).get_credential()


def by_metadata(read: Read, place: Place) -> Any:
    """Ask the metadata service for the keys of the agency that this server (ECS) has."""
    from huaweicloudsdkcore.auth.internal import MetadataAccessor

    return MetadataAccessor().get_credential()


def by_credentials_file(read: Read, place: Place) -> Any:
    """Read the section ``basic`` of the SDK's own file of credentials: keys, or an identity provider."""
    from huaweicloudsdkcore.auth.provider import ProfileCredentialProvider

    from dcs_migration.dcs.surroundings import is_loopback

    credentials = ProfileCredentialProvider.get_basic().get_credentials()
    if credentials.sts_accessor is None:
        return Keys(credentials.ak, credentials.sk, credentials.security_token or None)
    iam = credentials.iam_endpoint or place.iam
    if not iam.startswith("https://") and not is_loopback(iam) and place.verify:
        raise ConfigurationError(f"iam_endpoint in {credentials_file(read)} must be https://...")
    return credentials.sts_accessor.get_credential(
        http_client=_http_client(place),
        iam_endpoint=iam,
        idp_id=credentials.idp_id,
        id_token_file=credentials.id_token_file,
    )


def credentials_file(read: Read) -> str | None:
    """Return the path of the SDK's file of credentials: the one that is named, or the usual one where it can be read."""
    named = read(CREDENTIALS_FILE)
    if named:
        return named
    usual = os.path.expanduser(
        DEFAULT_CREDENTIALS_FILE
    )  # unlike a Path it fails nowhere: there may be no home
    return usual if os.path.isfile(usual) and is_installed() else None


def oidc_duration(read: Read) -> int | None:
    """Return how long keys of an OIDC agency are to last, in seconds; None where nothing is said.

    Raises:
        ConfigurationError: it is not a number that STS takes.
    """
    text = read("HUAWEICLOUD_OIDC_DURATION_SECONDS")
    if not text:
        return None
    if not text.isdecimal() or not MIN_DURATION <= int(text) <= MAX_DURATION_OF_STS:
        raise ConfigurationError(
            f"HUAWEICLOUD_OIDC_DURATION_SECONDS must be a whole number of seconds from {MIN_DURATION} to {MAX_DURATION_OF_STS}"
        )
    return int(text)


def oidc_token(read: Read) -> str:
    """Return the id token that is exchanged for keys of an agency; errors as for the others: :func:`_of_file`."""
    return read("HUAWEICLOUD_OIDC_ID_TOKEN") or _of_file(read, "HUAWEICLOUD_OIDC_TOKEN_FILE")


def provider_token(read: Read) -> str:
    """Return the id token that an identity provider has issued."""
    return _of_file(read, f"{_provider_prefix(read)}_ID_TOKEN_FILE")


def pod_token(read: Read) -> str:
    """Return the token of a pod."""
    return _of_file(read, "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE")


def _provider_prefix(read: Read) -> str:
    return "HUAWEICLOUD_SDK" if read("HUAWEICLOUD_SDK_IDP_ID") else "HW_ASSUME_ROLE"


def fetch(
    source: str,
    hint: str,
    method: Callable[[Read, Place], Any],
    read: Read,
    place: Place,
    *,
    unreachable: str = "",
    scrub: Scrub = str,
) -> Keys:
    """Return keys by one of the methods above.

    Args:
        source: Where the keys come from, in words.
        hint: What to do where they are refused.
        method: One of the functions above.
        read: What a setting is set to.
        place: Where the services of identity are.
        unreachable: What to do where nobody answers.
        scrub: Masks secrets in what the service says.

    Raises:
        CredentialsUnavailable: there were none.
    """
    try:
        found = method(read, place)
        return found if isinstance(found, Keys) else _keys(found)
    except ConfigurationError as error:
        raise CredentialsUnavailable(source, str(error)) from None
    except Exception as error:  # of the SDK, of requests, or of an answer that the SDK does not understand
        raise _unavailable(source, hint, error, unreachable, scrub) from None


def _keys(found: Any) -> Keys:
    from huaweicloudsdkcore.utils.time_utils import get_timestamp_utc

    if not found.access or not found.secret:
        raise ValueError("the answer has no keys")
    # The SDK takes times in UTC for local ones, its own present time, too: only their difference is right everywhere,
    # and within a second, because the SDK cuts off fractions.
    left = timedelta(seconds=found.expire_at - get_timestamp_utc() - 1)
    return Keys(found.access, found.secret, found.security_token, datetime.now(timezone.utc) + left)


def _unavailable(
    source: str, hint: str, error: Exception, unreachable: str, scrub: Scrub
) -> CredentialsUnavailable:
    import requests
    from huaweicloudsdkcore.exceptions.exceptions import (
        ApiValueError,
        CallTimeoutException,
        ConnectionException,
        SdkException,
        ServiceResponseException,
    )

    from dcs_migration.dcs.failures import explain
    from dcs_migration.dcs.surroundings import proxy_variable

    # The SDK wraps what the service answered, and what broke, into a text; the thing itself is the context.
    links = (error, error.__context__)
    answer = next(
        (each for each in links if isinstance(each, (ServiceResponseException, requests.HTTPError))), None
    )
    if isinstance(answer, ServiceResponseException):
        code = worded(str(answer.error_code or ""), 64, scrub)
        code = "" if code in ("", str(answer.status_code)) else f" {code}"
        said = worded(str(answer.error_msg), MAX_SERVER_TEXT, scrub)
        words = f"HTTP {answer.status_code}{code}: {said}"
        if answer.request_id:
            words += f" (request id {worded(str(answer.request_id), 128, scrub)})"
        return CredentialsUnavailable(source, f"{words}; {hint}", permanent=_is_permanent(answer.status_code))
    if isinstance(answer, requests.HTTPError) and answer.response is not None:
        status = answer.response.status_code
        return CredentialsUnavailable(source, f"HTTP {status}; {hint}", permanent=_is_permanent(status))
    broken = next((each for each in links if isinstance(each, requests.RequestException)), None)
    if broken is not None and broken.request is not None and broken.request.url:
        url = broken.request.url
        failure, words = explain(broken, urlsplit(url).netloc, proxy_variable(url))
        advice = unreachable and f"; {unreachable}"
        return CredentialsUnavailable(source, words + advice, permanent=failure.permanent)
    if isinstance(error, (ConnectionException, CallTimeoutException, requests.RequestException)):
        return CredentialsUnavailable(
            source, f"no connection ({type(error).__name__}); {hint}", permanent=False
        )
    if isinstance(error, configparser.Error):
        words = "the file is not one of sections and keys"  # the error quotes its lines, which may be keys
    elif isinstance(error, (SdkException, ApiValueError)):
        words = str(error)
    else:
        words = f"an answer that it does not know ({type(error).__name__})"
    return CredentialsUnavailable(source, f"{worded(words, MAX_SERVER_TEXT, scrub)}; {hint}")


def _is_permanent(status: int) -> bool:
    return status < 500 and status != 429


def _of_file(read: Read, file_variable: str) -> str:
    """Return a token; its file is read each time, because it is replaced before it expires.

    Raises:
        ConfigurationError: its file cannot be read, or is empty.
    """
    path = read(file_variable) or ""
    if os.path.exists(path) and not os.path.isfile(path):  # whoever reads a pipe may wait for ever
        raise ConfigurationError(f"{file_variable} names {path}, which is no file")
    try:
        token = Path(path).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigurationError(f"{file_variable} names {path}, which cannot be read: {why}") from None
    if not token:
        raise ConfigurationError(f"{file_variable} names {path}, which is empty")
    if len(token.split()) > 1 or len(token) > _LONGEST_TOKEN:  # libraries quote what they cannot send
        raise ConfigurationError(f"{file_variable} names {path}, which does not hold one token")
    return token


def _http_client(place: Place) -> Any:
    from huaweicloudsdkcore.exceptions.exception_handler import DefaultExceptionHandler
    from huaweicloudsdkcore.http.http_client import HttpClient
    from huaweicloudsdkcore.http.http_config import HttpConfig

    config = HttpConfig(ignore_ssl_verification=not place.verify, timeout=place.timeouts)
    return HttpClient(config, None, DefaultExceptionHandler(), logging.getLogger("huaweicloudsdkcore"))
