"""The provider class of ``MigrationInstance``. Its import path is in users' states: never move or rename it."""

from __future__ import annotations

from pulumi.dynamic.config import Config

from dcs_migration.providers.base import LifeCycle, Provider


class MigrationInstanceProvider(Provider):
    """Life cycle of a migration instance; see :mod:`dcs_migration.plugin.migration_instance.life_cycle`."""

    def load(self, config: Config) -> LifeCycle:
        """Import the plugin side, which the program never does."""
        from dcs_migration.plugin.migration_instance.life_cycle import MigrationInstanceLifeCycle

        return MigrationInstanceLifeCycle.from_config(config)
