"""Temporary keys for id tokens. Huawei's own SDK for Python, an optional dependency, builds the requests.

The SDK doesn't send them or read the answers, because it takes the UTC times in them for local ones, makes keys from
half an answer, and waits forever for a slow server.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from dcs_migration.credentials.agency import MAX_DURATION_OF_STS, duration_of
from dcs_migration.credentials.exchange import Exchange
from dcs_migration.credentials.keys import Keys, UnusableAnswer, keys_in
from dcs_migration.credentials.tokens import Read, is_token, oidc_token, provider_prefix, provider_token
from dcs_migration.dcs.errors import ConfigurationError

if TYPE_CHECKING:
    from dcs_migration.dcs.transport import Answer

EXTRA = "pulumi-dcs-migration[credentials]"
OPTIONAL = tuple(
    f"HUAWEICLOUD_OIDC_{part}" for part in ("SESSION_NAME", "DURATION_SECONDS", "POLICY", "POLICY_IDS")
)

_LIFETIME_SECONDS = 6 * 60 * 60  # of the keys of an identity provider's user, as the SDK itself asks for


def is_installed() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("huaweicloudsdkcore") is not None


def missing(what: str) -> ConfigurationError:
    """Return the error that says how to install the extra."""
    return ConfigurationError(f"{what} needs Huawei's SDK: run `pip install '{EXTRA}'`")


def by_oidc_agency(exchange: Exchange) -> Keys:
    """Exchange an id token for keys of an agency (AssumeAgencyWithOIDC of STS)."""
    read, sts = exchange.read, exchange.endpoints.sts
    policy_ids = (read("HUAWEICLOUD_OIDC_POLICY_IDS") or "").split(",")
    payload = {
        "provider_urn": read("HUAWEICLOUD_OIDC_PROVIDER_URN"),
        "agency_urn": read("HUAWEICLOUD_OIDC_AGENCY_URN"),
        "agency_session_name": read("HUAWEICLOUD_OIDC_SESSION_NAME") or "pulumi-dcs-migration",
        "id_token": oidc_token(read),
        "duration_seconds": oidc_duration(read),
        "policy": read("HUAWEICLOUD_OIDC_POLICY"),
        "policy_ids": [id_.strip() for id_ in policy_ids if id_.strip()],
    }
    given = {name: value for name, value in payload.items() if value}
    request = _built("get_assume_agency_with_oidc_request", sts, given)
    return keys_in(_sent(exchange, "AssumeAgencyWithOIDC", sts, request).body)


def by_identity_provider(exchange: Exchange) -> Keys:
    """Exchange an id token for keys of a user of an identity provider (IAM, see :func:`keys_of_user`)."""
    read = exchange.read
    idp_id = read(f"{provider_prefix(read)}_IDP_ID") or ""
    return keys_of_user(exchange, exchange.endpoints.iam, idp_id, provider_token(read))


def keys_of_user(exchange: Exchange, iam: str, idp_id: str, id_token: str) -> Keys:
    """Exchange an id token for a token of a user (CreateTokenWithIdToken), and that for keys
    (CreateTemporaryAccessKeyByToken).
    """
    request = _built("get_create_unscoped_token_by_id_token_request", iam, idp_id, id_token)
    token = _sent(exchange, "CreateTokenWithIdToken", iam, request).headers.get("X-Subject-Token", "")
    if not is_token(token):
        raise UnusableAnswer("the response has no token")
    exchange.hide(token)
    request = _built("get_create_temporary_access_key_by_token_request", iam, token, _LIFETIME_SECONDS)
    return keys_in(_sent(exchange, "CreateTemporaryAccessKeyByToken", iam, request).body)


def oidc_duration(read: Read) -> int:
    """Return how long the keys of an OIDC agency are to last, in seconds.

    Raises:
        ConfigurationError: It isn't a number that STS accepts.
    """
    name = "HUAWEICLOUD_OIDC_DURATION_SECONDS"
    return duration_of(read(name), name, MAX_DURATION_OF_STS)


def _built(builder: str, *arguments: Any) -> Any:
    """Return the request that a function of the SDK builds."""
    try:
        from huaweicloudsdkcore.auth.internal import IamHelper
        from huaweicloudsdkcore.http.http_config import HttpConfig

        return getattr(IamHelper, builder)(HttpConfig(), *arguments)
    except Exception as error:  # another package has pinned an older one, or it can't be imported
        problem = type(error).__name__
    raise ConfigurationError(
        f"Huawei's SDK is too old or damaged ({problem}); run `pip install --upgrade '{EXTRA}'`"
    )


def _sent(exchange: Exchange, operation: str, url: str, request: Any) -> Answer:
    return exchange.send(
        operation,
        request.method,
        url,
        request.resource_path,
        headers=request.header_params,
        body=request.body,
    )
