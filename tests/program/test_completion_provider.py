"""With whose settings a completion waits: those that its tasks were declared with."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from dcs_migration import MigrationCompletion, MigrationTask, Provider
from tests.program.test_completion import ELSEWHERE, process_of, processes
from tests.program.test_program import Recorder, is_secret, monitor, run, task, without_secrets
from tests.program.test_provider import online

__all__ = ["monitor"]  # the fixture

KEYS: dict[str, Any] = {"access_key": "AK-of-singapore", "secret_key": "SK-of-singapore"}
TWIN = "singapore-completions"


def singapore() -> Provider:
    """Declare a provider of another account."""
    return Provider("singapore", region="ap-southeast-3", **KEYS)


def with_provider(provider: pulumi.ProviderResource) -> pulumi.ResourceOptions:
    """Return options that name a provider."""
    return pulumi.ResourceOptions(provider=provider)


def inside(provider: pulumi.ProviderResource) -> pulumi.ResourceOptions:
    """Return the options of what is in a component that has a provider."""
    outer = pulumi.ResourceOptions(providers=[provider])
    return pulumi.ResourceOptions(parent=pulumi.ComponentResource("test:index:Outer", "outer", None, outer))


@pytest.mark.parametrize("inherited", [False, True], ids=["named", "inherited"])
@pytest.mark.parametrize("kind", ["task", "online", "read", "method"])
def test_a_wait_has_the_settings_of_its_task_s_provider(
    monitor: Recorder, kind: str, inherited: bool
) -> None:
    """In a process of its own, which takes no thread from the creates of that provider."""

    def program() -> Any:
        options = (inside if inherited else with_provider)(singapore())
        if kind == "online":
            return MigrationCompletion("done", tasks=[online("shop", opts=options)]).id
        if kind == "read":
            read = MigrationTask.get("orders", ELSEWHERE, opts=options)
            return MigrationCompletion("done", tasks=[read]).id
        orders = task(opts=options)
        if kind == "method":
            return orders.completion().id
        return MigrationCompletion("done", tasks=[orders]).id

    run(program)
    assert processes(monitor) == ["singapore", TWIN]
    assert process_of(monitor, "orders-completion" if kind == "method" else "done") == TWIN
    _, request, props = monitor.of(TWIN)
    assert "::singapore" in request.parent
    assert props["huaweicloud:region"] == "ap-southeast-3"
    assert props["huaweicloud:accessKey"] == "AK-of-singapore"
    assert is_secret(props["huaweicloud:secretKey"])
    assert "SK-of-singapore" not in json.dumps(without_secrets(props))


def test_a_wait_for_ids_alone_has_the_settings_that_it_inherits(monitor: Recorder) -> None:
    """There are no tasks that could tell."""
    run(lambda: MigrationCompletion("done", task_ids=[ELSEWHERE], opts=inside(singapore())).id)
    assert process_of(monitor, "done") == TWIN


def test_the_tasks_go_before_what_is_inherited(monitor: Recorder) -> None:
    """It is they that the wait must see."""

    def program() -> Any:
        orders = task(opts=with_provider(singapore()))
        return MigrationCompletion("done", tasks=[orders], opts=inside(Provider("other", **KEYS))).id

    run(program)
    assert process_of(monitor, "done") == TWIN


@pytest.mark.parametrize("way", ["provider", "providers"])
def test_a_provider_that_the_wait_names_makes_it_itself(monitor: Recorder, way: str) -> None:
    """As everywhere in Pulumi, for any tasks."""

    def program() -> Any:
        orders = task(opts=with_provider(singapore()))
        own = Provider("own", **KEYS)
        given: Any = own if way == "provider" else [own]
        return MigrationCompletion("done", tasks=[orders], opts=pulumi.ResourceOptions(**{way: given})).id

    run(program)
    assert process_of(monitor, "done") == "own"
    assert processes(monitor) == ["singapore", "own"]


def test_four_waits_share_a_process_of_their_provider(monitor: Recorder) -> None:
    """As those do that have the stack's settings, and none of these is mixed in."""

    def program() -> Any:
        theirs, ours = task("carts", opts=with_provider(singapore())), task("orders")
        waits = [MigrationCompletion(f"theirs{number}", tasks=[theirs]) for number in range(5)]
        return [wait.id for wait in (*waits, MigrationCompletion("ours", tasks=[ours]))]

    run(program)
    assert [process_of(monitor, f"theirs{number}") for number in range(5)] == [TWIN] * 4 + [f"{TWIN}-2"]
    assert process_of(monitor, "ours") == "dcs-completions"


def test_a_provider_of_a_region_alone_needs_no_process(monitor: Recorder) -> None:
    """Each task tells its region and project; all else is the stack's, as of the default provider."""

    def program() -> Any:
        tasks = [
            task("orders"),
            *(
                task(name, opts=with_provider(Provider(name, region=f"eu-west-{name[-1]}")))
                for name in ("r1", "r2")
            ),
        ]
        return MigrationCompletion("done", tasks=tasks).id

    run(program)
    assert process_of(monitor, "done") == "dcs-completions"


def test_a_provider_that_is_not_of_our_class_makes_the_wait_itself(monitor: Recorder) -> None:
    """What it was given is known to Pulumi alone."""

    def program() -> Any:
        bare = pulumi.ProviderResource("pulumi-python", "bare", {"huaweicloud:region": "eu-west-102"})
        return MigrationCompletion("done", tasks=[task(opts=with_provider(bare))]).id

    run(program)
    assert process_of(monitor, "done") == "bare"


@pytest.mark.parametrize("equal", [False, True], ids=["other keys", "the same keys"])
def test_tasks_of_two_accounts_need_a_wait_each(monitor: Recorder, equal: bool) -> None:
    """No process could see both; providers that differ in the region alone are one account."""

    def program() -> Any:
        others = KEYS if equal else {**KEYS, "access_key": "AK-of-paris"}
        first = task("carts", opts=with_provider(singapore()))
        second = task("orders", opts=with_provider(Provider("paris", region="eu-west-0", **others)))
        return MigrationCompletion("done", tasks=[first, second]).id

    if equal:
        run(program)
        assert process_of(monitor, "done") == TWIN
        return
    with pytest.raises(ValueError, match="differ in more than the region") as caught:
        run(program)
    assert str(caught.value) == (
        "MigrationCompletion 'done': tasks: the providers 'singapore', 'paris' differ in more than the region, so that "
        "no process sees all of them, write a completion for the tasks of each, or opts.provider"
    )


def test_tasks_of_the_stack_and_of_another_account_need_a_wait_each(monitor: Recorder) -> None:
    """The default provider is one of the two."""

    def program() -> Any:
        both = [task("orders"), task("carts", opts=with_provider(singapore()))]
        return MigrationCompletion("done", tasks=both).id

    with pytest.raises(ValueError, match=r"the providers 'dcs-migration', 'singapore' differ"):
        run(program)
