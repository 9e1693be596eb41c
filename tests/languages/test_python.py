"""A Python program with the generated SDK, for those who want the same plugin as their other languages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from dcs_emulator import Emulator
from tests.e2e.stack import PROJECT, Stack, calls
from tools.sdks import SDKS

PROGRAM = """
import pulumi
import pulumi_dcs as dcs

provider = dcs.Provider("emulator", region="emulator-1")
opts = pulumi.ResourceOptions(provider=provider)
orders = dcs.MigrationTask(
    "orders",
    migration_type="backupfile_import",
    migration_method="full_amount_migration",
    backup_files=dcs.BackupFilesArgs(bucket_name="backups", files=[dcs.BackupFileArgs(file_name="orders.rdb")]),
    target_instance=dcs.TargetInstanceArgs(id="target-0", password="correct-horse-battery"),
    opts=opts,
)
done = dcs.MigrationCompletion("done", task_ids=[orders.id], interval="1s", opts=opts)
found = dcs.get_migration_task_output(id=done.task_ids[0], opts=pulumi.InvokeOptions(provider=provider))
pulumi.export("statuses", done.statuses)
pulumi.export("name", found.name)
"""


def test_a_program_comes_up_and_goes(tmp_path: Path, cloud: Emulator) -> None:
    """Typed arguments, an explicit provider, a wait and a function."""
    packages = tmp_path / "packages"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(packages)]
    subprocess.run([*command, str(SDKS / "python")], check=True)
    stack = Stack(tmp_path, cloud)
    plugins = {"providers": [{"name": "dcs", "path": str(Path(sys.executable).parent)}]}
    (stack.work / "Pulumi.yaml").write_text(
        yaml.safe_dump({"name": PROJECT, "runtime": "python", "plugins": plugins})
    )
    (stack.work / "__main__.py").write_text(PROGRAM)
    stack.environ["PYTHONPATH"] = str(packages)
    assert "+ 4 to create" in stack.preview().text
    stack.up()
    assert "4 unchanged" in stack.preview("--expect-no-changes").text
    outputs = stack.outputs()
    assert list(outputs["statuses"].values()) == ["SUCCESS"]
    assert str(outputs["name"]).startswith("orders-")
    assert calls(cloud)["CreateMigrationTask"] == 1
    assert b"correct-horse-battery" not in stack.everything_written()
    stack.destroy()
    assert cloud.tasks() == []
