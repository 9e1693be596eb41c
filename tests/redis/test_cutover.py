"""A cut-over with real servers: applications use an address, the data moves, the addresses change hands."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from dcs_emulator import Emulator
from dcs_emulator.real_data import replication
from tests.redis.servers import Runner, World, until
from tests.redis.test_options import COMMAND, ROOT
from tests.unit.test_emulator_online import INSTANCE

SHOP, ORDERS = "shop", "orders"
FULL = "full_amount_migration"


class CutOver(Runner):
    """An emulator with two instances that have addresses: ``shop`` is the source, ``orders`` the target."""

    def __init__(self, world: World, cloud: Emulator) -> None:
        super().__init__(world, cloud)
        self.world = world
        self.places = {SHOP: world.source.place, ORDERS: world.target.place}
        self.id = ""

    def configure(self, **changes: Any) -> str:
        """Configure the migration by ids of instances; return the status."""
        sides = {
            f"{side}_instance": {"id": name, "password": self.places[name].password}
            for side, name in (("source", SHOP), ("target", ORDERS))
        }
        method = {"migration_method": "incremental_migration", "resume_mode": "auto"}
        answer = self.client.call("POST", f"migration/{self.id}/task", {**method, **sides, **changes})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["status"])

    def start(self, **changes: Any) -> CutOver:
        """Make a migration instance, and start."""
        self.id = self.client.call("POST", "migration/instance", INSTANCE).json()["instance_id"]
        assert self.client.status(self.id) == "RUNNING"
        assert self.configure(**changes) == "FULLMIGRATING"
        return self

    def follow(self) -> CutOver:
        """Start, and wait until the target follows."""
        self.start()
        self.wait(self.id, "INCRMIGEATING")
        return self

    def stop(self) -> None:
        """Stop it, and wait for the end."""
        assert self.client.stop(self.id).status_code == 200
        self.wait(self.id, "TERMINATED")

    def swap(self, call: str, result: str) -> None:
        """Exchange the addresses or roll that back, and wait for the end."""
        assert self.client.call("POST", f"migration-task/{self.id}/{call}").status_code == 200
        until(lambda: self.client.show(self.id).json()["task_status"] == result)
        assert self.client.status(self.id) == "TERMINATED"

    def restart(self) -> None:
        """Start it again, and wait until the target follows."""
        body = {"migration_tasks": [self.id]}
        (row,) = self.client.call("POST", "migration-tasks/batch-restart", body).json()["migration_tasks"]
        assert row["result"] == "success"
        until(lambda: self.client.status(self.id) == "INCRMIGEATING")

    def application(self, instance: str, server: str | None = None) -> Any:
        """Return a client of an instance's address, which ``server`` answers by now."""
        host, _, port = self.cloud.addresses[instance].partition(":")
        return Redis(host, int(port), password=self.places[server or instance].password, protocol=2)


@contextmanager
def cut_over(world: World, **options: Any) -> Iterator[CutOver]:
    """Run an emulator in which nothing but the data takes time."""
    places = {SHOP: str(world.source.place), ORDERS: str(world.target.place)}
    no_time = {"job_seconds": 0.0, "stop_seconds": 0.0, "exchange_seconds": 0.0}
    with world.emulator(redis=places, addresses={SHOP: 0, ORDERS: 0}, **no_time, **options) as runner:
        yield CutOver(world, runner.cloud)


class Writer(threading.Thread):
    """An application that writes through an address until it is paused, and counts what was acknowledged."""

    def __init__(self, client: Any) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.acknowledged = 0
        self.paused = threading.Event()

    def run(self) -> None:
        """Write one key after the other."""
        while not self.paused.is_set():
            assert self.client.set(f"order:{self.acknowledged}", self.acknowledged)
            self.acknowledged += 1

    def pause(self) -> None:
        """Write no more."""
        self.paused.set()
        self.join()


def test_no_acknowledged_write_is_lost(world: World) -> None:
    """Writes continue until all is in step; after the exchange each is behind the shop's own address."""
    world.source.fill(1_000)
    with cut_over(world) as it:
        writer = Writer(it.application(SHOP))
        writer.start()
        it.follow()
        seen = writer.acknowledged
        until(lambda: writer.acknowledged > seen + 200)
        writer.pause()
        until(lambda: it.statistics(it.id)["offset"] == 0)
        it.swap("exchange-ip", "EXCHANGE_SUCCESS")
        for client in (it.application(SHOP, ORDERS), world.target.client):
            names = [f"order:{number}" for number in range(writer.acknowledged)]
            assert client.mget(names) == [str(number).encode() for number in range(writer.acknowledged)]
            assert client.dbsize() == 1_000 + writer.acknowledged


@pytest.mark.parametrize("longer", [0.0, 0.3], ids=["at once", "a target that hangs on"])
def test_a_write_just_before_the_exchange(
    world: World, monkeypatch: pytest.MonkeyPatch, longer: float
) -> None:
    """What was acknowledged before the call arrives, even if the target continues late."""
    monkeypatch.setattr(replication, "CATCH_UP_SECONDS", 0.2)
    with cut_over(world) as it:
        it.follow()
        with world.target.process.suspended():
            it.application(SHOP).set("last", "x" * 20_000_000)
            assert it.client.call("POST", f"migration-task/{it.id}/exchange-ip").status_code == 200
            time.sleep(longer)  # the server's own time
        until(lambda: it.client.show(it.id).json()["task_status"] == "EXCHANGE_SUCCESS")
        assert it.application(SHOP, ORDERS).strlen("last") == 20_000_000


def test_addresses_change_hands_and_back(world: World) -> None:
    """Both addresses lead to the other server, which takes writes, until the rollback; connections are cut."""
    with cut_over(world) as it:
        it.follow()
        open_one = it.application(SHOP).pubsub()
        open_one.subscribe("news")
        assert open_one.get_message(timeout=10)["type"] == "subscribe"
        it.swap("exchange-ip", "EXCHANGE_SUCCESS")
        with pytest.raises(RedisConnectionError):
            open_one.connection.read_response()
        it.application(SHOP, ORDERS).set("by the shop", 1)
        it.application(ORDERS, SHOP).set("by the orders", 1)
        assert (world.target.client.keys(), world.source.client.keys()) == (
            [b"by the shop"],
            [b"by the orders"],
        )
        it.swap("rollback-ip", "ROLLBACK_SUCCESS")
        assert it.application(SHOP).keys() == [b"by the orders"]
        assert it.application(ORDERS).keys() == [b"by the shop"]


def test_new_settings_keep_the_link(world: World) -> None:
    """Another limit and mode under a running migration: the same replication, no second synchronisation."""
    with cut_over(world) as it:
        it.follow()
        before = _link(world)
        assert it.configure(resume_mode="manual", bandwidth_limit_mb=20) == "INCRMIGEATING"
        world.source.client.set("later", 1)
        until(lambda: bool(world.target.client.exists("later")))
        assert _link(world) == before
        assert it.cloud.tasks()[0]["runs"] == 1


def _link(world: World) -> tuple[Any, ...]:
    ours, theirs = world.target.client.info(), world.source.client.info()
    replica = theirs["slave0"]
    return ours["master_replid"], ours["role"], theirs["sync_full"], replica["ip"], replica["port"]


def test_a_restart_catches_up(world: World) -> None:
    """A stop keeps the data and ends the following; after the restart what was missed is there."""
    world.source.fill(100)
    with cut_over(world) as it:
        it.follow().stop()
        assert world.target.client.info("replication")["role"] == "master"
        world.source.client.set("missed", 1)
        assert (world.target.client.dbsize(), world.target.client.exists("missed")) == (100, 0)
        it.restart()
        assert world.target.client.dbsize() == 101
        world.source.client.set("later", 1)
        until(lambda: bool(world.target.client.exists("later")))


def test_a_full_migration_by_ids(world: World) -> None:
    """Both servers are found by their ids, and the target keeps what it had."""
    world.source.fill(100)
    world.target.client.set("kept", 1)
    with cut_over(world) as it:
        it.start(migration_method=FULL)
        it.wait(it.id, "SUCCESS")
        assert it.statistics(it.id)["target_dbsize"] == 101


def test_everything_again_under_a_running_migration(world: World) -> None:
    """set-while-running-restarts: the new run waits until the old one has let go of the servers."""
    world.source.fill(10)
    with cut_over(world, quirks=["set-while-running-restarts"]) as it:
        it.follow()
        synchronised = world.source.client.info()["sync_full"]
        assert it.configure() == "FULLMIGRATING"
        it.wait(it.id, "INCRMIGEATING")
        assert world.source.client.info()["sync_full"] == synchronised + 1
        assert world.target.client.dbsize() == 10


def test_a_source_that_has_no_server(world: World) -> None:
    """An instance that --redis does not name has no data, and the task says so."""
    with cut_over(world) as it:
        it.start(source_instance={"id": "unknown"})
        assert "add it with --redis" in it.failed(it.id)


def test_instances_without_servers(world: World) -> None:
    """A migration between instances that --redis does not name watches the clock, its exchange, too."""
    with cut_over(world, duration=0.0) as it:
        it.start(source_instance={"id": "one"}, target_instance={"id": "other"})
        assert it.client.status(it.id) == "INCRMIGEATING"
        it.swap("exchange-ip", "EXCHANGE_SUCCESS")
        assert it.application(SHOP).ping()


def test_a_restart_of_the_emulator(world: World, tmp_path: Path) -> None:
    """Addresses that were exchanged are so after it, and the rollback leads them back."""
    state = tmp_path / "state.json"
    with cut_over(world, state=state) as it:
        it.follow().swap("exchange-ip", "EXCHANGE_SUCCESS")
        world.target.client.set("orders", 1)
        task_id = it.id
    assert "secret" not in state.read_text()
    with cut_over(world, state=state) as it:
        it.id = task_id
        assert it.application(SHOP, ORDERS).keys() == [b"orders"]
        it.swap("rollback-ip", "ROLLBACK_SUCCESS")
        assert it.application(SHOP).keys() == []


def test_a_reset_leads_addresses_back(world: World) -> None:
    """After a reset each address is its own instance's again."""
    with cut_over(world) as it:
        it.follow().swap("exchange-ip", "EXCHANGE_SUCCESS")
        it.cloud.reset()
        world.source.client.set("shop", 1)
        assert it.application(SHOP).keys() == [b"shop"]


def test_an_exchange_in_the_console(world: World) -> None:
    """If a set status says that addresses are exchanged, they are, and a rollback restores them."""
    with cut_over(world) as it:
        it.follow()
        world.target.client.replicaof("NO", "ONE")
        world.source.client.set("shop", 1)
        it.cloud.set_status(it.id, "TERMINATED", task_status="EXCHANGE_SUCCESS")
        it.cloud.set_status(it.id, "TERMINATED", task_status="EXCHANGE_SUCCESS")
        assert it.application(ORDERS, SHOP).keys() == [b"shop"]
        assert it.application(SHOP, ORDERS).keys() == []
        it.swap("rollback-ip", "ROLLBACK_SUCCESS")
        assert it.application(SHOP).keys() == [b"shop"]


def test_much_at_once_through_an_address(world: World) -> None:
    """A client that sends more than all buffers hold before it reads does not wait forever."""
    with cut_over(world) as it:
        client = it.application(SHOP)
        client.set("large", "x" * 200_000)
        pipeline = client.pipeline(transaction=False)
        for _ in range(100):
            pipeline.get("large").set("echo", "y" * 200_000)
        assert len(pipeline.execute()) == 200
        client.close()


def test_where_addresses_are(world: World) -> None:
    """The control call tells the ports, which are shut after the end."""
    with cut_over(world) as it:
        told = it.client.control("GET", "addresses").json()
        assert told == it.cloud.addresses
        assert set(told) == {SHOP, ORDERS}
    for address in told.values():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(address.partition(":")[2])), 5)


def test_bad_addresses(world: World) -> None:
    """A bad or taken port is one line that names the option and the instance; nothing stays open."""
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as probe:
        port, free = taken.getsockname()[1], probe.getsockname()[1]
        probe.close()
        redis = {SHOP: str(world.source.place), ORDERS: str(world.target.place)}
        cases: list[tuple[dict[str, int | str], int, str]] = [
            ({"another": 1}, 0, "--address: another isn't an instance from --redis"),
            ({SHOP: "x"}, 0, "--address: must be shop=PORT; 0 picks a free port"),
            ({SHOP: 65_536}, 0, "--address: must be shop=PORT; 0 picks a free port"),
            (
                {SHOP: free, ORDERS: port},
                0,
                f"--address: can't listen on 127.0.0.1:{port} for orders: Address",
            ),
            ({SHOP: free}, port, "Address already in use"),
        ]
        for addresses, listen, said in cases:
            with pytest.raises((ValueError, OSError), match=said) as caught:
                Emulator(listen, redis=redis, addresses=addresses)
            assert "\n" not in str(caught.value)
            socket.create_server(("127.0.0.1", free)).close()


def test_a_bad_address_on_the_command_line(world: World) -> None:
    """The command ends with status 2 and that line."""
    options = [
        "--port",
        "0",
        "--redis",
        f"shop={world.source.place}",
        "--address",
        f"shop={world.target.place.port}",
    ]
    done = subprocess.run(
        [*COMMAND, *options], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    said = f"--address: can't listen on 127.0.0.1:{world.target.place.port} for shop: Address already in use"
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"dcs_emulator: {said}\n"
