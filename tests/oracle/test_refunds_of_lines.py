"""Orders of several lines whose clerk knows what they refund; the bridge hears only of amounts.

The naive oracle is the clerk's own list: nobody may lose the group of a line that was not refunded
(I3), and whoever was refunded a line does not simply keep its group unseen (A107).
"""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.model.rights import Facts
from bridge.core.model.stripe import Purchase, SoldPrice
from bridge.core.rights.grants import grants
from bridge.core.rules.policy import Policy
from bridge.stripe_api.order_lines import Fate, Order, OrderLine, Refund, fates
from tests.unit.core.shop import MEMBERS, NOW, PATRONS, START, SUPPORTERS, rules_of

GROUPS = {"s": SUPPORTERS, "p": PATRONS, "m": MEMBERS}
OTHER = "shirt"  # sold beside them, and leads to nothing
HOUR = timedelta(hours=1)


def order(prices: dict[str, int], notes: dict[str, dict[str, int]]) -> Order:
    lines = tuple(
        OrderLine(name, SoldPrice(f"price_{name}", f"prod_{name}"), price, "eur")
        for name, price in prices.items()
    )
    return Order(lines, {name: name for name in prices}, notes)


def bought(name: str, price: int, fate: Fate) -> Purchase:
    back = fate.refund
    return Purchase(
        f"cs_1:{name}", "cus_1", f"price_{name}", f"prod_{name}", 1, START, price, "eur", "pi_1",
        payment_minor=back.paid_minor,
        refunded_minor=back.refunded_minor,
        refunded_at=back.at,
        refund_doubt=fate.doubt,
    )  # fmt: skip


@st.composite
def stories(draw: st.DrawFn) -> tuple[dict[str, int], list[tuple[list[str], bool]]]:
    """Prices, of which some are equal or add up to others, and which lines go back together."""
    names = [*GROUPS, OTHER]
    price = st.sampled_from([500, 1000, 1500, 2000])
    prices = {name: draw(price) for name in names}
    going = draw(st.permutations(names))[: draw(st.integers(0, len(names)))]
    story: list[tuple[list[str], bool]] = []
    while going:
        size = draw(st.integers(1, len(going)))
        story.append((list(going[:size]), draw(st.booleans())))
        going = going[size:]
    return prices, story


@settings(max_examples=1500, deadline=None)
@given(stories())
def test_A107_nobody_loses_the_group_of_a_line_that_was_not_refunded(
    told: tuple[dict[str, int], list[tuple[list[str], bool]]],
) -> None:
    prices, story = told
    refunds, notes = [], {}
    for number, (names, is_noted) in enumerate(story):
        amount = sum(prices[name] for name in names)
        refunds.append(Refund(f"re_{number}", amount, START + number * HOUR))
        if is_noted:
            notes[f"re_{number}"] = {name: prices[name] for name in names}
    found = fates(order(prices, notes), "eur", sum(prices.values()), refunds)
    purchases = tuple(bought(name, prices[name], found[name]) for name in GROUPS)
    said = grants(Facts(purchases=purchases), rules_of(), Policy(), NOW)
    verdicts = {grant.group_id: grant for grant in said}
    gone = {name for names, _ in story for name in names}
    for name, group_id in GROUPS.items():
        grant = verdicts[group_id]
        if name in gone:
            assert grant.reason in ("refunded", "refund_unclear"), (told, name)
        else:
            assert grant.reason in ("bought", "refund_unclear"), (told, name)
    if all(is_noted for _, is_noted in story) or len(gone) == len(prices):
        assert "refund_unclear" not in {grant.reason for grant in said}, told
