"""`doctor`: each check fails for its own reason, says what to do, and those that depend on it are skipped."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from dcs_migration.command_line import exits
from dcs_migration.command_line.doctor import CHECKS
from tests.unit.command_line_world import PROJECT, Cli, Ended, WallClock, mark
from tests.unit.life_cycle_world import REGION

NAMES = [check.name for check in CHECKS]


@pytest.fixture
def cli(cloud: Emulator) -> Cli:
    """Commands against an emulator, with a clock that is right."""
    return Cli(cloud, WallClock())


def verdicts(ended: Ended) -> dict[str, str]:
    """What each check came to."""
    return {check["name"]: check["result"] for check in ended.document["checks"]}


def check_of(ended: Ended, name: str) -> dict[str, str]:
    """One check of the document."""
    (found,) = (check for check in ended.document["checks"] if check["name"] == name)
    assert isinstance(found, dict)
    return found


def test_all_is_well(cli: Cli) -> None:
    """One line for each check, with where each setting comes from; no value of a secret."""
    ended = cli.run("doctor", env={"HW_SECRET_KEY": cli.cloud.secret_key})
    assert ended.code == exits.OK
    assert ended.err == ""
    assert [line.split()[:2] for line in ended.lines if not line.startswith(" ")] == [
        ["ok", name] for name in NAMES if name != "instance"
    ]
    aligned = " " * len("ok       credentials  ")
    assert f"{aligned}region {REGION} (HW_REGION_NAME)" in ended.lines
    assert f"endpoint {cli.cloud.url} (HW_DCS_ENDPOINT)" in ended.out
    assert f"{PROJECT} (looked up)" in ended.out
    assert "the environment (HW_*)" in ended.out
    assert "in sync with the service" in ended.out
    assert "(default)" not in ended.out


def test_keys_of_a_file_that_stay_as_they_are_are_not_called_temporary(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Huawei's SDK reads the file, but the keys don't expire."""
    file = tmp_path / "credentials"
    file.write_text(f"[basic]\r\nak = {cli.cloud.access_key}\r\nsk = {cli.cloud.secret_key}\r\n")
    variable = "HUAWEICLOUD_SDK_CREDENTIALS_FILE"
    monkeypatch.setenv(variable, str(file))
    ended = cli.run("doctor", env={"HW_ACCESS_KEY": None, "HW_SECRET_KEY": None, variable: str(file)})
    assert ended.code == exits.OK
    assert "temporary" not in ended.out


def test_options_are_named_as_the_source(cli: Cli) -> None:
    """What is given as an option goes before the environment, and the line says so."""
    ended = cli.run(
        "doctor", "--region", REGION, "--project-id", PROJECT, env={"HW_REGION_NAME": "elsewhere-1"}
    )
    assert f"region {REGION} (--region)" in ended.out
    assert f"{PROJECT} (--project-id)" in ended.out


def test_a_document(cli: Cli) -> None:
    """The same as JSON, with defaults."""
    document = cli.run("doctor", "--json").document
    assert document["ok"] is True
    assert [check["name"] for check in document["checks"]] == NAMES[:-1]
    assert {tuple(check) for check in document["checks"]} == {("name", "result", "text", "remedy", "facts")}
    facts = {fact["name"]: fact for fact in document["checks"][0]["facts"]}
    assert facts["maxRetries"] == {"name": "maxRetries", "value": "5", "source": "default"}


def test_what_runs_on_an_instance(cli: Cli) -> None:
    """The tasks that occupy a target are named; those that have ended, and those elsewhere, are not."""
    running = cli.start("orders", mark())
    cli.cloud.set_status(cli.start("carts"), "FAILED")
    cli.start("other", target_instance={"id": "target-2"})
    ended = cli.run("doctor", "--instance", "target-1")
    assert ended.code == exits.OK
    assert "1 task is running on target-1" in ended.out
    assert f"{running} MIGRATING (orders)" in ended.out
    assert "no task is running on target-3" in cli.run("doctor", "--instance", "target-3").out


@pytest.mark.parametrize(
    ("changes", "failing", "said", "remedy"),
    [
        ({"HW_REGION_NAME": None}, "settings", "no region", "pass --region or set HW_REGION_NAME"),
        ({"HW_MAX_RETRIES": "many"}, "settings", "must be a whole number", "fix it where it's set"),
        ({"HW_REGION": REGION, "HW_REGION_NAME": None}, "settings", "no region", "pass --region"),
        (
            {"HW_PROJECTID": "p", "HW_INSECURE": "perhaps"},
            "settings",
            "HW_PROJECTID: unknown variable; did you mean HW_PROJECT_ID?; huaweicloud:insecure "
            "(HW_INSECURE) must be",
            "fix these settings",
        ),
        (
            {"HW_DCS_ENDPOINT": None, "HW_CLOUD": "example.invalid"},
            "name",
            f"can't resolve the host name of dcs.{REGION}.example.invalid",
            "check the region, HW_CLOUD and HW_DCS_ENDPOINT",
        ),
        (
            {"HW_DCS_ENDPOINT": "http://127.0.0.1:1"},
            "connection",
            "127.0.0.1:1 refused the connection",
            "check HW_DCS_ENDPOINT and any firewalls and proxies in between",
        ),
        (
            {"HW_ACCESS_KEY": None, "HW_SECRET_KEY": None},
            "credentials",
            "no credentials",
            "set HW_ACCESS_KEY and HW_SECRET_KEY",
        ),
        (
            {"HW_SECRET_KEY": "not-the-right-one"},
            "credentials",
            "HTTP 401 APIGW.0301",
            "the credentials came from the environment (HW_*); check both keys",
        ),
    ],
)
def test_a_failed_check(
    cli: Cli, changes: dict[str, str | None], failing: str, said: str, remedy: str
) -> None:
    """What failed says why and what to do; what came before is well, what comes after is skipped."""
    ended = cli.run("doctor", "--json", env=changes)
    assert ended.code == exits.FAILED
    assert ended.document["ok"] is False
    found = verdicts(ended)
    at = NAMES.index(failing)
    assert [found[name] for name in NAMES[:at]] == ["ok"] * at
    assert [found[name] for name in NAMES[at + 1 : -1]] == ["skipped"] * (len(NAMES) - at - 2)
    check = check_of(ended, failing)
    assert check["result"] == "failed"
    assert said in check["text"]
    assert remedy in check["remedy"]
    assert "not-the-right-one" not in ended.out
    assert "--run-program" not in ended.out


def test_a_refused_key_is_sent_once(cli: Cli) -> None:
    """More than five refusals lock a key for everybody."""
    cli.run("doctor", env={"HW_SECRET_KEY": "not-the-right-one"})
    signed = [entry for entry in cli.cloud.requests() if entry["path"] != "/"]
    assert len(signed) == 1


@pytest.mark.parametrize(
    ("ahead", "result", "said"),
    [
        (0.0, "ok", "in sync with the service"),
        (-60.0, "ok", "59s behind the service"),
        (400.0, "warning", "6m40s ahead of the service"),
        (-1000.0, "failed", "16m39s behind the service"),
    ],
)
def test_the_clock(cloud: Emulator, ahead: float, result: str, said: str) -> None:
    """From five minutes on it warns; beyond fifteen no signature is good, so that none is sent."""
    cli = Cli(cloud, WallClock(ahead))
    ended = cli.run("doctor", "--json")
    check = check_of(ended, "clock")
    assert check["result"] == result
    assert said.split()[1:] == check["text"].split()[1:]
    assert (ended.code, "timedatectl" in (check["remedy"] or "")) == (
        exits.FAILED if result == "failed" else exits.OK,
        result != "ok",
    )
    signed = [entry for entry in cloud.requests() if entry["path"] != "/"]
    assert bool(signed) is (result != "failed")


def test_a_project_that_may_not_be_looked_up(cli: Cli) -> None:
    """The credentials are good: it is the project that fails."""
    cli.cloud.fault("KeystoneListProjects", "error", status=403, error_code="IAM.0003")
    ended = cli.run("doctor", "--json")
    assert verdicts(ended) == {**dict.fromkeys(NAMES[:5], "ok"), "project": "failed", "rights": "skipped"}
    assert "(HTTP 403 IAM.0003)" in check_of(ended, "project")["text"]
    assert "--project-id or HW_PROJECT_ID" in str(check_of(ended, "project"))


def test_rights_that_are_missing(cli: Cli) -> None:
    """Without the right to list, the line names it. No write is tried to find out about others."""
    cli.cloud.fault("ListMigrationTask", "error", status=403, error_code="DCS.2003", times=9)
    ended = cli.run("doctor", "--json", "--instance", "target-1")
    assert verdicts(ended)["credentials"] == "ok"
    check = check_of(ended, "rights")
    assert check["result"] == "failed"
    assert "dcs:migrationTask" in check["remedy"]
    assert check_of(ended, "instance")["result"] == "skipped"


def test_no_tls_where_there_should_be(cli: Cli) -> None:
    """An endpoint that speaks no TLS fails at the connection."""
    ended = cli.run("doctor", "--json", env={"HW_DCS_ENDPOINT": cli.cloud.url.replace("http:", "https:")})
    assert "the server may not use https" in check_of(ended, "connection")["text"]


def test_a_host_that_accepts_and_says_nothing(cli: Cli) -> None:
    """A server that isn't a web server doesn't count as an answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.listen()
        listener.settimeout(10)
        port = listener.getsockname()[1]

        def hang_up() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        ended = cli.run("doctor", "--json", env={"HW_DCS_ENDPOINT": f"http://127.0.0.1:{port}"})
        thread.join()
    assert "dropped the connection" in check_of(ended, "connection")["text"]


def test_a_proxy_is_named_by_its_variable(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are left to it; its address, which may hold a password, isn't shown."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hidden-word@127.0.0.1:1")
    ended = cli.run("doctor", "--json", env={"HW_DCS_ENDPOINT": "https://dcs.example.invalid"})
    assert check_of(ended, "name")["text"] == "resolved by the proxy in HTTPS_PROXY"
    connection = check_of(ended, "connection")
    assert "the proxy in HTTPS_PROXY" in connection["text"]
    assert connection["remedy"] == "fix it in this shell's environment"
    assert "hidden-word" not in ended.out


def test_temporary_keys_are_fetched() -> None:
    """Of an agency the line says through what, and until when the keys are good."""
    trusted = {"HW_ASSUME_ROLE_AGENCY_NAME": "deploy", "HW_ASSUME_ROLE_DOMAIN_NAME": "acme"}
    with Emulator(progression="manual", agencies={"deploy": "acme"}) as cloud:
        ended = Cli(cloud, WallClock()).run("doctor", "--json", env=trusted)
    text = check_of(ended, "credentials")["text"]
    assert text.startswith(
        "the environment (HW_*), then agency deploy of acme: temporary keys, valid until 2"
    )


def test_temporary_keys_that_are_not_to_be_had(cli: Cli) -> None:
    """The agency that refuses is named, and what it needs."""
    trusted = {"HW_ASSUME_ROLE_AGENCY_NAME": "nobody", "HW_ASSUME_ROLE_DOMAIN_NAME": "acme"}
    ended = cli.run("doctor", "--json", env=trusted)
    check = check_of(ended, "credentials")
    assert (check["result"], ended.code) == ("failed", exits.FAILED)
    assert check["text"].startswith("can't get temporary keys from agency nobody of acme: ")
    assert "check that the agency delegates to these credentials' account" in check["remedy"]


def test_insecure_is_a_warning(cli: Cli) -> None:
    """Someone turned verification off: all else is checked, and it is said."""
    ended = cli.run("doctor", "--json", env={"HW_INSECURE": "true"})
    assert ended.code == exits.OK
    assert check_of(ended, "settings")["result"] == "warning"
    assert "aren't verified" in check_of(ended, "settings")["text"]


def test_a_profile_is_named(cli: Cli, tmp_path: Path) -> None:
    """Region and keys of a profile say from which file they are."""
    file = tmp_path / "config.json"
    keys = {"accessKeyId": cli.cloud.access_key, "secretAccessKey": cli.cloud.secret_key}
    profile = {"name": "ops", "mode": "AKSK", "region": REGION, **keys}
    file.write_text(json.dumps({"current": "ops", "profiles": [profile]}))
    ended = cli.run(
        "doctor",
        env={
            "HW_SHARED_CONFIG_FILE": str(file),
            "COLUMNS": "120",
            **dict.fromkeys(("HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_REGION_NAME")),
        },
    )
    assert ended.code == exits.OK, ended.out
    assert ended.out.count("profile ops") == 2


@pytest.mark.parametrize("columns", ["80", "120"])
def test_lines_fit(cli: Cli, columns: str) -> None:
    """Nothing runs over the edge."""
    for changes in ({}, {"HW_SECRET_KEY": "not-the-right-one"}):
        ended = cli.run("doctor", "--instance", "target-1", env={"COLUMNS": columns, **changes})
        assert max(map(len, ended.lines)) <= int(columns)
