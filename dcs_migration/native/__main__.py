"""``python -m dcs_migration.native [ENGINE_ADDRESS]``: what the engine starts as ``pulumi-resource-dcs``.

Without an address it waits for an engine that attaches itself: start it under a debugger, then run Pulumi with
``PULUMI_DEBUG_PROVIDERS=dcs:PORT``.
"""

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
USAGE = (
    "pulumi-resource-dcs is started by Pulumi with the engine's address; without one it prints its port, "
    "for PULUMI_DEBUG_PROVIDERS=dcs:PORT"
)


def main() -> int:
    """Serve until the engine ends; without an engine until it is ended itself."""
    # The address comes after flags such as -v=9, which the engine passes on with --logflow.
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
    print(port, flush=True)
    try:
        while server.wait_for_termination(timeout=ALIVE_EVERY):
            if engine is not None:
                engine.require()
    except (EngineGone, KeyboardInterrupt):
        provider.Cancel(None, None)
        server.stop(grace=1.0).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
