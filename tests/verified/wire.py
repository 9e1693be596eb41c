"""Calls whose whole answer is wanted: our client keeps of an answer only what the provider needs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests

from dcs_migration.dcs.errors import ApiError, parse_error
from dcs_migration.dcs.models import fields
from dcs_migration.life_cycles.secrets import scrub
from tests.verified.cloud import Cloud

TIMEOUTS = (10.0, 30.0)


@dataclass(frozen=True)
class Told:
    """One answer: its body as it came, as a JSON object ({} for anything else), and the error that it is."""

    body: bytes
    answer: dict[str, Any]
    error: ApiError | None


class Wire:
    """Signed calls of one project, each sent once."""

    def __init__(self, cloud: Cloud) -> None:
        """Call as the cloud's client does."""
        self._base = f"{cloud.client.transport.base_url}/v2/{cloud.account.project_id}/"
        self._auth = cloud.auth()
        self._session = requests.Session()
        self._session.trust_env = not cloud.settings.on_loopback(cloud.account.region)
        self._session.verify = not cloud.settings.insecure

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def read(self, path: str, **query: str | int) -> dict[str, Any]:
        """Return what a GET answers; raises the ApiError that it is instead."""
        told = self.ask("GET", path, **query)
        if told.error is not None:
            raise told.error
        return told.answer

    def ask(self, method: str, path: str, body: Any = None, **query: str | int) -> Told:
        """Send one call to a path of the project; return any answer."""
        response = self._session.request(
            method,
            self._base + path,
            params=query,
            data=None if body is None else json.dumps(body),
            headers={"Content-Type": "application/json"},
            auth=self._auth,
            timeout=TIMEOUTS,
            allow_redirects=False,
        )
        raw = response.content
        error = (
            None if response.ok else parse_error(method, response.status_code, response.headers, raw, scrub)
        )
        try:
            answer = json.loads(raw)
        except ValueError:
            answer = None
        return Told(raw, fields(answer), error)
