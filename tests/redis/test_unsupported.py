"""Servers and accounts that no move supports: each is told at once, and the target isn't touched."""

from __future__ import annotations

import socket
import threading

import pytest
from redis import Redis

from dcs_emulator.real_data.servers import local_redis
from tests.redis.programs import installed
from tests.redis.servers import TARGET_ID, Server, World


@pytest.mark.parametrize("name", installed())
@pytest.mark.parametrize("kind", ["import", "full", "incremental"])
def test_a_node_of_a_cluster(world: World, name: str, kind: str) -> None:
    """It has a part of the data, and takes a part: neither a success nor half of one would be true."""
    world.source.fill(20)
    world.source.save(world.bucket / "orders.rdb")
    world.target.client.set("other", "kept")
    with local_redis("target-secret", program=installed()[name], cluster_enabled="yes") as (place, process):
        node = Server(place, process)
        node.client.execute_command("CLUSTER", "ADDSLOTS", *range(8_192))
        said = f"{place} is a Redis Cluster node, which isn't supported; use a single server."
        with world.emulator({TARGET_ID: str(place)}) as runner:
            if kind == "import":
                task_id = runner.start_import("orders.rdb")
            else:
                task_id = runner.start_online(incremental=kind == "incremental")
            assert runner.failed(task_id) == f"The target {said}"
        if kind != "import":
            with world.emulator() as runner:
                addrs = {"addrs": str(place), "password": "target-secret"}
                task_id = runner.start_online(incremental=kind == "incremental", **addrs)
                assert runner.failed(task_id) == f"The source {said}"
        assert node.client.dbsize() == 0
    assert world.target.client.keys() == [b"other"]


def test_a_server_that_cuts_the_connection(world: World) -> None:
    """A server with TLS does so at the first plain words, like other servers that aren't Redis."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def cut() -> None:
            for _ in range(2):  # the first connection only looks whether there is someone
                connection, _ = listener.accept()
                with connection:
                    connection.recv(100)

        threading.Thread(target=cut, daemon=True).start()
        with world.emulator({TARGET_ID: f"127.0.0.1:{listener.getsockname()[1]}"}) as runner:
            reason = runner.failed(runner.start_online())
    assert reason.startswith("The target 127.0.0.1:")
    assert reason.endswith(
        " can't be reached: the connection was cut (it may require TLS, or not be a Redis server)."
    )


def test_an_account_of_its_own(world: World) -> None:
    """Only the default user is used, and the error about a refused password says so."""
    with local_redis("target-secret") as (place, process), world.emulator({TARGET_ID: str(place)}) as runner:
        client = Server(place, process).client
        client.acl_setuser("admin", enabled=True, passwords=["+admin-secret"], keys="*", commands=["+@all"])
        client.execute_command("ACL", "SETUSER", "default", "off")
        reason = runner.failed(runner.start_online())
        assert reason == (
            f"The password of the target {place} is wrong, "
            "or its default user is disabled (other users aren't supported)."
        )
        Redis(place.host, place.port, username="admin", password="admin-secret").acl_setuser(
            "default", enabled=True
        )


def test_a_password_that_is_no_text(world: World) -> None:
    """JSON can hold half a character, which no one can send."""
    with world.emulator() as runner:
        reason = runner.failed(runner.start_online(target={"password": "\ud800"}))
    assert reason == f"The password of the target {world.target.place} can't be sent: it isn't valid UTF-8."


def test_a_target_that_logs_in_as_somebody(world: World) -> None:
    """A target whose replication has a user of its own follows as the default user, and keeps the setting."""
    world.source.fill(3)
    world.target.client.config_set("masteruser", "somebody")
    world.target.client.config_set("masterauth", "before")
    try:
        with world.emulator() as runner:
            task_id = runner.start_online(incremental=True)
            runner.wait(task_id, "INCRMIGEATING")
            runner.client.stop(task_id)
            runner.wait(task_id, "TERMINATED")
        assert world.target.client.dbsize() == 3
        assert (
            world.target.client.config_get("master*").items()
            >= {"masteruser": "somebody", "masterauth": "before"}.items()
        )
    finally:
        world.target.client.config_set("masteruser", "")
        world.target.client.config_set("masterauth", "")
