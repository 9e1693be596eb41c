"""Warns exactly once, and in time, that a replacement does a resource's work again.

A diff that replaces shows this itself. For other replacements Pulumi doesn't call diff. The calls that the CLI
makes (`{}`: a check without old inputs, as for a new resource):

    replacement_trigger                 check, check {}; in an update also delete, create
    --replace, taint                    check {}; in an update also delete, create
    what it depends on is replaced      diff, check {}; in an update, with nothing unknown, like any change
    --refresh before any of these       diff

So a preview of `--replace` looks like that of a new resource, and can't warn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.life_cycles.inputs import is_unknown
from dcs_migration.life_cycles.tasks.props import Props
from dcs_migration.names import URN

NEVER_FILLED = (Kind.FAILURE, Kind.STOPPED)
"""Meanings of a status with which a task certainly never wrote to its target."""


class Replacing:
    """What one plugin process, which serves one preview or one update, knows about the resources of one type."""

    def __init__(self, runs_again: Callable[[Props], str | None], warn: Callable[[str, Props], None]) -> None:
        """Set up.

        Args:
            runs_again: Returns what is done again when a resource with these inputs is created again, if anything.
            warn: Shows a warning on a resource's row.
        """
        self._runs_again = runs_again
        self._warn = warn
        self._declared: set[str | None] = set()
        self._compared: set[str] = set()
        self._deleted: set[str] = set()
        self._warned: set[str] = set()

    def declares(self, news: Props) -> bool:
        """Whether a program has declared the resource. A refresh also calls diff, but has no effect."""
        return urn_of(news) in self._declared

    def checked(self, olds: Props, news: Props) -> None:
        """Record a check."""
        urn = urn_of(news)
        self._declared.add(urn)
        if urn is None:
            return
        if olds:
            self._compared.add(urn)
        elif urn in self._compared:
            self._warn_once(urn, news)

    def differs(self, news: Props, *, replaces: bool) -> None:
        """Record a diff; if it replaces a declared resource, it has its own warning."""
        urn = urn_of(news)
        if urn is None:
            return
        self._compared.add(urn)
        if replaces and urn in self._declared:
            self._warned.add(urn)

    def deleted(self, props: Props) -> bool:
        """Record a delete; return whether the program still declares the resource, which means that a create
        follows."""
        urn = urn_of(props)
        if urn is None:
            return False
        self._deleted.add(urn)
        if lookup(props.get("status")).kind in NEVER_FILLED:
            self._warned.add(urn)
        if urn not in self._declared:
            return False
        self._warn_once(urn, props)
        return True

    def created(self, props: Props) -> None:
        """Record a create."""
        urn = urn_of(props)
        if urn is not None and urn in self._deleted:
            self._warn_once(urn, props)

    def _warn_once(self, urn: str, props: Props) -> None:
        again = self._runs_again(props) if urn not in self._warned else None
        self._warned.add(urn)
        if again is not None:
            self._warn(f"replaced: {again}", props)


def urn_of(props: Props) -> str | None:
    """Return the resource's URN; a preview doesn't know it below some parents."""
    urn: Any = props.get(URN)
    return None if urn is None or is_unknown(urn) else str(urn)
