"""The accounts that a process talks to, by region and project, with one set of credentials for all of them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dcs_migration.clock import Clock
from dcs_migration.dcs.breaker import CredentialBreaker
from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.config import NO_REGION, Settings
from dcs_migration.life_cycles.secrets import scrub
from dcs_migration.life_cycles.settings_check import require_honoured
from dcs_migration.names import THREADS

if TYPE_CHECKING:
    from requests.auth import AuthBase

    from dcs_migration.credentials.access import Access
    from dcs_migration.dcs.transport import Transport

TIMEOUTS = (10.0, 30.0)  # for connecting and reading, in seconds


class Accounts:
    """The accounts that this process talks to; each one connects at its first use. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        timeouts: tuple[float, float] = TIMEOUTS,
        max_retries: int | None = None,
        threads: int | None = THREADS,
    ) -> None:
        """Build from settings.

        Args:
            settings: Location settings and credentials.
            clock: The process's clock.
            timeouts: For connecting and reading, in seconds.
            max_retries: How often a read of DCS is retried; default from the settings.
            threads: How many threads may call at the same time; None if unknown.
        """
        self.settings = settings
        self.clock = clock
        self._timeouts = timeouts
        self._max_retries = max_retries
        self._threads = threads
        self._lock = threading.Lock()  # never held during a call
        self._accounts: dict[tuple[str, str], Account] = {}
        self._projects: dict[str, _Project] = {}
        self._access_lock = threading.Lock()
        self._access: Access | None = None

    def close(self) -> None:
        """Close the pooled connections: those of all accounts, and those that their credentials use."""
        with self._lock:
            for account in self._accounts.values():
                account.client.transport.close()
        with self._access_lock:
            if self._access is not None:
                self._access.close()

    def at(self, region: str | None, project_id: str | None) -> Account:
        """Return the account of a region and project; both default to the settings.

        Raises:
            ConfigurationError: there is no region, there are no credentials, or there is no project.
            DcsMigrationError: IAM didn't return the project.
        """
        region = region or self.settings.region
        if region is None:
            raise ConfigurationError(NO_REGION)
        if project_id is None and region == self.settings.region:
            project_id = self.settings.project_id
        if project_id is None:
            project_id = self._look_up_project(region)
        with self._lock:
            account = self._accounts.get((region, project_id))
            if account is None:
                account = self._accounts[region, project_id] = self._connected(region, project_id)
            return account

    def _connected(self, region: str, project_id: str) -> Account:
        from dcs_migration.dcs.client import DcsClient

        url = self.settings.dcs_url(region)
        retries = self.settings.max_retries if self._max_retries is None else self._max_retries
        return Account(
            DcsClient(self._transport(url, region, project_id, retries), project_id),
            region=region,
            project_id=project_id,
            endpoint=urlsplit(url).netloc,
            clock=self.clock,
            threads=self._threads,
        )

    def _look_up_project(self, region: str) -> str:
        """Return the region's project; one thread looks it up, and only threads that need the same one wait."""
        with self._lock:
            project = self._projects.setdefault(region, _Project())
        with project.lock:
            if project.id is None:
                project.id = self._found_project(region)
            return project.id

    def _found_project(self, region: str) -> str:
        from dcs_migration.dcs.client import find_project_id

        # A configured project belongs to the configured region. A region's default project has the region's name.
        configured = self.settings.project_name if region == self.settings.region else None
        iam = self._transport(self.settings.iam_url(region), region, None, self.settings.max_retries)
        try:
            return find_project_id(iam, configured or region)
        finally:
            iam.close()

    def _transport(self, url: str, region: str, project_id: str | None, max_retries: int) -> Transport:
        access = self.access(self.settings.region or region)
        return self._connect(url, access.auth(project_id), access.breaker, max_retries)

    def access(self, region: str) -> Access:
        """Return the credentials for all regions; temporary keys come from the services of one region."""
        with self._access_lock:
            if self._access is None:
                from dcs_migration.credentials.access import Access
                from dcs_migration.credentials.exchange import IdentityEndpoints

                require_honoured(self.settings)
                self._access = Access(
                    self.settings.credentials(),
                    read=self.settings.of_identity,
                    endpoints=IdentityEndpoints(
                        self.settings.iam_url(region),
                        self.settings.sts_url(region),
                        verify=not self.settings.insecure,
                    ),
                    connect=self._connect,
                    now=self.clock.now,
                    hide=scrub.add,
                )
            return self._access

    def _connect(
        self,
        url: str,
        auth: AuthBase,
        breaker: CredentialBreaker,
        max_retries: int = 0,
        *,
        timeouts: tuple[float, float] | None = None,
        direct: bool = False,
    ) -> Transport:
        from dcs_migration.dcs.transport import Transport

        return Transport(
            url,
            auth,
            breaker=breaker,
            verify=not self.settings.insecure,
            timeouts=timeouts or self._timeouts,
            max_retries=max_retries,
            clock=self.clock,
            scrub=scrub,
            direct=direct,
        )


class _Project:
    """The project of a region, if its id isn't set; known after the first look-up."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.id: str | None = None
