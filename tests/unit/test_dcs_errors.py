"""How answers of the service become errors, and what their messages say."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcs_migration.dcs.codes import CODES, normalise_code
from dcs_migration.dcs.errors import (
    ApiError,
    Busy,
    CredentialsRefused,
    DcsMigrationError,
    NotSent,
    OutcomeUnknown,
    PermissionDenied,
    ServerFault,
    TaskError,
    TaskNotFound,
    Throttled,
    TransportError,
    WrongEndpoint,
    parse_error,
)
from dcs_migration.dcs.texts import one_line


def _parse(status: int, body: object, **headers: str) -> ApiError:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_error("ShowMigrationTask", status, headers, data)


@pytest.mark.parametrize(
    ("body", "code", "message", "request_id"),
    [
        ({"error_msg": "gone", "error_code": "DCS.4133", "error_ext_msg": None}, "DCS.4133", "gone", None),
        ({"error_msg": "bad", "error_code": "APIGW.0301", "request_id": "r1"}, "APIGW.0301", "bad", "r1"),
        ({"error_msg": "bad", "error_code": "APIG.0301", "request_id": "r1"}, "APIGW.0301", "bad", "r1"),
        ({"error": {"code": "111400060", "message": "exists"}}, "DCS.4060", "exists", None),
        ({"error": {"message": "no", "code": 400, "title": "Bad Request"}}, None, "no", None),
        ({"errorCode": "DCS.4005", "errorMsg": "json"}, "DCS.4005", "json", None),
        ({"code": "DCS.4005", "message": "json"}, "DCS.4005", "json", None),
        ({"error": "plain words"}, None, "plain words", None),
        (b"<html><title>502</title><body>Bad gateway</body></html>", None, "502 Bad gateway", None),
        (b"", None, None, None),
        (b"\xff\xfe\x00garbage", None, "ÿþ garbage", None),
        ([1, 2], None, "[1, 2]", None),
        (None, None, "null", None),
        ({"error_code": ["x"], "error_msg": {"a": 1}, "request_id": 7.5}, None, None, None),
        ({"error_code": True, "error_msg": 12}, None, "12", None),
    ],
)
def test_every_shape_of_an_error_body_is_read(
    body: object, code: str | None, message: str | None, request_id: str | None
) -> None:
    """Code, message and request id are found in each shape that DCS, its gateway, IAM and proxies use."""
    error = _parse(400, body)
    assert (error.error_code, error.error_msg, error.request_id) == (code, message, request_id)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "DCS.4133", TaskNotFound),
        (400, "111400133", TaskNotFound),
        (400, "111404133", TaskNotFound),
        (404, "DCS.4133", TaskNotFound),
        (500, "DCS.4133", ServerFault),
        (403, "DCS.4133", PermissionDenied),
        (400, "DCS.4017", Busy),
        (400, "DCS. 4026", Busy),
        (400, "111400049", Busy),
        (400, "DCS.4957", ApiError),
        (400, "DCS.4070", ApiError),
        (400, "DCS.9999", ApiError),
        (400, "", ApiError),
        (401, "APIGW.0301", CredentialsRefused),
        (401, "DCS.1001", CredentialsRefused),
        (401, "", CredentialsRefused),
        (400, "APIGW.0301", CredentialsRefused),
        (403, "APIGW.0302", CredentialsRefused),
        (403, "APIG.0302", CredentialsRefused),
        (403, "DCS.2003", PermissionDenied),
        (403, "", PermissionDenied),
        (404, "", WrongEndpoint),
        (404, "APIGW.0101", WrongEndpoint),
        (404, "DCS.4001", WrongEndpoint),
        (404, "DCS.3022", ApiError),
        (405, "DCS.5001", WrongEndpoint),
        (301, "", WrongEndpoint),
        (429, "APIGW.0308", Throttled),
        (429, "", Throttled),
        (500, "DCS.5000", ServerFault),
        (500, "DCS.4069", ServerFault),
        (502, "APIGW.0201", ServerFault),
        (413, "APIGW.0201", ApiError),
    ],
)
def test_status_and_code_decide_the_class(status: int, code: str, kind: type[ApiError]) -> None:
    """Each status and code becomes the one error class that says what the caller may do."""
    assert type(_parse(status, {"error_code": code, "error_msg": "m"})) is kind


def test_a_bare_404_proves_no_absence() -> None:
    """Only the code of DCS says that a task no longer exists; an empty 404 is a wrong endpoint."""
    assert not isinstance(_parse(404, b""), TaskNotFound)


def test_the_message_is_one_readable_line() -> None:
    """A message says the operation, the status, the code, the words, the request id and what to do."""
    error = _parse(
        400, {"error_code": "DCS.4017", "error_msg": "still\nrunning\x1b[31m"}, **{"X-Request-Id": "q-1"}
    )
    assert str(error) == (
        "ShowMigrationTask failed: HTTP 400 DCS.4017: still running [31m (request id q-1); "
        "another task is running on the target instance; try again later"
    )


def test_a_message_leaves_out_what_is_missing() -> None:
    """Without code, words, request id and hint, the operation and the status remain."""
    assert str(_parse(400, b"")) == "ShowMigrationTask failed: HTTP 400"


def test_a_huge_message_is_cut() -> None:
    """No more than 500 characters of the server's words enter a message."""
    error = _parse(400, {"error_msg": "x" * 5_000_000})
    assert error.error_msg is not None
    assert len(error.error_msg) == 500


def test_deep_nesting_is_survived() -> None:
    """A body nested deeper than Python can follow is an error like any other."""
    assert type(_parse(400, b'{"a":' * 200_000)) is ApiError


def test_many_open_tags_are_read_fast() -> None:
    """A body made to be slow for a pattern still becomes an error."""
    assert isinstance(_parse(502, b"<script" * 1_000_000), ServerFault)


def test_the_authorization_message_is_dropped() -> None:
    """The encoded authorization message of IAM never enters an error."""
    error = _parse(
        403, {"error_code": "DCS.2003", "error_msg": "no", "encoded_authorization_message": "AQEBsecret"}
    )
    assert "AQEBsecret" not in str(error) + repr(error)


def test_server_text_is_scrubbed_before_it_is_cut() -> None:
    """A secret that crosses the limit of length is removed whole."""
    body = json.dumps({"error_msg": "x" * 495 + "hunter2secret", "error_code": "hunter2secret"}).encode()
    error = parse_error(
        "Op", 400, {"X-Request-Id": "hunter2secret"}, body, lambda t: t.replace("hunter2secret", "*")
    )
    assert "hunt" not in str(error) + repr(error)


def test_retry_after_is_read() -> None:
    """Retry-After in seconds is kept; a value that isn't a number doesn't count."""
    assert _parse(429, b"", **{"Retry-After": " 7 "}).retry_after == 7.0
    assert _parse(429, b"", **{"Retry-After": "soon"}).retry_after is None
    assert _parse(429, b"").retry_after is None


def test_a_redirect_says_where_it_points() -> None:
    """The message of a redirect names its target."""
    assert "redirected to https://elsewhere.example/" in str(
        _parse(302, b"", Location="https://elsewhere.example/")
    )


@given(st.integers(100, 599), st.binary(max_size=200))
def test_any_bytes_become_an_error(status: int, body: bytes) -> None:
    """No body makes the reading of an error fail, and no body adds a line to its message."""
    error = _parse(status, body)
    assert len(str(error).splitlines()) == 1


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "error_code", "error_msg", "code", "message", "request_id", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from([400, 401, 403, 404, 429, 500]), _JSON)
def test_any_json_becomes_an_error(status: int, body: object) -> None:
    """No JSON value makes the reading fail, and the message can be encoded and stays on one line."""
    error = _parse(status, body)
    assert len(str(error).encode().splitlines()) == 1


@pytest.mark.parametrize(
    ("given_code", "normal"),
    [
        ("DCS. 4855", "DCS.4855"),
        (" DCS.5094 ", "DCS.5094"),
        ("dcs.4133", "DCS.4133"),
        ("111400017", "DCS.4017"),
        ("111400133", "DCS.4133"),
        ("111500006", "DCS.5006"),
        ("APIG.0308", "APIGW.0308"),
        ("IAM.0002", "IAM.0002"),
        ("111400", "111400"),
    ],
)
def test_codes_have_one_spelling(given_code: str, normal: str) -> None:
    """Spaces, case, the legacy numbers and the gateway's two prefixes are evened out."""
    assert normalise_code(given_code) == normal


def test_the_table_is_in_the_normal_spelling() -> None:
    """Every key of the table of codes is what normalisation returns, so that it can be found."""
    assert [code for code in CODES if normalise_code(code) != code] == []


def test_the_billing_service_can_be_busy() -> None:
    """An instance that is ordered or resized is refused with a code of the billing service, as Terraform knows it."""
    body = {"error_code": "CBC.99003651", "error_msg": "Another operation is being performed."}
    assert isinstance(_parse(400, body), Busy)


def test_errors_can_be_copied() -> None:
    """A copy says the same and has the same class, so that threads doesn't need to share one exception."""
    for error in (_parse(401, {"error_msg": "m"}), OutcomeUnknown("Op", "why"), TaskError("a", "b")):
        again = copy.copy(error)
        assert type(again) is type(error)
        assert str(again) == str(error)


def test_transport_errors_say_what_is_known() -> None:
    """The three transport errors differ in what they say about the outcome."""
    assert str(TransportError("Op", "why\nnot")) == "Op failed: why not"
    assert str(NotSent("Op", "why")).startswith("Op wasn't sent: why; check the network")
    assert str(OutcomeUnknown("Op", "why")) == "Op may or may not have been carried out: why"


def test_only_the_author_of_an_error_adds_lines() -> None:
    """Each argument is one line, with any line ends or control characters in it."""
    assert str(DcsMigrationError("a\r\nb\u2028c", "d\x00e")) == "a b c\nd e"


def test_lone_surrogates_do_not_survive() -> None:
    """A message can always be encoded as UTF-8, as it has to be on its way to Pulumi."""
    assert one_line("a\ud800b").encode() == b"a b"
