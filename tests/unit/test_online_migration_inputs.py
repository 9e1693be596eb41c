"""What a user may write for a migration instance and an online migration: checked offline."""

from __future__ import annotations

from typing import Any

import pytest

from dcs_migration.life_cycles.inputs import UNKNOWN
from tests.unit.life_cycle_world import PASSWORD, CheckFailed, World
from tests.unit.online_world import FULL, INSTANCE, MIGRATION

ON_INSTANCE = {"task_id": "4b9a6c1d"}
URL = f"redis://:{PASSWORD}@host"


def problems(world: World, kind: str, inputs: dict[str, Any]) -> list[str]:
    """Return the lines of a failed check, without any call."""
    with pytest.raises(CheckFailed) as caught:
        world.resource(kind=kind).preview(inputs)
    assert world.requests() == []
    return caught.value.lines


class TestInstance:
    """The machine."""

    def test_the_least_that_is_needed(self, world: World) -> None:
        """Network, subnet and security group are enough; a preview makes no call."""
        assert world.resource(kind="MigrationInstance").preview(INSTANCE).step == "create"
        assert world.requests() == []

    @pytest.mark.parametrize("key", INSTANCE)
    def test_each_required_input_is_named(self, world: World, key: str) -> None:
        """The path, and an example of what to write."""
        (line,) = problems(world, "MigrationInstance", {k: v for k, v in INSTANCE.items() if k != key})
        assert line.startswith(f'{key}: is required; use a value such as "')

    def test_a_misspelled_key(self, world: World) -> None:
        """The nearest known one is named."""
        assert "vpcid: unknown key; did you mean vpc_id?" in problems(
            world, "MigrationInstance", {**INSTANCE, "vpcid": "x"}
        )


class TestMigration:
    """What runs on it."""

    @pytest.mark.parametrize(
        ("changes", "line"),
        [
            ({"bandwidth_limit_mb": 0}, "bandwidth_limit_mb: is out of range; use 1 to 10240"),
            ({"bandwidth_limit_mb": 10241}, "bandwidth_limit_mb: is out of range; use 1 to 10240"),
            (
                {"bandwidth_limit_mb": 5, "migration_method": "full_amount_migration"},
                "bandwidth_limit_mb: is only used for incremental_migration; leave it out",
            ),
            (
                {"source_instance": {"id": "a", "addrs": "h:1"}},
                "source_instance: has both id and addrs; use only one of them",
            ),
            (
                {"target_instance": {"password": PASSWORD}},
                'target_instance: has neither id nor addrs; use {"id": ...} for a DCS instance or {"addrs": '
                '"host:port"} for another Redis',
            ),
            (
                {"state": "switched"},
                'state: a new migration can\'t start as switched; use "running" first, and "switched" when '
                "the target has caught up",
            ),
            (
                {"state": "runing"},  # codespell:ignore runing
                'state: "runing" isn\'t one of the allowed values; use "running", "stopped" or "switched" '  # codespell:ignore runing
                '(did you mean "running"?)',
            ),
        ],
    )
    def test_each_mistake_is_one_line(self, world: World, changes: dict[str, Any], line: str) -> None:
        """With the path and what to write."""
        assert problems(world, "OnlineMigration", {**ON_INSTANCE, **MIGRATION, **changes}) == [line]

    def test_all_mistakes_at_once(self, world: World) -> None:
        """No one fixes one only to meet the next; no value is shown."""
        lines = problems(
            world,
            "OnlineMigration",
            {"source_instance": {"addrs": URL}, "state": "switched", "resume_mode": "x"},
        )
        assert {line.split(":")[0] for line in lines} == {
            "task_id",
            "migration_method",
            "target_instance",
            "source_instance.addrs",
            "source_instance.id",
            "resume_mode",
            "state",
        }
        assert PASSWORD not in "".join(lines)

    @pytest.mark.parametrize(
        "inputs",
        [
            {**ON_INSTANCE, **FULL, "state": "stopped"},
            {
                **ON_INSTANCE,
                **MIGRATION,
                "source_instance": {"addrs": "10.0.0.1:6379"},
                "bandwidth_limit_mb": 100.0,
            },
            {**MIGRATION, "task_id": UNKNOWN, "source_instance": UNKNOWN, "bandwidth_limit_mb": UNKNOWN},
            {**ON_INSTANCE, **MIGRATION, "target_instance": {"id": UNKNOWN, "addrs": UNKNOWN}},
        ],
        ids=["full", "self-built", "unknown", "unknown within"],
    )
    def test_what_is_right_passes(self, world: World, inputs: dict[str, Any]) -> None:
        """Also what is not known before the update."""
        assert world.resource(kind="OnlineMigration").preview(inputs).step == "create"

    def test_switching_needs_two_dcs_instances(self, world: World) -> None:
        """A Redis that isn't a DCS instance has no address that the service could exchange."""
        lines = problems(
            world,
            "OnlineMigration",
            {**ON_INSTANCE, **MIGRATION, "source_instance": {"addrs": "h:1"}, "state": "switched"},
        )
        assert any(line.startswith("source_instance.id: is required to switch addresses") for line in lines)
