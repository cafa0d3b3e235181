"""Two policies over the same past."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bridge.core.memberships.whatif import Difference, Moment, differences
from bridge.core.model.discourse import Group
from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Product, Subscription, SubscriptionItem
from bridge.core.rules.law import Law
from bridge.core.rules.mapping import compile_rules
from bridge.core.rules.policy import Policy, parse_policy

DAY = timedelta(days=1)
START = datetime(2027, 3, 1, tzinfo=UTC)
LEVEL = {"discourse_ladder": "level"}
GROUPS = {1: Group(1, "supporters"), 2: Group(2, "patrons")}
SUB = Subscription(
    id="sub_1",
    customer_id="cus_1",
    status="active",
    items=(SubscriptionItem("si_1", "price_1", "prod_1", 1, START, START + 30 * DAY),),
    created_at=START,
    started_at=START,
)
LATE = replace(SUB, status="past_due", past_due_since_at=START + 2 * DAY)


def law(groups: str = "supporters", **defaults: str) -> Law:
    policy: Policy = parse_policy({"defaults": defaults})
    product = Product("prod_1", "Membership", metadata={"discourse_groups": groups})
    return Law(policy, compile_rules([product], [], policy, {}, GROUPS))


def compare(here: Law, there: Law, *past: tuple[int, Subscription]) -> list[Difference]:
    moments = [Moment(START + day * DAY, Facts((one,)), here, there) for day, one in past]
    return differences(moments, START + 40 * DAY)


def days(found: list[Difference]) -> list[tuple[int, int | None, bool, bool]]:
    return [
        (
            (one.from_at - START).days,
            (one.until_at - START).days if one.until_at else None,
            one.here.is_in,
            one.there.is_in,
        )
        for one in found
    ]


def test_the_same_law_makes_no_difference() -> None:
    assert compare(law(), law(), (0, SUB), (2, LATE)) == []


def test_the_clock_alone_makes_them_differ_and_agree_again() -> None:
    found = compare(law(grace="7d"), law(grace="20d"), (0, SUB), (2, LATE))
    assert days(found) == [(9, 22, False, True)]
    assert (found[0].here.reason, found[0].there.reason) == ("grace_over", "grace")


def test_a_difference_ends_when_something_is_learnt() -> None:
    found = compare(law(grace="7d"), law(grace="0"), (0, SUB), (2, LATE), (5, SUB))
    assert days(found) == [(2, 5, True, False)]


def test_another_group_is_one_out_and_one_in() -> None:
    found = compare(law(), law("patrons"), (0, SUB))
    assert [(one.group_id, one.there.is_in, one.there.reason) for one in found] == [
        (1, False, "not_mapped"),
        (2, True, "active"),
    ]
    assert days(found) == [(0, None, True, False), (0, None, False, True)]


def test_a_broken_rule_holds_what_was_there_when_it_broke() -> None:
    assert compare(law(), law("no-such-group"), (0, SUB)) == []


def test_A4_a_step_never_held_is_out_for_the_higher_one_and_not_for_being_active() -> None:
    def on_ladder(patrons: str) -> Law:
        products = [
            Product(
                id_, id_, metadata={"discourse_groups": group} | LEVEL | {"discourse_rank": rank}
            )
            for id_, group, rank in (("prod_1", "supporters", "1"), ("prod_2", "patrons", patrons))
        ]
        policy: Policy = parse_policy({})
        return Law(policy, compile_rules(products, [], policy, {}, GROUPS))

    item = SubscriptionItem("si_2", "price_2", "prod_2", 1, START, START + 30 * DAY)
    both = Facts((SUB, replace(SUB, id="sub_2", items=(item,))))
    # Both are active; the other law turns the ladder over.
    found = differences([Moment(START, both, on_ladder("2"), on_ladder("0"))], START + DAY)
    sides = {(side.is_in, side.reason) for one in found for side in (one.here, one.there)}
    assert sides == {(True, "active"), (False, "outranked")}


def test_of_nobody_nothing_differs() -> None:
    assert differences([], START) == []
