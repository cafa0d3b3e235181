"""Actors, as the log writes and reads them."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.model import actor
from bridge.core.model.actor import BRIDGE, Actor, Role, Through, parse_actor, spellings
from bridge.core.telling.log import action_words

PEOPLE = [role for role in get_args(Role) if role != "bridge"]


@given(
    st.sampled_from(PEOPLE), st.text(min_size=1, max_size=60), st.sampled_from(get_args(Through))
)
def test_A48_the_log_names_an_actor_so_that_they_are_known_again(
    role: Role, who: str, through: Through
) -> None:
    one = Actor(role, who, through)
    assert parse_actor(str(one)) == one
    assert {str(one), f"lift by {one}"} <= set(spellings(who))


@pytest.mark.parametrize("text", [None, "", "bridge", "evt_1 via x", "nobody:1 via console"])
def test_what_names_no_person_has_no_actor(text: str | None) -> None:
    assert parse_actor(text) is None


def test_the_bridge_itself_is_found_by_its_name() -> None:
    assert str(BRIDGE) in spellings("bridge")


@pytest.mark.parametrize(
    ("one", "user_id"),
    [
        (actor.moderator(12, "console"), 12),
        (actor.member(7), 7),
        (actor.operator("root"), None),
        (Actor("token", "12", "token"), None),
        (Actor("treasurer", "5", "console"), 5),
    ],
)
def test_only_people_of_the_forum_have_an_id_there(one: Actor, user_id: int | None) -> None:
    assert one.user_id == user_id


def test_an_action_of_another_version_is_said_by_its_code() -> None:
    assert action_words("moved_house") == "Moved house"
