"""``python -m dcs_migration.native [ENGINE_ADDRESS]``: what Pulumi starts as ``pulumi-resource-dcs``.

Without an address, it waits until a Pulumi engine attaches: start it in a debugger, then run Pulumi with
``PULUMI_DEBUG_PROVIDERS=dcs:PORT``.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto.provider_pb2_grpc import add_ResourceProviderServicer_to_server

from dcs_migration.dcs.errors import EngineGone
from dcs_migration.life_cycles.engine import GrpcEngine
from dcs_migration.native.provider import DcsProvider

THREADS = 512  # a wait needs one until it ends; threads are created on demand
_OPTIONS = (("grpc.max_receive_message_length", 400 * 1024 * 1024),)  # as much as Pulumi sends
ALIVE_EVERY = 5.0  # seconds; a killed Pulumi engine doesn't stop its plugins
USAGE = (
    "pulumi-resource-dcs is started by Pulumi with the engine's address; without one it prints its port, "
    "for PULUMI_DEBUG_PROVIDERS=dcs:PORT"
)


def main() -> int:
    """Serve until Pulumi ends, or until the process is stopped if Pulumi didn't start it."""
    # The address comes after flags such as -v=9, which Pulumi passes on with --logflow.
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    if len(words) > 1 or any(":" not in word for word in words) or {"-h", "--help"} & set(sys.argv):
        print(USAGE, file=sys.stderr)
        return 2
    engine = GrpcEngine(words[0]) if words else None
    provider = DcsProvider(engine)
    server = grpc.server(ThreadPoolExecutor(THREADS), options=_OPTIONS)
    add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        print(port, flush=True)
    except OSError:  # Pulumi has ended; Python's end must not try again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        server.stop(grace=None)
        return 1
    try:
        while server.wait_for_termination(timeout=ALIVE_EVERY):
            if engine is not None:
                engine.require()
    except (EngineGone, KeyboardInterrupt):
        provider.Cancel(None, None)
        server.stop(grace=1.0).wait()
    finally:
        provider.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
