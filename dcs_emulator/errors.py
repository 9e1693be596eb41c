"""The service's errors, and the known formats of its error answers."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

JSON_TYPE = "application/json"
HTML_TYPE = "text/html"


class ApiError(Exception):
    """A refusal: an HTTP status, the service's error code and its message."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


# code -> (HTTP status, message); a message may have one placeholder.
KNOWN: dict[str, tuple[int, str]] = {
    "DCS.4002": (400, "Invalid project ID format."),
    "DCS.4004": (400, "Request body is empty."),
    "DCS.4005": (400, "The request body format is invalid: {}."),
    "DCS.4017": (400, "This DCS instance job task is still running."),
    "DCS.4026": (400, "This operation is not allowed in the current state."),
    "DCS.4061": (400, "Invalid instance ID format."),
    "DCS.4070": (400, "Invalid task ID format."),
    "DCS.4133": (400, "Instance job is not found."),
    "DCS.4800": (400, "Invalid {} parameter in the request."),
    "DCS.4957": (400, "This operation is not allowed when the task is in the current state."),
    "DCS.5000": (500, "Internal service error."),
    "DCS.5001": (405, "The request method is not supported."),
    "APIGW.0101": (404, "The API does not exist or has not been published in the environment"),
    "APIGW.0201": (413, "Request entity too large"),
    "APIGW.0301": (401, "Incorrect IAM authentication information: {}"),
    "APIGW.0308": (429, "The throttling threshold has been reached: policy user over ratelimit"),
}

# What the service may report about a task or a target that is in the wrong state.
REFUSAL_CODES = ("DCS.4017", "DCS.4026", "DCS.4957")


def api_error(code: str, detail: str = "") -> ApiError:
    """Return the error with this code; ``detail`` replaces its message's placeholder."""
    status, message = KNOWN[code]
    return ApiError(status, code, message.format(detail))


def invalid(field: str) -> ApiError:
    """Return the refusal of a request field; the message has its dotted path."""
    return api_error("DCS.4800", field)


def _normal(error: ApiError) -> Any:
    return {"error_msg": error.message, "error_code": error.code, "error_ext_msg": None}


def _v1(error: ApiError) -> Any:
    return {"error": {"code": _legacy_code(error.code), "message": error.message}}


def _iam(error: ApiError) -> Any:
    return {
        "error": {
            "message": error.message,
            "code": error.status,
            "title": _reason(error.status),
        }
    }


def _camel(error: ApiError) -> Any:
    return {"errorCode": error.code, "errorMsg": error.message}


def _code_message(error: ApiError) -> Any:
    return {"code": error.code, "message": error.message}


def _legacy_code(code: str) -> str:
    """Return the nine-digit spelling of a ``DCS.4nnn`` or ``DCS.5nnn`` code, other codes unchanged."""
    service, _, number = code.partition(".")
    if service == "DCS" and len(number) == 4 and number[0] in "45":
        return f"111{number[0]}00{number[1:]}"
    return code


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


_SHAPES: dict[str, Callable[[ApiError], Any]] = {
    "v1": _v1,
    "iam": _iam,
    "camel": _camel,
    "code-message": _code_message,
}
_WITH_REQUEST_ID = ("APIGW.", "STS5.", "PAP5.")  # of the gateway and of STS
SHAPE_NAMES: tuple[str, ...] = (*_SHAPES, "html")


def error_body(error: ApiError, request_id: str, shape: str | None = None) -> tuple[str, bytes]:
    """Return the content type and the bytes of an error.

    ``shape`` is one of `SHAPE_NAMES` or None for the normal one. Errors of the gateway (``APIGW.``), IAM
    and STS keep their own shape.
    """
    if not error.code:  # of IAM, whose status is the code
        body: Any = _iam(error)
    elif error.code.startswith(_WITH_REQUEST_ID):
        body = {"error_msg": error.message, "error_code": error.code, "request_id": request_id}
    elif shape == "html":
        title = html.escape(f"{error.status} {_reason(error.status)}")
        page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
        return HTML_TYPE, page.encode()
    else:
        body = _SHAPES.get(shape or "", _normal)(error)
    return JSON_TYPE, json.dumps(body).encode()
