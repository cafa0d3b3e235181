"""Actors, as the log writes and reads them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.share_register import ActKind
from bridge.core.model import actor
from bridge.core.model.actor import BRIDGE, Actor, Role, Through, parse_actor, spellings
from bridge.core.model.steps import StepKind
from bridge.core.telling import log as words
from bridge.core.telling.outcomes import FAILED
from bridge.worker import errands

ROOT = Path(__file__).parents[3]
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


def test_A48_each_cause_that_follows_from_somebody_s_act_is_found_by_them() -> None:
    sources = [one.read_text(encoding="utf-8") for one in (ROOT / "bridge").rglob("*.py")]
    sources = [one for one in sources if " by {" in one]
    said = {one for source in sources for pair in FOLLOWING.findall(source) for one in pair if one}
    causes = said | {*get_args(StepKind), "correction"} | errands._KINDS.keys()
    assert causes == set(actor.FOLLOWS)


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


LOGGING = {"log", "log_each", "record_in", "record_out", "_note", "_log", "_noted", "_moved"}
# `f"lift by {actor}"`, and the actions of functions that write `f"{action} by {actor}"`.
FOLLOWING = re.compile(r'f"([a-z_]+) by \{actor\}"|_(?:note|noted|moved)\(\w+, (?:grant, )?"(\w+)"')
CALLED = re.compile(rf"\b(?:{'|'.join(LOGGING)})\(")


def logged() -> set[str]:
    """The actions that the code names where it logs."""
    found = set()
    for file in (ROOT / "bridge").rglob("*.py"):
        source = file.read_text(encoding="utf-8")
        if not CALLED.search(source):
            continue  # few files log, and parsing all of them takes half a second
        for call in ast.walk(ast.parse(source)):
            if isinstance(call, ast.Call) and _name(call.func) in LOGGING:
                said = [*call.args[1:4], *(k.value for k in call.keywords if k.arg == "action")]
                every = (each for one in said for each in _either(one))
                found |= {one.value for one in every if _is_a_code(one)}  # type: ignore[attr-defined] # a constant
    return found


def _name(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def _either(one: ast.expr) -> list[ast.expr]:
    return [one.body, one.orelse] if isinstance(one, ast.IfExp) else [one]


def _is_a_code(one: ast.expr) -> bool:
    value = one.value if isinstance(one, ast.Constant) else None
    return isinstance(value, str) and value.replace("_", "").isalpha() and value.islower()


def test_each_action_that_is_logged_has_words() -> None:
    found = logged()
    assert found >= {"granted", "linked", "exported", "held", "reminded"}
    assert found - set(words.ACTIONS) == set()


def test_each_action_that_is_made_of_a_kind_has_words() -> None:
    acts = {f"shares_{one}" for one in get_args(ActKind)}
    steps = {f"member_{one}" for one in (*get_args(StepKind), "correct")}
    ends = {f"{kind}{end}" for kind in errands._KINDS for end in ("", *FAILED)}
    assert (acts | steps | ends) - set(words.ACTIONS) == set()


def test_an_action_of_another_version_is_said_by_its_code() -> None:
    assert words.action_words("moved_house") == "Moved house"
