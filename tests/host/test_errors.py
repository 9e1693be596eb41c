"""What the CLI shows of a failure: exactly one line for ours, the whole traceback for everybody else's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest

from dcs_emulator import Emulator
from dcs_migration.life_cycles.engine import GrpcEngine
from tests.host.conftest import (
    INSTANCE,
    SECRET_KEY,
    TARGET_PASSWORD,
    StartPlugin,
    created,
    definition,
    environment,
    online,
    operations,
)
from tests.host.foreign import Broken, Saboteur
from tests.host.harness import Failed, Plugin, StandInEngine, by_reference, leaves
from tests.unit.dcs_server import StandIn, answer, error, tls_context

NEVER_IN_A_LINE = ("\n", "\r", "Traceback", "ProviderError", 'File "', "dcs_migration.")


def one_line(error: BaseException | None) -> str:
    """Assert that a failure is one line that reads well alone; returns it."""
    assert isinstance(error, Failed)
    assert error.code is grpc.StatusCode.UNKNOWN
    assert error.text
    assert [part for part in NEVER_IN_A_LINE if part in error.text] == []
    return error.text


def shown(call: Any, *args: Any) -> str:
    """Return the whole text with which a call fails."""
    with pytest.raises(Failed) as caught:
        call(*args)
    return caught.value.text


def failure(call: Any, *args: Any) -> str:
    """Return the one line with which a call fails."""
    with pytest.raises(Failed) as caught:
        call(*args)
    return one_line(caught.value)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 400, "error_code": "DCS.4003", "message": "bad\nrequest\r\n\tbody"}, "bad request body"),
        ({"status": 403, "error_code": "DCS.2003", "message": "no right"}, "migrationTask"),
        ({"status": 404, "error_code": "APIGW.0101", "message": "no such API"}, "HW_DCS_ENDPOINT"),
        ({"status": 400, "error_code": "DCS.4003", "message": "x" * 100_000}, "xxx"),
        ({"status": 400, "error_code": "DCS.4003", "message": "\u2028\u0085\x1b[31mred"}, "red"),
    ],
)
def test_a_refusal_is_one_line(plugin: Plugin, cloud: Emulator, fault: dict[str, Any], said: str) -> None:
    """For any answer, the error is one short line with the operation and the status."""
    inputs = plugin.check(definition()).inputs
    cloud.fault("CreateMigrationTask", "error", **fault)
    line = failure(plugin.create, inputs)
    assert said in line
    assert f"CreateMigrationTask failed: HTTP {fault['status']}" in line
    assert len(line) < 2000


@pytest.mark.parametrize("method", ["create", "read", "delete"])
def test_missing_credentials_are_one_line(start: StartPlugin, cloud: Emulator, method: str) -> None:
    """Every operation that calls names the variables and the configuration keys that are missing."""
    plugin = start(environment(cloud, HW_ACCESS_KEY=None, HW_SECRET_KEY=None))
    inputs = plugin.check(definition()).inputs
    calls = {
        "create": lambda: plugin.create(inputs),
        "read": lambda: plugin.read("1" * 32, inputs),
        "delete": lambda: plugin.delete("1" * 32, {**inputs, "status": "SUCCESS"}),
    }
    line = failure(calls[method])
    for name in ("HW_ACCESS_KEY", "HW_SECRET_KEY", "huaweicloud:accessKey", "huaweicloud:secretKey"):
        assert name in line
    assert operations(cloud) == []


def test_half_a_set_of_credentials_is_one_line(start: StartPlugin, cloud: Emulator) -> None:
    """A key without its secret is named, and no other source is mixed in."""
    keys = {"huaweicloud:accessKey": cloud.access_key, "huaweicloud:secretKey": cloud.secret_key}
    plugin = start(environment(cloud, HW_SECRET_KEY=None), keys)
    line = failure(plugin.create, plugin.check(definition()).inputs)
    assert "set HW_ACCESS_KEY and HW_SECRET_KEY together" in line
    assert operations(cloud) == []


def test_a_missing_region_fails_the_preview(start: StartPlugin, cloud: Emulator) -> None:
    """It is a failure of check, so that it shows before anything is called, with the key and the variable."""
    plugin = start(environment(cloud, HW_REGION_NAME=None))
    checked = plugin.check(definition(__dry_run=True))
    ((property_, reason),) = checked.failures
    assert property_ == ""
    assert "huaweicloud:region" in reason
    assert "HW_REGION_NAME" in reason


def test_refused_credentials_are_tried_once(start: StartPlugin, cloud: Emulator) -> None:
    """Eight creates with a wrong key make one call, because six refusals would lock the key for everybody."""
    plugin = start(environment(cloud, HW_SECRET_KEY="not-the-secret-key-of-this-account"))
    checked = [plugin.check(definition(f"orders-{number}")).inputs for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        lines = [one_line(pool.submit(plugin.create, inputs).exception()) for inputs in checked]
    assert len(cloud.requests()) == 1
    assert [line for line in lines if "HTTP 401" not in line] == []


def test_refused_credentials_of_the_project_look_up_are_tried_once(
    start: StartPlugin, cloud: Emulator
) -> None:
    """The breaker holds across services: what IAM refused is not tried at DCS, by no thread."""
    wrong = "not-the-secret-key-of-this-account"
    plugin = start(environment(cloud, HW_PROJECT_ID=None, HW_SECRET_KEY=wrong))
    checked = [plugin.check(definition(f"orders-{number}")).inputs for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for inputs in checked:
            one_line(pool.submit(plugin.create, inputs).exception())
    assert operations(cloud) == ["KeystoneListProjects"]


@pytest.mark.parametrize(
    ("environ", "config", "source"),
    [
        ({"HW_SECRET_KEY": "wrong-secret-key"}, {}, "the environment (HW_*)"),
        (
            {"HW_ACCESS_KEY": None, "HW_SECRET_KEY": None},
            {"huaweicloud:accessKey": "AK", "huaweicloud:secretKey": "old-secret-key"},
            "--run-program",
        ),
    ],
)
def test_a_401_says_where_the_credentials_came_from(
    start: StartPlugin,
    cloud: Emulator,
    environ: dict[str, str | None],
    config: dict[str, str],
    source: str,
) -> None:
    """A destroy sees the keys of the last `up`: the error names their source and what sees the new ones."""
    plugin = start(environment(cloud, **environ), config)
    assert source in failure(plugin.create, plugin.check(definition()).inputs)


def test_debugging_shows_a_traceback_without_secrets(start: StartPlugin, cloud: Emulator) -> None:
    """DCS_MIGRATION_DEBUG=1 adds where it happened; passwords in it stay hidden."""
    plugin = start(environment(cloud, DCS_MIGRATION_DEBUG="1"))
    inputs = plugin.check(definition()).inputs
    told = f"can't log in with {TARGET_PASSWORD} as {SECRET_KEY}"
    cloud.fault("CreateMigrationTask", "error", status=400, error_code="DCS.4003", message=told)
    refused = shown(plugin.create, inputs)
    assert refused.startswith("CreateMigrationTask failed: HTTP 400 DCS.4003: can't log in with *** as ***")
    plugin.create({"module": "builtins", "name": "LookupError", "message": told}, by_reference(Saboteur()))
    unforeseen = shown(plugin.create, plugin.check(definition("other")).inputs)
    assert unforeseen.startswith("internal error: LookupError: can't log in with *** as ***")
    for text in (refused, unforeseen):
        assert text.splitlines()[1] == "Traceback (most recent call last):"
        assert "create.py" in text
        assert TARGET_PASSWORD not in text
        assert SECRET_KEY not in text


def test_other_providers_keep_their_tracebacks(plugin: Plugin, cloud: Emulator) -> None:
    """Someone else's provider in this process fails as it always did, also after ours has failed."""
    broken = by_reference(Broken())
    before = shown(plugin.create, {}, broken)
    cloud.fault("CreateMigrationTask", "error", status=400, error_code="DCS.4003", message="no")
    failure(plugin.create, plugin.check(definition()).inputs)
    after = shown(plugin.create, {}, broken)
    assert after == before
    for part in ("Traceback (most recent call last)", "KeyError", "direct cause", "second trouble"):
        assert part in after


INTERRUPTIONS = [
    ("builtins", "KeyboardInterrupt"),
    ("builtins", "SystemExit"),
    ("builtins", "GeneratorExit"),
    ("builtins", "MemoryError"),
    ("builtins", "RecursionError"),
    ("asyncio", "CancelledError"),
    ("concurrent.futures", "CancelledError"),
    ("grpc", "RpcError"),
]


def test_nothing_that_is_raised_inside_hangs_the_engine(plugin: Plugin, cloud: Emulator) -> None:
    """Exceptions that aren't an `Exception` are answered too, and leave no lock behind and the process alive."""
    _, state = created(plugin, definition())
    others = [created(plugin, definition(f"other-{number}"))[1] for number in range(3)]
    saboteur = by_reference(Saboteur())
    fresh = plugin.check(definition("fresh")).inputs
    plugin.read(state.id, state.outputs)  # a fresh listing: the deletes below reach their joined stop
    for module, name in INTERRUPTIONS:
        plugin.create({"module": module, "name": name}, saboteur)
        line = failure(plugin.create, fresh)
        assert name in line
        failure(plugin.read, "1" * 32, {**state.outputs, "project_id": "another"})
        with ThreadPoolExecutor(4) as pool:
            deletes = [pool.submit(plugin.delete, one.id, one.outputs) for one in (state, *others)]
        for future in deletes:
            assert name in one_line(future.exception())
        plugin.delete("trap", {}, saboteur)
    assert plugin.alive()
    plugin.create(fresh)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: plugin.delete(one.id, one.outputs), (state, *others)))
    assert len(cloud.tasks()) == 1


def test_no_secret_leaves_the_password_fields(
    start: StartPlugin, cloud: Emulator, engine: StandInEngine
) -> None:
    """Passwords and keys are nowhere in replies, errors, log lines and output, except where the user put them."""
    source = "rediss-Secret/+&%22 öß"
    plugin = start(environment(cloud, DCS_MIGRATION_DEBUG="1"))
    instance = {"id": INSTANCE, "password": TARGET_PASSWORD}
    inputs = plugin.check(
        online(source_instance={"addrs": "10.0.0.1:6379", "password": source}, target_instance=instance)
    ).inputs
    texts = []
    for encoded in (source, TARGET_PASSWORD, SECRET_KEY):
        told = f"AUTH {encoded} failed"
        cloud.fault("CreateMigrationTask", "error", status=400, error_code="DCS.4003", message=told)
        texts.append(shown(plugin.create, inputs))
    cloud.fault("ListMigrationTask", "error", status=403, error_code="DCS.2003", message=f"no {source}")
    elsewhere = {**inputs, "project_id": "f" * 32}
    texts.append(shown(plugin.create, elsewhere))
    state = plugin.create(inputs)
    kept = {path for path, value in leaves(state.outputs) if value in (source, TARGET_PASSWORD, SECRET_KEY)}
    assert kept == {"source_instance.password", "target_instance.password"}
    cloud.set_status(state.id, "FAILED", f"WRONGPASS {source} {TARGET_PASSWORD}")
    again = start(environment(cloud))
    refreshed = again.read(state.id, state.outputs)
    assert refreshed.outputs["error"] == "WRONGPASS *** ***"
    texts += [str(again.read(state.id, {}, {"__urn": "urn:pulumi:dev::shop::t::n"}).outputs)]
    texts += [plugin.close(), again.close(), str(engine.lines)]
    for text in texts:
        assert not [secret for secret in (source, TARGET_PASSWORD, SECRET_KEY) if secret in text]


@pytest.mark.parametrize("filters", ["error", "ignore", "always", None])
def test_a_library_that_warns_is_one_line(
    start: StartPlugin, engine: StandInEngine, tmp_path: Path, filters: str | None
) -> None:
    """HW_INSECURE makes urllib3 warn at every call: one line on the row, no path, no error, with any filters."""
    with StandIn(error(403, "DCS.2003"), tls=tls_context(tmp_path)) as service:
        environ = {
            "HW_REGION_NAME": "eu-west-101",
            "HW_PROJECT_ID": "p0",
            "HW_ACCESS_KEY": "AK",
            "HW_SECRET_KEY": SECRET_KEY,
            "HW_DCS_ENDPOINT": service.url,
            "HW_INSECURE": "true",
        }
        plugin = start({**environ, "PYTHONWARNINGS": filters} if filters else environ)
        inputs = plugin.check(definition()).inputs
        for _ in range(2):
            assert "grant dcs:migrationTask:list" in failure(plugin.create, inputs)
    (line,) = [warning for warning in engine.warnings(inputs["__urn"]) if "Unverified" in warning]
    assert "InsecureRequestWarning" in line
    assert "Unverified" not in plugin.close()
    assert ".py" not in line


def test_what_the_service_says_of_a_task_is_clean_in_state(start: StartPlugin, cloud: Emulator) -> None:
    """Status, name and error: no line of their own, no escape sequence, no password, and known words stay."""
    plugin = start()
    inputs = plugin.check(definition()).inputs
    state = plugin.create(inputs)
    hostile = f"A\n::error ::x \x1b[31m\ud83d {TARGET_PASSWORD}"
    row = {
        "task_id": state.id,
        "task_name": hostile,
        "status": hostile,
        "created_at": hostile,
        "error": hostile,
    }
    with StandIn(answer({"migration_tasks": [row], "count": 1})) as service:
        moved = start(
            environment(
                cloud, HW_DCS_ENDPOINT=service.url, DCS_MIGRATION_ACCEPT_ENDPOINT=urlsplit(service.url).netloc
            )
        )
        told = moved.read(state.id, state.outputs).outputs
    for key in ("name", "status", "created_at", "error"):
        assert told[key].startswith("A ::error ::x")
        assert told[key].endswith("***")
        assert told[key].isprintable()
    assert told["target_instance"] == inputs["target_instance"]


@pytest.mark.parametrize("ephemeral", [True, False])
def test_a_log_line_is_one_line_whatever_it_says(engine: StandInEngine, ephemeral: bool) -> None:
    """A line that starts with `::error` in a pipeline's log would be a command."""
    line = "status A\n::error ::x\r\n\x1b[31m \ud83d \u202e" + "y" * 100_000
    GrpcEngine(engine.address).log("WARNING", line, "urn:x", ephemeral=ephemeral)
    # A warning is followed by an empty passing line, so that the CLI does not repeat it with every step.
    shown_line, *empty = engine.lines
    assert [line.message for line in empty] == ([] if ephemeral else [""])
    assert shown_line.message.startswith("status A ::error ::x [31m yyy")
    assert shown_line.message.isprintable()
    assert len(shown_line.message) <= 4000
