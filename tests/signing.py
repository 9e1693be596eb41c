"""A small signer for tests of the emulator, written apart from the product's client."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests

ACCESS_KEY = "emulator"
SECRET_KEY = "emulator"
PROJECT = "0123456789abcdef0123456789abcdef"


def sign(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    access_key: str = ACCESS_KEY,
    secret_key: str = SECRET_KEY,
    at: float | None = None,
    unsigned: tuple[str, ...] = (),
) -> dict[str, str]:
    """Return the headers with Host, X-Sdk-Date and Authorization; ``unsigned`` names are left out."""
    parts = urlsplit(url)
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() if at is None else at))
    full = {**headers, "Host": parts.netloc, "X-Sdk-Date": date}
    signed = {name.lower(): value.strip() for name, value in full.items() if name.lower() not in unsigned}
    names = sorted(signed)
    canonical = "\n".join(
        [
            method,
            parts.path + ("" if parts.path.endswith("/") else "/"),
            "&".join(sorted(parts.query.split("&"))),
            *(f"{name}:{signed[name]}" for name in names),
            "",
            ";".join(names),
            signed.get("x-sdk-content-sha256") or hashlib.sha256(body).hexdigest(),
        ]
    )
    text = f"SDK-HMAC-SHA256\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()
    full["Authorization"] = (
        f"SDK-HMAC-SHA256 Access={access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return full


class SignedClient:
    """Calls an emulator with signed requests over one kept connection."""

    def __init__(
        self,
        url: str,
        *,
        project: str = PROJECT,
        access_key: str = ACCESS_KEY,
        secret_key: str = SECRET_KEY,
    ) -> None:
        self.url = url
        self.project = project
        self._keys = (access_key, secret_key)
        self.session = requests.Session()
        self.session.trust_env = False

    def send(
        self, method: str, path: str, body: bytes = b"", query: str = "", **headers: str
    ) -> requests.Response:
        """Send bytes to a path of the service; header names are written with underscores."""
        url = f"{self.url}{path}{'?' if query else ''}{query}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body:
            named.setdefault("Content-Type", "application/json")
        access_key, secret_key = self._keys
        signed = sign(method, url, named, body, access_key=access_key, secret_key=secret_key)
        return self.session.request(method, url, data=body, headers=signed, timeout=30)

    def call(self, method: str, rest: str, body: Any = None, **query: object) -> requests.Response:
        """Call ``/v2/{project}/{rest}`` with a JSON body, when there is one."""
        data = b"" if body is None else json.dumps(body).encode()
        return self.send(method, f"/v2/{self.project}/{rest}", data, urlencode(query, quote_via=quote))

    def create(self, name: str = "orders", **changes: object) -> str:
        """Create a task and return its id."""
        answer = self.call("POST", "migration-task", import_request(name, **changes))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def show(self, task_id: str) -> requests.Response:
        """Show a task."""
        return self.call("GET", f"migration-task/{task_id}")

    def status(self, task_id: str) -> str:
        """Return the status that Show gives."""
        return str(self.show(task_id).json()["status"])

    def statistics(self, task_id: str) -> dict[str, Any]:
        """Return the statistics, as numbers: the service writes them as text."""
        answer: dict[str, Any] = self.call("GET", f"migration-task/{task_id}/stats").json()
        return {
            name: json.loads(value) if isinstance(value, str) else value for name, value in answer.items()
        }

    def rows(self, **query: object) -> list[dict[str, Any]]:
        """Return the rows of a listing."""
        rows: list[dict[str, Any]] = self.call("GET", "migration-tasks", **query).json()["migration_tasks"]
        return rows

    def stop(self, task_id: str) -> requests.Response:
        """Stop a task."""
        return self.call("POST", f"migration-task/{task_id}/stop")

    def delete(self, *task_ids: str) -> requests.Response:
        """Delete tasks."""
        return self.call("DELETE", "migration-tasks/delete", {"task_id_list": list(task_ids)})

    def control(self, method: str, rest: str, body: Any = None, **headers: str) -> requests.Response:
        """Make a control call."""
        url = f"{self.url}/_emulator/{rest}"
        return self.session.request(method, url, json=body, headers=headers, timeout=30)


def import_request(name: str = "orders", **changes: object) -> dict[str, Any]:
    """Return the body that creates a backup import, with fields replaced, or removed by None."""
    body: dict[str, Any] = {
        "task_name": name,
        "migration_type": "backupfile_import",
        "migration_method": "full_amount_migration",
        "backup_files": {"bucket_name": "backups", "files": [{"file_name": "orders.rdb"}]},
        "target_instance": {"id": "target-1", "password": "target-secret"},
    }
    return {key: value for key, value in {**body, **changes}.items() if value is not None}


def online_changes(**changes: object) -> dict[str, Any]:
    """Return the changes that make an incremental online migration of `import_request`."""
    return {
        "migration_type": "online_migration",
        "migration_method": "incremental_migration",
        "network_type": "vpc",
        "backup_files": None,
        "source_instance": {"addrs": "10.0.0.1:6379", "password": "source-secret"},
        **changes,
    }
