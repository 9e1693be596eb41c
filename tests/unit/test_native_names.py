"""What the native provider says is in no language's syntax but the one that all have in common."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dcs_migration.life_cycles.secrets import scrub
from dcs_migration.native.cancelling import CancellableClock, NativeEngine
from dcs_migration.native.names import translated
from tests.fakes import FakeEngine

PACKAGE = Path(__file__).resolve().parents[2] / "dcs_migration"
PYTHON = re.compile(
    r"""ResourceOptions|Alias\(|CustomTimeouts|custom_timeouts,|\bopts\b|[a-z] \w+=["\[{]|=True\b"""
)


def texts() -> Iterator[tuple[str, str]]:
    """Yield every text in the core's code, with the place where it stands."""
    for path in sorted((*PACKAGE.glob("life_cycles/**/*.py"), *PACKAGE.glob("dcs/**/*.py"))):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            place = f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.JoinedStr):
                yield (
                    place,
                    "".join(
                        str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values
                    ),
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
                yield place, node.value


def test_no_message_has_python_in_it() -> None:
    """A user of YAML or Go couldn't write what it tells to write."""
    found = dict(texts())
    assert any("ResourceOptions" in text for text in found.values())
    assert {place: said for place, text in found.items() if PYTHON.search(said := translated(text))} == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('write state="running", and', 'write state: "running", and'),
        ('to take it over write existing_task_id="8aa6"', 'to take it over write existingTaskId: "8aa6"'),
        (
            "more time with timeout= (and custom_timeouts, if set)",
            "more time with timeout (and customTimeouts, if set)",
        ),
        ('write region="here", or region="there" to', 'write region: "here", or region: "there" to'),
        ('state: "paused" isn\'t one of', 'state: "paused" isn\'t one of'),
    ],
)
def test_what_to_write(text: str, said: str) -> None:
    """An assignment becomes a property."""
    assert translated(text) == said


def test_a_secret_that_looks_like_a_name_is_not_logged() -> None:
    """A translated secret isn't known to the scrubber any more, so it is removed first."""
    engine = FakeEngine()
    secret = "s3cret-target_instance"
    scrub.add(secret)
    NativeEngine(engine, CancellableClock()).log("WARNING", f"refused: {secret}", None)
    assert [line.message for line in engine.lines] == ["refused: ***"]
