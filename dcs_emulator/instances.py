"""What the service reports about instances that a request names. It is invented, but the same each time."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

SPECIFICATION = "redis.ha.xu1.large.r2.1"


def filled_in(instance: Mapping[str, Any]) -> dict[str, Any]:
    """Return an instance as the service reports it: a DCS instance has a name and an address, any Redis a port."""
    known = _known(instance["id"]) if "id" in instance else {}
    told = {**known, **instance}
    ip, _, port = str(told.get("addrs") or "").partition(",")[0].rpartition(":")
    return {"ip": ip or None, "port": port or None, **told}


def place_of(instance_id: str | None) -> dict[str, str | None]:
    """Return the subnet and the specification of a DCS instance; None for another Redis."""
    if instance_id is None:
        return {"subnet_id": None, "spec_code": None}
    subnet_id = uuid.uuid5(uuid.NAMESPACE_OID, f"subnet of {instance_id}")
    return {"subnet_id": str(subnet_id), "spec_code": SPECIFICATION}


def _known(instance_id: str) -> dict[str, str]:
    digest = hashlib.sha256(instance_id.encode()).digest()
    second, third, fourth = digest[:3]
    return {
        "name": f"dcs-{digest.hex()[:4]}",
        "addrs": f"10.{second}.{third}.{fourth}:6379",
        "task_status": "RUNNING",
    }
