"""What the tests of the commands share: a command in this process, tasks in an emulator, and exports of stacks."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from dcs_emulator import Emulator
from dcs_emulator.operations import project_id_of
from dcs_migration.command_line.console import Console
from dcs_migration.command_line.main import main
from dcs_migration.life_cycles.tasks.mark import mark_of
from tests.fakes import FakeClock
from tests.signing import SignedClient, online_changes
from tests.unit.life_cycle_world import REGION, environment

OWNER = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
STRANGER = "11111111-80e4-46f7-96ec-b56ff0331ba9"
PROJECT = project_id_of(REGION)
TYPE = "pulumi-python:dynamic/dcs:MigrationTask"


class Terminal(io.StringIO):
    """A text stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class WallClock(FakeClock):
    """The tests' clock, but with the date of this machine, or one that is off by some seconds."""

    def __init__(self, ahead: float = 0.0) -> None:
        super().__init__()
        self._ahead = timedelta(seconds=ahead)

    def now(self) -> datetime:
        """Return the date and time of the machine, as far ahead as was asked for."""
        return datetime.now(timezone.utc) + self._ahead


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of the output."""
        return self.out.splitlines()

    @property
    def document(self) -> Any:
        """The output as JSON."""
        return json.loads(self.out)


class Cli:
    """Runs commands against an emulator."""

    def __init__(self, cloud: Emulator, clock: FakeClock) -> None:
        self.cloud = cloud
        self.clock = clock
        self.environ: dict[str, str] = environment(cloud.url)
        self.client = SignedClient(
            cloud.url, project=PROJECT, access_key=cloud.access_key, secret_key=cloud.secret_key
        )
        self.out: io.StringIO = io.StringIO()

    def run(
        self,
        *words: str,
        stdin: str = "",
        out: io.StringIO | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> Ended:
        """Run a command; ``env`` changes variables, None takes one away."""
        changed = {**self.environ, **(env or {})}
        environ = {key: value for key, value in changed.items() if value is not None}
        self.out, err = out or io.StringIO(), io.StringIO()
        console = Console(self.out, err, io.BytesIO(stdin.encode()), environ)
        code = main(words, console=console, clock=self.clock, environ=environ)
        assert "Traceback" not in err.getvalue()
        return Ended(code, self.out.getvalue(), err.getvalue())

    def start(self, name: str = "orders", mark: str = "", **changes: object) -> str:
        """Start an import."""
        return self.client.create(name, **{"description": f"before the cut-over {mark}".strip(), **changes})

    def follow(self, name: str = "shop", mark: str = "", status: str = "MIGRATING", **changes: object) -> str:
        """Start an online migration that follows its source once it is INCRMIGEATING."""
        id_ = self.start(name, mark, **online_changes(**changes))
        if status != "MIGRATING":
            self.cloud.set_status(id_, status)
        return id_


def mark(name: str = "orders", owner: str = OWNER) -> str:
    """Return the mark of a resource of the stack."""
    return str(mark_of(owner, urn_of(name), {"what": name}))


def urn_of(name: str, type_: str = TYPE) -> str:
    """Return the URN of a resource of the stack."""
    return f"urn:pulumi:dev::shop::{type_}::{name}"


def resource(name: str, id_: str, type_: str = TYPE, **outputs: Any) -> dict[str, Any]:
    """Return a resource as an export has it."""
    home = {"region": REGION, "project_id": PROJECT, "status": "MIGRATING", "__owner": OWNER}
    return {
        "urn": urn_of(name, type_),
        "custom": True,
        "id": id_,
        "type": type_,
        "inputs": {"__owner": OWNER},
        "outputs": {key: value for key, value in {**home, **outputs}.items() if value is not None},
    }


def export(*resources: Mapping[str, Any], **deployment: Any) -> str:
    """Return what `pulumi stack export` writes of a stack with these resources."""
    provider = {
        "urn": "urn:pulumi:dev::shop::pulumi:providers:pulumi-python::dcs-migration",
        "custom": True,
        "id": OWNER,
        "type": "pulumi:providers:pulumi-python",
    }
    return json.dumps({"version": 3, "deployment": {"resources": [provider, *resources], **deployment}})
