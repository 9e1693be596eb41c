"""Asks the service what its documents leave open, with tasks of its own on what is named for that."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any, NoReturn

import requests

from dcs_migration.dcs.errors import ApiError, DcsMigrationError, looks_like_html
from dcs_migration.dcs.statuses import lookup
from dcs_migration.life_cycles.secrets import scrub
from tests.verified.answers import AS_DEFAULT, BY_NO_QUIRK, NOT_ASKED, QUESTIONS, Answer, refused
from tests.verified.cloud import Cloud
from tests.verified.probe_imports import Imports
from tests.verified.probe_online import online
from tests.verified.wire import Told, Wire

ABSENT = "0" * 32
NOWHERE = "192.0.2.1:6379"  # an address of the documentation network: no data can come from there
SOON = 6  # looks at something that may take a moment to show


class Unasked(Exception):
    """The rest of an experiment makes no sense, or was not allowed; the message says why."""


class Probe:
    """One run of all experiments; afterwards nothing of it is left at the service."""

    def __init__(self, cloud: Cloud) -> None:
        """Set up; nothing is called yet."""
        source = cloud.named.source
        scrub.add_passwords({"source": source.instance if source else {}, "target": cloud.named.target})
        self.cloud = cloud
        self.client = cloud.client
        self.wire = Wire(cloud)
        self.answers: dict[str, Answer] = {}
        self.seen: dict[str, None] = {}

    def run(self) -> dict[str, Answer]:
        """Ask everything; a question that could not be asked says why."""
        parts: dict[str, Callable[[], None]] = {
            "errors": self._errors,
            "imports": lambda: Imports(self).ask(),
            "old_call": self._old_call,
            "online": lambda: online(self),
        }
        with closing(self.wire):
            for name, part in parts.items():
                self._run(name, part)
        return self.answers

    def _run(self, name: str, part: Callable[[], None]) -> None:
        reason = "not reached"
        try:
            part()
        except (Unasked, DcsMigrationError) as error:
            reason = str(error)
        except requests.RequestException as error:
            reason = f"no answer came ({type(error).__name__})"
        finally:
            self.cloud.remove()
        for key, question in QUESTIONS.items():
            if question.part == name and key not in self.answers:
                self.unasked(key, reason)

    # What experiments share.

    def answer(self, key: str, told: str, played_by: str = AS_DEFAULT) -> None:
        """Note an answer."""
        self.answers[key] = Answer(told, played_by)

    def unasked(self, key: str, why: str) -> None:
        """Note why a question was not asked."""
        self.answer(key, f"not asked: {why}", NOT_ASKED)

    def give_up(self, why: str) -> NoReturn:
        """Leave the rest of an experiment out."""
        raise Unasked(why)

    def status(self, id_: str) -> str:
        """Return a task's status, and remember it."""
        status = self.cloud.status(id_)
        self.seen[status] = None
        return status

    def ended(self, id_: str) -> bool:
        """Whether a task has ended."""
        return lookup(self.status(id_)).ended

    def soon(self, happened: Callable[[], bool]) -> bool:
        """Look a few times whether something happens."""
        for _ in range(SOON):
            if happened():
                return True
            self.cloud.wait()
        return False

    def listed(self, id_: str) -> bool:
        """Whether the list has a task."""
        return id_ in self.cloud.listing()

    def statistics(self, id_: str) -> Told:
        """Return the statistics of a task, and show how they are written."""
        told = self.wire.ask("GET", f"migration-task/{id_}/stats")
        if told.error is None:
            strings = any(isinstance(value, str) for value in told.answer.values())
            self.answer("numbers", *(("strings",) if strings else ("numbers", "stats-as-numbers")))
        return told

    # The experiments.

    def _errors(self) -> None:
        told = self.wire.ask("GET", f"migration-task/{ABSENT}")
        if told.error is None:
            self.answer("shape", "a task that is absent is no error", BY_NO_QUIRK)
            return
        shape = shape_of(told)
        keys = ", ".join(told.answer) or f"{len(told.body)} bytes that are not JSON"
        words = f"HTTP {told.error.status} {told.error.error_code or 'without a code'}, with {keys}"
        default = AS_DEFAULT if shape == "" else f"error-body={shape}"
        self.answer("shape", words, BY_NO_QUIRK if shape is None else default)

    def _old_call(self) -> None:
        if self.cloud.named.source is None:
            self.give_up("no source is named")
        body: dict[str, Any] = {
            "task_name": f"{self.cloud.prefix}-old-call",
            "migration_type": "online_migration",
            "migration_method": "full_amount_migration",
            "network_type": "vpc",
            "source_instance": {"addrs": NOWHERE},
            "target_instance": dict(self.cloud.named.target),
        }
        try:
            self.client.create_migration_task(body)
        except ApiError as error:
            self.answers["old_call"] = refused(error, "online-refused", "DCS.4800")
        else:
            self.answer("old_call", "yes")


def shape_of(told: Told) -> str | None:
    """Return the shape of an error as the quirk has it, "" for the normal one, None for one that is new."""
    if looks_like_html(told.body):
        return "html"
    inner = told.answer.get("error")
    if isinstance(inner, dict):
        return "iam" if "title" in inner else "v1"
    shapes = {"error_code": "", "errorCode": "camel", "code": "code-message"}
    return next((shape for key, shape in shapes.items() if key in told.answer), None)
