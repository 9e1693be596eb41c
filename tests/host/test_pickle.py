"""The provider as state holds it: a short pickle by reference, which every release must keep loading."""

from __future__ import annotations

import base64
import os
import pickletools
import subprocess
import sys

import dill
import pytest
from pulumi.dynamic.dynamic import serialize_provider

from dcs_migration.providers.migration_completion import MigrationCompletionProvider
from dcs_migration.providers.migration_instance import MigrationInstanceProvider
from dcs_migration.providers.migration_task import MigrationTaskProvider
from dcs_migration.providers.online_migration import OnlineMigrationProvider
from tests.host.harness import ROOT

# What release 0.1.0 writes into users' states. Never to be changed: old states are read forever.
RELEASED: dict[type, str] = {
    MigrationTaskProvider: "gASVRwAAAAAAAACMJmRjc19taWdyYXRpb24ucHJvdmlkZXJzLm1pZ3JhdGlvbl90YXNrlIwVTWlncmF0aW9uVGFza1Byb3ZpZGVylJOUKYGULg==",
    MigrationCompletionProvider: "gASVUwAAAAAAAACMLGRjc19taWdyYXRpb24ucHJvdmlkZXJzLm1pZ3JhdGlvbl9jb21wbGV0aW9ulIwbTWlncmF0aW9uQ29tcGxldGlvblByb3ZpZGVylJOUKYGULg==",
    MigrationInstanceProvider: "gASVTwAAAAAAAACMKmRjc19taWdyYXRpb24ucHJvdmlkZXJzLm1pZ3JhdGlvbl9pbnN0YW5jZZSMGU1pZ3JhdGlvbkluc3RhbmNlUHJvdmlkZXKUk5QpgZQu",
    OnlineMigrationProvider: "gASVSwAAAAAAAACMKGRjc19taWdyYXRpb24ucHJvdmlkZXJzLm9ubGluZV9taWdyYXRpb26UjBdPbmxpbmVNaWdyYXRpb25Qcm92aWRlcpSTlCmBlC4=",
}
PRINT_IT = (
    "from pulumi.dynamic.dynamic import serialize_provider\n"
    "from dcs_migration.providers.migration_task import MigrationTaskProvider\n"
    "print(serialize_provider(MigrationTaskProvider()))"
)


def test_it_is_short_and_a_reference() -> None:
    """Less than 120 bytes that name a module and a class, and carry neither code nor attributes."""
    pickled = base64.b64decode(serialize_provider(MigrationTaskProvider()))
    assert len(pickled) < 120
    operations = [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(pickled)]
    texts = [argument for _, argument in operations if isinstance(argument, str)]
    assert texts == ["dcs_migration.providers.migration_task", "MigrationTaskProvider"]
    assert not {"BUILD", "REDUCE", "SETITEMS"} & {name for name, _ in operations}
    assert vars(MigrationTaskProvider()) == {}


def test_it_never_differs() -> None:
    """Thousands of resources of one program share one pickle, so that none of them shows a change."""
    assert len({serialize_provider(MigrationTaskProvider()) for _ in range(2000)}) == 1


@pytest.mark.parametrize("seed", ["0", "1"])
def test_it_is_the_same_in_every_run(seed: str) -> None:
    """Hash seeds and the program's own modules leave no trace in it."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT_IT],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    assert done.stdout.strip() == serialize_provider(MigrationTaskProvider())


def test_it_is_no_secret() -> None:
    """State stays legible: nothing in a pickle by reference needs encryption."""
    assert MigrationTaskProvider.serialize_as_secret_always is False


@pytest.mark.parametrize("provider", RELEASED, ids=lambda provider: provider.__name__)
def test_the_pickle_of_the_first_release_still_loads(provider: type) -> None:
    """After every move or rename, the states of all releases still name a class that exists, and the same one."""
    assert type(dill.loads(base64.b64decode(RELEASED[provider]))) is provider
    assert serialize_provider(provider()) == RELEASED[provider]
