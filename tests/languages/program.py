"""A native example in a folder of its own, which finds the SDKs where `make sdks` has put them."""

from __future__ import annotations

from pathlib import Path

from dcs_emulator import Emulator
from tests.examples.example import Example
from tools.sdks import SDKS

SOURCES = {"yaml": "Pulumi.yaml", "typescript": "index.ts", "go": "main.go"}
NAMES_THE_SDK = ("package.json", "go.mod")
PASSWORD = "correct-horse-battery"


class Program(Example):
    """A copy of a native example."""

    def __init__(self, language: str, root: Path, emulator: Emulator) -> None:
        """Copy it."""
        super().__init__(f"native-{language}", root, emulator)
        self._source = self.work / SOURCES[language]
        for path in (self.work / name for name in NAMES_THE_SDK):
            if path.exists():
                self._exchange(path, "../../build/sdks", str(SDKS))

    def begin(self) -> None:
        """Do what the README tells to do before the first preview."""
        for command in self.readme.commands():
            if command.startswith("pulumi preview"):
                return
            if command.startswith(("npm ", "pulumi ")):
                self.shell.run(command)

    def rewrite(self, old: str, new: str) -> None:
        """Change the program."""
        self._exchange(self._source, old, new)

    @staticmethod
    def _exchange(path: Path, old: str, new: str) -> None:
        text = path.read_text("utf-8")
        assert old in text, f"no {old} in {path.name}"
        path.write_text(text.replace(old, new), "utf-8")
