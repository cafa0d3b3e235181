"""Shares that moderators issued, transferred and withdrew count on the statement, exactly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.held_by_hand import held_by_hand
from bridge.core.ledger.line import Line
from bridge.core.ledger.lines import SharesByHand
from bridge.core.ledger.share_register import ShareAct
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Purchase
from bridge.core.telling.contributions import contributions
from tests.unit.core.test_contributions import RULES
from tests.unit.core.test_ledger_reports import AT, DAY, holder
from tests.unit.core.test_registers import LATER, act, booked, bought, paid_back, register

ANN, EVE = "id:1", "id:2"


def purchase(number: int, count: int, who: str, **more: Any) -> Purchase:
    """What the statement knows of the sale that `bought` books."""
    about = {"payment_id": f"pi_{number}", "payment_minor": 1, **more}
    return Purchase(
        *(f"cs_{number}:li", who, "price", "prod_share", count, AT, 5000 * count, "eur"), **about
    )


def counted(
    who: str, purchases: Sequence[Purchase], lines: Sequence[Line], acts: Sequence[ShareAct]
) -> int:
    """How many shares the statement says that somebody holds."""
    changed = held_by_hand(booked(lines), acts, holder, LATER)
    by_hand = [
        SharesByHand(share_class, source, count, source.replace("ch_", "pi_"))
        for (of, share_class, source), count in changed.items()
        if of == who
    ]
    facts = Facts(purchases=tuple(one for one in purchases if one.customer_id == who))
    found = contributions(facts, (), RULES, {}, by_hand=by_hand)
    return sum(one.count for one in found.shares)


ISSUE = act(1, "issue", 0, user_id=1, count=3, price_minor=0, currency="eur")
TAKEN = act(2, "withdraw", 3, first=2, last=3)


@pytest.mark.parametrize(
    ("acts", "ann", "eve"),
    [
        ([ISSUE], 5, 0),
        ([ISSUE, act(2, "transfer", 3, user_id=2, first=2, last=3)], 3, 2),
        ([ISSUE, TAKEN], 3, 0),
        ([ISSUE, TAKEN, act(3, "correct", 4, corrects="act:2")], 5, 0),
        ([ISSUE, act(2, "correct", 4, corrects="act:1")], 2, 0),
    ],
)
def test_A124_A55_shares_issued_moved_and_corrected_by_hand_are_counted(
    acts: list[ShareAct], ann: int, eve: int
) -> None:
    lines = [bought(1, 2, ANN, 1)]
    sold = [purchase(1, 2, ANN)]
    assert (counted(ANN, sold, lines, acts), counted(EVE, sold, lines, acts)) == (ann, eve)


@pytest.mark.parametrize(
    "gone",
    [
        {"disputed": "lost", "disputed_at": AT},
        {"refunded_minor": 1, "refunded_at": AT},
    ],
)
def test_A124_what_was_withdrawn_and_goes_back_is_taken_once(gone: dict[str, Any]) -> None:
    lines = [bought(1, 1, ANN, 0), bought(2, 1, ANN, 1)]
    acts = [act(1, "withdraw", 2, first=1, last=1)]
    sold = [purchase(1, 1, ANN, **gone), purchase(2, 1, ANN)]
    # Before the money's way back is booked, and after it.
    assert counted(ANN, sold, lines, acts) == 1
    assert counted(ANN, sold, [*lines, paid_back(1, 1, ANN, 3)], acts) == 1


def test_A124_what_waits_for_approval_and_is_withdrawn_takes_nothing_else() -> None:
    lines = [bought(1, 1, ANN, 0), bought(2, 1, ANN, 1)]
    acts = [act(1, "withdraw", 2, first=1, last=1)]
    ((_, share_class, source),) = held_by_hand(booked(lines), acts, holder, LATER)
    change = SharesByHand(share_class, source, -1, "pi_1")
    facts = Facts(purchases=(purchase(1, 1, ANN), purchase(2, 1, ANN)))
    found = contributions(facts, (), RULES, {}, {"cs_1:li"}, [change])
    assert [str(one) for one in found.shares] == ["1 share"]


@given(st.data())
def test_A124_A55_the_statement_counts_what_the_register_has_whatever_is_done(
    data: st.DataObject,
) -> None:
    lines: list[Line] = []
    acts: list[ShareAct] = []
    sold: dict[int, tuple[str, int]] = {}
    back: set[int] = set()
    for n in range(data.draw(st.integers(1, 10))):
        live = [one for one in register(lines, acts).holdings if one.ended_at is None]
        kinds = ["buy", "issue", *(["transfer", "withdraw"] if live else [])]
        kind = data.draw(st.sampled_from(kinds + (["refund"] if sold.keys() - back else [])))
        user, count = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
        if kind == "buy":
            sold[n] = f"id:{user}", count
            lines.append(bought(n, count, f"id:{user}", n))
        elif kind == "refund":
            which = data.draw(st.sampled_from(sorted(sold.keys() - back)))
            back.add(which)
            lines.append(paid_back(which, sold[which][1], sold[which][0], n))
        elif kind == "issue":
            about: dict[str, Any] = {"count": count, "price_minor": 0, "currency": "eur"}
            acts.append(act(n, "issue", n, user_id=user, **about))
        else:
            run = data.draw(st.sampled_from(live))
            first = data.draw(st.integers(run.first, run.last))
            acts.append(act(n, kind, n, user_id=user, first=first, last=run.last))
    held = Counter[str]()
    for one in register(lines, acts).holdings:
        held[one.holder] += one.count if one.ended_at is None else 0
    bought_ = [
        purchase(
            n, count, who, **({"refunded_minor": 1, "refunded_at": AT + DAY} if n in back else {})
        )
        for n, (who, count) in sold.items()
    ]
    for who in ("id:1", "id:2", "id:3"):
        assert counted(who, bought_, lines, acts) == held[who]
