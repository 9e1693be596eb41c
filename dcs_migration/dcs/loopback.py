"""Which hosts are this machine. A preview uses it, so it doesn't import an HTTP library."""

from __future__ import annotations

import ipaddress


def is_this_machine(host: str | None) -> bool:
    """Whether a host is an address of this machine that no other machine can reach.

    Names below ``localhost`` don't count: some resolvers look them up in DNS.
    """
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"
