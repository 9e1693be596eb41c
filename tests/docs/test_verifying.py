"""The guide to the real service names what there is to set, and what is asked there."""

from __future__ import annotations

import re

from dcs_emulator.quirks import QUIRKS
from tests.docs.pages import ROOT, Page
from tests.docs.test_emulator_docs import table
from tests.verified.answers import AS_DEFAULT, BY_NO_QUIRK, CANNOT_TELL, QUESTIONS
from tests.verified.settings import NEEDED, OPT_IN, OPTIONAL, variable
from tools.emulator_tables import names

PAGE = Page(ROOT / "docs" / "guides" / "verifying.md")


def test_every_variable_is_named() -> None:
    """The tables hold each variable of the tier, and no other."""
    told = set(re.findall(rf"`({OPT_IN}\w*)`", PAGE.text))
    assert told == {OPT_IN, *map(variable, (*NEEDED, *OPTIONAL))}


def test_every_open_question_is_asked_or_said_not_to_be() -> None:
    """The emulator's page says which of its questions no run asks; all others are asked."""
    open_questions = {int(row[0]): names(row[3]) for row in table("Open questions")}
    asked = {question.number for question in QUESTIONS.values()} - {None}
    assert asked | {7, 9, 15} == set(open_questions)
    left_out = {quirk for number in (7, 9, 15) for quirk in open_questions[number]}
    assert left_out <= set(CANNOT_TELL) <= set(QUIRKS)
    assert "all but 7, 9 and 15" in Page(ROOT / "docs" / "emulator.md").text


def test_what_is_printed_is_explained() -> None:
    """The words of the table stand on the page."""
    for words in (AS_DEFAULT, BY_NO_QUIRK.partition(":")[0]):
        assert f"*{words.capitalize()}*" in PAGE.text
