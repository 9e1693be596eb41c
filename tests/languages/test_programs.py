"""One program in each language: its life, and who finds which mistake before anything is called."""

from __future__ import annotations

import pytest

from dcs_emulator import Emulator
from tests.e2e.stack import calls
from tests.languages.conftest import NewProgram
from tests.languages.program import PASSWORD, SOURCES

LANGUAGES = sorted(SOURCES)

# The name of a required property, as the program has it; a wrong one; and what is said of that.
WRONG_NAMES = {
    "yaml": ("migrationMethod:", "migrationMetod:", "Missing required property 'migrationMethod'"),
    "typescript": ("migrationMethod:", "migrationMetod:", "Did you mean to write 'migrationMethod'?"),
    "go": ("MigrationMethod:", "MigrationMetod:", "unknown field MigrationMetod in struct literal"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_comes_up_and_goes(language: str, program: NewProgram, cloud: Emulator) -> None:
    """What the README says: preview, up, a preview without a change, destroy; and no password in plain text."""
    made = program(language)
    made.tell()
    assert calls(cloud)["CreateMigrationTask"] == 1
    assert cloud.tasks() == []
    assert PASSWORD.encode() not in made.everything_written()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wrong_word_is_refused_by_the_provider(language: str, program: NewProgram, cloud: Emulator) -> None:
    """The schema lets any text through, for there may be new words; the preview names the path and the right words."""
    made = program(language)
    made.begin()
    made.rewrite("backupfile_import", "backup_import")
    said = made.preview(ok=False).text
    assert (
        "error: dcs:index:MigrationTask resource 'orders' has a problem: migrationType: \"backup_import\" is "
        'not one of the allowed values; use "backupfile_import" or "online_migration" (did you mean '
        '"backupfile_import"?)'
    ) in said
    assert cloud.requests() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wrong_name_is_refused_by_the_language(language: str, program: NewProgram, cloud: Emulator) -> None:
    """By the compiler, from the SDK, or by YAML's host, from the schema: the provider isn't asked."""
    made = program(language)
    made.begin()
    old, new, expected = WRONG_NAMES[language]
    made.rewrite(old, new)
    said = made.preview(ok=False).text
    assert expected in said
    assert cloud.requests() == []
