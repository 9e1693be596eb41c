"""The commands of the guide, as they are typed, up to a bucket and a table that are here."""

from __future__ import annotations

from pathlib import Path

from dcs_emulator import Emulator
from tests.docs.pages import Page
from tests.docs.test_stories import Shell, require_lines, steps
from tests.e2e.stack import Stack, live
from tests.e2e.stores import locks_of
from tests.shared.conftest import PROGRAM
from tests.shared.servers import Server
from tests.shared.stores import EXPORTED, PASSWORD
from tests.shared.test_shared_state import GUIDE

# What stands for what is not here: the domain of OBS, with TLS, and the host of the database.
HERE = {
    "s3": (
        "team-state?endpoint=obs.eu-west-101.myhuaweicloud.eu",
        "team-state/{name}?endpoint=http://obs.eu-west-101.invalid",
    ),
    "postgres": (
        "postgres://pulumi@db.example.com:5432/pulumi?sslmode=verify-full&table=pulumi_state",
        "{url}",
    ),
}
FIRST = {"s3": "A bucket in OBS", "postgres": "PostgreSQL"}


def section(title: str, folder: Path) -> Page:
    """A section of the guide, as a page."""
    file = folder / "section.md"
    file.write_text(GUIDE.text.partition(f"\n## {title}\n")[2].partition("\n## ")[0], "utf-8")
    return Page(file)


def test_the_commands(server: Server, tmp_path: Path, emulator: Emulator) -> None:
    """From the keys to the first stack, then what follows a kill; only what the guide exports is set."""
    store = server.of("guide")
    stack = Stack(tmp_path, emulator, "prod", exists=True, store=store).program(PROGRAM)
    for name in ("PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PGPASSWORD", *EXPORTED):
        stack.environ.pop(name, None)
    there, here = HERE[server.kind]
    values = {
        "<key>": EXPORTED["AWS_ACCESS_KEY_ID"],
        "<secret>": EXPORTED["AWS_SECRET_ACCESS_KEY"],
        "<passphrase>": "correct-horse",
        "<password>": PASSWORD,
        there: here.format(name="guide", url=store.url),
    }
    shell, printed = Shell(stack), ""
    for title in (FIRST[server.kind], "After a kill"):
        for block in section(title, tmp_path).blocks("console"):
            text = block.text
            for word, value in values.items():
                text = text.replace(word, value)
            for command, expected in steps(text):
                said = shell.run(command)
                require_lines(said, expected, command)
                printed += said
    assert len(live(emulator)) == 2
    assert any(key.endswith("/prod.json") for key in store.all_keys())
    assert locks_of(store) == []
    for secret in ("WARN", PASSWORD, EXPORTED["AWS_SECRET_ACCESS_KEY"]):
        assert secret not in printed
    (tmp_path / "environment").unlink()  # of the shell itself
    assert PASSWORD.encode() not in stack.everything_written()
