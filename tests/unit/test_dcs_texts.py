"""What the service says becomes harmless at the border: one clean line, nothing lost that is needed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.auth import AuthBase

from dcs_migration.dcs.client import DcsClient, find_project_id
from dcs_migration.dcs.errors import ApiError, TransportError, parse_error
from dcs_migration.dcs.texts import clean, clean_lines, decoded, harmless, worded
from dcs_migration.dcs.transport import Transport
from dcs_migration.life_cycles.secrets import Scrubber
from tests.fakes import FakeClock
from tests.unit.dcs_server import StandIn, answer
from tests.unit.dcs_server import error as refusal

SECRET = "Tr0ub4dor&3<b>/zebra"
FIELDS = ("name", "status", "created_at", "error", "target_instance_name", "project_id", "id", "anything")
HOSTILE = [
    "half \ud83d emoji",
    "MIGRATING\n::error file=x::boom",
    "a\r\nb\vc\x0cd\x85e\u2028f\u2029g",
    "\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link",
    "\u202eevil\u202c \u2066x\u2069 \u200b\u200d\ufeff",
    "nul\x00 \x7f\x9b",
    "x" * 1_000_000,
    "\ue000 private",
]


def scrubber(*secrets: str) -> Scrubber:
    """Return a scrubber of its own that knows secrets."""
    made = Scrubber()
    made.add(*secrets)
    return made


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: ascii(text)[:16])
@pytest.mark.parametrize("field", FIELDS)
def test_every_string_of_an_answer_is_one_clean_line(field: str, hostile: str) -> None:
    """In any position: it can be encoded, and has one line, no escape sequence, and an end."""
    told = harmless({"rows": [{field: hostile, "deep": {field: [hostile]}}]}, str)
    row = told["rows"][0]
    for text in (row[field], row["deep"][field][0]):
        text.encode()
        assert text.isprintable()
        assert 0 < len(text) <= 4096


@settings(deadline=None)
@given(st.sampled_from(FIELDS), st.text(st.characters(exclude_categories=[]), max_size=50))
def test_any_string_becomes_one_line(field: str, text: str) -> None:
    """Any text at all, lone surrogates included."""
    told: str = harmless({field: text}, str)[field]
    told.encode()
    assert len(told.splitlines()) <= 1


@pytest.mark.parametrize("text", ["orders  copy", " lead", "日本 ö 👍", "2025-07-22T11:57:24.000Z", ""])
def test_what_can_be_printed_stays_as_it_is(text: str) -> None:
    """Names and times are compared with what a user wrote: blanks and all."""
    assert clean(text) == text
    assert harmless({"name": text, "n": 1, "b": True, "none": None}, str) == {
        "name": text,
        "n": 1,
        "b": True,
        "none": None,
    }


def test_a_description_keeps_its_lines() -> None:
    """A user may write several; each of them is clean."""
    assert harmless({"description": "one\ntwo\x1b[3m\n\nthree \ud800"}, str) == {
        "description": "one\ntwo [3m\n\nthree"
    }
    assert len(clean_lines("x" * 10_000)) == 4096


def test_an_id_that_is_none_stays_unlike_all_others() -> None:
    """If the odd character were only removed, the id would be that of another task."""
    told = harmless([{"id": "8aa6\ud83d"}, {"task_id": "8aa6\n"}, {"id": "8aa6"}, {"id": "y" * 300}], str)
    assert [next(iter(row.values())) for row in told[:3]] == ["8aa6\\ud83d", "8aa6\\n", "8aa6"]
    assert len(told[3]["id"]) == 256


@pytest.mark.parametrize("key", ["error", "error_msg", "message"])
@pytest.mark.parametrize(
    "secret",
    ["pass\u00adword", "a\u200db\u200dcd", "two  blanks", "line\nbreak", SECRET],
    ids=ascii,
)
def test_words_are_scrubbed_before_they_are_cleaned(key: str, secret: str) -> None:
    """Cleaning would break a secret that holds what cannot be printed."""
    told = harmless({key: f"AUTH {secret} failed\n"}, scrubber(secret))
    assert told == {key: "AUTH *** failed"}


def test_a_secret_across_any_cut_goes_whole() -> None:
    """A text is cut at its limit, and one without end before that: no part of a secret is left at the end."""
    scrub = scrubber(SECRET)
    for before in range(100, 125):
        assert "Tr0" not in worded("x" * before + SECRET, 120, scrub)
    for before in range(128 * 1024 - 28, 128 * 1024 + 5, 4):
        assert "Tr0" not in worded(" " * before + SECRET, 500, scrub)


@pytest.mark.parametrize(
    "page",
    [
        f"<html><body>AUTH {SECRET} failed</body></html>",
        f"<html>{'x' * (8192 - 10)}{SECRET}</html>",
        f"<p>{'<br>' * 4000}{SECRET}",
        f"not JSON {SECRET} at all",
        f"<html>{'y' * 110}{SECRET}</html>",
    ],
    ids=["markup in a secret", "cut at the end", "much markup", "text", "cut at 120"],
)
def test_a_page_is_scrubbed_before_its_markup_goes(page: str) -> None:
    """What looks like markup may be part of a secret, and a page is cut."""
    scrub = scrubber(SECRET)
    assert "Tr0" not in str(parse_error("Show", 502, {}, page.encode(), scrub))
    with StandIn(answer(raw=page.encode())) as server:
        transport = Transport(server.url, _Nobody(), scrub=scrub, max_retries=0, clock=FakeClock())
        with pytest.raises(Exception, match=r"HTTP|DCS") as caught:
            transport.read("Show", "/x")
        assert "Tr0" not in str(caught.value)


def test_a_body_in_another_encoding_is_scrubbed_and_read() -> None:
    """A byte that isn't UTF-8 is read as Latin-1, so that no part of a secret is lost before the comparison."""
    secret = "pässwörd"
    body = json.dumps({"error_code": "DCS.4800", "error_msg": f"no {secret}!"}, ensure_ascii=False)
    assert "no ***!" in str(parse_error("Show", 400, {}, body.encode("latin-1"), scrubber(secret)))
    assert decoded(b"\xef\xbb\xbf{}") == "{}"


class _Nobody(AuthBase):
    def __call__(self, request: Any) -> Any:
        return request


def _client(server: StandIn, scrub: Any = str) -> DcsClient:
    transport = Transport(server.url, _Nobody(), scrub=scrub, max_retries=0, clock=FakeClock())
    return DcsClient(transport, "p0")


def test_a_hostile_answer_to_a_create_loses_no_id() -> None:
    """Half an emoji in the name, lines in the status: the id arrives, and all can go into the state."""
    raw = b'{"id": "t1", "name": "a\\ud83d", "status": "MIGRATING\\n::error ::x", "error": ""}'
    with StandIn(answer(raw=raw)) as server:
        created = _client(server).create_migration_task({})
    assert (created.id, created.name, created.status) == ("t1", "a", "MIGRATING ::error ::x")


def test_one_hostile_row_does_not_hide_the_others() -> None:
    """The listing is everybody's: a row of someone else must not break it."""
    raw = (
        b'{"count": 2, "migration_tasks": [{"task_id": "\\ud83d", "task_name": "\\u0000", "status": "\xed\xa0\xbd"},'
        b' {"task_id": "t2", "task_name": "b", "status": "SUCCESS"}]}'
    )
    with StandIn(answer(raw=raw)) as server:
        page = _client(server).list_migration_tasks()
    assert [row.id for row in page.rows] == ["\\ud83d", "t2"]


def test_a_project_id_that_is_none_is_an_error() -> None:
    """It would be part of every address and go into the state."""
    with StandIn(answer({"projects": [{"id": "p\n0", "name": "r"}]})) as server:
        transport = Transport(server.url, _Nobody(), max_retries=0, clock=FakeClock())
        with pytest.raises(TransportError, match=r"a project id that is none.*HW_PROJECT_ID"):
            find_project_id(transport, "r")


def test_a_refusal_with_a_hostile_request_id_is_one_line() -> None:
    """Headers are the service's words, too."""
    said = refusal(400, "DCS.4800\n::x", "bad\n::error ::y", X_Request_Id="a\tb")
    with StandIn(said) as server, pytest.raises(ApiError, match="bad") as caught:
        _client(server).create_migration_task({})
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("key", ["secret", "secret_access_key", "securitytoken", "security_token"])
def test_what_signs_requests_stays_as_it_is(key: str) -> None:
    """The tokens of temporary keys are long, and a shortened one would be refused."""
    token = "t" * 20_000
    assert harmless({"credential": {key: token}}, str) == {"credential": {key: token}}
