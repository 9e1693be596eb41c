"""The official SDK client against the emulator: its own signature, its own requests, its own models.

Nothing of this project is between the two, so that what the emulator takes and answers is what a client
that was made from the service's definition sends and understands.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dcs_emulator import Emulator
from dcs_emulator.app import OPERATIONS
from dcs_emulator.operations import project_id_of

REGION = "cn-north-4"
ABSENT = "0" * 32
FILE = {"file_name": "orders.rdb", "size": "0.09KB", "update_at": "2025-07-22T11:57:24.401Z"}


@pytest.fixture(scope="module")
def dcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give the client's package; its import writes into the home directory, so that one is temporary."""
    home: Path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("NO_PROXY", "127.0.0.1")
        import huaweicloudsdkdcs.v2

        yield huaweicloudsdkdcs.v2


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator with a key pair of its own, whose tasks change when told to."""
    with Emulator(
        progression="manual",
        access_key="official",
        secret_key="client",
        job_seconds=0,
        stop_seconds=0,
        exchange_seconds=0,
    ) as it:
        yield it


class Official:
    """The official client of one emulator, called with keywords in place of its request objects."""

    def __init__(self, dcs: Any, emulator: Emulator, secret_key: str | None = None) -> None:
        from huaweicloudsdkcore.auth.credentials import BasicCredentials
        from huaweicloudsdkcore.region.region import Region

        # Without a project id the client asks IAM for it, once per process, key and region.
        keys = BasicCredentials(emulator.access_key, secret_key or emulator.secret_key).with_iam_endpoint(
            emulator.url
        )
        self.models = dcs
        self._client = (
            dcs.DcsClient.new_builder()
            .with_credentials(keys)
            .with_region(Region(REGION, emulator.url))
            .build()
        )

    def call(self, operation: str, request: str | None = None, **fields: Any) -> Any:
        """Call an operation by its name in the API; ``request`` is its request's name where it differs."""
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation)[1:]
        return getattr(self._client, name)(getattr(self.models, request or f"{operation}Request")(**fields))

    def create(self, **changes: Any) -> str:
        """Create a backup import, or what the changed fields make of it; returns its id."""
        fields: dict[str, Any] = {
            "task_name": "orders",
            "migration_type": "backupfile_import",
            "migration_method": "full_amount_migration",
            "backup_files": self.models.BackupFilesBody(
                file_source="self_build_obs", bucket_name="backups", files=[self.models.Files(**FILE)]
            ),
            "target_instance": self.models.TargetInstanceBody(id="target-1", password="target-secret"),
            **changes,
        }
        body = self.models.CreateMigrationTaskBody(**{k: v for k, v in fields.items() if v is not None})
        answer = self.call("CreateMigrationTask", body=body)
        assert answer.status == "MIGRATING"
        assert answer.name == fields["task_name"]
        return str(answer.id)

    def create_online(self) -> str:
        """Create an incremental online migration."""
        return self.create(
            migration_type="online_migration",
            migration_method="incremental_migration",
            network_type="vpc",
            backup_files=None,
            source_instance=self.models.SourceInstanceBody(addrs="10.0.0.1:6379", password="source-secret"),
        )

    def create_instance(self) -> str:
        """Make a migration instance; it is ready at once."""
        body = self.models.CreateOnlineMigrationTaskBody(
            name="copy", description="nightly", vpc_id="vpc-1", subnet_id="net-1", security_group_id="group-1"
        )
        return str(self.call("CreateOnlineMigrationTask", body=body).instance_id)

    def configure(self, task_id: str) -> Any:
        """Configure an incremental migration between a DCS instance and another Redis."""
        side = self.models.ConfigMigrationInstanceBody
        body = self.models.SetOnlineMigrationTaskBody(
            migration_method="incremental_migration",
            resume_mode="auto",
            bandwidth_limit_mb="100",
            source_instance=side(id="shop", password="source-secret"),
            target_instance=side(addrs="10.0.0.2:6379"),
        )
        return self.call("SetOnlineMigrationTask", task_id=task_id, body=body)

    def following(self, emulator: Emulator) -> str:
        """Return the id of a migration between two DCS instances that follows its source."""
        task_id = self.create_instance()
        side = self.models.ConfigMigrationInstanceBody
        body = self.models.SetOnlineMigrationTaskBody(
            migration_method="incremental_migration",
            resume_mode="manual",
            source_instance=side(id="shop"),
            target_instance=side(id="orders"),
        )
        self.call("SetOnlineMigrationTask", task_id=task_id, body=body)
        emulator.set_status(task_id, "INCRMIGEATING")
        return task_id

    def refused(self, operation: str, request: str | None = None, **fields: Any) -> tuple[int, str, str]:
        """Return the status, the code and the message of a refusal, as the client read them."""
        from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

        with pytest.raises(ClientRequestException) as caught:
            self.call(operation, request, **fields)
        assert len(caught.value.request_id) == 32
        return caught.value.status_code, caught.value.error_code, caught.value.error_msg


@pytest.fixture
def official(dcs: Any, emulator: Emulator) -> Official:
    """The official client of the emulator."""
    return Official(dcs, emulator)


class TestOperations:
    """Each supported operation, named in its test's name as in the API."""

    def test_CreateMigrationTask(self, official: Official, emulator: Emulator) -> None:
        """A backup import and an online migration are created from the client's own bodies."""
        ids = [official.create(description="nightly"), official.create_online()]
        assert [task["id"] for task in emulator.tasks()] == ids
        assert [task["status"] for task in emulator.requests() if task["status"] != 200] == []

    def test_ListMigrationTask(self, official: Official) -> None:
        """The list is read with paging and a name, and its rows are the client's."""
        ids = [official.create(task_name=name) for name in ("a", "b", "a")]
        whole = official.call("ListMigrationTask")
        assert (whole.count, [row.task_id for row in whole.migration_tasks]) == (3, ids[::-1])
        page = official.call("ListMigrationTask", name="a", offset=1, limit=1)
        (row,) = page.migration_tasks
        assert (page.count, row.task_id, row.task_name, row.status) == (2, ids[0], "a", "MIGRATING")
        assert (row.data_source, row.target_instance_id) == ("backups", "target-1")

    def test_ShowMigrationTask(self, official: Official) -> None:
        """What was asked for is shown, in the client's models, without a password."""
        shown = official.call("ShowMigrationTask", task_id=official.create(description="nightly"))
        (file,) = shown.backup_files.files
        assert (file.file_name, file.size, file.update_at) == tuple(FILE.values())
        assert (shown.backup_files.file_source, shown.backup_files.bucket_name) == (
            "self_build_obs",
            "backups",
        )
        assert (shown.target_instance.id, shown.target_instance.password) == ("target-1", None)
        assert (shown.description, shown.supported_features) == ("nightly", [])

    def test_ShowMigrationTaskStats(self, official: Official) -> None:
        """The numbers are read, although the client's models call them strings."""
        stats = official.call("ShowMigrationTaskStats", task_id=official.create_online())
        assert stats.is_migrating is True
        assert float(stats.full_migration_progress) == 100
        assert int(stats.source_dbsize) >= int(stats.target_dbsize)

    def test_ListMigrationTaskLogs(self, official: Official, emulator: Emulator) -> None:
        """The log of a failure is read, filtered by level."""
        task_id = official.create()
        emulator.set_status(task_id, "FAILED", "the file is broken")
        logs = official.call("ListMigrationTaskLogs", task_id=task_id, log_level="ERROR", limit=5, offset=0)
        (row,) = logs.migration_logs
        assert (logs.log_num, row.log_level, row.message) == (1, "ERROR", "the file is broken")
        assert row.keyword == ["orders"]

    def test_StopMigrationTask(self, official: Official) -> None:
        """A stop answers the whole record, which is being stopped."""
        task_id = official.create_online()
        stopped = official.call("StopMigrationTask", task_id=task_id)
        assert (stopped.task_id, stopped.status) == (task_id, "TERMINATING")

    def test_StopMigrationTaskSync(self, official: Official) -> None:
        """A synchronous stop answers 204, and the task has stopped."""
        task_id = official.create()
        assert official.call("StopMigrationTaskSync", task_id=task_id).status_code == 204
        assert official.call("ShowMigrationTask", task_id=task_id).status == "TERMINATED"

    def test_BatchStopMigrationTasks(self, official: Official) -> None:
        """A batch is answered per task, refusals included."""
        task_id = official.create()
        body = official.models.BatchStopMigrationTasksBody(migration_tasks=[task_id, ABSENT])
        first, second = official.call("BatchStopMigrationTasks", body=body).migration_tasks
        assert (first.task_id, first.result, first.error_code) == (task_id, "success", None)
        assert (second.task_id, second.result, second.error_code) == (ABSENT, "failed", "DCS.4133")

    def test_UpdateMigrationTask(self, official: Official) -> None:
        """The way to continue after a broken connection is changed, and shown."""
        task_id = official.create_online()
        body = official.models.MigrationUpdateRequestEntity(resume_mode="manual")
        assert official.call("UpdateMigrationTask", task_id=task_id, body=body).status_code == 200
        assert official.call("ShowMigrationTask", task_id=task_id).resume_mode == "manual"

    def test_DeleteMigrationTask(self, official: Official, emulator: Emulator) -> None:
        """A DELETE with a body is understood; ids that do not exist are left out of the answer."""
        task_id = official.create()
        body = official.models.DeleteMigrateTaskRequest(task_id_list=[task_id, ABSENT])
        assert official.call("DeleteMigrationTask", body=body).task_id_list == [task_id]
        assert emulator.tasks() == []

    def test_CreateOnlineMigrationTask(self, official: Official, emulator: Emulator) -> None:
        """A migration instance is made; the client's model drops the job's id, which the service sends."""
        task_id = official.create_instance()
        shown = official.call("ShowMigrationTask", task_id=task_id)
        assert (shown.task_name, shown.tenant_vpc_id, shown.description) == ("copy", "vpc-1", "nightly")
        assert shown.migration_method is None

    def test_ShowJobInfo(self, official: Official, emulator: Emulator) -> None:
        """The job that makes the instance ends in success."""
        task_id = official.create_instance()
        job = next(task["job_id"] for task in emulator.tasks() if task["id"] == task_id)
        shown = official.call("ShowJobInfo", job_id=job)
        assert (shown.job_id, shown.status, shown.fail_reason) == (job, "SUCCESS", None)

    def test_SetOnlineMigrationTask(self, official: Official) -> None:
        """The client's body, with the unused one of id and addrs left out, starts the migration."""
        task_id = official.create_instance()
        answer = official.configure(task_id)
        assert (answer.id, answer.name, answer.status) == (task_id, "copy", "FULLMIGRATING")
        shown = official.call("ShowMigrationTask", task_id=task_id)
        assert (shown.source_instance.id, shown.target_instance.addrs) == ("shop", "10.0.0.2:6379")
        assert (shown.bandwidth_limit_mb, shown.resume_mode) == ("100", "auto")

    def test_BatchRestartOnlineMigrationTasks(self, official: Official, emulator: Emulator) -> None:
        """A stopped one continues; others are refused one by one."""
        task_id = official.create_instance()
        official.configure(task_id)
        official.call("StopMigrationTaskSync", task_id=task_id)
        body = official.models.BatchRestartOnlineMigrationTasksBody(migration_tasks=[task_id, ABSENT])
        first, second = official.call("BatchRestartOnlineMigrationTasks", body=body).migration_tasks
        assert (first.task_id, first.result) == (task_id, "success")
        assert (second.result, second.error_code) == ("failed", "DCS.4133")
        assert official.call("ShowMigrationTask", task_id=task_id).status == "INCRMIGEATING"

    def test_ExchangeInstanceIp(self, official: Official, emulator: Emulator) -> None:
        """Addresses are exchanged in the incremental phase, and the migration ends."""
        task_id = official.following(emulator)
        body = official.models.IpExchangeRequest(exchanged_ip=[], is_exchange_domain=False)
        official.call("ExchangeInstanceIp", task_id=task_id, body=body)
        shown = official.call("ShowMigrationTask", task_id=task_id)
        assert (shown.status, shown.task_status) == ("TERMINATED", "EXCHANGE_SUCCESS")

    def test_RollbackExchangeInstanceIp(self, official: Official, emulator: Emulator) -> None:
        """And back, without a body."""
        task_id = official.following(emulator)
        body = official.models.IpExchangeRequest(exchanged_ip=[], is_exchange_domain=False)
        official.call("ExchangeInstanceIp", task_id=task_id, body=body)
        official.call("ShowMigrationTask", task_id=task_id)
        official.call("RollbackExchangeInstanceIp", task_id=task_id)
        assert official.call("ShowMigrationTask", task_id=task_id).task_status == "ROLLBACK_SUCCESS"

    def test_KeystoneListProjects(self, dcs: Any) -> None:
        """A client without a project asks for the region's, and uses it in paths."""
        with Emulator(access_key="asks", secret_key="iam") as emulator:
            Official(dcs, emulator).create()
            operations = [entry["operation"] for entry in emulator.requests()]
            assert operations == ["KeystoneListProjects", "CreateMigrationTask"]
            assert emulator.tasks()[0]["project_id"] == project_id_of(REGION)

    def test_every_operation_has_its_test(self) -> None:
        """An operation that is added to the emulator must be tried with the official client."""
        tested = {name.removeprefix("test_") for name, _ in inspect.getmembers(TestOperations)}
        assert set(OPERATIONS) <= tested


class TestRefusals:
    """What the client makes of the emulator's errors."""

    def test_a_missing_task(self, official: Official) -> None:
        """A missing task is DCS.4133 in the code and the message that the client reads."""
        refusal = official.refused("ShowMigrationTask", task_id=ABSENT)
        assert refusal == (400, "DCS.4133", "Instance job is not found.")

    def test_a_wrong_key(self, dcs: Any, official: Official, emulator: Emulator) -> None:
        """A wrong secret key is the gateway's 401 (the project is known by then, so that no call was for it)."""
        status, code, message = Official(dcs, emulator, "guess").refused("ListMigrationTask")
        assert (status, code) == (401, "APIGW.0301")
        assert "verify aksk signature fail" in message

    @pytest.mark.parametrize("shape", ["v1", "camel", "code-message"])
    def test_other_shapes_of_errors(self, official: Official, emulator: Emulator, shape: str) -> None:
        """The client reads the code and the message of each shape in which the service may write them."""
        emulator.set_quirks([f"error-body={shape}"])
        status, code, message = official.refused("ShowMigrationTask", task_id=ABSENT)
        assert (status, code) in ((400, "DCS.4133"), (400, "111400133"))
        assert message == "Instance job is not found."

    def test_a_throttled_create(self, official: Official, emulator: Emulator) -> None:
        """A 429 of a create keeps its code."""
        emulator.fault("CreateMigrationTask", "throttle")
        body = official.models.CreateMigrationTaskBody(
            task_name="orders",
            migration_type="backupfile_import",
            migration_method="full_amount_migration",
            target_instance=official.models.TargetInstanceBody(id="target-1"),
        )
        assert official.refused("CreateMigrationTask", body=body)[:2] == (429, "APIGW.0308")
