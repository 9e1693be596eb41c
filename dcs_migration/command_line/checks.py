"""The checks of `doctor`. Nothing is written, and credentials aren't tried if the clock is wrong."""

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
from dcs_migration.life_cycles.config import LOCATION_SETTINGS, NO_REGION
from dcs_migration.life_cycles.secrets import scrub
from dcs_migration.life_cycles.settings_check import problems, without_effect
from dcs_migration.life_cycles.tasks.look_up import occupants
from dcs_migration.names import NAMESPACE

# Seconds of the clock's skew: a signature is valid for 15 minutes.
SKEW_SHOWN, SKEW_WARNS, SKEW_FAILS = 3.0, 300.0, 900.0
LISTING_AGE = 30.0  # seconds
DEFAULT = "default"
"""The source of a setting that isn't set."""

Answer = TypeVar("Answer")


class Verdict(Enum):
    """The result of a check."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass
class Result:
    """One line. facts: additional results, as name, value and source."""

    text: str
    verdict: Verdict = Verdict.OK
    remedy: str | None = None
    facts: list[dict[str, str | None]] = field(default_factory=list)


class Failed(Exception):
    """A check failed, with its own remedy."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.result = Result(text, Verdict.FAILED, remedy)


class Once(Generic[Answer]):
    """A look that is made only once; every caller gets the same result or error."""

    def __init__(self, look: Callable[[], Answer]) -> None:
        self._look = look
        self._error: DcsMigrationError | None = None
        self._answer: list[Answer] = []

    def __call__(self) -> Answer:
        """Return the result, or raise the error."""
        if self._error is None and not self._answer:
            try:
                self._answer.append(self._look())
            except DcsMigrationError as error:
                self._error = error
        if self._error is not None:
            raise self._error
        return self._answer[0]


class Checks:
    """The checks, in order. Later checks use the results of earlier ones."""

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
        """Settings, with values and sources."""
        found = problems(self._settings)
        if len(found) > 1:
            raise Failed("; ".join(found), "fix these settings in this shell's environment")
        if found:
            raise ConfigurationError(found[0])
        if self._settings.region is None:
            raise ConfigurationError(NO_REGION)
        facts = [self._fact(key) for key in LOCATION_SETTINGS]
        facts.append(_fact("endpoint", self._url, self._settings.dcs_endpoint_source() or "from the region"))
        notes = without_effect(self._settings)
        if self._settings.insecure:
            notes.append("certificates aren't verified, so others can read and change the traffic")
        shown = [fact for fact in facts if fact["value"]]
        verdict = Verdict.WARNING if notes else Verdict.OK
        return Result("; ".join(notes) or "no problems found", verdict, None, shown)

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
            return Result(f"resolved by the proxy in {proxy}")
        found = _reachable(
            lambda: resolve(self._url, scrub), "check the region, HW_CLOUD and HW_DCS_ENDPOINT"
        )
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        return Result(f"{_host(self._url)} resolves to {found[0]}{more}")

    def connection(self) -> Result:
        """A server answers there, over TLS with a trusted certificate."""
        secured = "https" if self._url.startswith("https:") else "http without TLS"
        proxy = via_proxy(self._url)
        through = f" through the proxy in {proxy}" if proxy else ""
        reached = _reachable(self._reached, "check HW_DCS_ENDPOINT and any firewalls and proxies in between")
        return Result(f"{secured} responds in {reached.seconds * 1000:.0f} ms{through}")

    def clock(self) -> Result:
        """The local clock is close to the service's clock, which signatures depend on."""
        skew = self._reached().skew
        if skew is None:
            return Result("unknown: the service doesn't send a date", Verdict.WARNING)
        if abs(skew) < SKEW_SHOWN:
            return Result("in sync with the service")
        away = f"{elapsed(abs(skew))} {'ahead of' if skew > 0 else 'behind'} the service"
        if abs(skew) <= SKEW_WARNS:
            return Result(away)
        verdict = Verdict.FAILED if abs(skew) > SKEW_FAILS else Verdict.WARNING
        remedy = (
            "set this machine's clock (`timedatectl set-ntp true`); signatures are refused beyond 15 minutes"
        )
        return Result(away, verdict, remedy)

    def credentials(self) -> Result:
        """There are credentials, temporary keys are available, and the service accepts them."""
        access = self._session.accounts.access(self._settings.region or "")
        keys = access.temporary_keys()
        try:
            self._account()
            self._listing()
        except CredentialsRefused:
            raise
        except DcsMigrationError:
            pass  # another check reports it
        source = ", then ".join([access.credentials.source, *map(str, access.credentials.agencies)])
        if keys is None or keys.expires_at is None:  # keys in a file may not expire
            return Result(source)
        return Result(f"{source}: temporary keys, valid until {keys.expires_at:%Y-%m-%dT%H:%M:%SZ}")

    def project(self) -> Result:
        """It is configured, or IAM returns it."""
        how = self._settings.origin("projectId") or "looked up"
        shown = how if how != f"{NAMESPACE}:projectId" else FLAGS["projectId"]
        return Result(f"{self._account().project_id} ({shown})")

    def rights(self) -> Result:
        """The listing is permitted. No write is tried."""
        return Result(
            f"ListMigrationTask returned {len(self._listing().rows)} tasks; write permissions aren't tested"
        )

    def instance(self) -> Result:
        """The tasks on a target."""
        id_ = self._session.args.instance
        found = occupants(self._account(), self._listing().rows.values(), {"id": id_})
        facts = [_fact(row.id, row.status or "", row.name or "") for row in found]
        if not found:
            return Result(f"no task is running on {id_}")
        return Result(
            f"{len(found)} {'task is' if len(found) == 1 else 'tasks are'} running on {id_}", facts=facts
        )


def _reachable(look: Callable[[], Answer], remedy: str) -> Answer:
    """Return the result of a look; if nothing was reached, return the reason, and what to do if the error doesn't
    say it."""
    try:
        return look()
    except TransportError as error:
        said = "fix it in this shell's environment"
        raise Failed(error.reason, said if error.local else remedy) from None


def _fact(name: str, value: str, source: str) -> dict[str, str | None]:
    return {"name": name, "value": value, "source": source}


def _host(url: str) -> str:
    return url.partition("://")[2]
