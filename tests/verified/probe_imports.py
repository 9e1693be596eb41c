"""The experiments on backup imports: of the named file, into the named target."""

from __future__ import annotations

import html
from contextlib import suppress
from typing import TYPE_CHECKING

from dcs_migration.dcs.errors import ApiError
from dcs_migration.dcs.models import Created, fields
from dcs_migration.dcs.statuses import Kind, lookup
from tests.verified.answers import AS_DEFAULT, BY_NO_QUIRK, NOT_ASKED, Answer, refused
from tests.verified.cloud import DESCRIPTION
from tests.verified.wire import Told

if TYPE_CHECKING:
    from tests.verified.probe import Probe

SLOW_STOP = 10.0  # seconds
OVER = "the import had ended"


class Imports:
    """A few imports, each stopped or deleted as soon as it has served."""

    def __init__(self, probe: Probe) -> None:
        """Set up; nothing is started yet."""
        self._probe = probe
        self._names: dict[str, str] = {}

    def ask(self) -> None:
        """Ask what can be asked of three imports; two run at a time."""
        one = self._named()
        self._shown(one)
        self._filtered(one)
        two = self._second(one)
        self._stopped(one)
        two = two or self._start("two")
        self._end(two)
        three = self._start("three")
        self._ordered([one, two, three])
        self._deleted_running(three)
        self._deleted(one)
        unknown = [status for status in self._probe.seen if not lookup(status).known]
        self._probe.answer("statuses", ", ".join(self._probe.seen), BY_NO_QUIRK if unknown else AS_DEFAULT)

    def _start(self, label: str) -> str:
        name = f"{self._probe.cloud.prefix}-{label}"
        created = self._probe.client.create_migration_task(self._probe.cloud.import_body(name))
        self._names[created.id] = name
        self._require_started(created)
        self._probe.cloud.wait()
        return created.id

    def _require_started(self, created: Created) -> None:
        if created.error is None:
            self._probe.answer("create", "yes")
            return
        failed = lookup(self._probe.status(created.id)).kind is Kind.FAILURE
        self._probe.answer(
            "create", "no: 200 with an error", "create-answers-error" if failed else BY_NO_QUIRK
        )
        self._probe.give_up("imports fail at once")

    def _named(self) -> str:
        try:
            id_ = self._start("a.dot")
        except ApiError as error:
            id_ = self._start("one")  # it was the name, or this is refused, too
            self._probe.answers["names"] = refused(error, "names-as-instances", "DCS.4800")
        else:
            self._probe.answer("names", "yes")
        return id_

    def _shown(self, id_: str) -> None:
        shown = self._probe.wire.read(f"migration-task/{id_}")
        self._described(shown.get("description"))
        target = fields(shown.get("target_instance"))
        password = self._probe.cloud.named.target.get("password")
        if password is None:
            self._probe.unasked("password", "the target has none")
        else:
            echoed = target.get("password") == password
            self._probe.answer("password", *(("yes", "password-echoed") if echoed else ("no",)))
        filled = bool(target.get("addrs") or target.get("ip"))
        self._probe.answer("addrs", *(("yes",) if filled else ("no", "instances-not-filled-in")))
        told = self._probe.statistics(id_)
        if told.error is None:
            self._probe.answer("stats", "yes")
        else:
            self._probe.answers["stats"] = refused(told.error, "stats-of-import-refused", "DCS.4133")
        changed = self._probe.wire.ask("PUT", f"migration-task/{id_}", {"resume_mode": "manual"})
        if changed.error is None:
            self._probe.answer("resume", "yes")
        elif self._probe.ended(id_):
            self._probe.unasked("resume", OVER)
        else:
            self._probe.answers["resume"] = refused(changed.error, "update-only-when-incremental", "DCS.4957")

    def _described(self, told: object) -> None:
        if told == DESCRIPTION:
            self._probe.answer("description", "yes")
        elif told is None:
            self._probe.answer("description", "no: there is none", "description-null")
        elif told == html.escape(DESCRIPTION):
            self._probe.answer("description", "no: escaped as in HTML", "description-escaped")
        elif isinstance(told, str) and told and DESCRIPTION.startswith(told):
            self._probe.answer("description", f"the first {len(told)} characters", "description-trimmed")
        else:
            self._probe.answer("description", "no: changed", BY_NO_QUIRK)

    def _filtered(self, id_: str) -> None:
        name = self._names[id_]
        whole, part = self._listed(name=name), self._listed(name=name[:-1])
        if id_ not in whole:
            self._probe.answer("filter", "a task is not found by its name", BY_NO_QUIRK)
        else:
            self._probe.answer("filter", *(("no", "fuzzy-name") if id_ in part else ("yes",)))

    def _listed(self, **query: str) -> list[str]:
        rows = self._probe.wire.read("migration-tasks", limit=1000, **query).get("migration_tasks")
        return [str(fields(row).get("task_id")) for row in rows or []]

    def _second(self, first: str) -> str | None:
        second, answer = None, Answer("yes")
        try:
            second = self._start("two")
        except ApiError as error:
            answer = refused(error, "second-task-on-target-refused")
        if self._probe.ended(first):
            answer = Answer(f"not asked: {OVER}", NOT_ASKED)
        self._probe.answers["second"] = answer
        return second

    def _stopped(self, id_: str) -> None:
        over = self._probe.ended(id_)
        told = self._probe.wire.ask("POST", f"migration-task/{id_}/stop")
        began = self._probe.cloud.clock.monotonic()
        if over or (told.error is not None and self._probe.ended(id_)):
            self._probe.unasked("stop", OVER)
            self._probe.unasked("stop_time", OVER)
        elif told.error is not None:
            self._probe.answers["stop"] = refused(told.error, "stop-of-import-refused")
            self._probe.unasked("stop_time", "it was refused")
        else:
            self._probe.answer("stop", "yes")
        self._await_end(id_)
        if "stop_time" not in self._probe.answers:
            took = self._probe.cloud.clock.monotonic() - began
            slow = "stop-is-slow" if took >= SLOW_STOP else AS_DEFAULT
            self._probe.answer("stop_time", f"{took:.0f} s, then {self._probe.status(id_)}", slow)

    def _end(self, id_: str) -> None:
        with suppress(ApiError):  # refused: it ends by itself
            self._probe.client.batch_stop_migration_tasks([id_])
        self._await_end(id_)

    def _await_end(self, id_: str) -> None:
        if not self._probe.cloud.until(lambda: self._probe.ended(id_)):
            self._probe.give_up(
                f"an import is {self._probe.status(id_)} after {self._probe.cloud.pace.patience:.0f} s"
            )

    def _ordered(self, own: list[str]) -> None:
        order = [id_ for id_ in self._listed() if id_ in own]
        if order == own[::-1]:
            self._probe.answer("order", "newest first")
        elif order == own:
            self._probe.answer("order", "oldest first", BY_NO_QUIRK)
        else:
            self._probe.answer("order", "none", "list-unsorted")
        self._counted(len(self._probe.cloud.listing()))

    def _counted(self, total: int) -> None:
        count = self._probe.wire.read("migration-tasks", limit=1).get("count")
        if count == total:
            self._probe.answer("count", "all tasks")
        elif count == 1:
            self._probe.answer("count", "the rows of the page", "count-is-page-size")
        else:
            self._probe.answer("count", f"{count}, of {total} tasks", BY_NO_QUIRK)

    def _delete(self, id_: str) -> Told:
        return self._probe.wire.ask("DELETE", "migration-tasks/delete", {"task_id_list": [id_]})

    def _deleted_running(self, id_: str) -> None:
        over = self._probe.ended(id_)
        told = self._delete(id_)
        if over:
            self._probe.unasked("delete_running", OVER)
        elif told.error is None and self._probe.soon(lambda: not self._probe.listed(id_)):
            self._probe.answer("delete_running", "deletes it")
        elif self._probe.ended(id_):
            self._probe.unasked("delete_running", OVER)
        elif told.error is None:
            self._probe.answer("delete_running", "nothing", "delete-of-running-ignored")
        else:
            self._probe.answers["delete_running"] = refused(told.error, "delete-of-running-refused")

    def _deleted(self, id_: str) -> None:
        told = self._delete(id_)
        if told.error is not None or not self._probe.soon(lambda: not self._probe.listed(id_)):
            self._probe.answer("delete_answer", "a task that has ended is not deleted", BY_NO_QUIRK)
            return
        ids = told.answer.get("task_id_list")
        if ids in ([id_], []):
            self._probe.answer("delete_answer", *(("yes",) if ids else ("no", "delete-answers-empty-list")))
        else:
            self._probe.answer("delete_answer", f"something else: {', '.join(told.answer)}", BY_NO_QUIRK)
        shown = self._probe.wire.ask("GET", f"migration-task/{id_}")
        if shown.error is not None:
            self._probe.answers["deleted"] = refused(shown.error, "deleted-not-found", "DCS.4133")
            return
        status = str(shown.answer.get("status"))
        played = {"DELETED": AS_DEFAULT, "SUCCESS": "deleted-shows-success"}
        self._probe.answer("deleted", status, played.get(status, BY_NO_QUIRK))
