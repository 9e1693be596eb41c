"""The installed wheel: a real stack lives from it, and type checkers read it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.packaging.building import ROOT, Environment, run
from tests.packaging.smoke import live_from

TYPED = ROOT / "tests" / "typing" / "program.py"


def test_a_stack_lives_from_the_wheel(installed: Environment, tmp_path: Path) -> None:
    """Preview, up with a wait, refresh, an empty preview and destroy run from the wheel, without the checkout."""
    live_from(installed, tmp_path)


def test_the_emulator_without_its_extra_says_what_to_install(installed: Environment) -> None:
    """Who has the package alone is told in one line how to get the emulator."""
    said = installed.run(
        "import subprocess, sys\n"
        "done = subprocess.run([sys.executable, '-I', '-m', 'dcs_emulator'], capture_output=True, text=True)\n"
        "print(done.returncode, done.stderr)"
    )
    code, _, line = said.partition(" ")
    assert code != "0"
    assert "\n" not in line.strip()
    assert "pulumi-dcs-migration[emulator]" in line


CHECKERS = {
    "mypy": ("mypy", "--strict", "--config-file=", "--python-executable={python}", "--cache-dir={cache}"),
    "pyright": ("pyright", "--pythonpath={python}", "--project={project}"),
}
STRICT = '{"typeCheckingMode": "standard", "reportUnnecessaryTypeIgnoreComment": "error"}'


@pytest.mark.parametrize("checker", CHECKERS)
def test_type_checkers_read_the_wheel(checker: str, installed: Environment, tmp_path: Path) -> None:
    """Right programs pass, and every line that the typing program marks as wrong is refused."""
    project = tmp_path / "pyrightconfig.json"
    project.write_text(STRICT)
    program = tmp_path / "program.py"
    program.write_text(TYPED.read_text("utf-8"))
    options = [
        word.format(python=installed.python, cache=tmp_path / "cache", project=project)
        for word in CHECKERS[checker]
    ]
    run(sys.executable, "-m", *options, str(program), cwd=tmp_path)
