"""Run the program of the working directory with Pulumi's mocks; print what it registered and exported, as JSON.

``python mocked.py up`` gives every resource an id, ``python mocked.py preview`` leaves it unknown.
"""

from __future__ import annotations

import asyncio
import json
import runpy
import sys
from typing import Any

import pulumi
from pulumi.runtime.stack import run_pulumi_func

CONFIG = {
    "with-pulumi-huaweicloud:vpcId": "vpc-1",
    "with-pulumi-huaweicloud:subnetId": "subnet-1",
    "with-pulumi-huaweicloud:redisPassword": "correct-horse-battery",
}
registered: list[dict[str, Any]] = []
exported: dict[str, Any] = {}


class Cloud(pulumi.runtime.Mocks):
    """Gives ids, addresses and statuses."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Make a resource."""
        registered.append({"type": args.typ, "name": args.name, "inputs": args.inputs})
        given = {"privateIp": "192.168.0.7", "port": 6379, "status": "MIGRATING"}
        given["statuses"] = {f"{args.name}-id": "SUCCESS"}
        return f"{args.name}-id", {**args.inputs, **given}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:
        """Answer no function."""
        return {}, None


def remember(name: str, value: Any) -> None:
    """Keep what is exported."""
    pulumi.Output.from_input(value).apply(lambda known: exported.__setitem__(name, known))


async def run() -> None:
    """Run the program to its end, with everything that it started."""

    async def program() -> None:
        runpy.run_path("__main__.py", run_name="__main__")

    pulumi.runtime.set_mocks(Cloud(), project="with-pulumi-huaweicloud", stack="test", preview=False)
    pulumi.runtime.set_all_config(CONFIG, secret_keys=["with-pulumi-huaweicloud:redisPassword"])
    pulumi.export = remember
    await run_pulumi_func(program)


asyncio.new_event_loop().run_until_complete(run())
json.dump({"registered": registered, "exported": exported}, sys.stdout, default=repr)
