"""All errors of this package, and the conversion of the service's answers into errors.

DcsMigrationError
├── ConfigurationError        a setting is missing or contradicts another
├── EngineGone                the Pulumi engine stopped answering: nothing more is written
├── TransportError            no usable answer
│   ├── NotSent               the request certainly never reached the service
│   │   └── CredentialsUnavailable   there were no temporary keys to send it with
│   └── OutcomeUnknown        the request may have taken effect
├── ApiError                  the service (or its gateway) answered with an error
│   ├── CredentialsRefused    401, or 403 from the gateway: never repeat it
│   ├── PermissionDenied      403: valid credentials without the permission
│   ├── TaskNotFound          DCS.4133: the task doesn't exist
│   ├── Busy                  another operation is running on the instance: try later
│   ├── Throttled             429: too many calls
│   ├── WrongEndpoint         the server at this address isn't (this version of) DCS
│   └── ServerFault           5xx: the outcome of a write is unclear
├── TaskError                 a task failed, was stopped, or can't be taken over
└── WaitTimeout               a task wasn't done in time

A message has one line for each argument: the service's texts can't add lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from dcs_migration.dcs.codes import CODES, CodeKind, normalise_code
from dcs_migration.dcs.texts import MAX_SERVER_TEXT, Scrub, decoded, one_line, scrubbed, worded

_MOST_MARKUP = 8192
_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]{0,1000}>", re.IGNORECASE | re.DOTALL)


class DcsMigrationError(Exception):
    """The base of this package's errors; each argument is a line of the message."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*(one_line(line) for line in lines))

    @property
    def may_pass(self) -> bool:
        """Whether the problem may be temporary, so that a read should be retried."""
        return False

    def __str__(self) -> str:
        return "\n".join(str(line) for line in self.args)


class ConfigurationError(DcsMigrationError):
    """A setting is missing, is malformed, or contradicts another."""


class EngineGone(DcsMigrationError):
    """The Pulumi engine stopped answering, so nothing more may be written."""


class TaskError(DcsMigrationError):
    """A migration task failed, was stopped, or can't be taken over."""


class WaitTimeout(DcsMigrationError):
    """A migration task wasn't done within the time allowed."""


class TransportError(DcsMigrationError):
    """The call got no usable answer.

    operation: the API operation, such as `ListMigrationTask`; reason: what happened;
    permanent: True if a retry can't help (for example, an untrusted certificate); local: True if the problem is on this
    machine, and the reason says what to fix.
    """

    verb = "failed"
    permanent = False
    local = False

    def __init__(self, operation: str, reason: str) -> None:
        super().__init__(operation, reason)
        self.operation = operation
        self.reason = one_line(reason)

    @property
    def may_pass(self) -> bool:
        """True unless the failure is permanent."""
        return not self.permanent

    def __str__(self) -> str:
        return f"{self.operation} {self.verb}: {self.reason}"


class NotSent(TransportError):
    """The request certainly never reached the service: it had no effect."""

    verb = "wasn't sent"

    def __str__(self) -> str:
        if self.local:
            return super().__str__()
        return (
            f"{super().__str__()}; check the network, the region and the endpoint "
            "(huaweicloud:endpoints or HW_DCS_ENDPOINT)"
        )


class CredentialsUnavailable(NotSent):
    """There were no temporary keys, so nothing was sent.

    operation: a description of where the keys come from.
    """

    local = True

    def __init__(self, source: str, reason: str, *, permanent: bool = True) -> None:
        super().__init__(source, reason)
        self.permanent = permanent

    def __str__(self) -> str:
        return f"can't get temporary keys from {self.operation}: {self.reason}"


class OutcomeUnknown(TransportError):
    """The request may have reached the service and taken effect: look before you repeat it."""

    verb = "may or may not have been carried out"


class ApiError(DcsMigrationError):
    """The service answered with an error.

    operation: the API operation; status: the HTTP status; error_code: normalized (`DCS.4133`), or None;
    error_msg: the service's message on one line, or None; request_id: for a support ticket, or None;
    retry_after: seconds that the service asks to wait, or None; hint: what to do, or None.
    """

    def __init__(
        self,
        operation: str,
        status: int,
        error_code: str | None = None,
        error_msg: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        code = normalise_code(one_line(error_code, 64)) if error_code else None
        msg = one_line(error_msg, MAX_SERVER_TEXT) if error_msg else None
        request_id = one_line(request_id, 128) if request_id else None
        Exception.__init__(self, operation, status, code, msg, request_id, retry_after)
        self.operation = operation
        self.status = status
        self.error_code = code or None
        self.error_msg = msg or None
        self.request_id = request_id or None
        self.retry_after = retry_after

    @property
    def hint(self) -> str | None:
        """What the user can do about it, or None."""
        info = CODES.get(self.error_code or "")
        return (info.hint if info else "") or _HINTS.get(type(self))

    @property
    def facts(self) -> str:
        """The service's answer, without the hint."""
        text = f"{self.operation} failed: HTTP {self.status}"
        if self.error_code:
            text += f" {self.error_code}"
        if self.error_msg:
            text += f": {self.error_msg}"
        if self.request_id:
            text += f" (request id {self.request_id})"
        return text

    def __str__(self) -> str:
        return f"{self.facts}; {self.hint}" if self.hint else self.facts


class CredentialsRefused(ApiError):
    """The credentials were refused. More than five refusals lock an access key for everyone who uses it.

    source: where they came from, and how to fix them there; None if unknown.
    """

    source: str | None = None

    @property
    def hint(self) -> str | None:
        """What the user can do; it starts with the source of the credentials."""
        general = super().hint
        return "; ".join(part for part in (self.source, general) if part)


class PermissionDenied(ApiError):
    """The credentials are valid but don't have the permission."""


class TaskNotFound(ApiError):
    """The service doesn't have a task with that id."""


class Busy(ApiError):
    """Another operation uses the target: the same call may succeed later."""


class Throttled(ApiError):
    """Too many calls; `retry_after` has the seconds that the service asks to wait, if any."""

    may_pass = True


class WrongEndpoint(ApiError):
    """The server at this address isn't the DCS API."""

    @property
    def may_pass(self) -> bool:
        """True for a temporary maintenance page."""
        return 200 <= self.status < 300


class ServerFault(ApiError):
    """The service or its gateway failed; it is unclear whether a write took effect."""

    may_pass = True


OUTCOME_UNCLEAR = (OutcomeUnknown, ServerFault)
"""The write may have taken effect: look before you repeat it."""


_HINTS: dict[type[ApiError], str] = {
    CredentialsRefused: "check the keys (or the token) and the region; not retried, because failures lock the key",
    PermissionDenied: "grant these credentials the DCS migration permissions (dcs:migrationTask:*)",
    WrongEndpoint: "check the region and the endpoint (huaweicloud:endpoints or HW_DCS_ENDPOINT)",
    Throttled: "too many calls; try again in a minute",
}

_BY_KIND: dict[CodeKind, type[ApiError]] = {
    CodeKind.NOT_FOUND: TaskNotFound,
    CodeKind.BUSY: Busy,
    CodeKind.CREDENTIALS: CredentialsRefused,
    CodeKind.PERMISSION: PermissionDenied,
    CodeKind.THROTTLED: Throttled,
    CodeKind.ENDPOINT: WrongEndpoint,
    CodeKind.FAULT: ServerFault,
    CodeKind.PERMANENT: ApiError,
}


def error_class(status: int, error_code: str | None) -> type[ApiError]:
    """Return the class for an HTTP status and a normalized code; if they disagree, the status decides."""
    code = error_code or ""
    if status == 401:
        return CredentialsRefused
    if status == 403:
        return CredentialsRefused if code.startswith("APIGW.") else PermissionDenied
    if status == 429:
        return Throttled
    if status >= 500:
        # A 5xx proves nothing, with any code: neither that a task doesn't exist nor that a write was refused.
        return ServerFault
    if 300 <= status < 400 or status == 405 or (status == 404 and not code.startswith("DCS.")):
        return WrongEndpoint
    info = CODES.get(code)
    return _BY_KIND[info.kind] if info else ApiError


def parse_error(
    operation: str, status: int, headers: Mapping[str, str], body: bytes, scrub: Scrub = str
) -> ApiError:
    """Turn an error answer into the error to raise. It accepts any body and never raises an error itself."""
    code, message, request_id = _fields(body, scrub)
    lowered = {str(name).lower(): str(value) for name, value in headers.items()}
    if code == str(status):
        code = None  # IAM repeats the HTTP status as its code
    if status // 100 == 3 and not message:
        message = "redirected to " + lowered.get("location", "an unknown address")
    code = normalise_code(worded(code, 64, scrub)) if code else None
    return error_class(status, code)(
        operation,
        status,
        error_code=code,
        error_msg=worded(message, MAX_SERVER_TEXT, scrub) if message else None,
        request_id=worded(lowered.get("x-request-id") or request_id or "", 128, scrub),
        retry_after=parse_retry_after(lowered.get("retry-after")),
    )


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds of a Retry-After header in its numeric form; None otherwise."""
    if value is None or not re.fullmatch(r"\s*[0-9]{1,9}\s*", value):
        return None
    return float(value)


def looks_like_html(body: bytes) -> bool:
    """Whether a body is a web page and not an API's answer."""
    return (
        body[:1024]
        .lstrip(b"\xef\xbb\xbf \t\r\n")
        .lower()
        .startswith((b"<!doctype", b"<html", b"<head", b"<?xml"))
    )


def plain_text(body: bytes, scrub: Scrub = str) -> str:
    """Return the readable text of a body that isn't JSON, without secrets."""
    return _TAGS.sub(" ", scrubbed(decoded(body), scrub)[:_MOST_MARKUP])


# The names of the same three fields in answers of the gateway, DCS (v1 and v2) and IAM.
_CODE_KEYS = ("error_code", "errorCode", "code")
_MESSAGE_KEYS = ("error_msg", "errorMsg", "error_message", "message", "title")
_REQUEST_ID_KEYS = ("request_id", "requestId")


def _fields(body: bytes, scrub: Scrub) -> tuple[str | None, str | None, str | None]:
    try:
        answer = json.loads(decoded(body))
    except (ValueError, RecursionError):
        return None, plain_text(body, scrub), None
    if not isinstance(answer, dict):
        return None, plain_text(body, scrub), None
    inner = answer.get("error")
    layers: list[dict[str, Any]] = [answer, inner] if isinstance(inner, dict) else [answer]
    code = _first(layers, _CODE_KEYS)
    message = _first(layers, _MESSAGE_KEYS) or (inner if isinstance(inner, str) else None)
    return code, message, _first(layers, _REQUEST_ID_KEYS)


def _first(layers: list[dict[str, Any]], keys: tuple[str, ...]) -> str | None:
    for layer in layers:
        for key in keys:
            value = layer.get(key)
            if isinstance(value, str) and value.strip():
                return value
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**12:
                return str(value)
    return None
