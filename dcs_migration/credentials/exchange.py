"""What a source of temporary keys works with: the settings, the identity services, and a way to send requests.

Sending is the same for all of them, the requests that Huawei's SDK builds included: deadlines, proxies, certificates and
error messages are those of every other call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dcs_migration.credentials.keys import Keys, UnusableAnswer
from dcs_migration.credentials.tokens import Read
from dcs_migration.dcs.errors import ApiError, ConfigurationError, CredentialsUnavailable, TransportError

if TYPE_CHECKING:
    from dcs_migration.dcs.transport import Answer


@dataclass(frozen=True)
class IdentityEndpoints:
    """The base URLs of the identity services.

    iam, sts: of the region; verify: whether their certificates are checked.
    """

    iam: str
    sts: str
    verify: bool = True


class Send(Protocol):
    """Sends one request."""

    def __call__(
        self,
        operation: str,
        method: str,
        url: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        timeouts: tuple[float, float] | None = None,
        direct: bool = False,
    ) -> Answer:
        """Send a request, once, and return the answer.

        Args:
            operation: The name of the API operation.
            method: The HTTP method.
            url: The base URL of the service.
            path: The path of the operation.
            headers: Further headers.
            body: The JSON text to send.
            timeouts: Seconds to connect and to read. Default: those of every other call.
            direct: Whether to bypass proxies.

        Raises:
            ApiError: The service refused.
            TransportError: There was no answer.
        """
        ...


@dataclass(frozen=True)
class Exchange:
    """One exchange of what a source has for temporary keys.

    read: returns the value of a setting; send: sends a request; hide: called with each secret that becomes known.
    """

    read: Read
    endpoints: IdentityEndpoints
    send: Send
    hide: Callable[..., None]


Fetch = Callable[[Exchange], Keys]


def fetched(source: str, hint: str, unreachable: str, fetch: Fetch, exchange: Exchange) -> Keys:
    """Return the keys of a source.

    Args:
        source: The name of the source in messages.
        hint: What to do when the service refuses.
        unreachable: What to do when the service doesn't answer.
        fetch: Fetches the keys.
        exchange: What it works with.

    Raises:
        CredentialsUnavailable: There are no keys.
    """
    try:
        keys = fetch(exchange)
    except (ConfigurationError, UnusableAnswer) as error:
        unusable = "" if isinstance(error, ConfigurationError) else f"; {hint}"
        raise CredentialsUnavailable(source, f"{error}{unusable}") from None
    except ApiError as error:
        raise CredentialsUnavailable(source, f"{error.facts}; {hint}", permanent=not error.may_pass) from None
    except TransportError as error:
        advice = f"; {unreachable}" if unreachable and not error.local else ""
        raise CredentialsUnavailable(source, error.reason + advice, permanent=error.permanent) from None
    exchange.hide(keys.secret_key, keys.security_token)
    return keys
