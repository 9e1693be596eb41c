"""Secrets that are planted, and the search for them in all output, in every usual encoding."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

SECRET_KEY = "Sk/9+q=Zx&7%Tw"
FIRST_PASSWORD = 'p@ss "w0rd"/é&<1>%2F\\n'
OTHER_PASSWORD = "Qü1te+0ther=pass/word?x"


@lru_cache(maxsize=64)
def forms(secret: str) -> frozenset[str]:
    """Return a secret as it stands and as URLs, JSON and base64 would show it."""
    raw = secret.encode()
    found = {secret, quote(raw, safe=""), quote(raw), quote_plus(raw), quote(raw, safe="").lower()}
    in_json = _in_json(secret)
    found |= in_json.union(*map(_in_json, in_json))  # JSON may be quoted in JSON
    for before in range(3):
        # Of the encoded text only what does not depend on the neighbours.
        encoded = base64.b64encode(b"x" * before + raw + b"x" * ((3 - (before + len(raw)) % 3) % 3)).decode()
        core = encoded[4 if before else 0 : -4]
        found |= {core, core.replace("+", "-").replace("/", "_")}
    return frozenset(found)


def _in_json(text: str) -> set[str]:
    return {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}


def leaked(text: str, secrets: Iterable[str]) -> str | None:
    """Return the form of a secret that the text holds, or None."""
    return next((form for secret in secrets for form in forms(secret) if form in text), None)


def legible(props: Any) -> Any:
    """Return a property bag without the values under ``password``, which state encrypts."""
    if isinstance(props, Mapping):
        return {key: legible(value) for key, value in props.items() if key != "password"}
    if isinstance(props, list):
        return [legible(value) for value in props]
    return props


def told_by_server(secret: str) -> str:
    """Return a message of a server that gives a secret away in several ways."""
    encoded = [base64.b64encode(b"x" * before + secret.encode() + b"yz").decode() for before in range(3)]
    quoted = json.dumps({"password": secret})
    in_url = f"redis://:{quote(secret, safe='')}@10.0.0.1:6379"
    return f"auth failed for {secret} ({in_url}) {quoted} {' '.join(encoded)}"
