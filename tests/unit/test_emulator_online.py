"""Online migrations on a migration instance: states, refusals, what is shown, quirks, and the state file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.unit.emulator_world import ABSENT, World, code, world

FULL, INCREMENTAL = "full_amount_migration", "incremental_migration"
STATE_CONFLICT = (400, "DCS.4957")
INSTANCE = {"name": "orders", "vpc_id": "vpc-1", "subnet_id": "subnet-1", "security_group_id": "group-1"}
SETTINGS: dict[str, Any] = {
    "migration_method": INCREMENTAL,
    "resume_mode": "auto",
    "source_instance": {"id": "shop", "password": "source-secret"},
    "target_instance": {"id": "orders", "password": "target-secret"},
}


class Online:
    """Drives one online migration; a task lives as long as its stages say: job 1 s, run 10 s, stop 1 s."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.client = here.client
        answer = self.make()
        self.id: str = answer["instance_id"]
        self.job: str | None = answer.get("job_id")

    def make(self) -> dict[str, Any]:
        """Create a migration instance."""
        answer = self.client.call("POST", "migration/instance", INSTANCE)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def set(self, **changes: Any) -> requests.Response:
        """Configure the task; None removes a setting."""
        body = {key: value for key, value in {**SETTINGS, **changes}.items() if value is not None}
        return self.client.call("POST", f"migration/{self.id}/task", body)

    def restart(self) -> tuple[str, str | None]:
        """Start the stopped task again; return its result and the error code."""
        answer = self.client.call("POST", "migration-tasks/batch-restart", {"migration_tasks": [self.id]})
        (row,) = answer.json()["migration_tasks"]
        assert row["task_id"] == self.id
        return row["result"], row["error_code"]

    def exchange(self, body: Any = None) -> requests.Response:
        """Exchange the addresses."""
        return self.client.call("POST", f"migration-task/{self.id}/exchange-ip", body)

    def roll_back(self) -> requests.Response:
        """Exchange the addresses back."""
        return self.client.call("POST", f"migration-task/{self.id}/rollback-ip")

    def job_status(self, job: str | None = None) -> str:
        """Return the status of the job."""
        return str(self.client.call("GET", f"jobs/{job or self.job}").json()["status"])

    def shown(self) -> dict[str, Any]:
        """Return Show's answer."""
        body: dict[str, Any] = self.client.show(self.id).json()
        return body

    @property
    def state(self) -> tuple[str, str | None]:
        """The status, and what is told of an exchange."""
        body = self.shown()
        return body["status"], body["task_status"]

    @property
    def counts(self) -> tuple[int, int]:
        """How many full copies were started, and how many restarts there were."""
        (task,) = self.here.cloud.tasks()
        return task["runs"], task["restarts"]

    def stats(self) -> dict[str, Any]:
        """Return the statistics."""
        return self.client.statistics(self.id)

    def turn(self, seconds: float) -> None:
        """Let time pass."""
        self.here.clock.turn(seconds)

    def idle(self) -> Online:
        """Wait until the instance is made."""
        self.turn(1)
        assert self.state == ("RUNNING", None)
        return self

    def following(self, **changes: Any) -> Online:
        """Continue until the target follows its source."""
        self.idle()
        assert self.set(**changes).status_code == 200
        self.turn(5)
        return self

    def stopped(self, **changes: Any) -> Online:
        """Continue until it was stopped."""
        self.following(**changes)
        assert self.client.stop(self.id).status_code == 200
        self.turn(1)
        assert self.state == ("TERMINATED", None)
        return self

    def exchanged(self) -> Online:
        """Continue until the addresses are exchanged."""
        self.following()
        assert self.exchange().status_code == 200
        self.turn(1)
        assert self.state == ("TERMINATED", "EXCHANGE_SUCCESS")
        return self


@contextmanager
def quirky(*quirks: str, **options: Any) -> Iterator[Online]:
    """Run an emulator with quirks, and a new migration instance in it."""
    with world(quirks=quirks, duration=10.0, **options) as it:
        yield Online(it)


@pytest.fixture
def task() -> Iterator[Online]:
    """A new migration instance."""
    with quirky() as it:
        yield it


class TestCourse:
    """What becomes of a task, and what is shown of it."""

    def test_an_instance_is_made(self, task: Online) -> None:
        """The task is CREATING while its job is RUNNING, then waits forever, not configured."""
        assert (task.state[0], task.job_status()) == ("CREATING", "RUNNING")
        task.turn(1)
        assert (task.state[0], task.job_status()) == ("RUNNING", "SUCCESS")
        task.turn(1_000_000)
        body = task.shown()
        assert body["status"] == "RUNNING"
        assert body["migration_type"] == "online_migration"
        assert {body[name] for name in ("migration_method", "source_instance", "target_instance")} == {None}
        assert [body[f"tenant_{name}"] for name in list(INSTANCE)[1:]] == list(INSTANCE.values())[1:]
        assert task.counts == (0, 0)

    def test_a_full_migration(self, task: Online) -> None:
        """FULLMIGRATING until all is copied, then SUCCESS; it can be configured and run again."""
        task.idle()
        answer = task.set(migration_method=FULL).json()
        assert answer == {"id": task.id, "name": "orders", "status": "FULLMIGRATING", "error": None}
        task.turn(9)
        assert task.state[0] == "FULLMIGRATING"
        assert task.stats()["full_migration_progress"] < 100
        task.turn(1)
        assert task.state[0] == "SUCCESS"
        assert task.stats()["full_migration_progress"] == 100
        assert task.set(migration_method=FULL).json()["status"] == "FULLMIGRATING"
        assert task.counts == (2, 0)

    def test_an_incremental_migration(self, task: Online) -> None:
        """After the full phase it follows, as it was configured, and shows no password."""
        task.following(bandwidth_limit_mb=20)
        body = task.shown()
        assert (body["status"], body["bandwidth_limit_mb"]) == ("INCRMIGEATING", "20")
        assert (body["source_instance"]["id"], body["target_instance"]["id"]) == ("shop", "orders")
        assert "secret" not in f"{body}{task.client.rows()}{task.here.cloud.tasks()}"
        assert task.stats()["offset"] == 0

    @pytest.mark.parametrize("seconds", [0, 1])
    def test_a_task_that_waits(self, task: Online, seconds: int) -> None:
        """What isn't configured yet cannot be stopped, restarted or exchanged, but deleted."""
        task.turn(seconds)
        assert code(task.client.stop(task.id)) == STATE_CONFLICT
        assert task.restart() == ("failed", "DCS.4957")
        assert code(task.exchange()) == code(task.roll_back()) == STATE_CONFLICT
        assert task.client.delete(task.id).json() == {"task_id_list": [task.id]}
        assert task.client.rows() == []

    def test_a_task_of_the_old_call(self, task: Online) -> None:
        """What was made by CreateMigrationTask is neither configured, restarted nor exchanged."""
        task.id = task.client.create()
        assert code(task.set()) == code(task.exchange()) == code(task.roll_back()) == STATE_CONFLICT
        assert task.restart() == ("failed", "DCS.4957")


class TestConfigure:
    """SetOnlineMigrationTask."""

    def test_it_goes_on_with_new_settings(self, task: Online) -> None:
        """Mode, limit and passwords change under a running migration, which copies nothing again."""
        task.following()
        other = {"id": "shop", "password": "another"}
        answer = task.set(resume_mode="manual", bandwidth_limit_mb="10240", source_instance=other)
        assert answer.json()["status"] == "INCRMIGEATING"
        body = task.shown()
        assert (body["resume_mode"], body["bandwidth_limit_mb"]) == ("manual", "10240")
        assert task.counts == (1, 0)

    @pytest.mark.parametrize(
        "change",
        [
            {"migration_method": FULL},
            {"source_instance": {"id": "another"}},
            {"source_instance": {"addrs": "10.0.0.1:6379"}},
            {"target_instance": {"id": "another"}},
        ],
    )
    def test_another_migration_while_one_runs(self, task: Online, change: dict[str, Any]) -> None:
        """Another method, source or target is refused while it runs, and changes nothing."""
        before = task.following().shown()
        assert code(task.set(**change)) == STATE_CONFLICT
        assert task.shown() == before

    def test_states_in_which_it_cannot(self, task: Online) -> None:
        """CREATING, TERMINATING and EXCHANGING refuse it."""
        assert code(task.set()) == STATE_CONFLICT
        task.following()
        task.client.stop(task.id)
        assert code(task.set()) == STATE_CONFLICT
        task.turn(1)
        task.set()
        task.turn(5)
        task.exchange()
        assert code(task.set()) == STATE_CONFLICT

    def test_after_a_stop_or_a_failure(self, task: Online) -> None:
        """A stopped or failed task starts again, also as another migration."""
        task.stopped()
        assert task.set(source_instance={"addrs": "10.0.0.1:6379,10.0.0.2:6379"}).status_code == 200
        task.here.cloud.set_status(task.id, "FAILED", "broken")
        assert task.set(migration_method=FULL).status_code == 200
        assert task.counts == (3, 0)
        (row,) = task.client.rows()
        assert (row["status"], row["error_message"]) == ("FULLMIGRATING", None)

    def test_a_side_that_is_not_used_may_be_null(self, task: Online) -> None:
        """The address of an instance that is named by its id may be null, and the other way round."""
        task.idle()
        sides = {"source_instance": {"id": None, "addrs": "10.0.0.1:6379"}}
        sides["target_instance"] = {"id": "orders", "addrs": None}
        assert task.set(**sides, bandwidth_limit_mb=1).status_code == 200

    def test_an_id_goes_before_addresses(self, task: Online) -> None:
        """The Terraform provider sends a new id together with the addresses of the instance before it."""
        task.idle()
        task.set(source_instance={"id": "shop"}, migration_method=FULL)
        task.turn(10)
        before = task.shown()["source_instance"]
        assert task.set(source_instance={"id": "stock", "addrs": before["addrs"]}).status_code == 200
        after = task.shown()["source_instance"]
        assert after["id"] == "stock"
        assert after["addrs"] not in (None, before["addrs"])

    @pytest.mark.parametrize(
        "change",
        [
            {"migration_method": None},
            {"migration_method": "half"},
            {"resume_mode": None},
            {"resume_mode": "sometimes"},
            {"source_instance": None},
            {"source_instance": {}},
            {"source_instance": {"addrs": "10.0.0.1"}},
            {"source_instance": {"id": "shop", "addrs": "10.0.0.1"}},
            {"target_instance": "orders"},
            {"bandwidth_limit_mb": 0},
            {"bandwidth_limit_mb": "10241"},
            {"bandwidth_limit_mb": True},
            {"bandwidth_limit_mb": 1.5},
            {"bandwidth_limit_mb": 20, "migration_method": FULL},
            {"colour": "red"},
        ],
        ids=str,
    )
    def test_wrong_bodies(self, task: Online, change: dict[str, Any]) -> None:
        """A field that is missing, unknown or wrong is DCS.4800, and the task waits on."""
        task.idle()
        assert code(task.set(**change)) == (400, "DCS.4800")
        assert task.counts == (0, 0)

    def test_a_malformed_instance_id(self, task: Online) -> None:
        """An id that no instance can have has a code of its own."""
        task.idle()
        assert code(task.set(target_instance={"id": "not an id"})) == (400, "DCS.4061")


@pytest.mark.parametrize("name", INSTANCE)
def test_an_instance_needs_its_fields(task: Online, name: str) -> None:
    """Each field of CreateOnlineMigrationTask is needed, and there is no other."""
    without = {key: value for key, value in INSTANCE.items() if key != name}
    for body in (without, {**INSTANCE, name: ""}, {**INSTANCE, "colour": "red"}):
        assert code(task.client.call("POST", "migration/instance", body)) == (400, "DCS.4800")
    assert len(task.here.cloud.tasks()) == 1


def test_what_does_not_exist(task: Online) -> None:
    """A missing task or job is DCS.4133; a batch says it of that task alone."""
    missing = (400, "DCS.4133")
    assert code(task.client.call("GET", f"jobs/{ABSENT}")) == missing
    task.stopped()
    batch = {"migration_tasks": [ABSENT, task.id, "x"]}
    rows = task.client.call("POST", "migration-tasks/batch-restart", batch).json()["migration_tasks"]
    assert [row["error_code"] for row in rows] == ["DCS.4133", None, "DCS.4070"]
    task.id = ABSENT
    assert code(task.set()) == code(task.exchange()) == code(task.roll_back()) == missing


@pytest.mark.parametrize("task_ids", [[], [ABSENT] * 51, "one", None])
def test_wrong_batches(task: Online, task_ids: object) -> None:
    """A restart takes 1 to 50 ids."""
    answer = task.client.call("POST", "migration-tasks/batch-restart", {"migration_tasks": task_ids})
    assert code(answer) == (400, "DCS.4800")


class TestRestart:
    """BatchRestartOnlineMigrationTasks."""

    def test_an_incremental_one_goes_on(self, task: Online) -> None:
        """It is in its incremental phase at once and copies nothing again."""
        assert task.stopped().restart() == ("success", None)
        assert (task.state[0], task.counts) == ("INCRMIGEATING", (1, 1))
        task.turn(100)
        assert task.state[0] == "INCRMIGEATING"

    def test_a_full_one_begins_anew(self, task: Online) -> None:
        """It copies everything again."""
        assert task.stopped(migration_method=FULL).restart() == ("success", None)
        assert (task.state[0], task.counts) == ("FULLMIGRATING", (2, 1))

    def test_only_a_stopped_one(self, task: Online) -> None:
        """A task that runs, has ended by itself, or has exchanged addresses is refused."""
        assert task.following(migration_method=FULL).restart() == ("failed", "DCS.4957")
        task.turn(5)
        assert task.state[0] == "SUCCESS"
        assert task.restart() == ("failed", "DCS.4957")
        task.set()
        task.turn(5)
        task.exchange()
        task.turn(1)
        assert task.restart() == ("failed", "DCS.4957")


class TestExchange:
    """ExchangeInstanceIp and its rollback."""

    @pytest.mark.parametrize("body", [None, {}, {"exchanged_ip": ["10.0.0.9"], "is_exchange_domain": True}])
    def test_there_and_back(self, task: Online, body: Any) -> None:
        """It ends the replication by itself; the rollback leaves a task that can be started again."""
        task.following()
        answer = task.exchange(body)
        assert (answer.status_code, answer.json()) == (200, {})
        assert task.state == ("TERMINATING", "EXCHANGING")
        task.turn(1)
        assert task.state == ("TERMINATED", "EXCHANGE_SUCCESS")
        assert task.roll_back().json() == {}
        assert task.state == ("TERMINATED", "ROLLBACKING")
        task.turn(1)
        assert task.state == ("TERMINATED", "ROLLBACK_SUCCESS")
        assert code(task.roll_back()) == STATE_CONFLICT
        assert task.restart() == ("success", None)
        body = task.shown()
        assert (body["status"], body["task_status"]) == ("INCRMIGEATING", None)

    def test_only_one_that_follows(self, task: Online) -> None:
        """It is refused in the full phase, of a full migration, in a stop, after it, and twice."""
        task.idle()
        task.set()
        assert code(task.exchange()) == STATE_CONFLICT
        task.turn(5)
        task.client.stop(task.id)
        assert code(task.exchange()) == STATE_CONFLICT
        task.turn(1)
        assert code(task.exchange()) == STATE_CONFLICT
        task.set(migration_method=FULL)
        task.turn(10)
        assert code(task.exchange()) == STATE_CONFLICT
        task.set()
        task.turn(5)
        assert task.exchange().status_code == 200
        assert code(task.exchange()) == code(task.client.stop(task.id)) == STATE_CONFLICT
        task.turn(1)
        assert code(task.exchange()) == STATE_CONFLICT

    def test_only_between_instances(self, task: Online) -> None:
        """A server that isn't an instance has no address to exchange."""
        task.following(source_instance={"addrs": "10.0.0.1:6379"})
        assert code(task.exchange()) == (400, "DCS.4800")
        assert task.state == ("INCRMIGEATING", None)

    def test_wrong_bodies(self, task: Online) -> None:
        """A body that is there is checked."""
        task.following()
        for body in ({"exchanged_ip": "10.0.0.9"}, {"is_exchange_domain": "yes"}, {"colour": "red"}):
            assert code(task.exchange(body)) == (400, "DCS.4800")

    def test_it_is_not_configured_while_swapped(self, task: Online) -> None:
        """A new run would overwrite what applications write by now: roll back first."""
        task.exchanged()
        assert code(task.set()) == STATE_CONFLICT
        task.roll_back()
        task.turn(1)
        assert task.set().status_code == 200

    def test_it_waits_for_the_end_of_the_replication(self) -> None:
        """Addresses change hands only when the task is TERMINATED, however short an exchange is."""
        with quirky(stop_seconds=3.0, exchange_seconds=0.0) as task:
            task.following()
            task.exchange()
            task.turn(2)
            assert task.state == ("TERMINATING", "EXCHANGING")
            task.turn(1)
            assert task.state == ("TERMINATED", "EXCHANGE_SUCCESS")


class TestQuirks:
    """Each quirk of online migrations."""

    def test_no_job_id(self) -> None:
        """no-job-id: the answer holds the instance's id only."""
        with quirky("no-job-id") as task:
            assert task.job is None
            assert set(task.make()) == {"instance_id"}

    def test_job_is_slow(self) -> None:
        """job-is-slow: the instance is made after so many seconds."""
        with quirky("job-is-slow=30") as task:
            task.turn(29)
            assert (task.state[0], task.job_status()) == ("CREATING", "RUNNING")
            task.turn(1)
            assert (task.state[0], task.job_status()) == ("RUNNING", "SUCCESS")

    def test_job_fails(self) -> None:
        """job-fails: job and task fail, with a reason, and there is nothing to configure."""
        with quirky("job-fails") as task:
            task.turn(1)
            job = task.client.call("GET", f"jobs/{task.job}").json()
            assert (job["status"], task.state[0]) == ("FAIL", "FAILED")
            assert job["fail_reason"] == task.client.rows()[0]["error_message"]
            assert code(task.set()) == STATE_CONFLICT

    @pytest.mark.parametrize("refusal", ["DCS.4957", "DCS.4026"])
    def test_set_while_running_refused(self, refusal: str) -> None:
        """set-while-running-refused: even the same settings are refused; a stopped task takes new ones."""
        with quirky(f"set-while-running-refused={refusal}") as task:
            assert code(task.following().set()) == (400, refusal)
            task.client.stop(task.id)
            task.turn(1)
            assert task.set().status_code == 200

    def test_set_while_running_restarts(self) -> None:
        """set-while-running-restarts: any settings, of another source too, copy everything again."""
        with quirky("set-while-running-restarts") as task:
            task.following()
            assert task.set().json()["status"] == "FULLMIGRATING"
            task.turn(5)
            assert task.set(source_instance={"id": "another"}).json()["status"] == "FULLMIGRATING"
            assert task.counts == (3, 0)

    def test_set_answers_error(self) -> None:
        """set-answers-error: 200 with an error, and nothing was started."""
        with quirky("set-answers-error") as task:
            answer = task.idle().set()
            assert (answer.status_code, answer.json()["status"]) == (200, "RUNNING")
            assert answer.json()["error"]
            assert task.counts == (0, 0)

    def test_restart_refused(self) -> None:
        """restart-refused: a stopped task stays stopped."""
        with quirky("restart-refused=DCS.4026") as task:
            assert task.stopped().restart() == ("failed", "DCS.4026")
            assert task.state[0] == "TERMINATED"

    def test_restart_is_full(self) -> None:
        """restart-is-full: an incremental task goes through its full phase again."""
        with quirky("restart-is-full") as task:
            task.stopped().restart()
            assert (task.state[0], task.counts) == ("FULLMIGRATING", (2, 1))
            task.turn(5)
            assert task.state[0] == "INCRMIGEATING"

    def test_restart_while_running_restarts(self) -> None:
        """restart-while-running-restarts: one that runs starts again; a stopped one continues where it was."""
        with quirky("restart-while-running-restarts") as task:
            assert task.following().restart() == ("success", None)
            assert (task.state[0], task.counts) == ("FULLMIGRATING", (2, 1))
            task.client.stop(task.id)
            assert task.restart() == ("failed", "DCS.4957")  # while it ends
            task.turn(1)
            task.restart()
            assert (task.state[0], task.counts) == ("INCRMIGEATING", (2, 2))

    def test_exchange_toggles(self) -> None:
        """exchange-toggles: the second exchange swaps back, the second rollback forth; counted by their names."""
        with quirky("exchange-toggles") as task:
            task.exchanged()
            for call, ended in ((task.exchange, "ROLLBACK_SUCCESS"), (task.roll_back, "EXCHANGE_SUCCESS")):
                assert call().status_code == 200
                assert code(call()) == STATE_CONFLICT  # while one is under way
                task.turn(1)
                assert task.state == ("TERMINATED", ended)
            (shown,) = task.here.cloud.tasks()
            assert (shown["exchanges"], shown["rollbacks"]) == (2, 1)

    def test_exchange_toggles_what_runs(self) -> None:
        """exchange-toggles: a rollback of what was never exchanged ends the replication, as an exchange does."""
        with quirky("exchange-toggles") as task:
            assert task.following().roll_back().status_code == 200
            task.turn(1)
            assert task.state == ("TERMINATED", "EXCHANGE_SUCCESS")

    def test_exchange_fails(self) -> None:
        """exchange-fails: the addresses are as before, so that there is nothing to roll back."""
        with quirky("exchange-fails") as task:
            task.following().exchange()
            task.turn(1)
            assert task.state == ("TERMINATED", "EXCHANGE_FAILED")
            assert code(task.roll_back()) == STATE_CONFLICT
            assert task.restart() == ("success", None)

    def test_exchange_needs_no_lag(self) -> None:
        """exchange-needs-no-lag: refused while the target is behind, taken once it is not."""
        with quirky("exchange-needs-no-lag=DCS.4026") as task:
            task.following()
            task.here.cloud.set_status(task.id, "INCRMIGEATING", offset=1)
            assert (code(task.exchange()), task.stats()["offset"]) == ((400, "DCS.4026"), 1)
            task.here.cloud.set_status(task.id, "INCRMIGEATING", offset=0)
            assert task.exchange().status_code == 200

    def test_exchange_answers_204(self) -> None:
        """exchange-answers-204: both calls answer nothing."""
        with quirky("exchange-answers-204") as task:
            answer = task.following().exchange()
            assert (answer.status_code, answer.content) == (204, b"")
            task.turn(1)
            answer = task.roll_back()
            assert (answer.status_code, answer.content) == (204, b"")

    def test_rollback_fails(self) -> None:
        """rollback-fails: the addresses stay exchanged; the rollback may be tried again, a restart not."""
        with quirky("rollback-fails") as task:
            task.exchanged().roll_back()
            task.turn(1)
            assert task.state == ("TERMINATED", "ROLLBACK_FAILED")
            assert task.restart() == ("failed", "DCS.4957")
            task.here.cloud.set_quirks([])
            assert task.roll_back().status_code == 200
            task.turn(1)
            assert task.state == ("TERMINATED", "ROLLBACK_SUCCESS")

    def test_second_task_on_target_refused(self) -> None:
        """second-task-on-target-refused: a target that another task runs into cannot be configured."""
        with quirky("second-task-on-target-refused") as task:
            task.client.create(target_instance={"id": "orders"})
            assert code(task.idle().set()) == (400, "DCS.4026")
            assert task.set(target_instance={"id": "another"}).status_code == 200
            assert task.set(target_instance={"id": "another"}).status_code == 200

    def test_a_restart_on_a_busy_target(self) -> None:
        """second-task-on-target-refused: nor is a stopped task started again while another runs into its target."""
        with quirky("second-task-on-target-refused") as task:
            task.stopped()
            other = task.client.create(target_instance={"id": "orders"})
            assert task.restart() == ("failed", "DCS.4026")
            task.here.cloud.set_status(other, "SUCCESS")
            assert task.restart() == ("success", None)

    @pytest.mark.parametrize(
        ("quirk", "status"),
        [("incremental-spelled-right", "INCRMIGRATING"), ("incremental-stays-migrating", "MIGRATING")],
    )
    def test_spellings(self, quirk: str, status: str) -> None:
        """However the incremental phase is spelled, addresses are exchanged in it and not before."""
        with quirky(quirk) as task:
            task.idle().set()
            assert code(task.exchange()) == STATE_CONFLICT
            task.turn(5)
            assert task.state[0] == status
            assert task.exchange().status_code == 200

    def test_stop_is_slow(self) -> None:
        """stop-is-slow: an exchange waits for the stop that it starts with."""
        with quirky("stop-is-slow") as task:
            task.following().exchange()
            task.turn(14)
            assert task.state == ("TERMINATING", "EXCHANGING")
            task.turn(1)
            assert task.state == ("TERMINATED", "EXCHANGE_SUCCESS")

    def test_names_as_instances(self) -> None:
        """names-as-instances: holds for migration instances, too."""
        with quirky("names-as-instances") as task:
            answer = task.client.call("POST", "migration/instance", {**INSTANCE, "name": "a b c"})
            assert code(answer) == (400, "DCS.4800")

    def test_stats_as_numbers(self) -> None:
        """stats-as-numbers: no text, where by default all is text but the truth value."""
        with quirky("stats-as-numbers") as task:
            task.following()
            told = task.client.call("GET", f"migration-task/{task.id}/stats").json()
            assert (told["offset"], told["full_migration_progress"], told["is_migrating"]) == (0, 100, True)
            task.here.cloud.set_quirks([])
            told = task.client.call("GET", f"migration-task/{task.id}/stats").json()
            assert (told["offset"], told["full_migration_progress"], told["is_migrating"]) == (
                "0",
                "100",
                True,
            )

    def test_large_numbers_are_written_out(self) -> None:
        """A lag of gigabytes has all its digits."""
        with quirky() as task:
            task.following()
            task.here.cloud.set_status(task.id, "INCRMIGEATING", offset=12_345_678_901)
            assert (
                task.client.call("GET", f"migration-task/{task.id}/stats").json()["offset"] == "12345678901"
            )

    def test_password_echoed(self) -> None:
        """password-echoed: Show returns the passwords of the settings."""
        with quirky("password-echoed") as task:
            task.following()
            assert task.shown()["source_instance"]["password"] == "source-secret"


class TestControl:
    """What a test decides by control calls."""

    def test_a_run_by_hand(self) -> None:
        """With manual progression a task is led through its phases, lag and exchange."""
        with quirky(progression="manual") as task:
            task.idle().set()
            task.turn(1_000)
            assert task.state[0] == "FULLMIGRATING"
            body = {"status": "INCRMIGEATING", "offset": 4_096}
            assert task.client.control("POST", f"tasks/{task.id}", body).status_code == 204
            assert task.stats()["offset"] == 4_096
            body = {"status": "TERMINATED", "task_status": "EXCHANGE_SUCCESS"}
            task.client.control("POST", f"tasks/{task.id}", body)
            assert task.state == ("TERMINATED", "EXCHANGE_SUCCESS")
            (shown,) = task.client.control("GET", "tasks").json()
            assert (shown["job_id"], shown["task_status"]) == (task.job, "EXCHANGE_SUCCESS")
            assert (shown["runs"], shown["restarts"], shown["resume_mode"]) == (1, 0, "auto")

    def test_a_job_that_is_held(self, task: Online) -> None:
        """CREATING that was set stays until RUNNING is set, which ends the job."""
        task.here.cloud.set_status(task.id, "CREATING")
        task.turn(1_000)
        assert task.state[0] == "CREATING"
        task.here.cloud.set_status(task.id, "RUNNING")
        assert task.job_status() == "SUCCESS"
        assert task.set().status_code == 200

    @pytest.mark.parametrize(
        "extra", [{"task_status": "done"}, {"offset": -1}, {"offset": "1"}, {"offset": True}]
    )
    def test_senseless_ones(self, task: Online, extra: dict[str, Any]) -> None:
        """A word that isn't a status and a lag that isn't a number are refused, and change nothing."""
        answer = task.client.control("POST", f"tasks/{task.id}", {"status": "FAILED", **extra})
        assert (answer.status_code, task.state[0]) == (400, "CREATING")

    def test_addresses(self, task: Online) -> None:
        """Without real data there is no address."""
        assert task.client.control("GET", "addresses").json() == task.here.cloud.addresses == {}


class TestStateFile:
    """What a restart of the emulator keeps."""

    @pytest.mark.parametrize("stage", ["CREATING", "RUNNING", "INCRMIGEATING", "TERMINATED", "EXCHANGING"])
    def test_every_stage_survives(self, tmp_path: Path, stage: str) -> None:
        """What Show, the job and the counts say is the same after a restart, and no password is kept."""
        state = tmp_path / "state.json"
        with quirky(state=state) as task:
            prepare = {"RUNNING": task.idle, "TERMINATED": task.stopped}
            if stage in ("INCRMIGEATING", "EXCHANGING"):
                task.following(bandwidth_limit_mb=20, resume_mode="manual")
            elif stage in prepare:
                prepare[stage]()
            if stage == "EXCHANGING":
                task.exchange()
            before, counts, job = task.shown(), task.counts, task.job_status()
            assert stage in (before["status"], before["task_status"])
            now = task.here.clock.now
        assert "secret" not in state.read_text()
        with world(state=state, duration=10.0) as it:
            it.clock.now = now
            task.here, task.client = it, it.client
            assert (task.shown(), task.counts, task.job_status()) == (before, counts, job)
            if stage == "EXCHANGING":
                task.turn(1)
                assert task.state == ("TERMINATED", "EXCHANGE_SUCCESS")
                assert task.roll_back().status_code == 200
            elif stage == "TERMINATED":
                assert task.restart() == ("success", None)

    def test_a_file_of_an_earlier_version(self, tmp_path: Path) -> None:
        """A file from before there were migration instances is read."""
        state = tmp_path / "state.json"
        with world(state=state) as it:
            task_id = it.client.create()
            before = it.client.show(task_id).json()
        document = json.loads(state.read_text())
        later = (
            "network job_id job_ended_at made bandwidth_limit_mb started_at resumed offset runs restarts "
            "exchanges rollbacks task_status exchange_since"
        )
        for name in later.split():
            del document["tasks"][0][name]
        state.write_text(json.dumps(document))
        with world(state=state) as it:
            assert it.client.show(task_id).json() == before
