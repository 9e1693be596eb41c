"""The table of a resource type, and the check and diff that use it. No calls are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.inputs import is_unknown, name_problems, problems
from dcs_migration.life_cycles.process import CheckResult, DiffResult
from dcs_migration.life_cycles.tasks.defaults import fill, require_same_project, require_taken_over_stays
from dcs_migration.life_cycles.tasks.mark import news_of
from dcs_migration.life_cycles.tasks.props import (
    OnChange,
    Props,
    changed,
    password_of,
    same,
    timeout_problems,
    without_nulls,
)
from dcs_migration.names import DEFAULTS, OWNER, PASSWORD, TIMEOUTS, URN


@dataclass(frozen=True)
class Spec:
    """The inputs of a resource type, and the effect of a change of each one.

    schema: name of its JSON Schema. inputs: the effect of a change of each one, in their order in messages.
    normalise: returns the inputs in properties as they are compared and sent, with their defaults.
    across: yields one line for each problem that the schema can't find, from the inputs and whether the
    resource is new. name: the input with its name in the service, which has a default. with_password: inputs whose
    password only changes the state. timeouts: the hidden inputs of the ``custom_timeouts`` that it uses. hidden: other
    hidden inputs that the state keeps.
    """

    schema: str
    inputs: Mapping[str, OnChange]
    normalise: Callable[[Props], dict[str, Any]]
    timeouts: Sequence[str]
    name: str | None = None
    with_password: Sequence[str] = ()
    hidden: Sequence[str] = ()
    across: Callable[[Props, bool], Iterable[str]] = lambda written, new: ()


@dataclass(frozen=True)
class Changes:
    """The names of the inputs whose change replaces the resource, changes only the state, or is made in place."""

    replaces: tuple[str, ...] = ()
    updates: tuple[str, ...] = ()
    in_place: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.replaces or self.updates or self.in_place)

    @property
    def result(self) -> DiffResult:
        """The same as a lifecycle returns it."""
        return DiffResult(self.replaces, (*self.in_place, *self.updates))


def check(spec: Spec, olds: Props, news: Props, settings: Settings) -> CheckResult:
    """Validate and complete inputs.

    Args:
        spec: The table of the resource type.
        olds: The old inputs; empty for a new resource, including the new one in a replacement.
        news: What the program sent, hidden properties included; it can contain unknown values.
        settings: The source of the defaults of region and project.
    """
    news = without_nulls(news)
    written = {key: value for key, value in news.items() if not key.startswith("__")}
    found = [
        *([] if olds else name_problems(news.get(URN))),  # a new name would run an import again
        *problems(spec.schema, news_of(olds, written)),
        *spec.across(written, not olds),
        *timeout_problems(news),
    ]
    inputs = spec.normalise(written)
    filled, missing = fill(inputs, olds, news, settings, name=spec.name)
    hidden = {key: news[key] for key in (URN, OWNER, *spec.hidden, *spec.timeouts) if key in news}
    return CheckResult({**inputs, **hidden, DEFAULTS: filled}, [*found, *missing])


def compare(spec: Spec, id_: str, olds: Props, news: Props, *, preview: bool) -> Changes:
    """Compare old outputs with new inputs.

    In a preview an unknown value counts as a change. In an update it doesn't: in an update, Pulumi sends
    unknowns only while a dependency is being replaced, and it calls again with the values.

    Raises:
        TaskError: the project differs, or the change isn't possible for a task that was taken over.
    """
    old, new = spec.normalise(olds), spec.normalise(news)
    found: dict[OnChange, list[str]] = {rule: [] for rule in OnChange}
    for key, rule in spec.inputs.items():
        if changed(key, rule, old, new, unknown_is_change=preview):
            found[rule].append(key)
    replaces = tuple(
        key for key in spec.inputs if key in found[OnChange.REPLACE] + found[OnChange.REPLACE_IF_GIVEN]
    )
    updates = found[OnChange.UPDATE]
    for key in spec.with_password:
        if not is_unknown(new.get(key)) and not same(password_of(old, key), password_of(new, key), preview):
            updates.append(f"{key}.{PASSWORD}")
    updates += [
        f"opts.custom_timeouts.{name}"
        for name, key in TIMEOUTS.items()
        if key in spec.timeouts and olds.get(key) != news.get(key)
    ]
    require_same_project(old, news)
    require_taken_over_stays(id_, new, replaces)
    return Changes(replaces, tuple(updates), tuple(found[OnChange.IN_PLACE]))
