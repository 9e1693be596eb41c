"""What `doctor` checks. Nothing is written, and no credentials are tried that a wrong clock would spoil."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Generic, TypeVar

from dcs_migration.command_line.session import CONNECT, FLAGS, READ, Session
from dcs_migration.dcs.errors import (
    ConfigurationError,
    CredentialsRefused,
    DcsMigrationError,
    TransportError,
)
from dcs_migration.dcs.reach import Reached, reach, resolve, via_proxy
from dcs_migration.durations import elapsed
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.config import NAMESPACE, NO_REGION, WHERE
from dcs_migration.life_cycles.secrets import scrub
from dcs_migration.life_cycles.settings_check import problems, without_effect
from dcs_migration.life_cycles.tasks.look_up import occupants

SKEW_SHOWN, SKEW_WARNS, SKEW_FAILS = (
    3.0,
    300.0,
    900.0,
)  # seconds; a signature is good for a quarter of an hour
LISTING_AGE = 30.0  # seconds
DEFAULT = "default"
"""The source of a setting that nobody has set."""

Answer = TypeVar("Answer")


class Verdict(Enum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass
class Result:
    """One line. facts: what was found beside it, as name, value and where it comes from."""

    text: str
    verdict: Verdict = Verdict.OK
    remedy: str | None = None
    facts: list[dict[str, str | None]] = field(default_factory=list)


class Failed(Exception):
    """A check failed, with a remedy of its own."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.result = Result(text, Verdict.FAILED, remedy)


class Once(Generic[Answer]):
    """A look that is made once: an error stays one, so that all who ask are told the same."""

    def __init__(self, look: Callable[[], Answer]) -> None:
        self._look = look
        self._error: DcsMigrationError | None = None
        self._answer: list[Answer] = []

    def __call__(self) -> Answer:
        """Return what was found, or raise what went wrong."""
        if self._error is None and not self._answer:
            try:
                self._answer.append(self._look())
            except DcsMigrationError as error:
                self._error = error
        if self._error is not None:
            raise self._error
        return self._answer[0]


class Checks:
    """The checks, in order. What one learns, the next ones use."""

    def __init__(self, session: Session) -> None:
        """Set up; nothing is called yet."""
        self._session = session
        self._settings = session.settings
        self._reached = Once(self._reach)
        self._account: Once[Account] = Once(lambda: session.account)
        self._listing = Once(
            lambda: self._account().whole_listing(max_age=LISTING_AGE, not_before=float("-inf"))
        )

    @cached_property
    def _url(self) -> str:
        return self._settings.dcs_url(self._settings.region or "")

    def _reach(self) -> Reached:
        return reach(
            self._url,
            verify=not self._settings.insecure,
            timeouts=(CONNECT, READ),
            clock=self._session.clock,
            scrub=scrub,
        )

    def settings(self) -> Result:
        """Names and values, and where each comes from."""
        found = problems(self._settings)
        if len(found) > 1:
            raise Failed("; ".join(found), "correct what is named, in the environment of this shell")
        if found:
            raise ConfigurationError(found[0])
        if self._settings.region is None:
            raise ConfigurationError(NO_REGION)
        facts = [self._fact(key) for key in WHERE]
        facts.append(_fact("endpoint", self._url, self._settings.dcs_endpoint_source() or "of the region"))
        notes = without_effect(self._settings)
        if self._settings.insecure:
            notes.append("certificates are not verified, so that others may read and change what is sent")
        shown = [fact for fact in facts if fact["value"]]
        verdict = Verdict.WARNING if notes else Verdict.OK
        return Result("; ".join(notes) or "nothing is wrong with them", verdict, None, shown)

    def _fact(self, key: str) -> dict[str, str | None]:
        values: dict[str, Any] = {
            "region": self._settings.region,
            "projectId": self._settings.project_id,
            "projectName": self._settings.project_name,
            "cloud": self._settings.cloud,
            "insecure": "true" if self._settings.insecure else "",
            "maxRetries": str(self._settings.max_retries),
        }
        origin = self._settings.origin(key)
        flag = FLAGS.get(key, "") if origin == f"{NAMESPACE}:{key}" else origin
        return _fact(key, values[key] or "", flag or DEFAULT)

    def name(self) -> Result:
        """The host has an address."""
        proxy = via_proxy(self._url)
        if proxy:
            return Result(f"left to the proxy of {proxy}")
        found = _reachable(
            lambda: resolve(self._url, scrub), "check the region, HW_CLOUD and HW_DCS_ENDPOINT"
        )
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        return Result(f"{_host(self._url)} is {found[0]}{more}")

    def connection(self) -> Result:
        """Something answers there, over TLS with a certificate that is trusted."""
        secured = "https" if self._url.startswith("https:") else "http without TLS"
        proxy = via_proxy(self._url)
        through = f" through the proxy of {proxy}" if proxy else ""
        reached = _reachable(self._reached, "check HW_DCS_ENDPOINT, and firewalls and proxies on the way")
        return Result(f"{secured} answers in {reached.seconds * 1000:.0f} ms{through}")

    def clock(self) -> Result:
        """The local clock is near that of the service, which a signature depends on."""
        skew = self._reached().skew
        if skew is None:
            return Result("the service tells no time", Verdict.WARNING)
        if abs(skew) < SKEW_SHOWN:
            return Result("agrees with the service")
        away = f"{elapsed(abs(skew))} {'ahead of' if skew > 0 else 'behind'} the service"
        if abs(skew) <= SKEW_WARNS:
            return Result(away)
        verdict = Verdict.FAILED if abs(skew) > SKEW_FAILS else Verdict.WARNING
        remedy = "set the clock of this machine (`timedatectl set-ntp true`); signatures are refused beyond 15 minutes"
        return Result(away, verdict, remedy)

    def credentials(self) -> Result:
        """There are some, temporary keys are to be had, and the service takes them."""
        access = self._session.accounts.access(self._settings.region or "")
        keys = access.temporary_keys()
        try:
            self._account()
            self._listing()
        except CredentialsRefused:
            raise
        except DcsMigrationError:
            pass  # another check says what it is
        source = ", then ".join([access.credentials.source, *map(str, access.credentials.agencies)])
        if keys is None or keys.expires_at is None:  # a file may hold keys that stay as they are
            return Result(source)
        until = f", good until {keys.expires_at:%Y-%m-%dT%H:%M:%SZ}" if keys.expires_at else ""
        return Result(f"{source}: temporary keys{until}")

    def project(self) -> Result:
        """It is configured, or IAM tells it."""
        how = self._settings.origin("projectId") or "looked up"
        shown = how if how != f"{NAMESPACE}:projectId" else FLAGS["projectId"]
        return Result(f"{self._account().project_id} ({shown})")

    def rights(self) -> Result:
        """The listing may be read. No write is ever tried."""
        return Result(
            f"ListMigrationTask shows {len(self._listing().rows)} tasks; rights to write are not tried"
        )

    def instance(self) -> Result:
        """What runs on a target."""
        id_ = self._session.args.instance
        found = occupants(self._account(), self._listing().rows.values(), {"id": id_})
        facts = [_fact(row.id, row.status or "", row.name or "") for row in found]
        if not found:
            return Result(f"no task runs on {id_}")
        return Result(f"{len(found)} {'task runs' if len(found) == 1 else 'tasks run'} on {id_}", facts=facts)


def _reachable(look: Callable[[], Answer], remedy: str) -> Answer:
    """Return what a look finds; where nothing is reached, say why, and what to do unless that is said."""
    try:
        return look()
    except TransportError as error:
        said = "correct it in the environment of this shell"
        raise Failed(error.reason, said if error.local else remedy) from None


def _fact(name: str, value: str, source: str) -> dict[str, str | None]:
    return {"name": name, "value": value, "source": source}


def _host(url: str) -> str:
    return url.partition("://")[2]
