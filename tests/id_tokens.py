"""Id tokens as an identity provider of a pipeline issues them, without its signature."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

AUDIENCE = "huawei-cloud"


def id_token(*, lasts: float = 3600, audience: Any = AUDIENCE, **more: Any) -> str:
    """Return a JSON web token for an audience that expires after so many seconds, with more claims.

    The default is longer than any run of the tests, because some tokens are made when the tests are collected.
    """
    claims = {
        "iss": "https://token.example",
        "sub": "repo:acme/shop",
        "aud": audience,
        "exp": time.time() + lasts,
        **more,
    }
    return ".".join((_part({"alg": "RS256"}), _part(claims), "c2lnbmF0dXJl"))


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
