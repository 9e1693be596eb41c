"""The set-up: which Pulumi CLI it takes, and when it has nothing left to do."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import install_cli, install_languages
from tools.install_cli import CLI, ensure_cli
from tools.install_languages import GO, HOSTS, YAML, ensure_host
from tools.programs import InstallError, Programs, build_all, find, is_current, link_all
from tools.setup import Environment, SetupError, set_up

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = CLI.names
BUILD = 'while [ "$1" != -o ]; do shift; done; echo built > "$2"; chmod +x "$2"'


def put_cli(folder: Path, programs: tuple[str, ...] = PROGRAMS) -> Path:
    """Write stand-ins for the CLI's programs, which print a version."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in programs:
        put_program(folder / name, "echo v9.9.9")
    return folder


def put_program(path: Path, script: str) -> None:
    """Write an executable shell script."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def bin_dir(tmp_path: Path) -> Path:
    """Return the ``bin`` of an environment that has no CLI."""
    folder = tmp_path / "venv" / "bin"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the official installer fail as it does without the internet."""

    def refuse() -> Path:
        raise OSError("no route to host")

    monkeypatch.setattr(install_cli, "install_official", refuse)


def test_a_complete_cli_on_path_is_found(tmp_path: Path, bin_dir: Path) -> None:
    """A PATH with all four programs gives its ``pulumi``."""
    cli = put_cli(tmp_path / "cli")
    assert find(CLI, f"{bin_dir}:{cli}", bin_dir) == cli / "pulumi"


@pytest.mark.parametrize("missing", PROGRAMS)
def test_a_cli_without_its_python_host_does_not_count(tmp_path: Path, bin_dir: Path, missing: str) -> None:
    """A PATH that lacks one of the four programs cannot run a dynamic provider."""
    cli = put_cli(tmp_path / "cli", tuple(name for name in PROGRAMS if name != missing))
    assert find(CLI, str(cli), bin_dir) is None


def test_the_environments_own_cli_is_not_the_users(bin_dir: Path) -> None:
    """What an earlier set-up installed does not count as a CLI on PATH, through a link neither."""
    put_cli(bin_dir)
    link = bin_dir.parent / "link"
    link.symlink_to(bin_dir)
    assert find(CLI, f"{bin_dir}:{link}", bin_dir) is None


def test_the_users_cli_is_not_hidden(tmp_path: Path, bin_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once PATH has a CLI, an earlier installation in the environment is removed."""
    put_cli(bin_dir)
    cli = put_cli(tmp_path / "cli")
    monkeypatch.setenv("PATH", f"{bin_dir}:{cli}:{os.defpath}")
    assert ensure_cli(bin_dir) == cli / "pulumi"
    assert not list(bin_dir.iterdir())


def test_an_installed_cli_is_kept(bin_dir: Path, monkeypatch: pytest.MonkeyPatch, offline: None) -> None:
    """A CLI that is newer than the pinned modules is neither downloaded nor built again."""
    put_cli(bin_dir)
    monkeypatch.setenv("PATH", os.defpath)
    assert ensure_cli(bin_dir) == bin_dir / "pulumi"


def test_a_cli_older_than_its_pins_is_not_current(bin_dir: Path) -> None:
    """A change of the pinned modules asks for a new CLI."""
    put_cli(bin_dir)
    assert is_current(CLI, bin_dir)
    os.utime(bin_dir / "pulumi", (0, 0))
    assert not is_current(CLI, bin_dir)


def test_an_installation_is_linked_as_a_whole(tmp_path: Path, bin_dir: Path) -> None:
    """An official installation that lacks a program leaves no link behind."""
    cli = put_cli(tmp_path / "cli")
    link_all(CLI, cli, bin_dir)
    assert {path.name for path in bin_dir.iterdir()} == set(PROGRAMS)
    (cli / PROGRAMS[0]).unlink()
    for name in PROGRAMS:
        (bin_dir / name).unlink()
    with pytest.raises(FileNotFoundError, match=PROGRAMS[0]):
        link_all(CLI, cli, bin_dir)
    assert not list(bin_dir.iterdir())


def test_the_official_installation_is_used_where_there_is_one(
    tmp_path: Path, bin_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The CLI that the SDK's installer keeps in the home folder is linked, without a download."""
    version = importlib.metadata.version("pulumi")
    official = put_cli(tmp_path / ".pulumi" / "versions" / version / "bin")
    put_program(official / "pulumi", f"echo v{version}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", os.defpath)
    assert ensure_cli(bin_dir) == bin_dir / "pulumi"
    assert {path.name: path.readlink() for path in bin_dir.iterdir()} == {n: official / n for n in PROGRAMS}


def test_without_cli_and_go_it_says_what_to_install(
    tmp_path: Path, bin_dir: Path, monkeypatch: pytest.MonkeyPatch, offline: None
) -> None:
    """A machine with neither gets one line that names both ways out."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InstallError, match=r"install the Pulumi CLI .* or Go 1\.26") as caught:
        ensure_cli(bin_dir)
    assert "\n" not in str(caught.value)


def test_a_failed_build_leaves_nothing(
    tmp_path: Path, bin_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The half of a build that worked is not installed, and Go's own words are shown."""
    put_program(
        tmp_path / "go", f'case "$*" in *cmd/pulumi) echo out of disk >&2; exit 1;; build*) {BUILD};; esac'
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    with pytest.raises(InstallError, match=r"`go build` in .*pulumi-cli failed"):
        build_all(CLI, bin_dir)
    assert "out of disk" in capfd.readouterr().err
    assert not list(bin_dir.iterdir())
    assert list(bin_dir.parent.iterdir()) == [bin_dir]


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.main)
def test_a_host_on_path_is_found_and_not_hidden(
    tmp_path: Path, bin_dir: Path, monkeypatch: pytest.MonkeyPatch, host: Programs
) -> None:
    """A host on PATH is taken, and an earlier one in the environment removed."""
    put_cli(bin_dir, host.names)
    cli = put_cli(tmp_path / "cli", (*PROGRAMS, *host.names))
    monkeypatch.setenv("PATH", f"{bin_dir}:{cli}:{os.defpath}")
    assert ensure_host(host, bin_dir, cli / "pulumi") == cli / host.main
    assert not list(bin_dir.iterdir())


def test_the_host_of_the_cli_itself_is_linked(
    tmp_path: Path, bin_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CLI that is a link into an official installation gets the host from there, without a build."""
    cli = put_cli(tmp_path / "cli", (*PROGRAMS, *YAML.names))
    (bin_dir / "pulumi").symlink_to(cli / "pulumi")
    monkeypatch.setenv("PATH", f"{bin_dir}:{tmp_path / 'nothing'}")
    host = ensure_host(YAML, bin_dir, bin_dir / "pulumi")
    assert host.readlink() == cli / YAML.main


def test_a_host_is_built_once_and_again_when_its_pins_change(
    tmp_path: Path, bin_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without another way it is built, a second run does nothing, and one older than its pins is built again."""
    put_cli(bin_dir)
    put_program(tmp_path / "go", f'case "$*" in build*) {BUILD};; *) echo v1.2.3;; esac')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    built = "Building the go host from Go modules: about 15 seconds the first time"
    for expected in (True, False, True):
        host = ensure_host(GO, bin_dir, bin_dir / "pulumi")
        assert host.read_text() == "built\n"
        assert (built in capfd.readouterr().out) is expected
        os.utime(host, (0, 0) if not expected else None)


def test_what_programs_in_other_languages_need_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All that is missing is told at once, before anything is done."""
    put_program(tmp_path / "go", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install_languages.main() == 1
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "setup-languages: no node, no npm found; install Node 20 or newer and npm, which comes with Node"
    ]


def make_environment(root: Path) -> Environment:
    """Make what looks like a finished set-up, with this interpreter."""
    environment = Environment(root)
    environment.python.parent.mkdir(parents=True)
    put_program(environment.python, f'exec "{sys.executable}" "$@"')
    put_cli(environment.python.parent, (*PROGRAMS, *YAML.names))
    (root / "pyproject.toml").write_text("first")
    environment.stamp.write_text(f"{environment.identity()}\n{environment.digest()}\n")
    return environment


def test_a_finished_environment_has_nothing_to_do(tmp_path: Path) -> None:
    """An environment that was set up from the present sources is complete."""
    assert make_environment(tmp_path).is_complete()


def test_changed_dependencies_are_noticed_and_the_environment_kept(tmp_path: Path) -> None:
    """A change of pyproject.toml asks for a set-up in the same environment."""
    environment = make_environment(tmp_path)
    (tmp_path / "pyproject.toml").write_text("second")
    assert not environment.is_complete()
    assert environment.is_ours()


def test_a_moved_environment_is_not_ours(tmp_path: Path) -> None:
    """A checkout that was moved gets a new environment: scripts in the old one name the old place."""
    make_environment(tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    moved = Environment(tmp_path / "new")
    assert not moved.is_complete()
    assert not moved.is_ours()


def test_a_broken_interpreter_is_noticed(tmp_path: Path) -> None:
    """An environment whose interpreter no longer exists is made again."""
    environment = make_environment(tmp_path)
    environment.python.unlink()
    assert not environment.is_complete()
    assert not environment.is_ours()


@pytest.mark.parametrize("program", [CLI.main, YAML.main])
def test_a_missing_cli_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """A CLI or YAML host that was on PATH at set-up and no longer exists now asks for another."""
    environment = make_environment(tmp_path)
    (environment.python.parent / program).unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not environment.is_complete()


def test_a_python_without_venv_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that cannot make environments is one line that names the package to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(SetupError, match="no ensurepip; install python3-venv"):
        set_up(Environment(tmp_path))
    assert not list(tmp_path.iterdir())


def test_make_alone_lists_the_targets() -> None:
    """``make`` prints one line for each target and does nothing else."""
    lines = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    targets = [line.split()[1] for line in lines if line.startswith("make ")]
    assert targets == [
        "help",
        "setup",
        "setup-languages",
        "sdks",
        "demo",
        "bench",
        "cutover",
        "test",
        "long",
        "verified",
        "matrix",
        "strangers",
        "languages",
        "shared",
        "chaos",
        "docs",
        "site",
        "format",
        "clean",
    ]
