"""``python -m dcs_migration.native ENGINE_ADDRESS``: what the engine starts as ``pulumi-resource-dcs``."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto.provider_pb2_grpc import add_ResourceProviderServicer_to_server

from dcs_migration.dcs.errors import EngineGone
from dcs_migration.life_cycles.engine import GrpcEngine
from dcs_migration.native.provider import DcsProvider

THREADS = 512  # a wait takes one for as long as it lasts; they are made when they are needed
_OPTIONS = (("grpc.max_receive_message_length", 400 * 1024 * 1024),)  # as much as the engine sends
ALIVE_EVERY = 5.0  # seconds; an engine that was killed stops no plugin
USAGE = "pulumi-resource-dcs is started by Pulumi: it needs the engine's address"


def main() -> int:
    """Serve until the engine ends."""
    address = sys.argv[-1]  # after flags such as -v=9, which the engine passes on with --logflow
    if len(sys.argv) < 2 or ":" not in address:
        print(USAGE, file=sys.stderr)
        return 2
    engine = GrpcEngine(address)
    provider = DcsProvider(engine)
    server = grpc.server(ThreadPoolExecutor(THREADS), options=_OPTIONS)
    add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    try:
        while server.wait_for_termination(timeout=ALIVE_EVERY):
            engine.require()
    except (EngineGone, KeyboardInterrupt):
        provider.Cancel(None, None)
        server.stop(grace=1.0).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
