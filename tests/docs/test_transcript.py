"""The transcript in docs/demo.md is what the demo prints."""

from __future__ import annotations

import ast
import re

from tests.docs.pages import ROOT, Page
from tests.docs.test_troubleshooting import templates
from tools import transcript

DEMO = Page(transcript.PAGE)
SHOWN = DEMO.text.partition(transcript.BEGIN)[2].partition(transcript.END)[0]
TOLD = list(ast.walk(ast.parse((ROOT / "tools" / "demo.py").read_text("utf-8"))))


def titles() -> list[str]:
    """The titles of the demo's steps, as patterns."""
    calls = [node for node in TOLD if isinstance(node, ast.Call) and ast.unparse(node.func) == "title"]
    return [re.escape(max(templates(call), key=len)).replace("\0", ".+") for call in calls]


def test_its_steps_are_those_of_the_demo() -> None:
    """Each step of the demo is on the page, except the one that is left out, and no other."""
    shown = re.findall(r"^== (.+)$", SHOWN, re.MULTILINE)
    expected = [title for title in titles() if not title.startswith(re.escape(transcript.LEFT_OUT))]
    assert len(shown) == len(expected) > 8
    for title in expected:
        assert sum(bool(re.fullmatch(title, line)) for line in shown) == 1, title


def test_its_commands_are_those_of_the_demo() -> None:
    """Each command on the page is one that the demo runs."""
    run = {
        " ".join(str(part.value) for part in node.args if isinstance(part, ast.Constant))
        for node in TOLD
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "stack.pulumi"
    }
    shown = re.findall(r"^\$ pulumi (.+)$", SHOWN, re.MULTILINE)
    assert len(shown) > 6
    assert set(shown) <= run


def test_it_is_shortened_as_said() -> None:
    """Of a command that previews and acts, what it did is kept; ports, ids and times are not."""
    printed = """
== API calls of each step

== Start it

$ pulumi config set a b
$ pulumi up --yes
Previewing update (demo):
Resources:
    + 2 to create

Updating (demo):
 +  pulumi-python:dynamic/dcs:MigrationTask task created (0.07s)
Outputs:
    id    : "3010440f3444b435d25ea26fb3bd9d07"
Resources:
    + 2 created

Duration: 1s

  keys          104                                    2
"""
    kept = "\n== Start it\n$ pulumi up --yes\n    + 2 created\n  keys          104                                    2\n"
    assert transcript.shortened(printed) == kept.lstrip("\n")
    page = f"before\n{transcript.BEGIN}\nold\n{transcript.END}\nafter\n"
    new = transcript.replaced(page, "new\n")
    assert new == f"before\n{transcript.BEGIN}\n```text\nnew\n```\n{transcript.END}\nafter\n"
