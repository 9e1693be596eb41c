"""An example in a folder of its own, used as its README tells."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from dcs_emulator import Emulator
from tests.docs.pages import ROOT, Page
from tests.docs.test_stories import Shell, require_lines, steps
from tests.e2e.stack import Stack

EXAMPLES = ROOT / "examples"
NOT_RUN = (
    "pip ",
    "python3 -m venv ",
    ". venv/",
    "python -m dcs_emulator",
    "export ",
    "git ",
    "make ",
)  # the test has an emulator and an environment
GENERATED = shutil.ignore_patterns(
    *(
        "__pycache__",
        ".pytest_cache",
        "venv",
        "Pulumi.*.yaml",
        "README.md",
        "node_modules",
        "package-lock.json",
    )
)


class Example(Stack):
    """A copy of an example, with a backend of its own and an emulator as its cloud."""

    def __init__(self, name: str, root: Path, emulator: Emulator) -> None:
        """Copy it."""
        super().__init__(root, emulator)
        shutil.copytree(EXAMPLES / name, self.work, dirs_exist_ok=True, ignore=GENERATED)
        del self.environ["HW_REGION_NAME"]  # each example says where its tasks live
        (self.work / "venv").symlink_to(sys.prefix)  # where a project says so, Pulumi looks for Python there
        self.readme = Page(EXAMPLES / name / "README.md")
        self.shell = Shell(self)

    def tell(self, *sections: str) -> str:
        """Do what the README says in these sections, or in all; return everything that was printed."""
        printed = []
        for command, expected in told(self.readme, *sections):
            if not command.startswith(NOT_RUN):
                printed.append(self.shell.run(command))
                require_lines(printed[-1], expected, command)
        return "\n".join(printed)


def told(page: Page, *sections: str) -> list[tuple[str, list[str]]]:
    """The commands of a page's sections, or of all, each with the lines that it must print."""
    found = []
    for section in page.text.split("\n## "):
        if not sections or section.partition("\n")[0] in sections:
            for text in _console(section):
                found += steps(text)
    assert found, f"no commands in {sections} of {page.path}"
    return found


def _console(text: str) -> list[str]:
    """The console blocks of a text."""
    return [part.partition("\n```")[0] for part in text.split("```console\n")[1:]]
