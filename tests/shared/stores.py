"""Shared states: in a bucket with the addresses of OBS, and in a table of PostgreSQL."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import boto3
from botocore.exceptions import ClientError

USER, PASSWORD = "pulumi", "database-passw0rd"
BUCKET = "team-state"
# As OBS: the name of the bucket is part of the server's. The domain is one that no one can have.
REGION = "emulator-1"
ENDPOINT = f"http://obs.{REGION}.invalid"
# What the guide tells to export.
EXPORTED = {
    "AWS_ACCESS_KEY_ID": "AK4STATE",
    "AWS_SECRET_ACCESS_KEY": "SK4STATE",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
}


@dataclass(frozen=True)
class Bucket:
    """A bucket of a server on loopback, or a folder in it."""

    port: int
    folder: str = ""
    kind: ClassVar[str] = "s3"

    @classmethod
    def make(cls, port: int) -> Bucket:
        """Make the bucket, with versions."""
        made = cls(port)
        made._client().create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        made._client().put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        return made

    def of(self, folder: str) -> Bucket:
        """A folder in it, empty so far."""
        return replace(self, folder=f"{folder}/")

    @property
    def url(self) -> str:
        """What `pulumi login` takes: the guide's, but for the domain and TLS."""
        return f"s3://{BUCKET}/{self.folder}?endpoint={ENDPOINT}&region={REGION}"

    @property
    def environ(self) -> Mapping[str, str]:
        """What the guide tells; and the server as the CLI's proxy, so that it answers for every name."""
        return {**EXPORTED, "HTTP_PROXY": f"http://127.0.0.1:{self.port}", "NO_PROXY": "127.0.0.1,localhost"}

    def all_keys(self) -> list[str]:
        """The keys under which something is kept."""
        pages = self._client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=self.folder)
        return [each["Key"].removeprefix(self.folder) for page in pages for each in page.get("Contents", [])]

    def read(self, key: str) -> bytes | None:
        """What is kept under a key, or None."""
        try:
            found = self._client().get_object(Bucket=BUCKET, Key=self.folder + key)
        except ClientError:
            return None
        content: bytes = found["Body"].read()
        return content

    def write(self, key: str, content: bytes) -> None:
        """Store this under a key, replacing any old value."""
        self._client().put_object(Bucket=BUCKET, Key=self.folder + key, Body=content)

    def remove(self, key: str) -> None:
        """Remove what is kept under a key."""
        self._client().delete_object(Bucket=BUCKET, Key=self.folder + key)

    def versions(self, key: str) -> list[str]:
        """The versions of what was ever kept under a key, the newest first."""
        found = self._client().list_object_versions(Bucket=BUCKET, Prefix=self.folder + key)
        return [each["VersionId"] for each in found["Versions"] if each["Key"] == self.folder + key]

    def restore(self, key: str, version: str) -> None:
        """Make an older version the newest, as the console of OBS does."""
        source = {"Bucket": BUCKET, "Key": self.folder + key, "VersionId": version}
        self._client().copy_object(Bucket=BUCKET, Key=self.folder + key, CopySource=source)

    def _client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name="eu-west-1",
            aws_access_key_id=EXPORTED["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=EXPORTED["AWS_SECRET_ACCESS_KEY"],
        )


@dataclass(frozen=True)
class Table:
    """A table of a server on loopback, which the CLI makes. It puts the database's name before each key."""

    port: int
    psql: Path
    name: str = "pulumi_state"
    kind: ClassVar[str] = "postgres"

    def of(self, name: str) -> Table:
        """A table of this name, which is not there yet."""
        return replace(self, name=name.lower())

    @property
    def url(self) -> str:
        """What `pulumi login` takes; the password is not in it."""
        return f"postgres://{USER}@127.0.0.1:{self.port}/postgres?sslmode=disable&table={self.name}"

    @property
    def environ(self) -> Mapping[str, str]:
        """The password."""
        return {"PGPASSWORD": PASSWORD}

    def answers(self) -> bool:
        """Return whether the server accepts queries."""
        return self._run("SELECT 1").returncode == 0

    def all_keys(self) -> list[str]:
        """The keys under which something is kept."""
        if not self._query("SELECT to_regclass(:'name')"):
            return []
        return [key.removeprefix("postgres/") for key in self._query('SELECT key FROM :"name"').splitlines()]

    def read(self, key: str) -> bytes | None:
        """What is kept under a key, or None."""
        found = self._query("SELECT data->>'data' FROM :\"name\" WHERE key = 'postgres/' || :'key'", key=key)
        return base64.b64decode(found) if found else None

    def write(self, key: str, content: bytes) -> None:
        """Store this under a key, replacing any old value."""
        self._query(
            "INSERT INTO :\"name\" (key, data) VALUES ('postgres/' || :'key', json_build_object('data', :'content')) "
            "ON CONFLICT (key) DO UPDATE SET data = EXCLUDED.data",
            key=key,
            content=base64.b64encode(content).decode(),
        )

    def remove(self, key: str) -> None:
        """Remove what is kept under a key."""
        self._query("DELETE FROM :\"name\" WHERE key = 'postgres/' || :'key'", key=key)

    def _query(self, query: str, **values: str) -> str:
        done = self._run(query, **values)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _run(self, query: str, **values: str) -> subprocess.CompletedProcess[str]:
        place = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-d", "postgres"]
        given = [f"{name}={value}" for name, value in {"name": self.name, **values}.items()]
        return subprocess.run(
            [self.psql, "-X", "-A", "-t", "-q", *place, *(word for each in given for word in ("-v", each))],
            input=query,
            env={**os.environ, "PGPASSWORD": PASSWORD},
            capture_output=True,
            text=True,
            check=False,
        )
