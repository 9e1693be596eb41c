"""An online migration, at an emulator or, when a source is named for it, at the real service."""

from __future__ import annotations

from dcs_migration.dcs.statuses import Kind, lookup
from tests.verified.cloud import Cloud
from tests.verified.conftest import VerifiedStack
from tests.verified.settings import Source

PROGRAM = """
shop = OnlineMigrationTask(
    "PREFIX-online",
    vpc_id=named("VPC_ID"),
    subnet_id=named("SUBNET_ID"),
    security_group_id=named("SECURITY_GROUP_ID"),
    migration_method="incremental_migration",
    source_instance=instance("SOURCE"),
    target_instance=instance("TARGET"),
    state="STATE",
    opts=pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="30m", update="30m", delete="30m")),
)
"""


def test_an_online_migration(cloud: Cloud, stack: VerifiedStack, source: Source) -> None:
    """It is started, follows its source, is stopped, started again, and gone after destroy."""

    def write(state: str) -> VerifiedStack:
        return stack.declare(PROGRAM.replace("PREFIX", cloud.prefix).replace("STATE", state))

    def follows() -> bool:
        return lookup(cloud.status(id_)).kind is Kind.REPLICATING

    write("running").up()
    assert stack.calls().count("CreateOnlineMigrationTask") == 1
    (id_,) = cloud.own()
    assert cloud.until(follows), cloud.status(id_)
    stack.preview("--expect-no-changes")
    assert stack.calls() == []

    write("stopped").up()
    assert lookup(cloud.status(id_)).kind is Kind.STOPPED

    write("running").up()
    assert cloud.until(follows), cloud.status(id_)
    assert stack.calls().count("CreateOnlineMigrationTask") == 0

    stack.destroy()
    assert id_ not in cloud.listing()
