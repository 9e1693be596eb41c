"""The lifecycle of an online migration: made, started, changed in place, stopped, switched, deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dcs_migration.dcs.client import DcsClient
from dcs_migration.dcs.models import Stats
from tests.unit.life_cycle_world import CheckFailed, Resource, World, failing, into
from tests.unit.online_world import (
    CREATE,
    DELETE,
    EXCHANGE,
    FULL,
    INSTANCE,
    MIGRATION,
    RESTART,
    ROLLBACK,
    SET,
    STOP,
    Migration,
)

ROTATED = {"id": "shop", "password": "r0tated/secret"}


@pytest.fixture
def migration(world: World) -> Migration:
    """One that is not there yet."""
    return Migration(world)


@pytest.fixture
def following(migration: Migration) -> Migration:
    """One that follows its source, started in an earlier run; its target has caught up."""
    migration.up()
    migration.world.cloud.set_status(migration.id, "INCRMIGEATING", offset=0)
    return migration.in_a_later_run()


class TestBegin:
    """From nothing to a running migration."""

    def test_instance_and_migration(self, world: World, migration: Migration) -> None:
        """One instance, which is waited for, and one configuration."""
        outputs = migration.up().outputs
        assert world.writes() == [CREATE, SET]
        assert "waiting for the migration instance (its job is RUNNING)" in world.engine.progress
        assert outputs["status"] == "FULLMIGRATING"
        assert (migration.task["status"], migration.task["runs"]) == ("FULLMIGRATING", 1)
        assert migration.preview() == "same"

    def test_the_instance_returns_at_once(self, world: World, migration: Migration) -> None:
        """Its id is in state before it is made."""
        state = migration.instance.up(INSTANCE)
        assert world.clock.sleeps == []
        assert state.outputs["job_id"]
        assert state.outputs["status"] == "CREATING"

    def test_without_a_job_id_the_status_tells(self, world: World, migration: Migration) -> None:
        """The answer's job is in no document."""
        world.cloud.set_quirks(["no-job-id"])
        migration.up()
        assert world.count("ShowJobInfo") == 0
        assert migration.task["runs"] == 1

    def test_an_instance_that_cannot_be_made(self, world: World, migration: Migration) -> None:
        """Is an error that says what to do; nothing was configured."""
        world.cloud.set_quirks(["job-fails"])
        message = failing(migration.up)
        assert "couldn't be created" in message
        assert world.count(SET) == 0

    def test_a_job_that_is_forgotten(self, world: World, migration: Migration) -> None:
        """The instance is there, with or without the record of its job."""
        migration.instance.up(INSTANCE)
        migration.in_a_later_run()
        world.cloud.fault("ShowJobInfo", "error", status=400, error_code="DCS.4133")
        migration.up()
        assert migration.task["runs"] == 1

    def test_an_instance_that_is_gone_with_its_job(self, world: World, migration: Migration) -> None:
        """The error names the command that makes another one."""
        migration.instance.up(INSTANCE)
        world.cloud.remove(migration.id)
        migration.in_a_later_run()
        world.clock.advance(3600)
        assert "pulumi up --replace" in failing(migration.up)

    def test_a_run_that_was_killed_after_it_had_started(self, world: World, migration: Migration) -> None:
        """The next one looks, finds it running as asked, and starts nothing."""
        migration.up()
        migration.online.state = None
        migration.in_a_later_run().up()
        assert world.writes() == []
        assert migration.task["runs"] == 1

    def test_a_killed_run_whose_migration_is_done(self, world: World, migration: Migration) -> None:
        """It is not run again."""
        migration.up(**FULL)
        world.cloud.set_status(migration.id, "SUCCESS")
        migration.online.state = None
        assert migration.in_a_later_run().up(**FULL).outputs["status"] == "SUCCESS"
        assert world.writes() == []

    def test_an_instance_is_found_by_its_mark(self, world: World, migration: Migration) -> None:
        """A run that was killed before it had its answer makes no second one."""
        first = migration.instance.up(INSTANCE).id
        migration.instance.state = None
        migration.in_a_later_run()
        assert migration.instance.up(INSTANCE).id == first
        assert world.writes() == []

    def test_two_stacks_share_no_instance(self, world: World) -> None:
        """The owner mark holds the URN."""
        one = world.resource(kind="MigrationInstance").up(INSTANCE)
        other = world.resource(stack="prod", kind="MigrationInstance").up(INSTANCE)
        assert one.id != other.id

    def test_begun_as_stopped(self, world: World, migration: Migration) -> None:
        """Nothing is started."""
        migration.up(state="stopped")
        assert world.writes() == [CREATE]


class TestFaultsAtTheStart:
    """The answer of the call that starts is lost or refused."""

    @pytest.mark.parametrize("fault", ["drop_before", "drop_after", "garbage"])
    def test_a_lost_answer(self, world: World, migration: Migration, fault: str) -> None:
        """It is looked for before anything is sent again: one run, in this `up` or the next."""
        migration.instance.up(INSTANCE)
        world.cloud.fault(SET, fault)
        try:
            migration.up()
        except Exception:
            migration.in_a_later_run().up()
        assert migration.task["runs"] == 1

    def test_a_refusal(self, world: World, migration: Migration) -> None:
        """Is one line with what the service said."""
        migration.instance.up(INSTANCE)
        world.cloud.fault(SET, "error", status=400, error_code="DCS.4080")
        message = failing(migration.up)
        assert "SetOnlineMigrationTask failed: HTTP 400 DCS.4080" in message

    @pytest.mark.parametrize(
        ("fault", "seconds"),
        [({"fault": "throttle"}, 15), ({"fault": "error", "status": 400, "error_code": "DCS.4026"}, 10)],
        ids=["throttled", "busy"],
    )
    def test_a_refusal_for_now_is_waited_out(
        self, world: World, migration: Migration, fault: dict[str, Any], seconds: float
    ) -> None:
        """The service certainly did nothing: the same call is sent again."""
        migration.instance.up(INSTANCE)
        migration.in_a_later_run()
        world.cloud.fault(SET, **fault)
        migration.up()
        assert world.writes() == [SET, SET]
        assert migration.task["runs"] == 1
        assert world.clock.sleeps == [seconds]

    def test_a_migration_that_fails_at_once(self, world: World, migration: Migration) -> None:
        """The call was accepted, but nothing runs: the reason is from the log."""
        migration.instance.up(INSTANCE)
        client = world.plugin.provider._loaded._accounts.at(None, None).client
        send = client.set_online_migration_task

        def fail(id_: str, body: dict[str, Any]) -> str | None:
            answer: str | None = send(id_, body)
            world.cloud.set_status(id_, "FAILED", "the source refused the password")
            return answer

        client.set_online_migration_task = fail
        message = failing(migration.up)
        assert (
            f"the migration on {migration.id} failed immediately: the source refused the password" in message
        )
        assert world.count(SET) == 1

    def test_without_the_permission_to_list_nothing_starts(self, world: World, migration: Migration) -> None:
        """No one knows whether the target is free."""
        migration.instance.up(INSTANCE)
        migration.in_a_later_run()
        world.cloud.fault("ListMigrationTask", "error", status=403, error_code="DCS.2003", times=9)
        message = failing(migration.up)
        assert message.startswith(
            f"nothing was started on {migration.id}: can't check whether its target is free"
        )
        assert "grant dcs:migrationTask:list" in message
        assert world.writes() == []

    def test_an_engine_that_is_gone(self, world: World, migration: Migration) -> None:
        """Nothing is written any more."""
        migration.instance.up(INSTANCE)
        world.engine.alive = False
        assert "no longer responds" in failing(migration.up)
        assert world.count(SET) == 0


class TestInPlace:
    """Changes of what runs."""

    def test_bandwidth(self, world: World, following: Migration) -> None:
        """One call, and the sync continues."""
        following.up(bandwidth_limit_mb=7)
        assert world.writes() == [SET]
        assert (following.task["status"], following.task["runs"]) == ("INCRMIGEATING", 1)
        assert following.task["bandwidth_limit_mb"] == "7"
        assert following.preview(bandwidth_limit_mb=7) == "same"

    def test_a_change_that_is_lost_is_not_called_done(self, world: World, following: Migration) -> None:
        """A migration that runs as before doesn't show it; the next `up` sends it."""
        world.cloud.fault(SET, "drop_before")
        message = failing(lambda: following.up(bandwidth_limit_mb=7))
        assert "the service doesn't show within 60 s that SetOnlineMigrationTask took effect" in message
        assert world.count(SET) == 1
        following.in_a_later_run().up(bandwidth_limit_mb=7)
        assert following.task["bandwidth_limit_mb"] == "7"

    def test_a_change_that_is_not_shown_is_waited_for(self, world: World, following: Migration) -> None:
        """The service accepted it: it may show the state before it for some seconds, and is believed after that."""
        client = world.plugin.provider._loaded._accounts.at(None, None).client
        client.set_online_migration_task = lambda _id, _body: None
        following.up(bandwidth_limit_mb=7)
        assert sum(world.clock.sleeps) == 15

    def test_triggers_that_are_lost_are_not_called_done(self, world: World, following: Migration) -> None:
        """A migration with the same settings runs before and after: it does not show whether it was started again."""
        world.cloud.fault(SET, "drop_before")
        message = failing(lambda: following.up(triggers=["again"]))
        assert "the service doesn't show within 60 s that SetOnlineMigrationTask took effect" in message
        assert world.count(SET) == 1

    def test_a_rotated_password(self, world: World, following: Migration) -> None:
        """Is written into state, without a call."""
        assert following.preview(source_instance={"id": "shop", "password": "rotated"}) == "update"
        following.up(source_instance={"id": "shop", "password": "rotated"})
        assert world.requests() == []

    def test_a_source_that_was_given_by_its_addresses(self, world: World, migration: Migration) -> None:
        """Is another one than one that is given by its id, also when it changed while the migration was stopped."""
        world.cloud.set_quirks(["set-while-running-restarts"])
        by_addresses, by_id = {"addrs": "10.0.0.1:6379"}, {"id": "shop"}
        migration.up(source_instance=by_addresses)
        for source in (by_id, by_addresses):
            migration.in_a_later_run().up(source_instance=source)
            assert world.writes() == [SET]
            assert migration.preview(source_instance=source) == "same"
        migration.up(source_instance=by_addresses, state="stopped")
        migration.up(source_instance=by_id, state="stopped")
        migration.in_a_later_run().up(source_instance=by_id)
        assert world.writes() == [SET]

    def test_triggers_of_one_that_is_done(self, world: World, migration: Migration) -> None:
        """Run it again; without them it is left alone."""
        migration.up(**FULL)
        world.cloud.set_status(migration.id, "SUCCESS")
        migration.in_a_later_run().online.refresh()
        migration.up(**FULL, resume_mode="manual")
        assert (world.writes(), migration.task["runs"]) == ([], 1)
        migration.up(**FULL, resume_mode="manual", triggers=["again"])
        assert (world.writes(), migration.task["runs"]) == ([SET], 2)

    def test_after_a_failure(self, world: World, migration: Migration) -> None:
        """What fixes it starts it again."""
        migration.up()
        world.cloud.set_status(migration.id, "FAILED", error="wrong password")
        migration.in_a_later_run().up(triggers=["mended"])
        assert migration.task["runs"] == 2


class TestState:
    """One word in a pull request."""

    def test_stopped_and_running_again(self, world: World, following: Migration) -> None:
        """It stops, keeps what it has, and continues."""
        assert following.up(state="stopped").outputs["status"] == "TERMINATED"
        assert world.writes() == [STOP]
        assert following.preview(state="stopped") == "same"
        following.up(state="running")
        assert world.writes() == [STOP, RESTART]
        assert following.task["runs"] == 1

    def test_a_setting_that_changed_while_it_was_stopped(self, world: World, following: Migration) -> None:
        """Is sent when the migration runs again, also in a later run, and only then."""
        following.up(state="stopped", bandwidth_limit_mb=7)
        following.up(state="stopped", bandwidth_limit_mb=7, resume_mode="manual")
        following.in_a_later_run().online.refresh()
        following.up(state="stopped", bandwidth_limit_mb=7, resume_mode="manual", source_instance=ROTATED)
        settings: dict[str, Any] = {
            "bandwidth_limit_mb": 7,
            "resume_mode": "manual",
            "source_instance": ROTATED,
        }
        following.up(state="running", **settings)
        assert world.writes() == [RESTART, SET]
        task = following.task
        assert (task["bandwidth_limit_mb"], task["resume_mode"], task["runs"]) == ("7", "manual", 1)
        assert following.preview(state="running", **settings) == "same"
        following.up(state="stopped", **settings)
        following.in_a_later_run().up(state="running", **settings)
        assert world.writes() == [RESTART]

    def test_triggers_that_changed_while_it_was_stopped(self, world: World, following: Migration) -> None:
        """Run it from the beginning, and the preview says so before."""
        following.up(state="stopped")
        following.up(state="stopped", triggers=["again"])
        following.in_a_later_run().preview(triggers=["again"])
        assert any("triggers changed: RUNS THE MIGRATION AGAIN" in line for line in world.engine.warnings)
        following.up(triggers=["again"])
        assert (world.writes(), following.task["runs"]) == ([SET], 2)

    def test_a_change_that_a_running_migration_refuses(self, world: World, following: Migration) -> None:
        """Is an error that says what to do first, and that works."""
        world.cloud.set_quirks(["set-while-running-refused"])
        first = '; to change a running migration, first run `pulumi up` with state="stopped"'
        another = {"source_instance": {"id": "another"}}
        assert failing(lambda: following.up(**another)).endswith(first)
        following.up(**another, state="stopped")
        following.up(**another)
        assert following.task["runs"] == 2

        changed = {**another, "bandwidth_limit_mb": 7}
        message = failing(lambda: following.up(**changed))
        assert message.endswith(f"{first} and other triggers, which runs it from the beginning")
        following.up(**changed, state="stopped", triggers=["slower"])
        following.up(**changed, triggers=["slower"])
        assert (following.task["runs"], following.task["bandwidth_limit_mb"]) == (3, "7")

    def test_switched_and_back(self, world: World, following: Migration) -> None:
        """The addresses are exchanged once the target has caught up, and back by asking for another state."""
        assert following.up(state="switched").outputs["task_status"] == "EXCHANGE_SUCCESS"
        assert world.writes() == [EXCHANGE]
        assert f"{EXCHANGE} ..." in world.engine.progress
        assert following.preview(state="switched") == "same"
        assert following.up(state="stopped").outputs["task_status"] == "ROLLBACK_SUCCESS"
        assert world.writes() == [EXCHANGE, ROLLBACK]
        following.up(state="running")
        assert world.writes() == [EXCHANGE, ROLLBACK, RESTART]

    def test_a_target_that_is_behind(self, world: World, following: Migration) -> None:
        """Is waited for, within the bound; nothing is switched before."""
        world.cloud.set_status(following.id, "INCRMIGEATING", offset=4096)
        following.online.update_timeout = "2m"
        message = failing(lambda: following.up(state="switched"))
        assert "behind by 4096 bytes" in message
        assert "run `pulumi up` again" in message
        assert world.writes() == []
        world.clock.at(30, lambda: world.cloud.set_status(following.id, "INCRMIGEATING", offset=0))
        following.up(state="switched")
        assert world.writes() == [EXCHANGE]

    def test_a_copy_that_is_not_whole_is_not_switched(
        self, world: World, migration: Migration, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As long as everything is copied, an offset of 0 doesn't say that the target has caught up."""
        migration.up()
        show = DcsClient.show_migration_task_stats

        def half(self: DcsClient, id_: str) -> Stats:
            return replace(show(self, id_), full_progress=50.0, offset=0.0)

        monkeypatch.setattr(DcsClient, "show_migration_task_stats", half)
        migration.in_a_later_run().online.update_timeout = "1m"
        assert "waiting for the target to catch up" in failing(lambda: migration.up(state="switched"))
        assert world.writes() == []
        world.clock.at(20, lambda: world.cloud.set_status(migration.id, "INCRMIGEATING"))
        migration.up(state="switched")
        assert world.writes() == [EXCHANGE]

    def test_one_that_stops_while_its_target_catches_up_is_not_switched(
        self, world: World, following: Migration
    ) -> None:
        """What was written to the source since then isn't in the target."""
        world.cloud.set_status(following.id, "INCRMIGEATING", offset=4096)
        world.clock.at(20, lambda: world.cloud.set_status(following.id, "TERMINATED", offset=0))
        message = failing(lambda: following.up(state="switched"))
        assert "(TERMINATED) before its target had caught up: nothing was switched" in message
        assert world.writes() == []

    @pytest.mark.parametrize("status", ["SUCCESS", "FAILED"])
    def test_one_that_does_not_run_is_not_switched(
        self, world: World, following: Migration, status: str
    ) -> None:
        """How far behind the target is can't be seen; the error says what to write first."""
        world.cloud.set_status(following.id, status)
        message = failing(lambda: following.up(state="switched"))
        assert f"({status}), so its addresses can't be switched; use state=" in message
        assert world.writes() == []

    def test_a_switch_that_was_killed(self, world: World, following: Migration) -> None:
        """The next run finds it switched, and does not switch it again."""
        state = following.online.state
        following.up(state="switched")
        following.online.state = state
        following.in_a_later_run().up(state="switched")
        assert world.writes() == []

    @pytest.mark.parametrize("fault", ["drop_after", "garbage"])
    def test_a_switch_whose_answer_is_lost(self, world: World, following: Migration, fault: str) -> None:
        """Is looked for; addresses are never exchanged twice."""
        world.cloud.fault(EXCHANGE, fault)
        following.up(state="switched")
        assert following.task["task_status"] == "EXCHANGE_SUCCESS"

    def test_a_switch_that_fails(self, world: World, following: Migration) -> None:
        """Is one line; the addresses are as they were."""
        world.cloud.set_quirks(["exchange-fails"])
        message = failing(lambda: following.up(state="switched"))
        assert "the addresses are unchanged" in message


class TestDrift:
    """What others did to it."""

    def test_stopped_in_the_console(self, world: World, following: Migration) -> None:
        """A refresh shows it, and the next `up` starts it again."""
        world.cloud.set_status(following.id, "TERMINATED")
        following.online.refresh()
        assert following.online.outputs["state"] == "stopped"
        assert following.preview() == "update"
        following.up()
        assert world.writes() == [RESTART]

    def test_switched_back_in_the_console(self, world: World, following: Migration) -> None:
        """A refresh shows it (found by online kill 28); what the service doesn't allow is the program's next wish."""
        following.up(state="switched")
        world.cloud.set_status(following.id, "TERMINATED", task_status="ROLLBACK_SUCCESS")
        following.online.refresh()
        assert following.online.outputs["state"] == "stopped"
        with pytest.raises(CheckFailed, match="a stopped migration can't be switched"):
            following.preview(state="switched")
        assert following.preview(state="stopped") == "same"

    def test_a_task_without_a_record_remains_in_state(self, world: World, following: Migration) -> None:
        """Nothing is copied again by itself."""
        world.cloud.remove(following.id)
        world.clock.advance(3600)
        following.online.refresh()
        following.instance.refresh()
        assert following.online.outputs["status"] == "GONE"
        assert following.instance.outputs["status"] == "GONE"
        assert following.preview() == "same"
        following.up()
        assert world.writes() == []


class TestEnd:
    """Destroy."""

    def test_stopped_before_its_instance_goes(self, world: World, following: Migration) -> None:
        """Stop, wait, delete."""
        following.online.destroy()
        assert following.task["status"] == "TERMINATED"
        assert "stopping the migration" in world.engine.progress
        assert world.engine.progress[-1] == "the migration isn't running; copied data remains"
        following.instance.destroy()
        assert world.writes() == [STOP, DELETE]
        assert world.ids() == []

    def test_stopped_also_if_it_was_changed_before(self, world: World, following: Migration) -> None:
        """A change in place does not turn it into one that was taken over."""
        following.up(bandwidth_limit_mb=7)
        following.online.destroy()
        assert world.writes() == [SET, STOP]

    def test_not_stopped_once_it_is_taken_over(self, world: World, following: Migration) -> None:
        """The program may say so later: destroy then leaves it alone."""
        following.up(existing_task_id=following.id)
        following.online.destroy()
        assert world.writes() == []

    def test_switched_addresses_stay(self, world: World, following: Migration) -> None:
        """Applications write to the target now."""
        following.up(state="switched")
        following.online.destroy()
        following.instance.destroy()
        assert world.writes() == [EXCHANGE, DELETE]

    def test_an_instance_that_was_never_configured(self, world: World, migration: Migration) -> None:
        """There is nothing to stop."""
        migration.instance.up(INSTANCE)
        migration.in_a_later_run().instance.destroy()
        assert world.ids() == []

    def test_another_name_is_another_instance(self, world: World, migration: Migration) -> None:
        """No call changes one."""
        first: Resource = migration.instance
        first.up(INSTANCE)
        plan: Any = first.preview({**INSTANCE, "name": "another-name"})
        assert (plan.step, plan.replaces) == ("replace", ["name"])
        assert MIGRATION


class TestOneTarget:
    """One target takes one running migration, also where the service would take two."""

    def _two(self, world: World, **changes: Any) -> tuple[Migration, Migration]:
        first, second = Migration(world), Migration(world, "users")
        second.instance.up(INSTANCE)
        first.up(**changes)
        world.cloud.clear_requests()
        return first, second

    @pytest.mark.parametrize("side", [{"id": "orders"}, {"addrs": "10.0.0.9:6379"}], ids=["id", "addrs"])
    def test_a_listing_that_lags_lets_no_second_one_start(self, world: World, side: dict[str, str]) -> None:
        """What this process has started is known without the listing, which still shows an instance without a
        target."""
        world.cloud.set_quirks(["listing-lags=30"])
        _, second = self._two(world, target_instance=side)
        message = failing(lambda: second.up(target_instance=side))
        assert "the target is still occupied by" in message
        assert any(
            "the target is occupied by" in line and "again in 10 s" in line for line in world.engine.progress
        )
        assert world.writes() == []

    def test_nor_an_import(self, world: World) -> None:
        """Everything that runs there counts, for every kind of task."""
        world.cloud.set_quirks(["listing-lags=30"])
        first, _ = self._two(world)
        message = failing(lambda: world.resource("import").up(into("orders")))
        assert first.id in message
        assert world.writes() == []

    def test_one_that_was_stopped_makes_room(self, world: World) -> None:
        """It is not waited for."""
        first, second = self._two(world)
        first.online.destroy()
        second.up()
        assert world.writes() == [STOP, SET]

    def test_a_running_one_does_not_move_to_a_target_that_is_busy(self, world: World) -> None:
        """A service that lets a running migration be configured would copy over what runs there."""
        world.cloud.set_quirks(["set-while-running-restarts"])
        first, second = self._two(world)
        second.up(target_instance={"id": "users"})
        first.in_a_later_run()
        second.online.plugin = first.online.plugin
        message = failing(lambda: second.up(target_instance={"id": "orders"}))
        assert first.id in message
        assert world.writes() == []


class TestTheStateHoldsItTwice:
    """A rename that is taken back, and one without an alias that takes over: Pulumi deletes the other name last."""

    def test_a_rename_that_is_taken_back_stops_nothing(self, world: World, following: Migration) -> None:
        """The state keeps the outputs of before the rename, and so the old URN among them."""
        back = Migration(world)
        back.up()
        assert back.id == following.id
        following.online.destroy()
        following.instance.destroy()
        assert world.writes() == []
        back.in_a_later_run().online.destroy()
        back.instance.destroy()
        assert world.writes() == [STOP, DELETE]

    def test_nor_in_the_next_run(self, world: World, following: Migration) -> None:
        """An error elsewhere in the run: Pulumi deletes nothing then."""
        back = Migration(world)
        back.up()
        back.in_a_later_run().up()
        back.instance.up(INSTANCE)
        following.in_a_later_run()
        back.instance.plugin = back.online.plugin = following.online.plugin
        back.instance.up(INSTANCE)
        back.up()
        following.online.destroy()
        following.instance.destroy()
        assert world.writes() == []

    def test_one_that_takes_over_keeps_it(self, world: World, following: Migration) -> None:
        """It is never stopped or deleted."""
        taking = Migration(world, "orders-new")
        taking.instance.up({**INSTANCE, "existing_task_id": following.id})
        taking.up(existing_task_id=following.id)
        following.online.destroy()
        following.instance.destroy()
        assert world.writes() == []
        assert world.ids() == [taking.id]
