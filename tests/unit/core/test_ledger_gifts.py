"""Gifts in the ledger: who gave what to whom, without a sum that counts it twice."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.gifts import noted
from bridge.core.ledger.line import GIFTS, Line
from bridge.core.ledger.objects import (
    CreditNote,
    Gift,
    MoneyObject,
    Order,
    Receiver,
    Refund,
    SoldLine,
    Tax,
)
from bridge.core.ledger.share_register import BookedShare, share_register
from tests.unit.core.test_ledger import AT, DAY, GOLD, SHARE, balances, charge, invoice, made, move

BOB, EVE = 12, 15
TAXED = SoldLine("il_1", "Gold", 1000, 100, (Tax(171, "VAT 19 %", inclusive=False),), "gold")


def gift(*receivers: Receiver, of: str = "cs_1", giver: int | None = 9) -> Gift:
    has_it = receivers or (Receiver(BOB, AT),)
    payment = None if of.startswith("sub_") else "pi_1"
    return Gift(f"gift:{of}", of, "cus_1", payment, has_it, giver)


def order(*lines: SoldLine) -> tuple[MoneyObject, ...]:
    whole = sum(line.total_minor for line in lines)
    return Order("cs_1", "cus_1", "eur", "pi_1", lines), charge(whole)


def refund(amount: int, days: int, number: int = 1) -> tuple[MoneyObject, ...]:
    back = Refund(f"re_{number}", "ch_1", "eur", amount, AT + days * DAY)
    moved = move(f"txn_{number}", "refund", -amount, back.id)
    return back, replace(moved, at=back.at)


def gifts(*objects: MoneyObject) -> list[Line]:
    return [line for line in made(*objects).lines if line.kind in GIFTS]


def told(*objects: MoneyObject) -> list[tuple[str, int, int | None, str]]:
    """Entry, days since the sale, receiver and amount of what was received."""
    return [
        (line.entry_id, (line.at - AT).days, line.user_id, f"{-line.amount_minor:+d}")
        for line in gifts(*objects)
        if line.kind == "gift_received"
    ]


def test_E52_a_gift_is_a_pair_of_lines_on_the_account_of_its_sale_and_changes_no_sum() -> None:
    sale = order(TAXED)
    given, received = gifts(*sale, gift())
    assert (given.kind, given.account, given.amount_minor) == (
        *("gift_given", "income:membership"),
        1071,
    )
    assert (given.customer_id, given.user_id, given.what) == (
        *("cus_1", None),
        "Gift to id:12: Gold",
    )
    assert (received.kind, received.account, received.amount_minor) == (
        *("gift_received", "income:membership"),
        -1071,
    )
    assert (received.customer_id, received.user_id, received.what) == (
        *("cus_1", BOB),
        "Gift from id:9: Gold",
    )
    assert (received.payment_id, received.source_id, received.product_id) == (
        "pi_1",
        "ch_1",
        "gold",
    )
    assert balances(made(*sale, gift())) == balances(made(*sale))


def test_E52_who_gives_anonymously_is_not_named_to_the_receiver() -> None:
    given, received = gifts(*order(GOLD), gift(giver=None))
    assert given.customer_id == "cus_1"
    assert (received.customer_id, received.what) == (None, "Gift: Gold")


def test_E52_a_refund_and_its_failure_follow_to_the_receiver_line_by_line() -> None:
    two = order(GOLD, replace(SHARE, amount_minor=500))
    back, moved = refund(1000, 3)
    failed = replace(move("txn_2", "refund_failure", 1000, "re_1"), at=AT + 5 * DAY)
    assert told(*two, gift(), back, moved, failed) == [
        ("ch_1:sale:gift", 0, BOB, "+1000"),
        ("ch_1:sale:gift", 0, BOB, "+500"),
        ("txn_1:gift", 3, BOB, "-1000"),
        ("txn_2:gift", 5, BOB, "+1000"),
    ]
    lines = gifts(*two, gift(), back, moved)
    assert {line.corrects for line in lines if line.entry_id == "txn_1:gift"} == {"ch_1:sale:gift"}


def test_E52_a_gift_by_link_is_booked_when_it_is_accepted_with_what_was_refunded_before() -> None:
    taken = gift(Receiver(BOB, AT + 7 * DAY))
    assert told(*order(GOLD), taken, *refund(300, 2)) == [
        ("ch_1:sale:gift", 7, BOB, "+1000"),
        ("txn_1:gift", 7, BOB, "-300"),
    ]


PERIOD = replace(invoice(GOLD), subscription_id="sub_1")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("paid", [("in_1:gift", 2, BOB, "+1000")]),
        ("open", []),
        ("void", []),
        ("uncollectible", []),
    ],
)
def test_E52_each_period_of_a_given_subscription_is_a_gift_once_it_is_paid(
    status: str, expected: list[object]
) -> None:
    paid_at = AT + 2 * DAY if status == "paid" else None
    bill = replace(invoice(GOLD, status=status), subscription_id="sub_1", paid_at=paid_at)
    assert told(bill, gift(of="sub_1")) == expected


def test_E52_a_credit_note_and_its_voiding_follow() -> None:
    note = CreditNote("cn_1", "in_1", "cus_1", "eur", 400, AT + DAY, (), (), 0, AT + 2 * DAY)
    assert told(PERIOD, gift(of="sub_1"), note) == [
        ("in_1:gift", 0, BOB, "+1000"),
        ("cn_1:gift", 1, BOB, "-400"),
        ("cn_1:void:gift", 2, BOB, "+400"),
    ]


def test_E52_what_was_paid_once_passes_on_with_its_gift_and_a_paid_period_does_not() -> None:
    both = Receiver(BOB, AT), Receiver(EVE, AT + 4 * DAY)
    assert told(*order(GOLD), gift(*both), *refund(300, 2), *refund(700, 6, 2)) == [
        ("ch_1:sale:gift", 0, BOB, "+1000"),
        ("txn_1:gift", 2, BOB, "-300"),
        ("ch_1:sale:gift:1", 4, BOB, "-1000"),
        ("ch_1:sale:gift:1", 4, EVE, "+1000"),
        ("txn_1:gift:1", 4, BOB, "+300"),
        ("txn_1:gift:1", 4, EVE, "-300"),
        ("txn_2:gift", 6, EVE, "-700"),
    ]
    next_at = AT + 30 * DAY
    later = replace(PERIOD, id="in_2", finalized_at=next_at, paid_at=next_at, payments=())
    assert told(PERIOD, later, gift(*both, of="sub_1")) == [
        ("in_1:gift", 0, BOB, "+1000"),
        ("in_2:gift", 30, EVE, "+1000"),
    ]


def test_E52_what_becomes_a_gift_later_was_its_payers_until_then() -> None:
    later = Receiver(None, AT), Receiver(BOB, AT + 4 * DAY)
    assert told(PERIOD, gift(*later, of="sub_1")) == []
    assert told(*order(GOLD), gift(*later)) == [("ch_1:sale:gift:1", 4, BOB, "+1000")]
    again = *later, Receiver(None, AT + 5 * DAY)
    assert told(*order(GOLD), gift(*again))[1:] == [("ch_1:sale:gift:2", 5, BOB, "-1000")]


def test_E52_a_gift_of_nothing_has_no_lines() -> None:
    assert told(*order(replace(GOLD, discount_minor=1000)), gift()) == []


def test_A68_the_order_in_which_a_gift_is_heard_of_does_not_matter() -> None:
    objects = [*order(GOLD), gift(Receiver(BOB, AT + DAY)), *refund(400, 2)]
    assert len({made(*some).lines for some in permutations(objects)}) == 1


@given(
    st.lists(st.sampled_from([None, BOB, EVE]), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(1, 300), st.integers(0, 6), st.integers(0, 6)), max_size=3),
)
def test_A68_whatever_is_heard_later_of_a_gift_adds_entries_and_changes_none(
    users: list[int | None], refunds: list[tuple[int, int, int]]
) -> None:
    """Who has it is known from the day on which it was read, a refund some days later."""
    receivers = [Receiver(user, AT + n * DAY) for n, user in enumerate(users)]
    before: set[Line] = set()
    for day in range(14):
        known = [one for one in receivers if one.since_at <= AT + day * DAY]
        heard = [refund(a, d, n) for n, (a, d, wait) in enumerate(refunds) if d + wait <= day]
        objects = [one for both in heard for one in both]
        now = set(gifts(*order(GOLD), gift(*known), *objects))
        assert before <= now
        before = now
    left = dict.fromkeys(users, 0)
    for line in before:
        if line.kind == "gift_received":
            left[line.user_id] -= line.amount_minor
    rest = 1000 - sum(amount for amount, *_ in refunds)
    assert left == {user: rest if user and user == users[-1] else 0 for user in left}


def test_noted_adds_a_receiver_only_where_it_is_another() -> None:
    begun = gift()
    assert noted(None, begun, None, AT) is None
    assert noted(None, begun, BOB, AT) == begun
    assert noted(begun, begun, BOB, AT + DAY) is None
    passed = noted(begun, begun, EVE, AT + DAY)
    assert passed is not None
    assert passed.receivers == (Receiver(BOB, AT), Receiver(EVE, AT + DAY))


def test_A55_shares_that_are_given_keep_their_numbers_and_are_withdrawn_with_the_money() -> None:
    two = order(replace(SHARE, quantity=2))
    objects = (*two, gift(Receiver(BOB, AT + DAY)))

    def holders(*more: MoneyObject) -> list[tuple[int, int, str, str | None]]:
        lines = [BookedShare(line.at, line) for line in made(*objects, *more).lines]
        found = share_register(
            lines, (), lambda line: f"id:{line.user_id}" if line.user_id else "cus_1", AT + 99 * DAY
        )
        assert found.findings == ()
        return [(one.first, one.last, one.holder, one.ended_how) for one in found.holdings]

    given = [(1, 2, "cus_1", "transferred"), (1, 2, f"id:{BOB}", None)]
    assert holders() == given
    assert holders(*refund(5000, 3)) == [given[0], (1, 2, f"id:{BOB}", "withdrawn")]
