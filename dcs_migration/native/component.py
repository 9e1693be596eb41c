"""``OnlineMigrationTask``: a component of a migration instance and the online migration on it, as two resources.

With two resources, Pulumi writes the instance into the state before the migration is configured. So a `pulumi up`
that is killed in between doesn't lose either of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import grpc
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc
from pulumi.runtime.proto import alias_pb2, provider_pb2, resource_pb2
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub

from dcs_migration.dcs.errors import TaskError
from dcs_migration.life_cycles.tasks.props import without_password
from dcs_migration.names import IDENTITY
from dcs_migration.native.encoding import Properties
from dcs_migration.native.resources import PACKAGE

TOKEN = f"{PACKAGE}:index:OnlineMigrationTask"
INSTANCE, MIGRATION = f"{PACKAGE}:index:MigrationInstance", f"{PACKAGE}:index:OnlineMigration"
OUTPUTS = ("taskId", "status", "state")

_OF_THE_INSTANCE = (
    *("name", "description", "vpcId", "subnetId", "securityGroupId"),
    *("region", "projectId", "existingTaskId"),
)
_OF_THE_MIGRATION = (
    *("migrationMethod", "resumeMode", "bandwidthLimitMb", "sourceInstance", "targetInstance"),
    *("state", "triggers", "existingTaskId"),
)
_TYPES_BEFORE = {  # types of the dynamic provider, whose states these resources can use; its component has our type
    INSTANCE: "pulumi-python:dynamic/dcs:MigrationInstance",
    MIGRATION: "pulumi-python:dynamic/dcs:OnlineMigration",
}


def construct(request: Any, provider: str) -> Any:
    """Register the component and its two resources with the Pulumi engine that asks for it.

    Args:
        request: Pulumi's request.
        provider: The reference of the called provider resource, which the two resources use.

    Raises:
        TaskError: an option or an input can't work, or Pulumi answered with an error.
    """
    _require_sound(request)
    with grpc.insecure_channel(request.monitorEndpoint) as channel:
        try:
            return _Registration(ResourceMonitorStub(channel), request, provider).run()
        except grpc.RpcError as error:
            raise TaskError(
                f"the Pulumi engine rejected a resource of {request.name}: {error.details()}"
            ) from None


def _require_sound(request: Any) -> None:
    for option, given in (("retainOnDelete", request.retainOnDelete), ("deletedWith", request.deletedWith)):
        if given:
            raise TaskError(
                f"{option} would leave a migration running that nothing stops; leave it out, or remove the "
                "migration from the state with `pulumi state delete`"
            )
    known = {*_OF_THE_INSTANCE, *_OF_THE_MIGRATION}
    for key in sorted(set(request.inputs.fields) - known):
        raise TaskError(f"{key}: unknown key; known keys: {', '.join(sorted(known))}")


class _Registration:
    """One component."""

    def __init__(self, monitor: Any, request: Any, provider: str) -> None:
        self._monitor = monitor
        self._request = request
        # Without a version, Pulumi uses a default provider without one: a different owner than that of an SDK's
        # resources.
        self._provider = request.providers.get(PACKAGE, provider)
        self._dependencies = sorted(
            {urn for listed in request.inputDependencies.values() for urn in listed.urns}
            | set(request.dependencies)
        )

    def run(self) -> Any:
        request = self._request
        component = self._register(
            TOKEN,
            Struct(),
            parent=request.parent,
            custom=False,
            protect=request.protect,
            dependencies=self._dependencies,
            providers=dict(request.providers),
            aliases=list(request.aliases),
        )
        instance = self._register(
            INSTANCE,
            self._inputs(_OF_THE_INSTANCE, {IDENTITY: self._identity()}),
            **self._inside(component.urn),
        )
        known = instance.object.fields
        on_it = {
            "taskId": instance.id or rpc.UNKNOWN,
            **{key: known[key] for key in ("jobId", "region", "projectId") if key in known},
        }
        migration = self._register(
            MIGRATION, self._inputs(_OF_THE_MIGRATION, on_it), **self._inside(component.urn, instance.urn)
        )
        outputs = Struct()
        for key in OUTPUTS:
            if key in migration.object.fields:
                outputs.fields[key].CopyFrom(migration.object.fields[key])
        self._monitor.RegisterResourceOutputs(
            resource_pb2.RegisterResourceOutputsRequest(urn=component.urn, outputs=outputs)
        )
        uses = provider_pb2.ConstructResponse.PropertyDependencies(urns=[migration.urn])
        return provider_pb2.ConstructResponse(
            urn=component.urn, state=outputs, stateDependencies=dict.fromkeys(outputs.fields, uses)
        )

    def _register(
        self, token: str, properties: Struct, *, aliases: Iterable[Any] = (), **options: Any
    ) -> Any:
        if token in _TYPES_BEFORE:
            aliases = [alias_pb2.Alias(spec=alias_pb2.Alias.Spec(type=_TYPES_BEFORE[token]))]
        options.setdefault("custom", True)
        return self._monitor.RegisterResource(
            resource_pb2.RegisterResourceRequest(
                type=token,
                name=self._request.name,
                object=properties,
                acceptSecrets=True,
                supportsPartialValues=True,
                aliasSpecs=True,
                aliases=aliases,
                **options,
            )
        )

    def _inside(self, component: str, *more: str) -> dict[str, Any]:
        """Return the options of a resource in the component."""
        timeouts = self._request.customTimeouts
        return {
            "parent": component,
            "dependencies": [*self._dependencies, *more],
            "provider": self._provider,
            "customTimeouts": resource_pb2.RegisterResourceRequest.CustomTimeouts(
                create=timeouts.create, update=timeouts.update, delete=timeouts.delete
            ),
        }

    def _inputs(self, keys: Iterable[str], more: Mapping[str, Any]) -> Struct:
        """Return the inputs of a resource: the component's inputs with their secret markers, and additional ones."""
        given = self._request.inputs.fields
        struct = Struct()
        for key in keys:
            if key in given:
                struct.fields[key].CopyFrom(given[key])
        for key, value in more.items():
            if hasattr(value, "WhichOneof"):
                struct.fields[key].CopyFrom(value)
            else:
                struct.update({key: value})
        return struct

    def _identity(self) -> Any:
        """Return what will run on the instance, which identifies it. It is a secret, because addresses may
        contain one."""
        props = Properties().decode(self._request.inputs)
        identity = {
            "migration_method": props.get("migrationMethod"),
            "source_instance": without_password(props.get("sourceInstance")),
            "target_instance": without_password(props.get("targetInstance")),
            "triggers": props.get("triggers"),
        }
        return Properties().encode({IDENTITY: identity}, secrets=(IDENTITY,)).fields[IDENTITY]
