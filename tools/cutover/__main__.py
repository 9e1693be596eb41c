"""Cuts over between two real Redis servers under load, as in examples/online-cutover, and measures it.

It writes docs/guides/online-cutover.json, and then the guide's picture and figures. With ``--try``, it only
prints. It takes two minutes. Run by ``make cutover``.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis

from dcs_emulator.real_data.endpoints import Endpoint
from dcs_emulator.real_data.progress import MigrationError
from dcs_emulator.real_data.servers import RedisServer, local_redis
from tools.bench.caller import emulator
from tools.bench.stacks import BenchError
from tools.cutover import report
from tools.cutover.application import Application
from tools.cutover.sampling import Sample, Sampler
from tools.cutover.stack import Stack
from tools.demo import DemoError, control
from tools.figures import ROOT, machine

EXAMPLE = ROOT / "examples" / "online-cutover"
UP = ("up", "--yes", "--skip-preview")

LOAD = {
    "keys": 200_000,  # to start with
    "value_bytes": 500,
    "writers": 4,
    "held_s": 6.0,  # how long the target hangs
}
CALM = 3.0  # seconds with only writes
PATIENCE = 60.0  # seconds for the copy
BATCH = 10_000  # keys in one call


def main() -> int:
    """Cut over, print and write; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.cutover", description=__doc__)
    parser.add_argument("--try", action="store_true", dest="trial", help="write nothing")
    trial = parser.parse_args().trial
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop in order, including the writers
    load_before = os.getloadavg()[0]
    try:
        with tempfile.TemporaryDirectory(prefix="dcs-cutover-") as folder, cutover(Path(folder)) as it:
            measured = measure(it)
    except (BenchError, DemoError, MigrationError) as error:
        print(f"cutover: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cutover: interrupted; nothing was written", file=sys.stderr)
        return 130
    figures = {"machine": machine(load_before), "load": LOAD, **measured}
    print(f"\n{report.block('cutover', figures)}\n\n{report.block('machine', figures)}")
    if not trial:
        report.FIGURES.write_text(report.as_json(figures), "utf-8")
        report.main()
        print(f"\nWritten to {report.GUIDE.relative_to(ROOT)}")
    return 0


@dataclass(frozen=True)
class Cutover:
    """All participants."""

    shop: Endpoint
    orders: Endpoint
    orders_process: RedisServer
    address: str
    stack: Stack
    application: Application
    sampler: Sampler


@contextmanager
def cutover(folder: Path) -> Iterator[Cutover]:
    """Start two servers (one with the keys), the service and a stack; all are removed afterwards."""
    with (
        local_redis(secrets.token_hex(8)) as (shop, _),
        local_redis(secrets.token_hex(8)) as (orders, process),
        emulator(*_options(shop=shop, orders=orders)) as (url, _),
    ):
        fill(shop)
        address = control(url, "GET", "addresses")["shop"]
        ids = {"sourceId": "shop", "targetId": "orders"}
        passwords = {"sourcePassword": str(shop.password), "targetPassword": str(orders.password)}
        application = Application(EXAMPLE, folder, address, int(LOAD["writers"]))
        yield Cutover(
            shop=shop,
            orders=orders,
            orders_process=process,
            address=address,
            stack=Stack(EXAMPLE, folder, url, {**ids, **passwords}),
            application=application,
            sampler=Sampler(url, application.count),
        )


def _options(**places: Endpoint) -> Iterator[str]:
    for name, place in places.items():
        yield from ("--redis", f"{name}={place}:{place.password}", "--address", f"{name}=0")


def fill(shop: Endpoint) -> None:
    """Write the initial keys."""
    with client(shop) as redis:
        for first in range(0, int(LOAD["keys"]), BATCH):
            redis.mset({f"old:{first + n}": "x" * int(LOAD["value_bytes"]) for n in range(BATCH)})


@contextmanager
def client(place: Endpoint) -> Iterator[Any]:
    """Connect to a server."""
    with Redis(place.host, place.port, password=place.password, protocol=2) as redis:
        yield redis


def measure(it: Cutover) -> dict[str, Any]:
    """Cut over, and return the figures, events and series; times are seconds since the start."""
    moments: dict[str, float] = {}

    def hang() -> None:
        moments["held"] = time.time()
        with it.orders_process.suspended():
            time.sleep(float(LOAD["held_s"]))
        moments["released"] = time.time()

    it.sampler.start()
    with it.application.writing(str(it.shop.password)):
        it.stack.pulumi(*UP)
        moments["copied"] = it.sampler.until(lambda sample: sample.status == "INCRMIGEATING", PATIENCE).at
        time.sleep(CALM)
        gate_s, printed = it.stack.pulumi(*UP, "--config", "gate=true", meanwhile=hang)
        moments["gate"] = time.time()
        it.stack.pulumi("preview", "--config", "state=switched")
        time.sleep(CALM)
    moments["stopped"] = it.application.last()
    during = it.application.keys()
    switch_s, _ = it.stack.pulumi(*UP)
    moments["exchange"] = it.sampler.until(lambda sample: sample.exchange == "EXCHANGING", 1).at
    moments["switched"] = it.sampler.until(lambda sample: sample.exchange == "EXCHANGE_SUCCESS", 1).at
    with it.application.writing(str(it.orders.password)) as again:
        moments["again"] = again
        time.sleep(CALM)
    it.sampler.end()
    it.stack.pulumi("destroy", "--yes", "--skip-preview")
    return {
        "figures": {
            "acknowledged_during": len(during) - it.sampler.samples[0].acknowledged,
            "highest_lag_bytes": max(sample.lag for sample in it.sampler.samples),
            "gate_s": round(gate_s, 1),
            "gate_said": re.findall(r"\(\d+s\) (\d of 1 done.*)", printed),
            "switch_s": round(switch_s, 1),
            "exchange_s": round(moments["switched"] - moments["exchange"], 1),
            "no_writes_s": round(moments["again"] - moments["stopped"], 1),
            "lost": lost(it, during),
        },
        **since_start(moments, it.sampler.samples),
    }


def lost(it: Cutover, written: list[str]) -> int:
    """Return how many keys are missing at the applications' address."""
    host, _, port = it.address.rpartition(":")
    expected = [*(f"old:{number}" for number in range(int(LOAD["keys"]))), *written]
    with client(Endpoint(host, int(port), it.orders.password)) as redis:
        there = sum(
            redis.exists(*expected[first : first + BATCH]) for first in range(0, len(expected), BATCH)
        )
    return len(expected) - int(there)


def since_start(moments: dict[str, float], samples: list[Sample]) -> dict[str, Any]:
    """Return events and series, with times since the first look at the running migration."""
    zero, written = samples[0].at, samples[0].acknowledged
    return {
        "moments": {name: round(at - zero, 2) for name, at in moments.items()},
        "series": [
            [round(sample.at - zero, 2), sample.lag, sample.acknowledged - written] for sample in samples
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
