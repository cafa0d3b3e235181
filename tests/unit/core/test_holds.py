"""The words of holds and of what a change waits for."""

from __future__ import annotations

import pytest

from bridge.core.memberships.effects import Effect
from bridge.core.model.reasons import Hold
from bridge.core.telling import holds


@pytest.mark.parametrize("hold", Hold)
def test_each_hold_is_said_to_members_and_moderators_in_whole_sentences(hold: Hold) -> None:
    effect = Effect(1, 2, "members", "stays in", hold, hold=hold)
    for text in (holds.for_member(hold), holds.for_moderator(hold), holds.to_come(effect)):
        assert text[0].isupper()
        assert text.endswith(".")
        assert ".." not in text
    is_asked = hold in holds.WITH_AN_ALERT or hold == Hold.RULE_HALTED
    assert ("A moderator has been asked." in holds.for_member(hold)) == is_asked


def test_a_hold_of_another_version_has_words_and_no_remedy() -> None:
    assert holds.for_member("moon_phase") == "A moderator has been asked."
    assert holds.for_moderator("moon_phase") == "A moderator has to decide."
    assert holds.remedy("moon_phase") == ""
