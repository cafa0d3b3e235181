"""Who pays for two subscriptions where one is enough, and who does not."""

from dataclasses import replace
from itertools import permutations

import pytest

from bridge.core.model.rights import Facts, Grant
from bridge.core.model.stripe import Subscription
from bridge.core.rights.double_payments import paid_twice, still_twice
from bridge.core.rights.grants import grants
from bridge.core.rules.mapping import Rules
from tests.unit.core.shop import (
    DAY,
    MEMBERS,
    NOW,
    PATRONS,
    POLICY,
    RENEWAL,
    START,
    SUPPORTERS,
    item,
    only,
    rules_of,
    subscription,
)

ONE = only(subscription())


def gives(source_id: str, *groups: int, rank: int | None = None, **more: object) -> list[Grant]:
    """A subscription's grants; with a rank they are steps of a ladder, but for the base group."""
    found = []
    for group_id in groups:
        step = {"ladder": "level", "rank": rank} if rank and group_id != MEMBERS else {}
        one = replace(ONE, source_id=source_id, group_id=group_id, renews_at=RENEWAL)
        found.append(replace(one, **{**step, **more}))  # type: ignore[arg-type] # fields of a grant
    return found


@pytest.mark.parametrize(
    ("first", "second", "twice"),
    [
        (gives("sub_1", PATRONS), gives("sub_2", PATRONS), [{PATRONS}]),
        (gives("sub_1", PATRONS), gives("sub_2", SUPPORTERS), []),
        (gives("sub_1", MEMBERS, PATRONS), gives("sub_2", MEMBERS, SUPPORTERS), []),
        (gives("sub_1", MEMBERS), gives("sub_2", MEMBERS, PATRONS), [{MEMBERS, PATRONS}]),
        (
            gives("sub_1", MEMBERS, SUPPORTERS, rank=1),
            gives("sub_2", MEMBERS, PATRONS, rank=2),
            [{MEMBERS, PATRONS}],
        ),
        (gives("sub_1", PATRONS), gives("sub_2", PATRONS, share="gift"), []),
        (gives("sub_1", PATRONS), gives("sub_2", PATRONS, renews_at=None), []),
        (gives("sub_1", PATRONS), gives("sub_2", PATRONS, source="purchase"), []),
    ],
)
def test_E41_two_subscriptions_of_which_one_is_enough_are_paid_twice(
    first: list[Grant], second: list[Grant], twice: list[set[int]]
) -> None:
    assert [set(groups) for groups in paid_twice([*first, *second])] == twice
    assert [set(groups) for groups in paid_twice([*second, *first])] == twice


def sold(id_: str, *products: str, **more: object) -> Subscription:
    """A subscription to these products; the later its id, the later it began."""
    made = subscription("active", *(item(one) for one in products), id_=id_)
    began = START + int(id_.removeprefix("sub_")) * DAY
    return replace(made, **{"created_at": began, "customer_id": f"cus_{id_}", **more})  # type: ignore[arg-type] # fields


def too_many(rules: Rules, *own: Subscription) -> dict[str, str]:
    """The needless subscription -> the one that stays, in any order of reading."""
    found = []
    for order in permutations(own):
        verdicts = grants(Facts(subscriptions=order), rules, POLICY, NOW)
        found.append({one.subscription_id: one.kept_id for one in still_twice(order, verdicts)})
    assert all(one == found[0] for one in found)
    return found[0]


LADDER = rules_of(
    {
        "prod_s": {"discourse_ladder": "level", "discourse_rank": "1"},
        "prod_p": {"discourse_ladder": "level", "discourse_rank": "2"},
        "prod_d": {"discourse_kind": "donation"},
    }
)
ENDS = {"cancel_at": RENEWAL, "cancel_at_period_end": True}


@pytest.mark.parametrize(
    ("own", "found"),
    [
        # The same product through two customers: the newer one is too many.
        ([sold("sub_1", "prod_p"), sold("sub_2", "prod_p")], {"sub_2": "sub_1"}),
        (
            [sold("sub_1", "prod_p"), sold("sub_2", "prod_p"), sold("sub_3", "prod_p")],
            {"sub_2": "sub_1", "sub_3": "sub_1"},
        ),
        # Also where it leads to no group.
        ([sold("sub_1", "prod_d"), sold("sub_2", "prod_d")], {"sub_2": "sub_1"}),
        # The lower step of a ladder gives nothing besides the higher one, whichever is older.
        ([sold("sub_1", "prod_s"), sold("sub_2", "prod_p")], {"sub_1": "sub_2"}),
        ([sold("sub_1", "prod_p"), sold("sub_2", "prod_s")], {"sub_2": "sub_1"}),
        # Several items: one that includes the other stays.
        ([sold("sub_1", "prod_m"), sold("sub_2", "prod_m", "prod_p")], {"sub_1": "sub_2"}),
        # Different things, and what ends, has ended or failed to begin.
        ([sold("sub_1", "prod_m"), sold("sub_2", "prod_p")], {}),
        ([sold("sub_1", "prod_d"), sold("sub_2", "prod_p")], {}),
        ([sold("sub_1", "prod_p"), sold("sub_2", "prod_p", **ENDS)], {}),
        ([sold("sub_1", "prod_p"), sold("sub_2", "prod_p", status="canceled")], {}),
        ([sold("sub_1", "prod_p"), sold("sub_2", "prod_p", status="incomplete")], {}),
        ([sold("sub_1", "prod_p", status="past_due"), sold("sub_2", "prod_p")], {"sub_2": "sub_1"}),
        ([sold("sub_1", "prod_p")], {}),
    ],
)
def test_E41_of_what_is_still_paid_twice_the_one_that_gives_nothing_besides_is_too_many(
    own: list[Subscription], found: dict[str, str]
) -> None:
    assert too_many(LADDER, *own) == found


def test_what_is_too_many_is_never_what_another_one_is_kept_for() -> None:
    own = [sold(f"sub_{n}", "prod_s" if n % 2 else "prod_p") for n in range(1, 6)]
    found = too_many(LADDER, *own)
    assert len(found) == 4
    assert not found.keys() & set(found.values())
