"""The program alone, with Pulumi's mocks: which resources it declares, with which inputs. Milliseconds."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
import shop


class Recorder(pulumi.runtime.Mocks):
    """Remembers what is registered."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.inputs: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Answer with the inputs and a status."""
        self.inputs[args.name] = args.inputs
        return f"{args.name}-id", {**args.inputs, "status": "MIGRATING"}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:
        """Answer no function."""
        return {}, None


@pytest.fixture
def declared() -> Recorder:
    """What the program has declared."""
    recorder = Recorder()
    pulumi.runtime.set_mocks(recorder, stack="test")
    return recorder


@pulumi.runtime.test
def test_each_service_has_its_own_file_and_instance(declared: Recorder) -> pulumi.Output[None]:
    """No file goes into the instance of another service."""
    tasks = shop.imports(shop.INSTANCES)

    def check(_ids: object) -> None:
        for service, instance in shop.INSTANCES.items():
            inputs = declared.inputs[service]
            assert inputs["backup_files"]["files"] == [{"file_name": f"{service}.rdb"}]
            assert inputs["target_instance"]["id"] == instance
            assert inputs["backup_files"]["bucket_name"] == "backups-test"

    return pulumi.Output.all(*(task.id for task in tasks.values())).apply(check)


def test_an_unknown_service_is_refused(declared: Recorder) -> None:
    """A service without an instance is a mistake, and nothing is declared for it."""
    with pytest.raises(KeyError):
        shop.imports(["typo"])
    assert declared.inputs == {}
