"""The provider class of ``MigrationTask``. Its import path is in users' states: never move or rename it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi.dynamic.config import Config

from dcs_migration.providers.base import DynamicProvider

if TYPE_CHECKING:
    from dcs_migration.life_cycles.process import LifeCycle


class MigrationTaskProvider(DynamicProvider):
    """Lifecycle of a DCS migration task; see :mod:`dcs_migration.life_cycles.migration_task.life_cycle`."""

    def load(self, config: Config) -> LifeCycle:
        """Import the plugin side, which the program never does."""
        from dcs_migration.dynamic_host import process_of
        from dcs_migration.life_cycles.migration_task.life_cycle import MigrationTaskLifeCycle

        return MigrationTaskLifeCycle(process_of(config))
