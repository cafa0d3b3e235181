"""How people and groups are named."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.model.actor import BRIDGE, LONGEST, member, moderator, operator
from bridge.core.model.people import LARGEST_ID, NotAName, fold, parse_named
from bridge.core.telling.words import people_named, with_names


@pytest.mark.parametrize(
    ("text", "id_", "name", "could_be_id"),
    [
        ("alice", None, "alice", False),
        (" alice ", None, "alice", False),
        ("12", None, "12", True),
        ("name:12", None, "12", False),
        ("id:12", 12, "", False),
        (f"id:{LARGEST_ID}", LARGEST_ID, "", False),
        ("id", None, "id", False),
        ("Ümit", None, "Ümit", False),
        ("Иван", None, "Иван", False),
        ("१२", None, "१२", False),
    ],
)
def test_A113_an_id_is_said_as_an_id_and_everything_else_is_a_name(
    text: str,
    id_: int | None,
    name: str,
    could_be_id: bool,  # noqa: FBT001 - of the table
) -> None:
    found = parse_named(text)
    assert (found.id, found.name, found.could_be_id) == (id_, name, could_be_id)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "   ",
            "²",
            "x" * 61,
            "x" * 300,
            "a\x00b",
            "a\x1b[2J",
            "a b",
            "a/b",
            "../admin",
            "a,b",
        ),
        *("id:", "id:0", "id:-1", "id:²", "id:१२", "id:1e3", f"id:{LARGEST_ID + 1}", "id: 12"),
        *("name:", "name:id:12", "user:12", "alice@example.com"),
    ],
)
def test_A113_what_names_nobody_is_refused_in_words(text: str) -> None:
    with pytest.raises(NotAName) as refused:
        parse_named(text)
    words = str(refused.value)
    assert words.isprintable()
    assert len(words) < 200


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ümit", "ümit"),
        ("ИВАН", "иван"),
        (unicodedata.normalize("NFD", "Ümit"), "ÜMIT"),
        ("Alice", "aLICE"),
        ("ΟΔΟΣ", "οδοσ"),
    ],
)
def test_A114_names_fold_like_the_forums(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_A114_names_that_differ_on_the_forum_stay_different() -> None:
    assert fold("straße") != fold("strasse")
    assert fold("Ümit") != fold("Umit")


@given(st.text())
def test_A113_any_text_is_a_name_an_id_or_refused_and_nothing_else(text: str) -> None:
    try:
        found = parse_named(text)
    except NotAName:
        return
    assert (found.id is None) == bool(found.name)


def test_an_actor_is_one_line_with_role_and_way() -> None:
    assert str(moderator(12, "command")) == "moderator:12 via command"
    assert str(member(7)) == "member:7 via page"
    assert str(BRIDGE) == "bridge"
    assert len(str(operator("x" * 500))) <= LONGEST


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Gift to id:5: Lab pass", "Gift to alice: Lab pass"),
        ("Gift from id:6: id:5", "Gift from id:6: alice"),
        ("Gift to id:50: price_id:5x", "Gift to id:50: price_id:5x"),
        (f"id:{'9' * 30}", f"id:{'9' * 30}"),
    ],
)
def test_a_text_shows_the_names_of_people_whose_names_are_known(text: str, shown: str) -> None:
    names: dict[int | str, str | None] = {5: "alice", 6: None}
    assert with_names(text, names) == shown
    assert people_named(text) >= {id_ for id_ in names if f"id:{id_}:" in text}
