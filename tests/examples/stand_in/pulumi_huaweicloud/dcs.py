"""The one class that the example uses: it takes what the class of version 0.0.12 takes, and nothing else."""

from __future__ import annotations

from typing import Any

import pulumi

REQUIRED = {"capacity", "engine", "subnet_id", "vpc_id"}
OPTIONAL = {
    "access_user",
    "auto_renew",
    "availability_zones",
    "backup_policy",
    "charging_mode",
    "deleted_nodes",
    "description",
    "engine_version",
    "enterprise_project_id",
    "flavor",
    "maintain_begin",
    "maintain_end",
    "name",
    "parameters",
    "password",
    "period",
    "period_unit",
    "port",
    "private_ip",
    "region",
    "rename_commands",
    "reserved_ips",
    "security_group_id",
    "ssl_enable",
    "tags",
    "template_id",
    "whitelist_enable",
    "whitelists",
}
SECRET = {"password"}


class Instance(pulumi.CustomResource):
    """A DCS instance."""

    port: pulumi.Output[int]
    private_ip: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **inputs: pulumi.Input[Any]
    ) -> None:
        if inputs.keys() - REQUIRED - OPTIONAL or REQUIRED - inputs.keys():
            raise TypeError(f"Instance takes {sorted(REQUIRED)} and some of {sorted(OPTIONAL)}")
        props = dict.fromkeys(("port", "private_ip")) | inputs
        props |= {key: pulumi.Output.secret(props[key]) for key in SECRET & inputs.keys()}
        super().__init__("huaweicloud:Dcs/instance:Instance", resource_name, props, opts)

    def translate_input_property(self, prop: str) -> str:
        """Write names as the wire has them."""
        head, *tail = prop.split("_")
        return head + "".join(word.capitalize() for word in tail)

    def translate_output_property(self, prop: str) -> str:
        """Write names as Python has them."""
        return {"privateIp": "private_ip"}.get(prop, prop)
