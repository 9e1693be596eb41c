"""The provider class of ``OnlineMigration``. Its import path is in users' states: never move or rename it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi.dynamic.config import Config

from dcs_migration.providers.base import DynamicProvider

if TYPE_CHECKING:
    from dcs_migration.life_cycles.process import LifeCycle


class OnlineMigrationProvider(DynamicProvider):
    """Lifecycle of an online migration; see :mod:`dcs_migration.life_cycles.online_migration.life_cycle`."""

    def load(self, config: Config) -> LifeCycle:
        """Import the plugin side, which the program never does."""
        from dcs_migration.dynamic_host import process_of
        from dcs_migration.life_cycles.online_migration.life_cycle import OnlineMigrationLifeCycle

        return OnlineMigrationLifeCycle(process_of(config))
