"""Which later line of the log ends an earlier one, and whether it did the reverse."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.core.model.change import Change
from bridge.core.telling.log import ACTIONS
from bridge.core.telling.undone import INSTEAD, KINDS, ended_by, is_reverse, never

AT = datetime(2026, 3, 1, tzinfo=UTC)


def line(number: int, action: str, **more: Any) -> Change:
    about: dict[str, Any] = {"user_id": 7, "group_id": 3, "cause": "moderator:1 via console"} | more
    return Change(id=number, at=AT, action=action, **about)


def said(**detail: str) -> dict[str, Any]:
    return {"detail": detail}


@pytest.mark.parametrize(
    ("first", "later", "ends", "reverses"),
    [
        (line(1, "granted", **said(grant="a")), line(2, "revoked", **said(grant="a")), True, True),
        (line(1, "granted", **said(grant="a")), line(2, "revoked", **said(grant="b")), False, None),
        (line(1, "revoked"), line(2, "granted"), True, True),
        (line(1, "revoked"), line(2, "granted", group_id=4), False, None),
        (line(2, "granted", **said(grant="a")), line(1, "revoked", **said(grant="a")), False, None),
        (line(1, "linked", customer_id="c"), line(2, "unlinked", customer_id="c"), True, True),
        (line(1, "linked", customer_id="c"), line(2, "unlinked", customer_id="d"), False, None),
        (
            line(1, "cancelled", **said(subscription="s")),
            line(2, "paused", **said(subscription="s")),
            True,
            False,
        ),
        (
            line(1, "mapping_changed", **said(thing="p", key="rank", before="1", after="2")),
            line(2, "mapping_changed", **said(thing="p", key="rank", before="2", after="1")),
            True,
            True,
        ),
        (
            line(1, "mapping_changed", **said(thing="p", key="rank", before="1", after="2")),
            line(2, "mapping_changed", **said(thing="p", key="rank", before="2", after="3")),
            True,
            False,
        ),
        (
            line(1, "mapping_changed", **said(thing="p", key="rank", before="1", after="2")),
            line(2, "mapping_changed", **said(thing="p", key="groups", before="a", after="b")),
            False,
            None,
        ),
        (
            line(1, "member_approval", **said(step="x")),
            line(2, "member_correct", **said(step="y", corrects="x")),
            True,
            True,
        ),
        (
            line(1, "member_approval", **said(step="x")),
            line(2, "member_correct", **said(step="x", corrects="z")),
            False,
            None,
        ),
        (line(1, "seat_too_many", outcome="s"), line(2, "seat_again", outcome="s"), True, True),
        (line(1, "seat_too_many", outcome="s"), line(2, "seat_again", outcome="t"), False, None),
        (line(1, "adopted"), line(2, "removed"), True, False),
        (line(1, "adopted"), line(2, "given_up"), True, True),
    ],
)
def test_A48_a_line_is_ended_by_the_next_that_is_about_the_same(
    first: Change, later: Change, *, ends: bool, reverses: bool | None
) -> None:
    over = ended_by(first, [later])
    assert (over is later) == ends
    if over is not None:
        assert is_reverse(first, over) == reverses


def test_A48_the_first_of_several_later_lines_is_the_one_that_ended_it() -> None:
    lines = [line(number, "linked", customer_id="c") for number in (2, 3)]
    assert ended_by(line(1, "unlinked", customer_id="c"), lines) is lines[0]


@pytest.mark.parametrize("action", ACTIONS)
def test_A48_a_line_can_be_undone_or_says_what_to_do_instead(action: str) -> None:
    by_person = line(8, action, outcome="to user 9" if action == "relinked" else None)
    assert bool(never(by_person)) == (action not in KINDS)
    by_bridge = never(line(8, action, cause="evt_1"))
    assert by_bridge.startswith("line 8 of the log cannot be undone: ")


def test_every_word_for_what_to_do_instead_is_about_an_action_of_the_log() -> None:
    assert INSTEAD.keys() <= ACTIONS.keys()
    assert not INSTEAD.keys() & KINDS.keys()
