"""What every provider class shares: a thin wrapper around a lifecycle in the plugin process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import (
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.dynamic.config import Config

if TYPE_CHECKING:
    from dcs_migration.life_cycles.process import LifeCycle

Props = dict[str, Any]


_LOADING = threading.Lock()


class DynamicProvider(ResourceProvider):
    """Passes every call to the lifecycle, through the guard that formats errors.

    Instances have no attributes in the program's process, so they are pickled by reference.
    """

    serialize_as_secret_always = False  # a pickle by reference has no secrets, and the state stays readable

    _config: Config
    _loaded: LifeCycle

    def load(self, config: Config) -> LifeCycle:
        """Import and build the lifecycle; called once, in the plugin process."""
        raise NotImplementedError

    def configure(self, req: ConfigureRequest) -> None:
        """Keep the configuration; it isn't read before the first call."""
        self._config = req.config

    def check(self, olds: Props, news: Props) -> CheckResult:
        """See :class:`~dcs_migration.life_cycles.process.LifeCycle`."""
        result: CheckResult = self._call("check", olds, news)
        return result

    def diff(self, id_: str, olds: Props, news: Props) -> DiffResult:
        """See :class:`~dcs_migration.life_cycles.process.LifeCycle`."""
        result: DiffResult = self._call("diff", id_, olds, news)
        return result

    def create(self, props: Props) -> CreateResult:
        """See :class:`~dcs_migration.life_cycles.process.LifeCycle`."""
        result: CreateResult = self._call("create", props)
        return result

    def read(self, id_: str, props: Props) -> ReadResult:
        """See :class:`~dcs_migration.life_cycles.process.LifeCycle`."""
        result: ReadResult = self._call("read", id_, props)
        return result

    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        """See :class:`~dcs_migration.life_cycles.process.LifeCycle`."""
        result: UpdateResult = self._call("update", id_, olds, news)
        return result

    def delete(self, id_: str, props: Props) -> None:
        """See :class:`~dcs_migration.life_cycles.process.LifeCycle`."""
        self._call("delete", id_, props)

    def life_cycle(self) -> LifeCycle:
        """Return the lifecycle, which the first call loads."""
        with _LOADING:
            if "_loaded" not in self.__dict__:
                self._loaded = self.load(self._config)
        return self._loaded

    def _call(self, operation: str, *args: Any) -> Any:
        from dcs_migration import dynamic_host

        return dynamic_host.call(self, operation, args)
