"""Which situation a moderator's reply is about, and what it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bridge.core.memberships.state import State
from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Grant
from bridge.core.telling.places import Cause, GroupName, Place
from bridge.core.telling.replies import Situation, reply
from bridge.render import ReplyPages, reply_markdown

NOW = datetime(2026, 2, 6, 12, tzinfo=UTC)
PAGES = ReplyPages("https://members.example.org/me", "https://members.example.org/join")


def place(state: State, reason: Reason | None = None, held: str | None = None) -> Place:
    cause = None
    if reason is not None:
        until_at = NOW + timedelta(days=7)
        grant = Grant(
            1,
            "subscription",
            "sub_1",
            "rule",
            state.is_in,
            reason,
            NOW,
            until_at=until_at,
            because_at=NOW,
        )
        cause = Cause(grant, "yearly membership")
    return Place(groups=(GroupName("patrons"),), state=state, cause=cause, held=held)


@pytest.mark.parametrize(
    ("places", "situation", "says"),
    [
        ([], Situation.NOTHING, "tell us the day and the amount"),
        ([place(State.IN, Reason.ACTIVE)], Situation.WELL, "All is well"),
        (
            [place(State.IN, Reason.GRACE)],
            Situation.FAILED,
            "failed on 6 February 2026. You keep access until 13 February 2026",
        ),
        ([place(State.OUT, Reason.GRACE_OVER)], Situation.FAILED, "To put it right"),
        ([place(State.OUT, Reason.INCOMPLETE)], Situation.WAITING, "is not complete yet"),
        ([place(State.ARRIVING, Reason.ACTIVE)], Situation.WAITING, "will soon be in"),
        (
            [place(State.HELD_IN, held="This group is set up incorrectly.")],
            Situation.WAITING,
            "This group is set up incorrectly.",
        ),
        ([place(State.OUT, Reason.CANCELED)], Situation.ENDED, "You can come back at any time"),
        (
            [place(State.OUT, Reason.CANCELED), place(State.IN, Reason.HAND)],
            Situation.PARTLY,
            "You are in **patrons** until 13 February 2026. A moderator added you.",
        ),
        (
            [place(State.OUT, Reason.APPROVAL_DECLINED), place(State.IN, Reason.ACTIVE)],
            Situation.PARTLY,
            "A moderator declined your application",
        ),
        (
            [place(State.OUT, Reason.GIVEN), place(State.IN, Reason.ACTIVE)],
            Situation.WELL,
            "Your yearly membership is a gift to another member.",
        ),
        ([place(State.IN_BY_OTHERS)], Situation.WELL, "someone on the forum added you"),
    ],
)
def test_a_reply_is_about_the_worst_that_is_so_and_says_why(
    places: list[Place], situation: Situation, says: str
) -> None:
    found = reply(places, ())
    assert found.situation == situation
    text = reply_markdown(found, "ben", PAGES)
    assert text.startswith("Hello @ben,\n\n")
    assert says in text
    assert "{" not in text


def test_a_name_of_the_forum_stays_a_mention_and_any_other_is_escaped() -> None:
    found = reply([], ())
    assert reply_markdown(found, "Anna_Lena-2.x", PAGES).startswith("Hello @Anna_Lena-2.x,")
    assert "<b>" not in reply_markdown(found, "<b>", PAGES)
