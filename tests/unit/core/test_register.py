"""Lines of an old register beside what Stripe says."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from bridge.core.memberships.register import Entry, Match, match
from bridge.core.model.rights import Grant
from bridge.core.model.stripe import Subscription

START = datetime(2027, 1, 1, tzinfo=UTC)
RENEWS = datetime(2027, 4, 1, 9, tzinfo=UTC)
ENDS = datetime(2027, 5, 1, 9, tzinfo=UTC)
LOW, HIGH = 1, 2
NAMES = {LOW: "supporters", HIGH: "patrons"}


def subscription(id_: str, customer: str = "cus_1", beneficiary: int | None = None) -> Subscription:
    return Subscription(id_, customer, "active", (), START, START, beneficiary_id=beneficiary)


def grant(id_: str, group_id: int = LOW, **more: Any) -> Grant:
    return Grant(
        **{
            "group_id": group_id,
            "source": "subscription",
            "source_id": id_,
            "rule_id": "r",
            "holds": True,
            "reason": "active",
            "from_at": START,
            "renews_at": RENEWS,
            **more,
        }
    )


A, B, GIFT = (
    subscription("sub_a"),
    subscription("sub_b", "cus_2"),
    subscription("sub_gift", beneficiary=9),
)
OVER: dict[str, Any] = {"holds": False, "reason": "canceled"}
SEVERAL = "sub_a, sub_b lead to it: name one in the column subscription"


@pytest.mark.parametrize(
    ("entry", "grants", "found", "which"),
    [
        (Entry(LOW), [grant("sub_a")], "one", "sub_a"),
        (Entry(LOW), [grant("sub_a"), grant("sub_a")], "one", "sub_a"),  # two items of one
        (Entry(LOW), [grant("sub_a"), grant("sub_b", **OVER)], "one", "sub_a"),
        (Entry(LOW), [grant("sub_a"), grant("sub_b", HIGH)], "one", "sub_a"),
        (Entry(LOW), [grant("sub_a"), grant("sub_b")], "several", None),
        (Entry(LOW, None, "cus_2"), [grant("sub_a"), grant("sub_b")], "one", "sub_b"),
        (Entry(LOW, None, "", "sub_b"), [grant("sub_a"), grant("sub_b")], "one", "sub_b"),
        (Entry(LOW, None, "", "sub_x"), [grant("sub_a")], "wrong", None),
        (Entry(LOW, None, "", "sub_a"), [grant("sub_a", HIGH)], "wrong", None),
        (Entry(LOW, None, "", "sub_a"), [grant("sub_a", **OVER)], "wrong", None),
        (Entry(LOW), [grant("sub_a", **OVER)], "none", None),
        (Entry(LOW), [grant("sub_gift")], "none", None),  # somebody else's
        (Entry(LOW, None, "cus_2"), [grant("sub_a")], "none", None),
        (Entry(LOW), [grant("hand_1", source="hand")], "none", None),
        (Entry(LOW), [], "none", None),
    ],
)
def test_A22_one_running_subscription_is_matched_and_none_of_several_is_guessed(
    entry: Entry, grants: list[Grant], found: str, which: str | None
) -> None:
    told = match(entry, [A, B, GIFT], grants, NAMES)
    assert told.found == found
    assert (told.subscription.id if told.subscription else None) == which
    assert "sub_a, sub_b" in told.says or found != "several"


@pytest.mark.parametrize(
    ("until", "said", "says"),
    [
        (date(2027, 4, 1), grant("sub_a"), ""),  # paid until then, to be renewed
        (None, grant("sub_a"), ""),
        (date(2027, 5, 1), grant("sub_a", until_at=ENDS), ""),
        (
            date(2027, 3, 9),
            grant("sub_a"),
            "the row says until 2027-03-09, Stripe says it renews on 2027-04-01",
        ),
        (
            None,
            grant("sub_a", until_at=ENDS),
            "the row says for good, Stripe says until 2027-05-01",
        ),
        (
            date(2027, 4, 1),
            grant("sub_a", until_at=ENDS),
            "the row says until 2027-04-01, Stripe says until 2027-05-01",
        ),
        (
            date(2027, 4, 1),
            grant("sub_a", renews_at=None),
            "the row says until 2027-04-01, Stripe says for good",
        ),
    ],
)
def test_A23_where_a_line_and_stripe_differ_the_difference_is_said(
    until: date | None, said: Grant, says: str
) -> None:
    assert match(Entry(LOW, until), [A], [said], NAMES) == Match("one", says, A)


def test_A23_another_group_at_stripe_is_said_too() -> None:
    told = match(Entry(HIGH), [A], [grant("sub_a")], NAMES)
    assert told == Match("none", "the row says patrons, Stripe says sub_a leads to supporters")
