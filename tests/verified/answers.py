"""The open questions that a probe asks, how their answers are told, and the quirks that none of them can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dcs_emulator.errors import REFUSAL_CODES
from dcs_migration.dcs.errors import ApiError

AS_DEFAULT = "as the emulator's default"
BY_NO_QUIRK = "not emulated yet: please report it"
NOT_ASKED = "-"


@dataclass(frozen=True)
class Answer:
    """What the service answered, and what plays that: a quirk as it is switched on, or one of the above."""

    told: str
    played_by: str = AS_DEFAULT


@dataclass(frozen=True)
class Question:
    """One question; ``number`` is that of docs/emulator.md, where it has one; ``part`` is the experiment."""

    part: str
    number: int | None
    text: str


QUESTIONS = {
    "shape": Question("errors", None, "How is an error written?"),
    "create": Question("imports", None, "Does an accepted create start the task?"),
    "names": Question("imports", 2, "Is a name with a dot taken?"),
    "stop": Question("imports", 3, "Can a backup import be stopped?"),
    "stop_time": Question("imports", 3, "How long does a stop take?"),
    "delete_running": Question("imports", 4, "What does the delete of a running task do?"),
    "delete_answer": Question("imports", None, "Does a delete answer the ids?"),
    "deleted": Question("imports", None, "What does Show say of a deleted task?"),
    "filter": Question("imports", 5, "Is the list's name filter exact?"),
    "description": Question("imports", None, "Is a description returned as it was given?"),
    "order": Question("imports", 5, "Which order has the list?"),
    "count": Question("imports", 5, "What is the list's count?"),
    "password": Question("imports", 6, "Is a password ever returned?"),
    "addrs": Question("imports", None, "Are the addresses of an instance filled in?"),
    "second": Question("imports", 8, "May a target have two tasks at once?"),
    "stats": Question("imports", 10, "Has a backup import statistics?"),
    "numbers": Question("imports", None, "Are statistics strings, or numbers?"),
    "resume": Question("imports", 11, "Can resume_mode be changed while a task runs?"),
    "statuses": Question("imports", None, "Which statuses has an import?"),
    "old_call": Question("old_call", 1, "Does CreateMigrationTask take online migrations?"),
    "job_id": Question("online", 12, "Does a new migration instance come with a job's id?"),
    "job_time": Question("online", 12, "How long does the job take?"),
    "set": Question("online", None, "Does an accepted configuration start the migration?"),
    "incremental": Question("online", None, "How is the incremental phase called?"),
    "set_again": Question("online", 13, "What does a running migration do that is configured again?"),
    "restart_running": Question("online", 14, "What does a running migration do that is started again?"),
    "restart": Question("online", 14, "Does a stopped migration go on where it was?"),
}

_LIMITS = "more writes than the service takes would be needed: they hold up everybody in the account"
_YEARS = "nobody knows how long to wait"
_ADDRESSES = "moves the addresses of two instances, which applications may use"
_BUSY = "comes and goes with what the service has to do: a look that meets none proves nothing"
CANNOT_TELL = {
    "write-limit": _LIMITS,
    "retry-after": _LIMITS,
    "records-expire": _YEARS,
    "records-expire-wholly": _YEARS,
    "success-becomes-released": _YEARS,
    "exchange-fails": _ADDRESSES,
    "exchange-needs-no-lag": _ADDRESSES,
    "exchange-answers-204": _ADDRESSES,
    "exchange-toggles": _ADDRESSES,
    "rollback-fails": _ADDRESSES,
    "listing-lags": _BUSY,
    "rows-move": "more than a thousand tasks would be needed",
}


def words(error: ApiError) -> str:
    """Tell a refusal, without what is different each time."""
    return f"refused: HTTP {error.status} {error.error_code or 'without a code'}"


def refused(error: ApiError, quirk: str, code: str | None = None) -> Answer:
    """Answer by a refusal. ``code`` is the one that the quirk gives; without it the quirk takes some as a value."""
    if code is not None:
        played_by = quirk if error.error_code == code else f"{quirk}, but with {code}"
    else:
        known = error.error_code in REFUSAL_CODES
        played_by = f"{quirk}={error.error_code}" if known else BY_NO_QUIRK
    return Answer(words(error), played_by)


def table(answers: Mapping[str, Answer]) -> str:
    """Return the answers as a table in Markdown, and below it what was not asked on purpose."""
    rows = ["| | question | answer | emulator |", "|---|---|---|---|"]
    for key, question in QUESTIONS.items():
        answer = answers.get(key, Answer("not asked: not reached", NOT_ASKED))
        told = answer.told.replace("|", "\\|")
        rows.append(f"| {question.number or ''} | {question.text} | {told} | {_code(answer.played_by)} |")
    reasons: dict[str, list[str]] = {}
    for quirk, reason in CANNOT_TELL.items():
        reasons.setdefault(reason, []).append(f"`{quirk}`")
    left = [f"- {', '.join(quirks)}: {reason}" for reason, quirks in reasons.items()]
    return "\n".join([*rows, "", "Not asked, and so not told:", "", *left])


def _code(played_by: str) -> str:
    return played_by if played_by in (AS_DEFAULT, BY_NO_QUIRK, NOT_ASKED) else f"`{played_by}`"
