"""The registers of shares and of members: as of any date, the same however often asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger import member_register as members
from bridge.core.ledger.entries import ledger
from bridge.core.ledger.line import Line
from bridge.core.ledger.member_register import following, member_register
from bridge.core.ledger.share_register import (
    BookedShare,
    Holding,
    Impossible,
    Register,
    ShareAct,
    share_register,
)
from bridge.core.model.steps import MemberStep
from tests.unit.core.test_ledger_reports import AT, DAY, holder, nature, refunded, shares, sold

LATER = AT + 99 * DAY


def booked(lines: Sequence[Line]) -> list[BookedShare]:
    """Booked in the order of their time, each as it happened."""
    return [BookedShare(line.at, line) for line in lines]


def bought(number: int, count: int, who: str, days: int) -> Line:
    at = AT + days * DAY
    amount = -5000 * count
    return Line(
        *(f"ch_{number}#1", f"ch_{number}", "sale", "equity:shares", at, amount, "eur", "", who),
        quantity=count,
        source_id=f"ch_{number}",
    )


def paid_back(number: int, count: int, who: str, days: int) -> Line:
    at = AT + days * DAY
    return Line(
        *(f"re_{number}#1", f"re_{number}", "refund", "equity:shares", at, 5000 * count, "eur"),
        *("", who),
        quantity=-count,
        corrects=f"ch_{number}",
    )


def act(number: int, kind: Any, days: int, *, known: int | None = None, **more: Any) -> ShareAct:
    at = AT + days * DAY
    known_at = at if known is None else AT + known * DAY
    fixed = {"id": f"act:{number}", "reason": "as decided", "actor": "mod", "share_class": "share"}
    return ShareAct(kind=kind, at=at, known_at=known_at, **{**fixed, **more})


def register(
    lines: Sequence[Line],
    acts: Sequence[ShareAct] = (),
    as_of: datetime = LATER,
    known_at: datetime | None = None,
) -> Register:
    return share_register(booked(lines), acts, holder, as_of, known_at)


def told(found: Register) -> list[tuple[object, ...]]:
    return [(h.first, h.last, h.holder, h.total, h.ended_how) for h in found.holdings]


def test_A55_A61_the_register_tells_class_numbers_dates_and_running_total_as_of_a_date() -> None:
    objects = (
        *sold(1, shares(2)),
        *sold(2, shares(3), customer="cus_2", at=AT + DAY),
        *refunded(1, 10000, AT + 2 * DAY),
        *sold(3, shares(1), at=AT + 3 * DAY),
    )
    lines = ledger(objects, nature).lines
    now = register(lines)
    assert told(now) == [
        (1, 2, "cus_1", 2, "withdrawn"),
        (3, 5, "cus_2", 5, None),
        (6, 6, "cus_1", 4, None),
    ]
    assert now.holdings[0].ended_at == AT + 2 * DAY
    before = register(lines, as_of=AT + DAY)
    assert told(before) == [(1, 2, "cus_1", 2, None), (3, 5, "cus_2", 5, None)]


def test_A55_a_part_of_a_run_of_numbers_is_withdrawn_from_its_end() -> None:
    found = register([bought(1, 3, "ann", 0), paid_back(1, 1, "ann", 1)])
    assert [(h.first, h.last, h.price_minor, h.ended_how) for h in found.holdings] == [
        (1, 2, 10000, None),
        (3, 3, 5000, "withdrawn"),
    ]


def test_A55_money_that_goes_back_withdraws_what_that_payment_bought_not_the_newest() -> None:
    found = register([bought(1, 1, "ann", 0), bought(2, 1, "ann", 1), paid_back(1, 1, "ann", 2)])
    assert told(found) == [(1, 1, "ann", 1, "withdrawn"), (2, 2, "ann", 2, None)]


def test_A55_what_was_withdrawn_by_hand_is_not_withdrawn_again_when_the_money_goes_back() -> None:
    lines = [bought(1, 1, "ann", 0), bought(2, 1, "ann", 0), paid_back(1, 1, "ann", 9)]
    found = register(lines, [act(1, "withdraw", 5, first=1, last=1)])
    assert told(found) == [(1, 1, "ann", 2 - 1, "withdrawn"), (2, 2, "ann", 2, None)]
    assert found.findings == ()


def test_shares_that_are_paid_back_and_held_by_nobody_are_a_finding_with_its_id() -> None:
    (finding,) = register([paid_back(7, 2, "ann", 1)]).findings
    assert (finding.code, finding.ids) == ("share_not_held", ("re_7",))


def test_A55_shares_are_issued_transferred_and_withdrawn_by_hand() -> None:
    acts = [
        act(1, "issue", 0, user_id=12, count=10, price_minor=50000, currency="eur"),
        act(2, "transfer", 2, user_id=13, first=3, last=4),
        act(3, "withdraw", 4, first=4, last=5),
    ]
    found = register([], acts)
    assert told(found) == [
        (1, 2, "id:12", 10, None),
        (3, 4, "id:12", 10, "transferred"),
        (3, 3, "id:13", 10, None),
        (4, 4, "id:13", 10, "withdrawn"),
        (5, 5, "id:12", 10, "withdrawn"),
        (6, 10, "id:12", 10, None),
    ]
    assert sum(h.price_minor for h in found.holdings if h.ended_how != "transferred") == 50000
    (before,) = register([], acts, as_of=AT + DAY).holdings
    assert (before.first, before.last, before.holder, before.ended_at) == (1, 10, "id:12", None)


def test_A61_numbers_follow_what_was_known_first_so_news_that_is_late_moves_none() -> None:
    first, late = bought(1, 1, "ann", 5), bought(2, 1, "ben", 0)
    found = share_register(
        [BookedShare(AT + 5 * DAY, first), BookedShare(AT + 8 * DAY, late)], [], holder, LATER
    )
    assert [(h.first, h.holder) for h in found.holdings] == [(1, "ann"), (2, "ben")]


def test_A61_as_it_was_known_the_register_is_what_was_shown_then() -> None:
    acts = [
        act(1, "issue", 0, user_id=12, count=2, price_minor=100, currency="eur"),
        act(2, "withdraw", 3, known=20, first=2, last=2),
    ]
    shown = register([], acts[:1], as_of=AT + 5 * DAY)
    assert register([], acts, as_of=AT + 5 * DAY, known_at=AT + 10 * DAY) == shown
    assert register([], acts, as_of=AT + 5 * DAY) != shown


def test_an_act_that_was_corrected_counts_no_more_and_its_numbers_are_never_given_again() -> None:
    issue: dict[str, Any] = {"price_minor": 100, "currency": "eur"}
    acts = [
        act(1, "issue", 0, user_id=12, count=1, **issue),
        act(2, "correct", 1, corrects="act:1"),
        act(3, "issue", 2, user_id=13, count=1, **issue),
        act(4, "transfer", 3, user_id=14, first=2, last=2),
        act(5, "correct", 4, corrects="act:4"),
    ]
    found = register([], acts)
    assert [(h.first, h.holder, h.ended_how) for h in found.holdings] == [
        (1, "id:12", "corrected"),
        (2, "id:13", None),
    ]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (act(9, "withdraw", 9, first=3, last=3), "held by nobody"),
        (act(9, "transfer", 9, user_id=3, first=2, last=3), "held by nobody"),
        (act(9, "withdraw", -1, known=9, first=1, last=1), "since 2026-03-01 only"),
        (act(9, "withdraw", 9, share_class="supporter share", first=1, last=1), "held by nobody"),
        (act(9, "correct", 9, corrects="act:1"), "held by nobody"),
    ],
)
def test_an_act_that_cannot_be_is_refused_with_what_stands_against_it(
    wrong: ShareAct, says: str
) -> None:
    acts = [
        act(1, "issue", 0, user_id=12, count=2, price_minor=100, currency="eur"),
        act(2, "withdraw", 5, first=2, last=2),
        wrong,
    ]
    with pytest.raises(Impossible, match=says):
        register([], acts)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-3, 5).filter(bool)), max_size=20))
def test_A61_no_number_is_given_twice_and_the_total_is_what_is_held(
    steps: list[tuple[str, int]],
) -> None:
    held: dict[str, int] = {}
    lines = []
    for n, (who, wanted) in enumerate(steps):
        count = max(wanted, -held.get(who, 0))
        if not count:
            continue
        held[who] = held.get(who, 0) + count
        line = bought(n, count, who, n) if count > 0 else paid_back(n, -count, who, n)
        lines.append(line)
    found = register(lines).holdings
    numbers = [number for one in found for number in range(one.first, one.last + 1)]
    assert len(numbers) == len(set(numbers))
    assert sum(one.count for one in found if one.ended_at is None) == sum(held.values())
    for day in range(len(steps) + 1):
        as_of = AT + day * DAY
        then = register([line for line in lines if line.at <= as_of], as_of=as_of)
        assert register(lines, as_of=as_of) == then


@given(st.data())
def test_A61_whatever_is_done_by_hand_every_share_has_one_holder(data: st.DataObject) -> None:
    acts: list[ShareAct] = []
    for n in range(data.draw(st.integers(1, 12))):
        live = [h for h in register([], acts).holdings if h.ended_at is None]
        kind = data.draw(st.sampled_from(["issue", "transfer", "withdraw"] if live else ["issue"]))
        user = data.draw(st.integers(1, 4))
        if kind == "issue":
            count, price = data.draw(st.integers(1, 5)), data.draw(st.integers(0, 999))
            more: dict[str, Any] = {
                "count": count,
                "price_minor": price,
                "currency": "eur",
            }
        else:
            run: Holding = data.draw(st.sampled_from(live))
            first = data.draw(st.integers(run.first, run.last))
            more = {"first": first, "last": data.draw(st.integers(first, run.last))}
        acts.append(act(n, kind, n, user_id=user, **more))
    issued = [one for one in acts if one.kind == "issue"]
    standing = [h for h in register([], acts).holdings if h.ended_how != "transferred"]
    numbers = sorted(number for one in standing for number in range(one.first, one.last + 1))
    count = sum(one.count for one in issued)
    assert numbers == list(range(1, count + 1))
    assert sum(h.price_minor for h in standing) == sum(one.price_minor for one in issued)


# --- members --------------------------------------------------------------------------------------


def step(number: int, kind: Any, days: int, *, user: int = 12, **more: Any) -> MemberStep:
    at = AT + timedelta(days=days)
    about = {"known_at": at, "reason": "moved away", "actor": "mod", **more}
    return MemberStep(id=f"step:{number}", user_id=user, kind=kind, at=at, **about)


def test_A62_application_approval_payment_and_cessation_are_steps_of_their_own() -> None:
    steps = [
        step(1, "application", 0),
        step(2, "payment", 2),
        step(3, "approval", 4),
        step(4, "cessation", 8),
        step(5, "application", 9),
    ]
    states = {
        days: [entry.state for entry in member_register(steps, AT + days * DAY)]
        for days in (-1, 0, 2, 4, 8, 9)
    }
    assert states == {
        -1: [],
        0: ["applied"],
        2: ["paid"],
        4: ["member"],
        8: ["ceased"],
        9: ["ceased", "applied"],
    }
    (entry,) = member_register(steps, AT + 8 * DAY)
    assert (entry.member_since, entry.ceased_because) == (AT + 4 * DAY, "moved away")


def test_A61_the_register_of_members_is_what_was_known_then() -> None:
    steps = [
        step(1, "application", 0),
        step(2, "cessation", 1, known_at=AT + 9 * DAY),
        step(3, None, 10, corrects="step:2"),
    ]
    known = {
        days: [one.state for one in member_register(steps, LATER, AT + days * DAY)]
        for days in (5, 9, 10)
    }
    assert known == {5: ["applied"], 9: ["ceased"], 10: ["applied"]}


APPROVED = (("application", 0), ("approval", 2), ("payment", 3))


@pytest.mark.parametrize(
    ("theirs", "others", "moved", "superseded"),
    [
        (APPROVED, (), ["application", "approval", "payment"], []),
        ((), APPROVED, [], []),
        (APPROVED, (("application", 9), ("payment", 9)), ["application", "approval", "payment"],
         ["application", "payment"]),
        ((("application", 9), ("payment", 9)), APPROVED, [], []),
        (APPROVED, (("application", 7), ("approval", 8)), [], []),
        ((*APPROVED, ("cessation", 5)), (("application", 7), ("approval", 8)),
         ["application", "approval", "payment", "cessation"], []),
        ((("application", 0), ("decline", 1)), (("application", 9),),
         ["application", "decline"], []),
        (APPROVED, (("approval", 9),), [], []),  # a register that cannot be
    ],
)  # fmt: skip
def test_A62_E58_the_steps_of_an_account_follow_to_the_one_that_replaces_it(
    theirs: Sequence[tuple[str, int]],
    others: Sequence[tuple[str, int]],
    moved: list[str],
    superseded: list[str],
) -> None:
    own = [step(number, kind, days) for number, (kind, days) in enumerate(theirs)]
    there = [step(20 + number, kind, days, user=15) for number, (kind, days) in enumerate(others)]
    found = following(own, there, 15, LATER)
    assert [one.kind for one in found.moved] == moved
    assert [one.kind for one in found.superseded] == superseded
    assert {one.user_id for one in found.moved} <= {15}
    taken_back = {one.id for one in found.superseded}
    left = [one for one in there if one.id not in taken_back]
    if found.moved:
        assert member_register([*left, *found.moved], LATER)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (step(9, "application", 5), "applied on 2026-03-01"),
        (step(9, "approval", 5), "approval of id:12 is recorded on 2026-03-02"),
        (step(9, "payment", -1), "has not applied"),
        (step(9, "cessation", 5, user=13), "has not applied"),
        (step(9, None, 5, corrects="step:1"), "has not applied"),
    ],
)
def test_A62_a_step_that_cannot_follow_is_refused(wrong: MemberStep, says: str) -> None:
    steps = [step(1, "application", 0), step(2, "approval", 1), wrong]
    with pytest.raises(members.Impossible, match=says):
        member_register(steps, LATER)
