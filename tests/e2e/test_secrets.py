"""No secret leaves the encrypted fields of the state: every byte that a stack prints or writes is searched."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from dcs_emulator import Emulator
from tests.chaos.leaks import leaked, told_by_server
from tests.e2e.running import running
from tests.e2e.stack import TIMEOUT, Stack, calls, operations

TARGET = 'p@ss "w0rd"/é&<1>%2F\\n'
SOURCE = "s0urce&'pass\"word\\u00e9"
IN_URL = "Url;Crede+ntial=9?"
SECRET_KEY = "Sk/9+q=Zx&7%Tw"
TOKEN = "Tok+en/1==<&>'%5c"
LIKE_A_STATUS = "CAPITAL_PASSWORD"
SECRETS = (TARGET, SOURCE, IN_URL, SECRET_KEY, TOKEN, LIKE_A_STATUS)
TOLD = " ".join(map(told_by_server, (TARGET, SOURCE, SECRET_KEY, TOKEN)))

PROGRAM = f"""
    import os
    config = pulumi.Config()
    task = MigrationTask("orders", **BACKUP, target_instance=target(password={TARGET!r}))
    source = {{"addrs": os.environ["ADDRS"], "password": config.require_secret("source")}}
    online = MigrationTask("online", **ONLINE | {{"source_instance": source}}, target_instance=target(1))
    pulumi.export("task", task.error)
    pulumi.export("target", task.target_instance)
    pulumi.export("source", online.source_instance)
"""
# Both kinds of tasks; the target of one is an output, which a first preview does not know.
TASKS = f"""
    from dcs_migration import OnlineMigrationTask
    shop = OnlineMigrationTask(
        "shop", vpc_id="vpc-1", subnet_id="subnet-1", security_group_id="group-1",
        migration_method="incremental_migration",
        source_instance={{"id": "shop", "password": pulumi.Config().require_secret("source")}},
        target_instance={{"id": "orders", "password": {LIKE_A_STATUS!r}}},
    )
    whole = shop.task_id.apply(lambda _: target(password={TARGET!r}))
    orders = MigrationTask("orders", **BACKUP, target_instance=whole)
"""
WAIT = """
    done = MigrationCompletion("done", tasks=[orders, shop], interval="1s", timeout="2m")
    pulumi.export("statuses", done.statuses)
"""
# Python reads it when it starts: the plugin's own log goes to a file.
DEBUG_LOG = """
    import logging, os
    handler = logging.FileHandler(os.environ["WIRE_LOG"])
    logging.getLogger("dcs_migration").addHandler(handler)
    logging.getLogger("dcs_migration").setLevel(logging.DEBUG)
"""

# Every shape in which an input may come, each with the password of its own number, and transforms of each kind.
SHAPES = """
    import json
    from collections import ChainMap
    from dcs_migration import OnlineMigration, OnlineMigrationTask

    @pulumi.input_type
    class Instance:
        def __init__(self, *, id, password):
            pulumi.set(self, "id", id)
            pulumi.set(self, "password", password)

        @property
        @pulumi.getter
        def id(self) -> pulumi.Input[str]:
            return pulumi.get(self, "id")

        @property
        @pulumi.getter
        def password(self) -> pulumi.Input[str]:
            return pulumi.get(self, "password")

    async def later(value):
        return value

    def secret(number):
        return f"planted-{number:02d}-password"

    def full(number, make=str):
        return target(number, password=make(secret(number)))

    def typed(number):
        return Instance(id=target(number)["id"], password=secret(number))

    known = pulumi.Output.from_input
    SHAPES = [
        full(0), full(1, known), full(2, later), typed(3),
        later(full(4)), later(full(5, later)), later(typed(6)), later(known(full(7))),
        known(full(8)), known(typed(9)), known(later(full(10))), known("x").apply(lambda _: full(11, later)),
        pulumi.Output.all(full(12)).apply(lambda all: all[0]), later(later(full(13))),
        {**full(14), "name": known("later")},
        pulumi.Output.json_loads(json.dumps(full(15))), full(16, lambda text: pulumi.Output.concat(text, "")),
        ChainMap(full(17)), pulumi.Output.unsecret(pulumi.Output.secret(full(18))), known({"a": [full(19)]})["a"][0],
    ]
    for number, shape in enumerate(SHAPES):
        MigrationTask(f"shape{number}", **BACKUP, target_instance=shape)

    def setting(key, value):
        return lambda args: pulumi.ResourceTransformationResult({**args.props, key: value}, args.opts)

    def transform(key, value):
        return lambda args: pulumi.ResourceTransformResult({**args.props, key: value}, args.opts)

    async def slow(args):
        return pulumi.ResourceTransformResult({**args.props, "target_instance": full(22)}, args.opts)

    def on_stack(args):
        if args.name == "on_stack":
            return pulumi.ResourceTransformationResult({**args.props, "target_instance": full(23)}, args.opts)

    def on_all(args):
        if args.name == "on_all":
            return pulumi.ResourceTransformResult({**args.props, "target_instance": full(24)}, args.opts)

    pulumi.runtime.register_stack_transformation(on_stack)
    pulumi.runtime.register_resource_transform(on_all)
    options = {
        "in_program": pulumi.ResourceOptions(transformations=[setting("target_instance", full(20))]),
        "in_engine": pulumi.ResourceOptions(transforms=[transform("target_instance", full(21))]),
        "async": pulumi.ResourceOptions(transforms=[slow]),
        "on_stack": None,
        "on_all": None,
        "typed": pulumi.ResourceOptions(transformations=[setting("target_instance", typed(25))]),
    }
    tasks = {
        name: MigrationTask(name, **BACKUP, target_instance=target(50 + number), opts=opts)
        for number, (name, opts) in enumerate(options.items())
    }
    pulumi.export("told", tasks["in_engine"].target_instance)
    source = {"addrs": "10.0.0.1:6379", "password": secret(30)}
    MigrationTask("online", **ONLINE | {"source_instance": later(source)}, target_instance=typed(31))
    shop = OnlineMigrationTask(
        "shop", vpc_id="vpc-1", subnet_id="subnet-1", security_group_id="group-1",
        migration_method="incremental_migration",
        source_instance=typed(32), target_instance=later(full(33)),
    )
    moved = OnlineMigrationTask(
        "moved", vpc_id="vpc-1", subnet_id="subnet-1", security_group_id="group-1",
        migration_method="incremental_migration",
        source_instance={"id": "a"}, target_instance={"id": "b"},
        opts=pulumi.ResourceOptions(transforms=[
            lambda args: transform("source_instance", full(34))(args) if "source_instance" in args.props else None
        ]),
    )
"""


def found(text: str) -> set[str]:
    """Return the secrets that the text holds in any form."""
    return {secret for secret in SECRETS if leaked(text, [secret])}


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """A service that echoes passwords, with keys of its own."""
    with Emulator(
        progression="manual",
        stop_seconds=0.2,
        access_key="AK4SECRETS",
        secret_key=SECRET_KEY,
        quirks=["password-echoed"],
    ) as running:
        yield running


class Searched:
    """A stack whose service and surroundings hold secrets, and everything that it has printed."""

    def __init__(self, root: Path, cloud: Emulator) -> None:
        self.stack = Stack(root / "stack", cloud)
        self.cloud = cloud
        self.printed: list[str] = []
        hook, temporary = root / "hook", self.stack.root / "tmp"
        hook.mkdir()
        temporary.mkdir()
        self.stack.environ |= {
            "HW_SECRET_KEY": SECRET_KEY,
            "HW_SECURITY_TOKEN": TOKEN,
            "ADDRS": "10.0.0.1:6379",
            "DCS_MIGRATION_DEBUG": "1",
            "PYTHONPATH": f"{hook}:{self.stack.environ.get('PYTHONPATH', '')}",
            "WIRE_LOG": str(self.stack.root / "wire.log"),
            "TMPDIR": str(temporary),
        }
        lines = [line.strip() for line in DEBUG_LOG.strip().splitlines()]
        (hook / "sitecustomize.py").write_text("\n".join(lines) + "\n")
        self.stack.run("config", "set", "--secret", "source", SOURCE)

    def run(self, *args: str, ok: bool) -> str:
        """Run a command, with our tracebacks, which `Stack.run` would not let pass."""
        done = subprocess.run(
            ["pulumi", *args, "--color", "never", "--non-interactive"],
            cwd=self.stack.work,
            env=self.stack.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert (done.returncode == 0) is ok, done.stdout
        self.printed.append(done.stdout)
        return done.stdout

    def require_nothing_found(self) -> None:
        """Search what was printed and written, and the service's own journal."""
        journal = json.dumps([self.cloud.requests(), self.cloud.faults()], ensure_ascii=False)
        written = self.stack.everything_written().decode("utf-8", "replace")
        assert "answer: " in (self.stack.root / "wire.log").read_text()
        assert list((self.stack.root / "backend").rglob("*.bak"))
        assert found("\n".join([*self.printed, journal])) == set()
        assert found(written) == set()


@pytest.fixture
def searched(tmp_path: Path, cloud: Emulator) -> Searched:
    """A stack to be searched."""
    return Searched(tmp_path, cloud)


def test_the_search_finds_every_form() -> None:
    """The search itself: each form of each secret is found everywhere."""
    for secret in SECRETS:
        quoted = json.dumps({"password": secret})
        encoded = [base64.b64encode(b"x" * before + secret.encode() + b"yz").decode() for before in range(3)]
        for told in (secret, quote(secret, safe=""), quoted, json.dumps([quoted]), *encoded):
            assert found(f"auth failed for {told}!") == {secret}


def test_secrets_stay_out_of_everything(searched: Searched, cloud: Emulator) -> None:
    """State, history, back-ups, outputs, errors, debug log, journal, temporary files: none holds a secret."""
    stack, run = searched.stack.program(PROGRAM), searched.run
    # A password in the URL of an address is refused by preview, and not repeated.
    stack.environ["ADDRS"] = f"redis://:{IN_URL}@10.0.0.1:6379"
    assert "source_instance.addrs" in run("preview", "--json", ok=False)
    stack.environ["ADDRS"] = "10.0.0.1:6379"
    # The service gives everything away in its refusals, and then in the state of a task.
    cloud.fault("CreateMigrationTask", "error", status=400, error_code="DCS.4800", message=TOLD, times=2)
    assert "auth failed" in run("up", "--yes", "--skip-preview", "--diff", ok=False)
    run("up", "--yes", "--diff", ok=True)
    for task in cloud.tasks():
        cloud.set_status(task["id"], "FAILED", TOLD)
    run("refresh", "--yes", "--skip-preview", "--diff", ok=True)
    run("up", "--yes", "--json", ok=True)
    assert "auth failed" in run("stack", "output", "--json", ok=True)
    run("stack", "history", "--json", ok=True)
    cloud.fault("DeleteMigrationTask", "error", status=400, error_code="DCS.4800", message=TOLD)
    assert "auth failed" in run("destroy", "--yes", "--skip-preview", "--diff", ok=False)

    assert "Traceback" in searched.printed[1]
    assert {"CreateMigrationTask", "ListMigrationTask", "DeleteMigrationTask"} <= set(operations(cloud))
    assert "CreateMigrationTask request" in (stack.root / "wire.log").read_text()
    searched.require_nothing_found()


def let_all_fail(cloud: Emulator) -> None:
    """Let every task fail, with an error and a line in its log that give all secrets away."""
    for task in cloud.tasks():
        cloud.set_status(task["id"], "FAILED", TOLD)


def parents(document: Any, name: str, parent: str = "") -> Iterator[str]:
    """Find everything of that name in a document; yield the name of what it is in."""
    for key, item in document.items() if isinstance(document, dict) else ():
        if key == name:
            yield parent
        yield from parents(item, name, key)
    for item in document if isinstance(document, list) else ():
        yield from parents(item, name, parent)


@pytest.mark.parametrize("form", [pytest.param("--diff", marks=pytest.mark.long), "--json"])
def test_a_wait_knows_the_passwords_of_its_tasks(searched: Searched, cloud: Emulator, form: str) -> None:
    """Tasks that one `up` makes and waits for fail with texts that hold their passwords: these are removed."""
    stack = searched.stack.program(TASKS + WAIT)
    searched.run("preview", form, ok=True)
    with running(stack, "up", "--yes", "--skip-preview", form) as up:
        up.until(lambda: "0 of 2 done" in up.text)
        for task in cloud.tasks():
            cloud.set_status(task["id"], f"NO_{LIKE_A_STATUS}")
        up.until(lambda: "unknown status" in up.text)
        let_all_fail(cloud)
        assert up.wait() != 0
    searched.printed.append(up.text)
    searched.require_nothing_found()
    for said in ("2 of 2 migrations failed", "auth failed for ***", "unknown status NO_***"):
        assert said in up.text
    assert "ListMigrationTaskLogs" in operations(cloud)


@pytest.mark.long
def test_a_wait_that_comes_later_knows_them_too(searched: Searched, cloud: Emulator) -> None:
    """The tasks are of an earlier `up`, the wait is new and planned: no text, plan or state has a copy."""
    stack, run = searched.stack.program(TASKS), searched.run
    run("up", "--yes", "--skip-preview", ok=True)
    let_all_fail(cloud)
    stack.program(TASKS + WAIT)
    run("preview", "--save-plan", "plan.json", ok=True)
    assert "auth failed" in run("up", "--yes", "--skip-preview", "--plan", "plan.json", ok=False)
    # A refusal of the listing ends the wait, too: its words are the service's.
    cloud.fault("ListMigrationTask", "error", status=400, error_code="DCS.4800", message=TOLD, times=9)
    assert "the wait has ended" in run("up", "--yes", "--skip-preview", "--diff", ok=False)
    cloud.clear_faults()
    for task in cloud.tasks():
        cloud.set_status(task["id"], "SUCCESS")
    run("up", "--yes", "--skip-preview", ok=True)
    stack.require_no_changes()
    searched.require_nothing_found()
    for document in ((stack.work / "plan.json").read_text(), stack.run("stack", "export").text):
        assert "MigrationCompletion::done" in document
        # What a property depends on is kept, also of one that is not.
        assert set(parents(json.loads(document), "__passwords")) == {"propertyDependencies"}


def planted(text: str) -> set[str]:
    """Return the passwords of the shapes that a text holds."""
    return set(re.findall(r"planted-\d\d-password", text))


@pytest.mark.long
def test_a_password_is_a_secret_in_every_shape_of_an_input(stack: Stack, emulator: Emulator) -> None:
    """As a coroutine, an input class, an output of these, or set by a transform: state, plan and screen hide it."""
    stack.program(SHAPES)
    text = stack.preview("--diff", "--save-plan", "plan.json").text
    assert planted(text) == set()
    # The rest of each instance stays legible.
    assert text.count("4cd5dbb8-aacd-4603-b817-0000000000") >= 27
    done = stack.up("--diff", "--plan", "plan.json")
    assert planted(done.text) == set()
    for key in ("target_instance", "source_instance"):
        for name, task in stack.resources().items():
            for props in (task["inputs"], task["outputs"]):
                assert "4dabf18193072939515e22adb298388d" not in props.get(key, {}), (
                    f"{name} is hidden as a whole"
                )
    stack.require_no_changes()
    stack.refresh()
    stack.require_no_changes()
    assert planted(stack.run("stack", "export").text) == set()
    assert planted(stack.run("stack", "output", "--json").text) == set()
    assert planted(stack.everything_written().decode("utf-8", "replace")) == set()
    # All of them arrived at the service, which shows that the search looked for the right ones.
    assert len(planted(stack.run("stack", "export", "--show-secrets").text)) == 31
    rotated = SHAPES.replace("planted-", "rotated-planted-")
    assert stack.program(rotated).up().count("updated") == 29
    assert planted(stack.everything_written().decode("utf-8", "replace")) == set()
    assert calls(emulator)["CreateMigrationTask"] == 27


@pytest.mark.long
def test_a_state_that_holds_a_password_in_plain_text_is_mended(stack: Stack, emulator: Emulator) -> None:
    """A release that did not mark it left it there: the next preview shows no change, `up` and refresh hide it."""
    plain = "planted-99-password"
    stack.program(f'MigrationTask("orders", **BACKUP, target_instance=target(password="{plain}"))').up()
    state = json.loads(stack.run("stack", "export").text)
    for entry in state["deployment"]["resources"]:
        for props in (entry.get("inputs", {}), entry.get("outputs", {})):
            if "target_instance" in props:
                props["target_instance"]["password"] = plain
    (stack.work / "plain.json").write_text(json.dumps(state))
    stack.run("stack", "import", "--file", str(stack.work / "plain.json"))
    assert planted(stack.run("stack", "export").text) == {plain}
    stack.require_no_changes()
    stack.up()
    stack.refresh()
    assert planted(stack.run("stack", "export").text) == set()
    stack.require_no_changes()
    assert calls(emulator)["CreateMigrationTask"] == 1


def test_a_rotated_password_is_no_news_to_a_wait(stack: Stack, emulator: Emulator) -> None:
    """The task is updated, the wait is not, and nothing is called; refreshes and destroy aren't changed."""
    program = """
        task = MigrationTask("orders", **BACKUP, target_instance=target(password="before"))
        done = MigrationCompletion("done", tasks=[task], interval="1s")
    """
    with running(stack.program(program), "up", "--yes", "--skip-preview") as up:
        up.until(emulator.tasks)
        emulator.set_status(emulator.tasks()[0]["id"], "SUCCESS")
        assert up.end() == 0
    stack.require_no_changes()
    emulator.clear_requests()
    rotated = stack.program(program.replace("before", "after")).up()
    assert (rotated.count("updated"), rotated.count("unchanged")) == (1, 4)
    assert operations(emulator) == []
    stack.refresh("--run-program")
    stack.up("--refresh")
    stack.require_no_changes()
    assert calls(emulator)["CreateMigrationTask"] == 0
    stack.destroy("--run-program")
    assert emulator.tasks() == []
