"""The example `online-cutover` with two real Redis servers: writes continue, and not one acknowledged one is lost."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from dcs_emulator import Emulator
from dcs_emulator.real_data import replication
from dcs_emulator.real_data.endpoints import Endpoint
from dcs_emulator.real_data.servers import RedisServer, local_redis
from tests.e2e.running import running
from tests.e2e.stack import Stack, calls

EXAMPLE = Path(__file__).parents[2] / "examples" / "online-cutover"
OLD_KEYS = 5_000
TIMEOUT = 'timeout="30m"'  # of the gate
NOTHING_BEHIND = ("--config", "gate=true", "--config", "maxLagBytes=0")
LOOKS = 2  # of a gate, when the target has caught up
CONFIG = {
    "sourceId": "shop",
    "targetId": "orders",
    "vpcId": "vpc-1",
    "subnetId": "subnet-1",
    "securityGroupId": "group-1",
}


class Cutover:
    """The two servers, the service, and the stack of the example."""

    def __init__(
        self, root: Path, shop: Endpoint, orders: Endpoint, orders_process: RedisServer, cloud: Emulator
    ) -> None:
        self.cloud = cloud
        self.shop, self.orders = client(shop), client(orders)
        self.orders_process = orders_process
        self.passwords = [str(shop.password), str(orders.password)]
        self.acknowledged = root / "acknowledged"
        self.printed = "listening on http://127.0.0.1:8788\n"
        self.stack = Stack(root, cloud)
        program = (EXAMPLE / "__main__.py").read_text()
        assert program.count(TIMEOUT) == 1
        (self.stack.work / "__main__.py").write_text(program.replace(TIMEOUT, f"{TIMEOUT}, interval=1"))
        project = (EXAMPLE / "Pulumi.yaml").read_text()
        # The example's own virtual environment is this one.
        (self.stack.work / "Pulumi.yaml").write_text(
            project.replace("virtualenv: venv", f"virtualenv: {sys.prefix}")
        )
        self.stack.run("stack", "init", "cutover")
        pairs = [word for key, value in CONFIG.items() for word in ("--plaintext", f"{key}={value}")]
        secrets = [
            f"{side}Password={word}" for side, word in zip(("source", "target"), self.passwords, strict=True)
        ]
        pairs += [word for secret in secrets for word in ("--secret", secret)]
        self.stack.run("config", "set-all", *pairs)

    def up(self, **config: str) -> str:
        """Change the configuration, and bring the stack up."""
        options = [word for key, value in config.items() for word in ("--config", f"{key}={value}")]
        if "state" in config:
            diff = ["--diff"] * (config["state"] == "switched")
            self.printed += self.stack.preview(*diff, *options).text
        text = self.stack.up(*options).text
        self.printed += text
        return text

    def stats(self) -> int:
        """Return how often the service was asked how far the target is behind."""
        return calls(self.cloud)["ShowMigrationTaskStats"]

    def keys(self) -> list[str]:
        """Return the keys of the acknowledged writes."""
        return self.acknowledged.read_text().split()

    def through_the_address(self, which: int) -> Any:
        """Return a client of the address that applications know, with the password of the server behind it."""
        host, _, port = self.cloud.addresses["shop"].rpartition(":")
        return client(Endpoint(host, int(port), self.passwords[which]))

    @contextmanager
    def writing(self, password: str) -> Iterator[None]:
        """Have an application write through the shop's address meanwhile."""
        command: list[str | Path] = [
            sys.executable,
            EXAMPLE / "write_orders.py",
            self.cloud.addresses["shop"],
            self.acknowledged,
        ]
        with subprocess.Popen([*command, password]) as writer:
            try:
                yield
            finally:
                writer.send_signal(signal.SIGTERM)


def client(place: Endpoint) -> Any:
    """Return a client of a server."""
    return Redis(place.host, place.port, password=place.password, protocol=2)


@pytest.fixture
def cutover(tmp_path: Path) -> Iterator[Cutover]:
    """A shop with some keys, and an empty instance that will replace it."""
    with local_redis("of-the-shop") as (shop, _), local_redis("of-the-orders") as (orders, process):
        client(shop).mset({f"old:{number}": "x" * 50 for number in range(OLD_KEYS)})
        places = {"shop": f"{shop}:of-the-shop", "orders": f"{orders}:of-the-orders"}
        with Emulator(
            redis=places,
            addresses={"shop": 0, "orders": 0},
            job_seconds=0.2,
            stop_seconds=0.2,
            exchange_seconds=0.3,
        ) as cloud:
            yield Cutover(tmp_path, shop, orders, process, cloud)


@pytest.mark.long
def test_not_one_acknowledged_write_is_lost(cutover: Cutover) -> None:
    """Up, gate, stop the writes, switch, write on through the same address, and back."""
    with cutover.writing(cutover.passwords[0]):
        cutover.up()
        cutover.up(gate="true")
    during = cutover.keys()
    assert len(during) > 100, "the application wrote while data was copied"
    cutover.up(state="switched")

    known = cutover.through_the_address(1)
    assert known.dbsize() == OLD_KEYS + len(during)
    assert known.exists(*during) == len(during)
    with cutover.writing(cutover.passwords[1]):
        until = time.monotonic() + 10
        while len(cutover.keys()) < len(during) + 50 and time.monotonic() < until:
            time.sleep(0.01)
    after = cutover.keys()[len(during) :]
    assert cutover.orders.exists(*after) == len(after) >= 50, "the application writes to the new instance now"
    assert cutover.shop.exists(*after) == 0

    back = cutover.up(state="stopped")
    assert "data written to instance orders since the switch isn't in instance shop" in back
    assert cutover.through_the_address(0).exists(*during) == len(during)
    assert cutover.through_the_address(0).exists(*after) == 0
    for line in shown():
        assert re.search(".*".join(map(re.escape, line.split("..."))), cutover.printed), line


def test_the_gate_stays_shut_while_the_target_is_behind(
    cutover: Cutover, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The target hangs: the row tells the bytes that it is behind, and `up` ends when they have arrived."""
    monkeypatch.setattr(replication, "RECONNECT_SECONDS", 60.0)  # a busy machine takes its time
    cutover.up()
    with ExitStack() as held:
        held.enter_context(cutover.orders_process.suspended())
        cutover.shop.set("late", "x" * 300_000)
        with running(cutover.stack, "up", "--yes", "--skip-preview", *NOTHING_BEHIND) as up:
            up.until(lambda: cutover.stats() > 2 * LOOKS)
            assert re.search(r"0 of 1 done · 1 running · .* 100 %, 300 kB behind", up.text)
            held.close()
            held_until = cutover.stats()
            assert up.end() == 0
    assert cutover.stats() >= held_until + LOOKS
    assert "1 of 1 done" in up.text
    assert cutover.orders.strlen("late") == 300_000


def shown() -> list[str]:
    """Return the lines that the example's README shows as printed."""
    blocks = re.findall(
        r"^```console\n(.*?)^```$", (EXAMPLE / "README.md").read_text(), re.DOTALL | re.MULTILINE
    )
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if not line.startswith("$ ") and line != "..."]
