"""No secret that the process has seen stays in a text, however it is encoded there."""

from __future__ import annotations

import base64
import html
import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcs_migration.dcs.texts import one_line, worded
from dcs_migration.life_cycles.secrets import MASK, Scrubber

AWKWARD = "p/a+s s\"w\\ö&<'é\u2028日=%"


def _scrubber(*values: Any) -> Scrubber:
    scrubber = Scrubber()
    scrubber.add(*values)
    return scrubber


def _escaped_in_javascript(char: str) -> str:
    if char.isascii() and (char.isalnum() or char in "@*_+-./"):
        return char
    if char < "\u0100":
        return f"%{ord(char):02X}"
    return "".join(f"%u{unit:04X}" for unit in _units(char))


def _escaped_in_upper_case(char: str) -> str:
    if char.isascii() and char.isalnum():
        return char
    return "".join(f"\\u{unit:04X}" for unit in _units(char))


def _units(char: str) -> list[int]:
    raw = char.encode("utf-16-be")
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]


def _escaped(text: str) -> bytes:
    return text.replace("\\", "\\\\").encode()


def _go_json(text: str) -> str:
    for char in "<>&":
        text = json.dumps(text, ensure_ascii=False)[1:-1] if char == "<" else text
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "repr": lambda text: repr(text)[1:-1],
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON of Go": _go_json,
    "JSON with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "URL path": quote,
    "URL part": lambda text: quote(text, safe=""),
    "URL in lower case": lambda text: "".join(
        part if not index else "%" + part[:2].lower() + part[2:]
        for index, part in enumerate(quote(text).split("%"))
    ),
    "form": quote_plus,
    "URL part of JavaScript": lambda text: quote(text, safe="!'()*"),
    "escape() of JavaScript": lambda text: "".join(map(_escaped_in_javascript, text)),
    "HTML": html.escape,
    "HTML text": lambda text: html.escape(text, quote=False),
    "HTML of Go": lambda text: html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "XML": lambda text: html.escape(text).replace("&#x27;", "&apos;"),
    "HTML, all by number": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "HTML, all by its hexadecimal number": lambda text: "".join(f"&#X{ord(char):X};" for char in text),
    "JSON in upper case": lambda text: "".join(map(_escaped_in_upper_case, text)),
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "octal": lambda text: "".join(f"\\{byte:03o}" if byte > 126 else chr(byte) for byte in _escaped(text)),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal in upper case": lambda text: text.encode().hex().upper(),
    "HTML, by numbers without an end": lambda text: "".join(f"&#{ord(char)}" for char in text),
    "e-mail": lambda text: "".join(f"={byte:02X}" for byte in text.encode()),
    "SQL": lambda text: text.replace("'", "''"),
    "CSV": lambda text: text.replace('"', '""'),
    "shell": lambda text: text.replace("'", "'\"'\"'"),
    "shell with a backslash": lambda text: text.replace("'", "'\\''"),
    "one line": lambda text: " ".join(text.split()),
}
SECRETS = ["hunter2!", AWKWARD, "aaaa", "äöüß", "a  b\tc", "....", "x" * 5000, "+/+/+/", "%41%42"]


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: ascii(secret)[:12])
def test_a_secret_is_removed_in_every_encoding(secret: str, encode: Callable[[str], str]) -> None:
    """In every spelling of a secret, nothing of it is left and the words around it stay."""
    assert _scrubber(secret)(f"before, {encode(secret)}, behind") == f"before, {MASK}, behind"


@pytest.mark.parametrize("secret", ["hunter2!", AWKWARD, "aaaa", "äöüß"], ids=ascii)
@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("behind", range(4))
def test_a_secret_inside_a_longer_base64_text_is_removed(secret: str, before: int, behind: int) -> None:
    """User and password encoded together, as for basic authentication, do not hide the password."""
    encoded = base64.b64encode(b"u" * before + secret.encode() + b"v" * behind).decode()
    cleaned = _scrubber(secret)(f"Basic {encoded}")
    assert MASK in cleaned
    # Bits of a secret may stay in a character that it shares with its neighbours, never a whole byte more.
    assert len(cleaned) <= len("Basic ") + len(MASK) + 4 * (-(-before // 3)) + 4 * (-(-behind // 3)) + 4


@pytest.mark.parametrize("again", range(3))
def test_every_occurrence_goes(again: int) -> None:
    """A secret that stands several times, also twice in a row, goes each time."""
    text = " ".join(["hunter2!hunter2!"] * (again + 1))
    assert "hunter2" not in _scrubber("hunter2!")(text)


@pytest.mark.parametrize(
    ("secrets", "text", "left"),
    [
        (["secret", "secretlong"], "secretlong secret", "*** ***"),
        (["secretlong", "secret"], "xsecretlongx", "x***x"),
        (["abc123", "123xyz"], "abc123xyz", "***"),
        (["123xyz", "abc123"], "<abc123xyz>", "<***>"),
        (["aXbXc", "XbX1"], "aXbXc aXbX1", "*** a***"),
        (["aaaa"], "aaaaaaa", "***"),
        (["longer-secret", "ger-"], "longer-secret", "***"),
        (["one1", "two2"], "one1two2", "******"),
    ],
)
def test_secrets_that_overlap_leave_no_part(secrets: list[str], text: str, left: str) -> None:
    """If secrets share characters, the whole stretch is removed, in any order of the secrets."""
    assert _scrubber(*secrets)(text) == left
    assert _scrubber(*reversed(secrets))(text) == left


@pytest.mark.parametrize(
    ("secret", "text", "left"),
    [
        ("a", 'password "a" is bad', 'password "***" is bad'),
        ("1", "HTTP 401: 1", "HTTP 401: ***"),
        ("id", "the id of an idea", "the *** of an idea"),
        ("ab", "ab:ab/cab", "***:***/cab"),
        ("é", "%C3%A9 é", "*** ***"),
        (".", "End. a.b . c", "End. a.b *** c"),
        ("a&b", "x=a%26b a&amp;b a&b", "x=*** *** ***"),
    ],
)
def test_a_short_secret_goes_where_it_stands_alone(secret: str, text: str, left: str) -> None:
    """A secret of one to three characters is taken out as a word, not out of other words."""
    assert _scrubber(secret)(text) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("redis://:pw@host:6379", "redis://***@host:6379"),
        ("redis://user:pw@host", "redis://***@host"),
        ("https://token@host/path", "https://***@host/path"),
        ("https://user:p@w@host/path", "https://***@host/path"),
        ("redis://:p/w@host", "redis://***@host"),
        ("redis://user:p/w@x@host:1", "redis://***@host:1"),
        ("redis://:12/34@host", "redis://***@host"),
        ("https://host/path", "https://host/path"),
        ("https://host:8443/path/a@b", "https://host:8443/path/a@b"),
        ("https://host/a@b", "https://host/a@b"),
        ("write to a@b, see https://host", "write to a@b, see https://host"),
        ("x://a:b@c y://d:e@f", "x://***@c y://***@f"),
    ],
)
def test_credentials_in_urls_go_unseen_before(text: str, left: str) -> None:
    """What stands between `://` and `@` is a secret, also one that no one has told us of."""
    assert Scrubber()(text) == left


@pytest.mark.parametrize("value", [None, "", 7, 1.5, True, b"bytes", ["list"], {"a": "b"}, object], ids=repr)
def test_what_is_no_text_is_no_secret(value: Any) -> None:
    """Numbers, unknown values and the empty text are ignored."""
    text = "None 7 1.5 True bytes list a b and nothing"
    assert _scrubber(value)(text) == text


def test_passwords_are_found_at_any_depth() -> None:
    """Every password of a property bag is known after one look at it."""
    scrubber = Scrubber()
    scrubber.add_passwords(
        {
            "target_instance": {"password": "first-one", "name": "visible-name"},
            "triggers": [{"deep": [{"password": "second-one"}]}, ({"password": "third-one"},)],
            "password": "fourth-one",
            "other": {"password": 7, "passwords": "not-one"},
            "wrong": {"password": {"deep": ["fifth-one"]}},
            "__passwords": [None, "sixth-one"],
        }
    )
    left = scrubber("first-one second-one third-one fourth-one fifth-one sixth-one visible-name not-one 7")
    assert left == "*** *** *** *** *** *** visible-name not-one 7"


def test_without_secrets_a_text_stays() -> None:
    """Nothing is masked that no one called secret."""
    assert Scrubber()("plain text, 100 %") == "plain text, 100 %"
    assert _scrubber("hunter2!")("") == ""


def test_a_secret_counts_from_when_it_is_added() -> None:
    """Later texts are clean, and adding again changes nothing."""
    scrubber = Scrubber()
    assert scrubber("hunter2!") == "hunter2!"
    scrubber.add("hunter2!", "hunter2!")
    scrubber.add("hunter2!")
    assert scrubber("hunter2!") == MASK


def test_characters_of_patterns_are_taken_literally() -> None:
    """A secret that looks like a regular expression removes itself and nothing else."""
    scrubber = _scrubber(".*.*", "[a-z]+", "(", "\\d")
    assert scrubber(".*.* [a-z]+ ( \\d abc 7") == "*** *** *** *** abc 7"


def test_thousands_of_secrets_cost_little() -> None:
    """A stack with a password for each of 2,000 tasks is neither slow to learn nor slow to scrub."""
    scrubber = Scrubber()
    started = time.process_time()
    for number in range(2000):
        scrubber.add(f"prefix/öf all-{number:05d}")
    text = "prefix/öf none " * 5000 + "prefix/öf all-01234"
    for _ in range(10):
        assert scrubber(text).endswith(f"none {MASK}")
    assert time.process_time() - started < 5


def test_urls_without_end_cost_little() -> None:
    """No text makes the search for credentials slow."""
    started = time.process_time()
    Scrubber()("a://b:c" * 20_000)
    assert time.process_time() - started < 5


def test_threads_may_add_while_others_scrub() -> None:
    """Four threads learn and scrub at once; none fails, and all secrets are known in the end."""
    scrubber = Scrubber()
    failures: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for number in range(200):
                secret = f"same-start-{thread}-{number * 7919:x}" + "x" * (number % 40)
                scrubber.add(secret, "ab"[thread % 2])
                assert secret not in scrubber(f"<{secret}>")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


# The mask's own character would make a masked text look like a secret.
_letters = st.characters(codec="utf-8", exclude_characters="*")
_secret = st.text(_letters, min_size=4, max_size=12).filter(lambda secret: len(one_line(secret)) >= 4)
_LATIN = {"URL in Latin-1": lambda text: quote(text.encode("latin-1"), safe="")}
_BASE64 = [name for name in ENCODINGS if name.startswith("base64")]
# These lose blanks or change them: they come last, or not at all.
_LOSSLESS = sorted(set(ENCODINGS) - {"one line"})


@settings(deadline=None)
@given(st.lists(_secret, min_size=1, max_size=4), st.lists(st.text(_letters), max_size=5), st.data())
def test_nothing_of_any_secret_stays(secrets: list[str], words: list[str], data: st.DataObject) -> None:
    """However secrets of any characters are encoded and mixed with words, none of them can be read."""
    scrubber = _scrubber(*secrets)
    pieces = [word for word in words if word]
    for secret in secrets:
        encode = ENCODINGS[data.draw(st.sampled_from(sorted(ENCODINGS)))]
        pieces.insert(data.draw(st.integers(0, len(pieces))), encode(secret))
    cleaned = scrubber(" ".join(pieces))
    forms = {encode(secret) for secret in secrets for encode in ENCODINGS.values()}
    assert not [form for form in forms if len(form) >= 4 and form in cleaned]


@settings(deadline=None, max_examples=400)
@given(
    st.data(),
    st.lists(st.sampled_from(_LOSSLESS), max_size=3),
    st.text(_letters, max_size=6),
    st.text(_letters, max_size=6),
)
def test_a_secret_is_found_under_several_encodings(
    data: st.DataObject, names: list[str], before: str, behind: str
) -> None:
    """JSON in HTML, HTML in JSON, JSON in base64 in a URL: only the text next to it is left."""
    latin = data.draw(st.booleans())
    alphabet = st.characters(max_codepoint=255, exclude_characters="*") if latin else _letters
    secret = data.draw(
        st.text(alphabet, min_size=4, max_size=12).filter(lambda text: len(one_line(text)) >= 4)
    )
    encodings = [ENCODINGS[name] for name in names]
    if latin:
        before, behind = "<", ">"
        encodings.insert(0, _LATIN["URL in Latin-1"])

    def encoded(text: str) -> str:
        for encode in encodings:
            text = encode(text)
        return text

    cleaned = _scrubber(secret)(f"error: {encoded(before + secret + behind)} (400)")
    assert MASK in cleaned
    left = len(cleaned.replace(MASK, "")) - len("error:  (400)")
    # A character of base64 also holds bits of its neighbours, and padding depends on the length. Each of the others
    # may write such a character in six.
    coded = sum(name in _BASE64 for name in names)
    slack = 8 * coded * 2**coded * 6 ** (len(names) - coded)
    assert left <= len(encoded(before)) + len(encoded(behind)) + slack


def test_a_character_of_latin_1_that_javascript_escaped_is_no_byte() -> None:
    """`escape()` writes it as a URL writes a byte of UTF-8, and another character next to it in an escape of JSON."""
    assert _scrubber("00¡\U0001089f")("error: 00%A1%5CU0001089f") == f"error: {MASK}"


@settings(deadline=None)
@given(_secret, st.binary(max_size=8), st.binary(max_size=8))
def test_no_base64_text_gives_a_secret_back(secret: str, before: bytes, behind: bytes) -> None:
    """A secret between any other bytes cannot be decoded any more."""
    encoded = base64.b64encode(before + secret.encode() + behind).decode()
    cleaned = _scrubber(secret)(encoded)
    assert MASK in cleaned
    assert encoded not in cleaned


@settings(deadline=None)
@given(_secret, st.text(_letters, max_size=6), st.integers(1, 40))
def test_a_text_that_was_changed_first_is_scrubbed_all_the_same(secret: str, word: str, limit: int) -> None:
    """A text that was made one line, or had markup taken out, before it was scrubbed, gives nothing away."""
    scrubber = _scrubber(secret)
    text = f"{word} {secret} {word}"
    assert MASK in scrubber(one_line(text))
    assert one_line(secret) not in worded(text, limit, scrubber) or one_line(secret) in word


@settings(deadline=None)
@given(st.text(), st.lists(st.text(max_size=6), max_size=4))
def test_scrubbing_never_raises_and_adds_only_masks(text: str, secrets: list[str]) -> None:
    """Any text and any secrets give a text, whose words but the mask were there before."""
    cleaned = _scrubber(*secrets)(text)
    for part in cleaned.split(MASK):
        assert part in text or "@" in part


@pytest.mark.parametrize(
    "text",
    [
        "%25" * 20_000,
        "%" + "25" * 30_000,
        "\\" * 60_000,
        ("&" + "amp;" * 16) * 1_000,
        "&amp;%2541\\\\u0041" * 4_000,
        "a\u00ad" * 30_000,
        base64.b64encode(base64.b64encode(base64.b64encode(b"hunter" * 4_000))).decode(),
        "a://b:c" * 10_000,
        "hunter2 " * 8_000,
    ],
    ids=lambda text: ascii(text)[:12],
)
def test_no_text_takes_long(text: str) -> None:
    """A text made to have as many readings as can be is done in a time that its length bounds."""
    scrubber = _scrubber(*(f"hunter{number}" for number in range(100)))
    started = time.process_time()
    scrubber(text)
    assert time.process_time() - started < 5


def test_a_usual_message_costs_little() -> None:
    """A create scrubs some tens of messages: each takes well under a millisecond."""
    scrubber = _scrubber(*(f"Password-{number}" for number in range(50)))
    message = (
        "CreateMigrationTask: HTTP 400 DCS.4800: the password is not right (request id 8aa6999e71cb638b)"
    )
    started = time.process_time()
    for _ in range(1_000):
        scrubber(message)
    assert time.process_time() - started < 1
