"""A native provider that does nothing, with the same thin structure as ours: a gRPC service over the SDK's stubs.

It is copied to a folder where the CLI finds it, as ``pulumi-resource-nothing``, so it can't import other modules.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

THREADS = 512  # as many as ours


class NothingServicer(provider_pb2_grpc.ResourceProviderServicer):
    """Generates an id and keeps the inputs."""

    def Handshake(self, request: Any, context: Any) -> Any:
        """Declare support for secrets."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Return a version."""
        return plugin_pb2.PluginInfo(version="0.0.1")

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Accept every setting."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Leave the comparison to Pulumi."""
        return provider_pb2.DiffResponse()

    def Configure(self, request: Any, context: Any) -> Any:
        """Take no setting."""
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(self, request: Any, context: Any) -> Any:
        """Accept every input."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        """Leave the comparison to Pulumi."""
        return provider_pb2.DiffResponse()

    def Create(self, request: Any, context: Any) -> Any:
        """Return the same id for every resource."""
        return provider_pb2.CreateResponse(id="nothing", properties=request.properties)

    def Read(self, request: Any, context: Any) -> Any:
        """Return the inputs unchanged."""
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Delete(self, request: Any, context: Any) -> Any:
        """Do nothing."""
        return Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        """Do nothing."""
        return Empty()


def main() -> None:
    """Serve until Pulumi ends this process."""
    server = grpc.server(ThreadPoolExecutor(THREADS))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(NothingServicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
