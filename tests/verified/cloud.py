"""The cloud of this tier: an emulator, or the real service; what is looked at and cleaned up is the same."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from requests.auth import AuthBase

from dcs_emulator import Emulator
from dcs_migration.clock import Clock, SystemClock
from dcs_migration.dcs.client import DcsClient
from dcs_migration.dcs.errors import ApiError
from dcs_migration.dcs.models import TaskRow
from dcs_migration.dcs.statuses import lookup
from dcs_migration.life_cycles.accounts import Accounts
from dcs_migration.life_cycles.config import Settings
from tests.e2e.stack import settings_of
from tests.verified.settings import Named, named_in, opted_in, settings_in, variable


@dataclass(frozen=True)
class Pace:
    """How often to look, how often a completion looks, and for how long at most, all in seconds."""

    pause: float
    interval: float
    patience: float


REAL = Pace(5.0, 10.0, 30 * 60.0)
EMULATED = Pace(0.2, 1.0, 60.0)

DESCRIPTION = "A trial of pulumi-dcs-migration: tasks that it starts & removes again"

PLAYED = {
    "TARGET_ID": "target-1",
    "TARGET_PASSWORD": "Tr0ub4dor&3/target",
    "BUCKET": "backups",
    "FILE": "orders.rdb",
    "SOURCE_ID": "shop-1",
    "SOURCE_PASSWORD": "Tr0ub4dor&3/source",
    "VPC_ID": "vpc-1",
    "SUBNET_ID": "subnet-1",
    "SECURITY_GROUP_ID": "group-1",
}


class Cloud:
    """One account at the service. Only tasks with names that start with ``prefix`` are touched."""

    def __init__(self, environ: Mapping[str, str], pace: Pace, clock: Clock | None = None) -> None:
        """Read what is named, before any call; raises `Missing`."""
        self.environ = settings_in(environ)
        self.named: Named = named_in(self.environ)
        self.pace = pace
        self.clock = clock or SystemClock()
        self.prefix = f"verified-{secrets.token_hex(4)}"
        self.settings = Settings(environ=self.environ)
        self._accounts = Accounts(self.settings, self.clock)
        self.account = self._accounts.at(None, None)
        self.client: DcsClient = self.account.client

    def close(self) -> None:
        """Close its connections."""
        self._accounts.close()

    def auth(self) -> AuthBase:
        """Return what signs requests for its project."""
        return self._accounts.access(self.account.region).auth(self.account.project_id)

    def import_body(self, name: str) -> dict[str, Any]:
        """Return the request for an import of the named file into the named target."""
        return {
            "task_name": name,
            "description": DESCRIPTION,
            "migration_type": "backupfile_import",
            "migration_method": "full_amount_migration",
            "backup_files": {
                "file_source": "self_build_obs",
                "bucket_name": self.named.bucket,
                "files": [{"file_name": self.named.file}],
            },
            "target_instance": dict(self.named.target),
        }

    def listing(self) -> Mapping[str, TaskRow]:
        """Return all tasks of the account as they are now, by id."""
        return self.account.listing.get(max_age=0.0, not_before=self.clock.monotonic()).rows

    def own(self) -> dict[str, TaskRow]:
        """Return the tasks of this run, by id."""
        return {
            id_: row for id_, row in self.listing().items() if (row.name or "").startswith(self.prefix + "-")
        }

    def status(self, id_: str) -> str:
        """Return a task's status as Show tells it."""
        return self.client.show_migration_task(id_).status or ""

    def wait(self) -> None:
        """Let the service continue for a while."""
        self.clock.sleep(self.pace.pause)

    def until(self, happened: Callable[[], bool]) -> bool:
        """Wait until something has happened, with patience; say whether it has."""
        end = self.clock.monotonic() + self.pace.patience
        while not happened():
            if self.clock.monotonic() >= end:
                return False
            self.wait()
        return True

    def remove(self) -> None:
        """Stop and delete the tasks of this run, and see that they no longer exist."""

        def gone() -> bool:
            left = self.own().values()
            for row in left:
                self._push(row)
            return not left

        if not self.until(gone):
            left = ", ".join(f"{row.name} ({row.id}, {row.status})" for row in self.own().values())
            raise AssertionError(f"left behind, delete it at the console: {left}")

    def _push(self, row: TaskRow) -> None:
        """Bring a task one step nearer to its end. What is refused in this state is tried again later."""
        status = lookup(row.status)
        with suppress(ApiError):
            if status.ended or status.idle:
                self.client.delete_migration_tasks([row.id])
            elif not status.stopping:
                self.client.batch_stop_migration_tasks([row.id])


def played_by(emulator: Emulator) -> dict[str, str]:
    """Return the environment in which an emulator is the service, and everything is named."""
    return {**settings_of(emulator), **{variable(name): value for name, value in PLAYED.items()}}


@contextmanager
def the_cloud(environ: Mapping[str, str] = os.environ) -> Iterator[Cloud]:
    """The real service, if the environment asks for it; else an emulator.

    Raises `Missing`, or what the real service has answered to the first call.
    """
    if opted_in(environ):
        cloud = Cloud(environ, REAL)
        cloud.listing()  # credentials that are refused end here, after one call: more of them lock the key
        with closing(cloud):
            yield cloud
    else:
        with (
            Emulator(duration=2.0, stop_seconds=0.2, job_seconds=0.2) as emulator,
            closing(Cloud(played_by(emulator), EMULATED)) as cloud,
        ):
            yield cloud
