"""Faults: requested failures, matched by operation; each request uses one."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

ANY_OPERATION = "*"
DEFAULT_SECONDS = 1.0
MAX_SECONDS = 86_400.0

FAULTS: dict[str, str] = {
    "error": "return status, error_code and message; do nothing",
    "drop_before": "close the connection without a response; do nothing",
    "drop_after": "do it, then close the connection without a response",
    "delay": "wait, then do it",
    "delay_after": "do it, wait, then respond",
    "garbage": "do it, then return 200 with bytes that aren't JSON",
    "truncate": "do it, then return half of the body and close the connection",
    "empty": "do it, then return 200 with an empty body",
    "throttle": "return 429 APIGW.0308, with Retry-After if seconds is set; do nothing",
}


class FaultError(ValueError):
    """An invalid fault; the message is one line."""


@dataclass(frozen=True)
class Fault:
    """One fault. ``times`` is the number of remaining requests; ``seconds`` is a duration."""

    operation: str
    fault: str
    status: int = 500
    error_code: str = "DCS.5000"
    message: str = "A fault was ordered."
    seconds: float | None = None
    times: int = 1


def make_fault(order: dict[str, Any], operations: Iterable[str]) -> Fault:
    """Check a fault and return it; raises `FaultError`."""
    unknown = sorted(set(order) - set(Fault.__dataclass_fields__))
    if unknown:
        raise FaultError(f"unknown fault fields: {', '.join(unknown)}")
    known = [ANY_OPERATION, *operations]
    if order.get("operation") not in known:
        raise FaultError(f"operation must be one of {', '.join(known)}")
    if order.get("fault") not in [*FAULTS]:  # a list, because a value that isn't a string may not be hashable
        raise FaultError(f"fault must be one of {', '.join(FAULTS)}")
    values = {name: value for name, value in order.items() if value is not None}
    fault = Fault(**values)
    if not _is_integer(fault.status) or not 200 <= fault.status <= 599:
        raise FaultError("status must be an HTTP status from 200 to 599")
    if not _is_integer(fault.times) or fault.times < 1:
        raise FaultError("times must be a positive integer")
    if not isinstance(fault.error_code, str) or not isinstance(fault.message, str):
        raise FaultError("error_code and message must be strings")
    if fault.seconds is not None and not _is_duration(fault.seconds):
        raise FaultError(f"seconds must be a number from 0 to {MAX_SECONDS:g}")
    return fault


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_duration(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 <= value <= MAX_SECONDS


class FaultQueue:
    """The faults, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Append a fault."""
        with self._lock:
            self._orders.append(fault)

    def take(self, operation: str) -> Fault | None:
        """Use the oldest fault for this operation once, and return it, or None."""
        with self._lock:
            for index, fault in enumerate(self._orders):
                if fault.operation in (operation, ANY_OPERATION):
                    if fault.times > 1:
                        self._orders[index] = replace(fault, times=fault.times - 1)
                    else:
                        del self._orders[index]
                    return fault
        return None

    def entries(self) -> list[dict[str, Any]]:
        """Return the remaining faults."""
        with self._lock:
            return [asdict(fault) for fault in self._orders]

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._orders.clear()
